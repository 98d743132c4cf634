//! The request's id: taken from the caller when it is sane, made otherwise, and readable anywhere below
//! the [`crate::request_log`] layer through a task-local, so that envelopes need no argument for it.

use axum::http::HeaderMap;
use brokle_model::id::TraceId;
use http::{HeaderName, HeaderValue};

/// The header that carries the id, both ways.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const LENGTH_MAX: usize = 64;

tokio::task_local! {
    static CURRENT: RequestId;
}

/// An id of 1 to 64 letters, digits, `.`, `_` and `-`; safe in a header, a log line and a JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// Takes the caller's id when it is sane, else makes one (32 hex digits, like a trace id).
    pub fn accept_or_generate(headers: &HeaderMap) -> Self {
        headers
            .get(X_REQUEST_ID)
            .and_then(|value| value.to_str().ok())
            .and_then(Self::parse)
            .unwrap_or_else(|| Self(TraceId::generate().to_string()))
    }

    /// The id of the request that this task is serving; a new one outside of any request.
    pub fn current() -> Self {
        CURRENT
            .try_with(Clone::clone)
            .unwrap_or_else(|_| Self(TraceId::generate().to_string()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn header_value(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }

    pub(crate) async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    fn parse(text: &str) -> Option<Self> {
        let sane = (1..=LENGTH_MAX).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
        sane.then(|| Self(text.to_owned()))
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sane_id_is_kept_and_any_other_is_replaced() {
        let accepted = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(X_REQUEST_ID, HeaderValue::from_static(value));
            RequestId::accept_or_generate(&headers).0
        };
        assert_eq!(accepted("req_1.a-B"), "req_1.a-B");
        for insane in ["", "two words", "a\"b", &"x".repeat(65)] {
            let value: &'static str = Box::leak(insane.to_owned().into_boxed_str());
            let made = accepted(value);
            assert_eq!(made.len(), 32, "{insane:?} became {made}");
        }
    }
}

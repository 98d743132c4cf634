//! One way out for every failure of the dashboard and SDK routes. Operations return their own enums; the
//! `?` of a handler turns any of them into an [`ApiError`] through `Classify`, and only here does a kind
//! become a status. What must not be told is logged instead, once, under the same request id.

use std::error::Error;
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use brokle_model::error::{Classify, ErrorKind};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::envelope::{ErrorBody, ErrorEnvelope};
use crate::request_id::RequestId;

/// What a handler returns.
pub type ApiResult<T> = Result<T, ApiError>;

/// A failure on its way to the caller.
#[derive(Debug)]
pub struct ApiError(Box<Failure>);

#[derive(Debug)]
struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
    details: Option<Value>,
    retry_after: Option<Duration>,
    cause: Option<String>,
}

/// The one table from kind to status.
pub const fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Invalid => StatusCode::BAD_REQUEST,
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Upstream => StatusCode::BAD_GATEWAY,
        ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl ApiError {
    /// A failure of the kit's own: `code` is stable, `message` is for people.
    pub fn new(kind: ErrorKind, code: &'static str, message: impl Into<String>) -> Self {
        Self::with_status(status_of(kind), code, message)
    }

    /// A refusal that names the part of the request at fault in `details.field`.
    pub fn invalid_field(field: &str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, "invalid_request", message).details(json!({ "field": field }))
    }

    /// Adds `details`.
    #[must_use]
    pub fn details(mut self, details: Value) -> Self {
        self.0.details = Some(details);
        self
    }

    /// The status that the caller will see.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The code that the caller will see.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    pub(crate) fn with_status(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Failure {
            status,
            code,
            message: message.into(),
            details: None,
            retry_after: None,
            cause: None,
        }))
    }

    fn log(&self) {
        let Failure {
            status,
            code,
            message,
            cause,
            ..
        } = self.0.as_ref();
        if status.is_server_error() {
            let cause = cause.as_deref().unwrap_or(message);
            tracing::error!(status = status.as_u16(), code, cause, "request failed: {code}");
        }
    }
}

impl<E: Classify> From<E> for ApiError {
    fn from(error: E) -> Self {
        let mut api = Self::new(error.kind(), error.code(), error.public_message());
        api.0.details = error.field().map(|field| json!({ "field": field }));
        api.0.retry_after = error.retry_after();
        api.0.cause = api.0.status.is_server_error().then(|| chain(&error));
        api
    }
}

/// The error's text followed by those of its sources.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log();
        let Failure {
            status,
            code,
            message,
            details,
            retry_after,
            ..
        } = *self.0;
        let request_id = RequestId::current().to_string();
        let error = ErrorBody {
            code: code.to_owned(),
            message,
            details,
            request_id,
        };
        let mut response = (
            status,
            Json(ErrorEnvelope {
                success: false,
                error,
            }),
        )
            .into_response();
        let headers = response.headers_mut();
        if let Some(wait) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Rounds up, and never to zero: a client that waits this long finds the door open.
fn whole_seconds(wait: Duration) -> u64 {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    seconds.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_rounded_up() {
        assert_eq!(whole_seconds(Duration::ZERO), 1);
        assert_eq!(whole_seconds(Duration::from_millis(1001)), 2);
        assert_eq!(whole_seconds(Duration::from_secs(7)), 7);
    }

    #[test]
    fn a_failure_of_ours_hides_its_text_and_keeps_its_cause_for_the_log() {
        #[derive(Debug, thiserror::Error)]
        #[error("table `users` is gone")]
        struct Gone(#[source] std::io::Error);
        impl Classify for Gone {
            fn kind(&self) -> ErrorKind {
                ErrorKind::Internal
            }
            fn code(&self) -> &'static str {
                "internal"
            }
        }
        let api = ApiError::from(Gone(std::io::Error::other("disk")));
        assert_eq!(api.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!api.0.message.contains("users"));
        assert_eq!(api.0.cause.as_deref(), Some("table `users` is gone: disk"));
    }
}

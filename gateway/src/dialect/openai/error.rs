//! Error bodies: reading a provider's, whatever it looks like, and writing ours.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::route::retry::FailureClass;

/// Longest piece of a foreign error text that is passed on.
const MESSAGE_CHARS_MAX: usize = 1000;

/// What a provider said went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProviderError {
    pub(crate) message: String,
    pub(crate) code: String,
    pub(crate) class: FailureClass,
    /// The status to answer with when the provider gave none of its own.
    pub(crate) status: u16,
}

#[derive(Deserialize)]
struct ErrorBody<'a> {
    #[serde(borrow)]
    error: Option<&'a serde_json::value::RawValue>,
}

/// Whether a body is already in `OpenAI`'s form, so that it can be passed on as it came.
pub(crate) fn is_error_body(body: &[u8]) -> bool {
    let parsed = serde_json::from_slice::<ErrorBody<'_>>(body);
    parsed.is_ok_and(|body| body.error.is_some_and(|error| error.get().starts_with('{')))
}

/// Reads the error of a body that came with an error status.
pub(crate) fn from_body(status: u16, body: &[u8]) -> ProviderError {
    let value: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let value = match value {
        // Google wraps errors of streams in a list.
        Value::Array(mut list) if list.len() == 1 => list.remove(0),
        other => other,
    };
    let mut error = match value.get("error") {
        Some(inner) => from_value(inner),
        None if value.get("message").is_some() => from_value(&value),
        None => from_value(&Value::String(String::from_utf8_lossy(body).into_owned())),
    };
    error.class = FailureClass::of(status, &error.code);
    error.status = status;
    error
}

/// Reads the `error` of a body or chunk that came with status 200.
pub(crate) fn from_value(error: &Value) -> ProviderError {
    let message = match error {
        Value::String(text) => Cow::Borrowed(text.as_str()),
        Value::Object(fields) => match fields.get("message") {
            Some(Value::String(text)) => Cow::Borrowed(text.as_str()),
            _ => Cow::Owned(error.to_string()),
        },
        other => Cow::Owned(other.to_string()),
    };
    let word = |field: &str| match error.get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    // Google says `status` in capitals where others say `type`, and gives the HTTP status as `code`.
    let (kind, code) = (word("type"), word("code"));
    let kind = if kind.is_empty() {
        word("status").to_ascii_lowercase()
    } else {
        kind
    };
    let (class, status) = classify(&kind, &code);
    let is_number = code.bytes().all(|byte| byte.is_ascii_digit());
    let code = if is_number && !kind.is_empty() { kind } else { code };
    ProviderError {
        message: message.trim().chars().take(MESSAGE_CHARS_MAX).collect(),
        code,
        class,
        status,
    }
}

/// Without a status, the words must tell.
fn classify(kind: &str, code: &str) -> (FailureClass, u16) {
    if let Some(status) = code
        .parse::<u16>()
        .ok()
        .filter(|status| (400..600).contains(status))
    {
        return (FailureClass::of(status, ""), status);
    }
    let has = |words: &[&str]| {
        words
            .iter()
            .any(|word| kind.contains(word) || code.contains(word))
    };
    if has(&[
        "insufficient_quota",
        "invalid_api_key",
        "authentication",
        "permission",
        "billing",
    ]) {
        (FailureClass::Credential, 401)
    } else if has(&["rate_limit", "too_many_requests", "tokens_per_min"]) {
        (FailureClass::Rate, 429)
    } else if has(&["model_not_found"]) {
        (FailureClass::Model, 404)
    } else if has(&["timeout"]) {
        (FailureClass::Timeout, 504)
    } else if has(&[
        "invalid_request",
        "context_length",
        "content_filter",
        "content_policy",
        "invalid_prompt",
    ]) {
        (FailureClass::Request, 400)
    } else {
        (FailureClass::Server, 502)
    }
}

/// An error in `OpenAI`'s form.
pub(crate) fn body(message: &str, kind: &str, param: Option<&str>, code: Option<&str>) -> Value {
    json!({ "error": { "message": message, "type": kind, "param": param, "code": code } })
}

/// The same, as the frame that tells the reader of a stream.
pub(crate) fn frame(message: &str, kind: &str, code: &str) -> Vec<u8> {
    let mut frame = b"data: ".to_vec();
    frame.extend_from_slice(body(message, kind, None, Some(code)).to_string().as_bytes());
    frame.extend_from_slice(b"\n\n");
    frame
}

/// `OpenAI`'s error type for a status.
pub(crate) const fn kind_of(status: u16) -> &'static str {
    match status {
        403 => "permission_error",
        429 => "rate_limit_error",
        500..=599 => "server_error",
        _ => "invalid_request_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_many_shapes_are_understood() {
        let cases: [(u16, &str, &str, FailureClass); 5] = [
            (
                429,
                r#"{"error":{"message":"slow down","type":"requests","code":"rate_limit_exceeded"}}"#,
                "slow down",
                FailureClass::Rate,
            ),
            (
                429,
                r#"{"error":{"message":"pay","code":"insufficient_quota"}}"#,
                "pay",
                FailureClass::Credential,
            ),
            (500, r#"{"error":"boom"}"#, "boom", FailureClass::Server),
            (
                422,
                r#"{"message":"bad field","type":"x"}"#,
                "bad field",
                FailureClass::Request,
            ),
            (
                502,
                "<html>bad gateway</html>",
                "<html>bad gateway</html>",
                FailureClass::Server,
            ),
        ];
        for (status, body, message, class) in cases {
            let error = from_body(status, body.as_bytes());
            assert_eq!(
                (error.message.as_str(), error.class, error.status),
                (message, class, status)
            );
        }
    }

    #[test]
    fn an_error_inside_a_200_is_classified_by_its_words() {
        let class = |json: &str| from_value(&serde_json::from_str(json).unwrap()).class;
        assert_eq!(
            class(r#"{"code":503,"message":"overloaded"}"#),
            FailureClass::Server
        );
        assert_eq!(class(r#"{"type":"overloaded_error"}"#), FailureClass::Server);
        assert_eq!(class(r#"{"code":"rate_limit_exceeded"}"#), FailureClass::Rate);
        assert_eq!(
            class(r#"{"code":"context_length_exceeded"}"#),
            FailureClass::Request
        );
        assert_eq!(
            class(r#"{"type":"authentication_error"}"#),
            FailureClass::Credential
        );
    }

    #[test]
    fn only_the_openai_form_counts_as_an_error_body() {
        assert!(is_error_body(br#"{"error":{"message":"x"}}"#));
        assert!(!is_error_body(br#"{"error":"x"}"#));
        assert!(!is_error_body(b"nope"));
    }
}

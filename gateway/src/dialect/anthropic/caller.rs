//! Anthropic's Messages API as a caller speaks it, for calls that go to a provider of another format: requests
//! out of it, answers and streams into it. What a provider of the same format is sent passes byte for byte.

pub(crate) mod answer;
pub(crate) mod request;
pub(crate) mod stream;

use serde_json::{Value, json};

use crate::dialect::media;

/// Why an answer ended, in Anthropic's words.
fn stop_reason(finish_reason: &str) -> &'static str {
    match finish_reason {
        "length" => "max_tokens",
        "tool_calls" | "function_call" => "tool_use",
        "content_filter" => "refusal",
        _ => "end_turn",
    }
}

/// Arguments of a call as the object that the format wants.
fn input_of(arguments: &str) -> Value {
    media::arguments_object(arguments).unwrap_or_else(|| json!({ "arguments": arguments }))
}

/// `OpenAI`'s usage in Anthropic's terms, where cached tokens are no part of the input.
fn usage(usage: &Value) -> Value {
    let count = |value: &Value| value.as_u64().unwrap_or_default();
    let details = &usage["prompt_tokens_details"];
    let read = count(&details["cached_tokens"]).max(count(&usage["prompt_cache_hit_tokens"]));
    let written = count(&details["cache_write_tokens"]);
    json!({
        "input_tokens": count(&usage["prompt_tokens"]).saturating_sub(read + written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": count(&usage["completion_tokens"]),
    })
}

/// Anthropic's error type for a status.
pub(crate) const fn error_kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        504 => "timeout_error",
        500..=599 => "api_error",
        _ => "invalid_request_error",
    }
}

/// An error in Anthropic's form.
pub(crate) fn error_body(kind: &str, message: &str, request_id: Option<&str>) -> Value {
    let mut body = json!({ "type": "error", "error": { "type": kind, "message": message } });
    if let Some(request_id) = request_id {
        body["request_id"] = json!(request_id);
    }
    body
}

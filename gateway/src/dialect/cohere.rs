//! Cohere's v2 chat as a provider speaks it: requests into it, answers and streams out of it.
//! Facts: docs.cohere.com, "Chat (v2)" and "Streaming".

use serde_json::Value;

use super::chunk_writer::Counts;

pub(crate) mod answer;
pub(crate) mod request;
pub(crate) mod stream;

/// Why an answer ended, in `OpenAI`'s words.
fn finish_reason(reason: &str) -> &'static str {
    match reason {
        "MAX_TOKENS" => "length",
        "TOOL_CALL" => "tool_calls",
        "ERROR_TOXIC" => "content_filter",
        _ => "stop",
    }
}

/// What went over the wire; billed units are for the invoice.
fn counts(usage: &Value) -> Counts {
    let tokens = if usage["tokens"].is_object() {
        &usage["tokens"]
    } else {
        &usage["billed_units"]
    };
    // They are written as floats.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "token counts are small; a negative one becomes 0"
    )]
    let count = |value: &Value| value.as_f64().unwrap_or_default() as u64;
    Counts {
        input: count(&tokens["input_tokens"]),
        output: count(&tokens["output_tokens"]),
        cache_read: count(&usage["cached_tokens"]),
        ..Counts::default()
    }
}

//! Amazon Bedrock's Converse as a provider speaks it: requests into it, answers and streams out of it.
//! Facts: docs.aws.amazon.com, "Converse" and `ConverseStream`, and botocore's model of the service.

use serde_json::Value;

use super::chunk_writer::Counts;

pub(crate) mod answer;
mod content;
mod reasoning;
pub(crate) mod request;
pub(crate) mod stream;

/// The method at the end of a call's path.
pub(crate) const fn method(stream: bool) -> &'static str {
    if stream { "converse-stream" } else { "converse" }
}

/// Why an answer ended, in `OpenAI`'s words; nothing when the model produced no answer at all.
fn finish_reason(reason: &str) -> Option<&'static str> {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => Some("length"),
        "tool_use" => Some("tool_calls"),
        "content_filtered" | "guardrail_intervened" => Some("content_filter"),
        "malformed_model_output" | "malformed_tool_use" => None,
        _ => Some("stop"),
    }
}

/// Token counts: Bedrock's input leaves cached tokens out, ours includes them.
fn counts(usage: &Value) -> Counts {
    let count = |value: &Value| value.as_u64().unwrap_or_default();
    let (read, written) = (
        count(&usage["cacheReadInputTokens"]),
        count(&usage["cacheWriteInputTokens"]),
    );
    let details = usage["cacheDetails"].as_array().into_iter().flatten();
    let hour = details
        .filter(|detail| detail["ttl"] == "1h")
        .map(|detail| count(&detail["inputTokens"]));
    Counts {
        input: count(&usage["inputTokens"]) + read + written,
        output: count(&usage["outputTokens"]),
        cache_read: read,
        cache_write: written,
        cache_write_1h: hour.sum(),
        reasoning: 0,
    }
}

/// An id for an answer: Bedrock gives it none in its body.
fn new_id() -> String {
    format!("bedrock-{:016x}", rand::random::<u64>())
}

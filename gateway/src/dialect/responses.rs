//! `OpenAI`'s Responses API: as a provider speaks it (requests into it, answers and streams out of it), and as
//! callers do ([`caller`]). Deliberately absent: what lives at the provider (stored responses, conversations,
//! background work and built-in tools) for providers of another format.

pub(crate) mod answer;
pub(crate) mod caller;
pub(crate) mod request;
pub(crate) mod stream;

use serde_json::Value;

use super::chunk_writer::Counts;

/// Token counts of a response.
pub(super) fn counts(usage: &Value) -> Counts {
    let count = |value: &Value| value.as_u64().unwrap_or_default();
    Counts {
        input: count(&usage["input_tokens"]),
        output: count(&usage["output_tokens"]),
        cache_read: count(&usage["input_tokens_details"]["cached_tokens"]),
        cache_write: count(&usage["input_tokens_details"]["cache_write_tokens"]),
        reasoning: count(&usage["output_tokens_details"]["reasoning_tokens"]),
        ..Counts::default()
    }
}

/// Why a response ended, in the words of chat completions.
fn finish_reason(response: &Value, has_calls: bool) -> &'static str {
    match response["incomplete_details"]["reason"].as_str() {
        Some("content_filter") => "content_filter",
        Some(_) => "length",
        None if has_calls => "tool_calls",
        None => "stop",
    }
}

/// A reasoning item as it is given back: what was summarised, and what only the provider can read.
fn reasoning_details(item: &Value, index: usize) -> Vec<Value> {
    let mut details = Vec::new();
    for part in item["summary"].as_array().into_iter().flatten() {
        details.push(serde_json::json!({
            "type": "reasoning.summary", "summary": part["text"], "id": item["id"], "index": index,
        }));
    }
    if let Some(data) = item["encrypted_content"].as_str() {
        details.push(serde_json::json!({
            "type": "reasoning.encrypted", "data": data, "id": item["id"], "index": index,
            "format": "openai-responses-v1",
        }));
    }
    details
}

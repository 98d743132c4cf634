//! A whole answer of Anthropic's, in `OpenAI`'s format.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::dialect::BadAnswer;
use crate::dialect::chunk_writer::{ChunkWriter, Counts};

/// Translates an answer with status 200. `created` is in seconds since 1970.
pub(crate) fn translate(body: &[u8], model: &str, created: i64) -> Result<Bytes, BadAnswer> {
    let answer: Value = serde_json::from_slice(body).map_err(|_| BadAnswer("it is not JSON"))?;
    let blocks = answer["content"]
        .as_array()
        .ok_or(BadAnswer("it has no `content`"))?;
    let mut writer = ChunkWriter::new(model, created);
    writer.identify(answer["id"].as_str(), answer["model"].as_str());
    let mut counts = Counts::default();
    read_usage(&answer["usage"], &mut counts);
    let reason = answer["stop_reason"].as_str().unwrap_or("end_turn");
    Ok(writer.whole(&message(blocks), finish_reason(reason), counts))
}

fn message(blocks: &[Value]) -> Map<String, Value> {
    let mut text = String::new();
    let mut thought = String::new();
    let mut details = Vec::new();
    let mut calls = Vec::new();
    for block in blocks {
        match block["type"].as_str() {
            Some("text") => text.push_str(block["text"].as_str().unwrap_or_default()),
            Some("thinking") => {
                thought.push_str(block["thinking"].as_str().unwrap_or_default());
                details.push(json!({
                    "type": "reasoning.text", "text": block["thinking"], "signature": block["signature"],
                    "index": details.len(),
                }));
            }
            Some("redacted_thinking") => details.push(json!({
                "type": "reasoning.encrypted", "data": block["data"], "index": details.len(),
            })),
            Some("tool_use") => calls.push(json!({
                "id": block["id"], "type": "function",
                "function": { "name": block["name"], "arguments": block["input"].to_string() },
            })),
            _ => {}
        }
    }
    let mut message = Map::new();
    message.insert("role".to_owned(), json!("assistant"));
    let content = if text.is_empty() && !calls.is_empty() {
        Value::Null
    } else {
        json!(text)
    };
    message.insert("content".to_owned(), content);
    message.insert("refusal".to_owned(), Value::Null);
    if !thought.is_empty() {
        message.insert("reasoning_content".to_owned(), json!(thought));
    }
    if !details.is_empty() {
        message.insert("reasoning_details".to_owned(), Value::Array(details));
    }
    if !calls.is_empty() {
        message.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    message
}

/// Why an answer ended, in `OpenAI`'s words.
pub(super) fn finish_reason(reason: &str) -> &'static str {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => "length",
        "tool_use" => "tool_calls",
        "refusal" => "content_filter",
        _ => "stop",
    }
}

/// Reads `usage`, as far as it is there: a stream gives it in two halves. Anthropic's input leaves cached
/// tokens out; ours includes them.
pub(super) fn read_usage(usage: &Value, counts: &mut Counts) {
    let count = |name: &str| usage[name].as_u64();
    if let Some(read) = count("cache_read_input_tokens") {
        counts.input = counts.input.saturating_sub(counts.cache_read) + read;
        counts.cache_read = read;
    }
    if let Some(written) = count("cache_creation_input_tokens") {
        counts.input = counts.input.saturating_sub(counts.cache_write) + written;
        counts.cache_write = written;
    }
    if let Some(hour) = usage["cache_creation"]["ephemeral_1h_input_tokens"].as_u64() {
        counts.cache_write_1h = hour;
    }
    if let Some(input) = count("input_tokens") {
        counts.input = input + counts.cache_read + counts.cache_write;
    }
    if let Some(output) = count("output_tokens") {
        counts.output = output;
    }
    if let Some(thinking) = usage["output_tokens_details"]["thinking_tokens"].as_u64() {
        counts.reasoning = thinking;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_with_thought_text_and_calls_is_translated_whole() {
        let body = json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-6",
            "content": [
                { "type": "thinking", "thinking": "hm", "signature": "sig" },
                { "type": "redacted_thinking", "data": "xyz" },
                { "type": "text", "text": "Let me look." },
                { "type": "tool_use", "id": "tu_1", "name": "weather", "input": { "city": "Bern" } },
                { "type": "tool_use", "id": "tu_2", "name": "time", "input": {} },
            ],
            "stop_reason": "tool_use",
            "usage": { "input_tokens": 10, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 30,
                "cache_creation": { "ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20 },
                "output_tokens": 7 },
        });
        let answer: Value =
            serde_json::from_slice(&translate(body.to_string().as_bytes(), "m", 5).unwrap()).unwrap();
        assert_eq!(
            answer,
            json!({
                "id": "msg_1", "object": "chat.completion", "created": 5, "model": "claude-opus-4-6",
                "choices": [{ "index": 0, "logprobs": null, "finish_reason": "tool_calls", "message": {
                    "role": "assistant", "content": "Let me look.", "refusal": null,
                    "reasoning_content": "hm",
                    "reasoning_details": [
                        { "type": "reasoning.text", "text": "hm", "signature": "sig", "index": 0 },
                        { "type": "reasoning.encrypted", "data": "xyz", "index": 1 },
                    ],
                    "tool_calls": [
                        { "id": "tu_1", "type": "function",
                          "function": { "name": "weather", "arguments": "{\"city\":\"Bern\"}" } },
                        { "id": "tu_2", "type": "function",
                          "function": { "name": "time", "arguments": "{}" } },
                    ],
                } }],
                "usage": { "prompt_tokens": 140, "completion_tokens": 7, "total_tokens": 147,
                    "prompt_tokens_details": { "cached_tokens": 100, "cache_write_tokens": 30,
                        "cache_write_1h_tokens": 20 },
                    "completion_tokens_details": { "reasoning_tokens": 0 } },
            })
        );
    }

    #[test]
    fn what_is_no_answer_is_said_to_be_none() {
        assert_eq!(translate(b"<html>", "m", 0), Err(BadAnswer("it is not JSON")));
        assert_eq!(translate(b"{}", "m", 0), Err(BadAnswer("it has no `content`")));
    }
}

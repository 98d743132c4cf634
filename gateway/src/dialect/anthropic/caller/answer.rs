//! A whole answer in Anthropic's format.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{input_of, stop_reason, usage};
use crate::dialect::BadAnswer;

/// Translates an answer in `OpenAI`'s format.
pub(crate) fn translate(body: &[u8]) -> Result<Bytes, BadAnswer> {
    let answer: Value = serde_json::from_slice(body).map_err(|_| BadAnswer("it is not JSON"))?;
    let choice = answer["choices"].get(0).ok_or(BadAnswer("it has no choices"))?;
    let reason = choice["finish_reason"].as_str().unwrap_or("stop");
    let out = json!({
        "id": answer["id"], "type": "message", "role": "assistant", "model": answer["model"],
        "content": content(&choice["message"]),
        "stop_reason": stop_reason(reason), "stop_sequence": null,
        "usage": usage(&answer["usage"]),
    });
    Ok(Bytes::from(out.to_string()))
}

fn content(message: &Value) -> Vec<Value> {
    let mut content = thoughts(message);
    for field in ["content", "refusal"] {
        for text in texts(&message[field]) {
            content.push(json!({ "type": "text", "text": text }));
        }
    }
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        let function = &call["function"];
        let input = input_of(function["arguments"].as_str().unwrap_or_default());
        content
            .push(json!({ "type": "tool_use", "id": call["id"], "name": function["name"], "input": input }));
    }
    content
}

/// The text of a field that is text, or a list of parts.
fn texts(value: &Value) -> Vec<&str> {
    let parts = value.as_array().into_iter().flatten();
    let parts = parts.filter_map(|part| part["text"].as_str());
    value
        .as_str()
        .into_iter()
        .chain(parts)
        .filter(|text| !text.is_empty())
        .collect()
}

/// Thinking, with its signature where there is one.
fn thoughts(message: &Value) -> Vec<Value> {
    let details = message["reasoning_details"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let blocks: Vec<Value> = details
        .iter()
        .filter_map(|detail| match detail["type"].as_str() {
            Some("reasoning.text") => Some(json!({ "type": "thinking",
                "thinking": detail["text"].as_str().unwrap_or_default(),
                "signature": detail["signature"].as_str().unwrap_or_default() })),
            Some("reasoning.encrypted") => {
                Some(json!({ "type": "redacted_thinking", "data": detail["data"].as_str()? }))
            }
            _ => None,
        })
        .collect();
    if !blocks.is_empty() {
        return blocks;
    }
    let thought = message["reasoning_content"]
        .as_str()
        .or(message["reasoning"].as_str());
    let thought = thought.filter(|thought| !thought.is_empty());
    thought
        .map(|thought| json!({ "type": "thinking", "thinking": thought, "signature": "" }))
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_keeps_thought_text_calls_and_usage() {
        let body = json!({
            "id": "chatcmpl-1", "model": "gpt-x", "object": "chat.completion",
            "choices": [{ "index": 0, "finish_reason": "tool_calls", "message": {
                "role": "assistant", "content": "Let me look.", "reasoning_content": "hm",
                "tool_calls": [
                    { "id": "c1", "type": "function", "function": { "name": "f", "arguments": "{\"a\":1}" } },
                    { "id": "c2", "type": "function", "function": { "name": "g", "arguments": "oops" } } ] } }],
            "usage": { "prompt_tokens": 100, "completion_tokens": 9,
                "prompt_tokens_details": { "cached_tokens": 60, "cache_write_tokens": 10 } },
        });
        let answer: Value = serde_json::from_slice(&translate(body.to_string().as_bytes()).unwrap()).unwrap();
        assert_eq!(
            answer,
            json!({
                "id": "chatcmpl-1", "type": "message", "role": "assistant", "model": "gpt-x",
                "content": [
                    { "type": "thinking", "thinking": "hm", "signature": "" },
                    { "type": "text", "text": "Let me look." },
                    { "type": "tool_use", "id": "c1", "name": "f", "input": { "a": 1 } },
                    { "type": "tool_use", "id": "c2", "name": "g", "input": { "arguments": "oops" } } ],
                "stop_reason": "tool_use", "stop_sequence": null,
                "usage": { "input_tokens": 30, "cache_creation_input_tokens": 10,
                    "cache_read_input_tokens": 60, "output_tokens": 9 },
            })
        );
    }

    #[test]
    fn an_answer_without_choices_is_none() {
        assert_eq!(translate(b"{}"), Err(BadAnswer("it has no choices")));
    }
}

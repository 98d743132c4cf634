//! A whole answer of Bedrock's, in `OpenAI`'s format.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{counts, finish_reason, new_id};
use crate::dialect::BadAnswer;
use crate::dialect::chunk_writer::ChunkWriter;

/// Translates an answer with status 200. `created` is in seconds since 1970.
pub(crate) fn translate(body: &[u8], model: &str, created: i64) -> Result<Bytes, BadAnswer> {
    let answer: Value = serde_json::from_slice(body).map_err(|_| BadAnswer("it is not JSON"))?;
    let blocks = answer["output"]["message"]["content"]
        .as_array()
        .ok_or(BadAnswer("it has no `output.message.content`"))?;
    let reason = answer["stopReason"].as_str().unwrap_or("end_turn");
    let reason = finish_reason(reason).ok_or(BadAnswer("the model's own output was malformed"))?;
    let mut writer = ChunkWriter::new(model, created);
    writer.identify(Some(&new_id()), None);
    Ok(writer.whole(&message(blocks), reason, counts(&answer["usage"])))
}

fn message(blocks: &[Value]) -> Map<String, Value> {
    let (mut text, mut thought) = (String::new(), String::new());
    let (mut details, mut calls) = (Vec::new(), Vec::new());
    for block in blocks {
        if let Some(said) = block["text"].as_str() {
            text.push_str(said);
        } else if let Some(call) = block.get("toolUse") {
            calls.push(json!({
                "id": call["toolUseId"], "type": "function",
                "function": { "name": call["name"], "arguments": call["input"].to_string() },
            }));
        } else if let Some(reasoning) = block.get("reasoningContent") {
            let said = &reasoning["reasoningText"];
            if let Some(data) = reasoning.get("redactedContent") {
                details.push(json!({ "type": "reasoning.encrypted", "data": data, "index": details.len() }));
            } else {
                thought.push_str(said["text"].as_str().unwrap_or_default());
                details.push(json!({
                    "type": "reasoning.text", "text": said["text"], "signature": said["signature"],
                    "index": details.len(),
                }));
            }
        } else if let Some(cited) = block["citationsContent"]["content"].as_array() {
            text.extend(cited.iter().filter_map(|part| part["text"].as_str()));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_with_thought_text_and_calls_is_translated_whole() {
        let body = json!({
            "output": { "message": { "role": "assistant", "content": [
                { "reasoningContent": { "reasoningText": { "text": "hm", "signature": "sig" } } },
                { "reasoningContent": { "redactedContent": "eHl6" } },
                { "text": "Let me look." },
                { "toolUse": { "toolUseId": "tu_1", "name": "weather", "input": { "city": "Bern" } } },
                { "toolUse": { "toolUseId": "tu_2", "name": "time", "input": {} } },
            ] } },
            "stopReason": "tool_use",
            "usage": { "inputTokens": 10, "outputTokens": 7, "totalTokens": 147, "cacheReadInputTokens": 100,
                "cacheWriteInputTokens": 30, "cacheDetails": [
                    { "ttl": "5m", "inputTokens": 10 }, { "ttl": "1h", "inputTokens": 20 }] },
            "metrics": { "latencyMs": 551 },
        });
        let answer = translate(body.to_string().as_bytes(), "amazon.nova-pro-v1:0", 5).unwrap();
        let mut answer: Value = serde_json::from_slice(&answer).unwrap();
        assert!(answer["id"].take().as_str().unwrap().starts_with("bedrock-"));
        assert_eq!(
            answer,
            json!({
                "id": null, "object": "chat.completion", "created": 5, "model": "amazon.nova-pro-v1:0",
                "choices": [{ "index": 0, "logprobs": null, "finish_reason": "tool_calls", "message": {
                    "role": "assistant", "content": "Let me look.", "refusal": null, "reasoning_content": "hm",
                    "reasoning_details": [
                        { "type": "reasoning.text", "text": "hm", "signature": "sig", "index": 0 },
                        { "type": "reasoning.encrypted", "data": "eHl6", "index": 1 } ],
                    "tool_calls": [
                        { "id": "tu_1", "type": "function",
                          "function": { "name": "weather", "arguments": "{\"city\":\"Bern\"}" } },
                        { "id": "tu_2", "type": "function",
                          "function": { "name": "time", "arguments": "{}" } } ],
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
        assert!(translate(b"{}", "m", 0).is_err());
        let malformed =
            json!({ "output": { "message": { "content": [] } }, "stopReason": "malformed_tool_use" });
        assert!(translate(malformed.to_string().as_bytes(), "m", 0).is_err());
    }
}

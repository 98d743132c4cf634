//! A whole response as a chat completion.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{counts, finish_reason, reasoning_details};
use crate::dialect::BadAnswer;
use crate::dialect::chunk_writer::ChunkWriter;

/// Translates an answer with status 200. `created` is in seconds since 1970.
pub(crate) fn translate(body: &[u8], model: &str, created: i64) -> Result<Bytes, BadAnswer> {
    let response: Value = serde_json::from_slice(body).map_err(|_| BadAnswer("it is not JSON"))?;
    let output = response["output"]
        .as_array()
        .ok_or(BadAnswer("it has no `output`"))?;
    let mut writer = ChunkWriter::new(model, created);
    writer.identify(response["id"].as_str(), response["model"].as_str());
    let message = message(output);
    let reason = finish_reason(&response, message.contains_key("tool_calls"));
    Ok(writer.whole(&message, reason, counts(&response["usage"])))
}

fn message(output: &[Value]) -> Map<String, Value> {
    let (mut text, mut refusal, mut thought) = (String::new(), String::new(), String::new());
    let (mut calls, mut details) = (Vec::new(), Vec::new());
    for (index, item) in output.iter().enumerate() {
        match item["type"].as_str() {
            Some("message") => {
                for part in item["content"].as_array().into_iter().flatten() {
                    text.push_str(part["text"].as_str().unwrap_or_default());
                    refusal.push_str(part["refusal"].as_str().unwrap_or_default());
                }
            }
            Some("reasoning") => {
                for part in item["summary"].as_array().into_iter().flatten() {
                    thought.push_str(part["text"].as_str().unwrap_or_default());
                }
                details.extend(reasoning_details(item, index));
            }
            Some("function_call") => calls.push(json!({ "id": item["call_id"], "type": "function",
                "function": { "name": item["name"], "arguments": item["arguments"] } })),
            _ => {}
        }
    }
    let mut message = Map::new();
    message.insert("role".to_owned(), json!("assistant"));
    let silent = text.is_empty() && !calls.is_empty();
    message.insert(
        "content".to_owned(),
        if silent { Value::Null } else { json!(text) },
    );
    let refusal = if refusal.is_empty() {
        Value::Null
    } else {
        json!(refusal)
    };
    message.insert("refusal".to_owned(), refusal);
    if !thought.is_empty() {
        message.insert("reasoning_content".to_owned(), json!(thought));
    }
    for (name, list) in [("reasoning_details", details), ("tool_calls", calls)] {
        if !list.is_empty() {
            message.insert(name.to_owned(), Value::Array(list));
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_with_thought_text_and_calls_is_translated_whole() {
        let body = json!({
            "id": "resp_1", "object": "response", "status": "completed", "model": "gpt-x",
            "output": [
                { "type": "reasoning", "id": "rs_1", "summary": [{ "type": "summary_text", "text": "hm" }],
                  "encrypted_content": "enc" },
                { "type": "message", "role": "assistant", "content": [{ "type": "output_text", "text": "Looking." }] },
                { "type": "web_search_call", "id": "ws_1" },
                { "type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{\"a\":1}" } ],
            "usage": { "input_tokens": 10, "input_tokens_details": { "cached_tokens": 4 }, "output_tokens": 7,
                "output_tokens_details": { "reasoning_tokens": 3 } },
        });
        let answer: Value =
            serde_json::from_slice(&translate(body.to_string().as_bytes(), "m", 5).unwrap()).unwrap();
        assert_eq!(
            answer["choices"][0],
            json!({ "index": 0, "logprobs": null, "finish_reason": "tool_calls", "message": {
                "role": "assistant", "content": "Looking.", "refusal": null, "reasoning_content": "hm",
                "reasoning_details": [
                    { "type": "reasoning.summary", "summary": "hm", "id": "rs_1", "index": 0 },
                    { "type": "reasoning.encrypted", "data": "enc", "id": "rs_1", "index": 0,
                      "format": "openai-responses-v1" }],
                "tool_calls": [{ "id": "c1", "type": "function",
                    "function": { "name": "f", "arguments": "{\"a\":1}" } }] } })
        );
        assert_eq!(
            answer["usage"]["completion_tokens_details"]["reasoning_tokens"],
            3
        );
        assert_eq!(translate(b"{}", "m", 0), Err(BadAnswer("it has no `output`")));
    }

    #[test]
    fn a_response_that_was_cut_says_so() {
        let body = json!({ "output": [], "status": "incomplete", "incomplete_details": { "reason": "max_output_tokens" } });
        let answer: Value =
            serde_json::from_slice(&translate(body.to_string().as_bytes(), "m", 5).unwrap()).unwrap();
        assert_eq!(answer["choices"][0]["finish_reason"], "length");
    }
}

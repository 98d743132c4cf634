//! A whole answer of Gemini's, in `OpenAI`'s format.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::dialect::BadAnswer;
use crate::dialect::chunk_writer::{ChunkWriter, Counts};

/// The model's own mistake: no answer to build upon, but another attempt may bring one.
pub(super) const MALFORMED_CALL: &str = "MALFORMED_FUNCTION_CALL";

/// Translates an answer with status 200. `created` is in seconds since 1970.
pub(crate) fn translate(body: &[u8], model: &str, created: i64) -> Result<Bytes, BadAnswer> {
    let answer: Value = serde_json::from_slice(body).map_err(|_| BadAnswer("it is not JSON"))?;
    let blocked = answer["promptFeedback"]["blockReason"].is_string();
    let candidate = &answer["candidates"][0];
    if candidate.is_null() && !blocked {
        return Err(BadAnswer("it has no candidates"));
    }
    if candidate["finishReason"] == MALFORMED_CALL {
        return Err(BadAnswer("the model wrote a call that is not valid"));
    }
    let mut writer = ChunkWriter::new(model, created);
    writer.identify(answer["responseId"].as_str(), answer["modelVersion"].as_str());
    let mut pieces = Pieces::default();
    for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
        pieces.add(part, 0, answer["responseId"].as_str().unwrap_or_default());
    }
    let reason = if blocked {
        "content_filter"
    } else {
        finish_reason(
            candidate["finishReason"].as_str().unwrap_or("STOP"),
            !pieces.calls.is_empty(),
        )
    };
    Ok(writer.whole(&pieces.message(), reason, counts(&answer["usageMetadata"])))
}

/// What parts say, by kind.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pub(super) text: String,
    pub(super) thought: String,
    pub(super) calls: Vec<Value>,
    pub(super) images: Vec<Value>,
}

impl Pieces {
    /// Adds a part. Calls are numbered on from `calls_before`, and named after the answer when the API names
    /// them not.
    pub(super) fn add(&mut self, part: &Value, calls_before: usize, answer_id: &str) {
        if let Some(text) = part["text"].as_str() {
            let to = if part["thought"] == true {
                &mut self.thought
            } else {
                &mut self.text
            };
            to.push_str(text);
        }
        if part["functionCall"].is_object() {
            let number = calls_before + self.calls.len();
            let call = &part["functionCall"];
            let id = call["id"]
                .as_str()
                .filter(|id| !id.is_empty())
                .map_or_else(|| format!("call_{answer_id}_{number}"), str::to_owned);
            let arguments = if call["args"].is_object() {
                call["args"].to_string()
            } else {
                "{}".to_owned()
            };
            let mut call = json!({ "id": id, "type": "function",
                "function": { "name": call["name"], "arguments": arguments } });
            if let Some(signature) = part["thoughtSignature"].as_str() {
                call["extra_content"] = json!({ "google": { "thought_signature": signature } });
            }
            self.calls.push(call);
        }
        if let Some(data) = part["inlineData"]["data"].as_str() {
            let kind = part["inlineData"]["mimeType"].as_str().unwrap_or("image/png");
            let url = format!("data:{kind};base64,{data}");
            self.images
                .push(json!({ "type": "image_url", "image_url": { "url": url } }));
        }
    }

    fn message(self) -> Map<String, Value> {
        let mut message = Map::new();
        message.insert("role".to_owned(), json!("assistant"));
        let silent = self.text.is_empty() && !self.calls.is_empty();
        let content = if silent { Value::Null } else { json!(self.text) };
        message.insert("content".to_owned(), content);
        message.insert("refusal".to_owned(), Value::Null);
        if !self.thought.is_empty() {
            message.insert("reasoning_content".to_owned(), json!(self.thought));
        }
        for (name, list) in [("tool_calls", self.calls), ("images", self.images)] {
            if !list.is_empty() {
                message.insert(name.to_owned(), Value::Array(list));
            }
        }
        message
    }
}

/// Why an answer ended, in `OpenAI`'s words. Gemini says `STOP` after calls too.
pub(super) fn finish_reason(reason: &str, has_calls: bool) -> &'static str {
    match reason {
        "STOP" if has_calls => "tool_calls",
        "STOP" | "FINISH_REASON_UNSPECIFIED" => "stop",
        "MAX_TOKENS" => "length",
        _ => "content_filter",
    }
}

/// Input includes what was cached; what was thought is beside what was said, and output is both.
pub(super) fn counts(usage: &Value) -> Counts {
    let count = |name: &str| usage[name].as_u64().unwrap_or_default();
    Counts {
        input: count("promptTokenCount") + count("toolUsePromptTokenCount"),
        output: count("candidatesTokenCount") + count("thoughtsTokenCount"),
        cache_read: count("cachedContentTokenCount"),
        reasoning: count("thoughtsTokenCount"),
        ..Counts::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(body: &Value) -> Value {
        serde_json::from_slice(&translate(body.to_string().as_bytes(), "m", 5).unwrap()).unwrap()
    }

    #[test]
    fn an_answer_with_thought_text_and_calls_is_translated_whole() {
        let answer = translated(&json!({
            "responseId": "r1", "modelVersion": "gemini-x",
            "candidates": [{ "finishReason": "STOP", "content": { "role": "model", "parts": [
                { "text": "hm", "thought": true },
                { "text": "Looking." },
                { "functionCall": { "name": "weather", "args": { "city": "Bern" } }, "thoughtSignature": "sig" },
                { "functionCall": { "id": "own", "name": "time" } },
                { "inlineData": { "mimeType": "image/png", "data": "AAAA" } } ] } }],
            "usageMetadata": { "promptTokenCount": 100, "cachedContentTokenCount": 60, "candidatesTokenCount": 7,
                "thoughtsTokenCount": 5, "totalTokenCount": 112 },
        }));
        assert_eq!(
            (&answer["id"], &answer["model"]),
            (&json!("r1"), &json!("gemini-x"))
        );
        assert_eq!(
            answer["choices"][0],
            json!({ "index": 0, "logprobs": null, "finish_reason": "tool_calls", "message": {
                "role": "assistant", "content": "Looking.", "refusal": null, "reasoning_content": "hm",
                "tool_calls": [
                    { "id": "call_r1_0", "type": "function",
                      "function": { "name": "weather", "arguments": "{\"city\":\"Bern\"}" },
                      "extra_content": { "google": { "thought_signature": "sig" } } },
                    { "id": "own", "type": "function", "function": { "name": "time", "arguments": "{}" } } ],
                "images": [{ "type": "image_url", "image_url": { "url": "data:image/png;base64,AAAA" } }] } })
        );
        assert_eq!(
            answer["usage"],
            json!({ "prompt_tokens": 100, "completion_tokens": 12, "total_tokens": 112,
                "prompt_tokens_details": { "cached_tokens": 60 },
                "completion_tokens_details": { "reasoning_tokens": 5 } })
        );
    }

    #[test]
    fn a_prompt_that_was_blocked_is_an_answer_and_nothing_at_all_is_none() {
        let answer = translated(&json!({ "promptFeedback": { "blockReason": "SAFETY" } }));
        assert_eq!(answer["choices"][0]["finish_reason"], "content_filter");
        assert_eq!(translate(b"{}", "m", 0), Err(BadAnswer("it has no candidates")));
        let malformed = json!({ "candidates": [{ "finishReason": "MALFORMED_FUNCTION_CALL" }] });
        assert!(translate(malformed.to_string().as_bytes(), "m", 0).is_err());
    }
}

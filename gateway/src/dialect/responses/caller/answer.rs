//! A whole chat completion as a response.

use bytes::Bytes;
use serde_json::Value;

use super::{call_item, close, message_item, reasoning_item, refusal_part, response, text_part};
use crate::dialect::{BadAnswer, media};

/// Translates an answer in the format of chat completions.
pub(crate) fn translate(body: &[u8]) -> Result<Bytes, BadAnswer> {
    let answer: Value = serde_json::from_slice(body).map_err(|_| BadAnswer("it is not JSON"))?;
    let choice = answer["choices"].get(0).ok_or(BadAnswer("it has no choices"))?;
    let message = &choice["message"];
    let mut output = Vec::new();
    let thought = message["reasoning_content"]
        .as_str()
        .or(message["reasoning"].as_str());
    let sealed = message["reasoning_details"]
        .as_array()
        .and_then(|details| details.iter().find_map(|detail| detail.get("data")));
    if thought.is_some() || sealed.is_some() {
        output.push(reasoning_item("rs_0", thought.unwrap_or_default(), sealed));
    }
    let text = media::text_of(&message["content"]);
    let mut content = Vec::new();
    if !text.is_empty() {
        content.push(text_part(&text));
    }
    content.extend(message["refusal"].as_str().map(refusal_part));
    if !content.is_empty() {
        output.push(message_item("msg_0", "completed", &content));
    }
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
        output.push(call_item(call, arguments, "completed"));
    }
    let mut response = response(&answer["id"], &answer["model"], &answer["created"]);
    let reason = choice["finish_reason"].as_str().unwrap_or("stop");
    close(&mut response, output, reason, &answer["usage"]);
    Ok(Bytes::from(response.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_keeps_thought_text_calls_and_usage() {
        let body = json!({
            "id": "c1", "model": "m", "created": 5,
            "choices": [{ "finish_reason": "tool_calls", "message": { "role": "assistant", "content": "Looking.",
                "reasoning_content": "hm", "refusal": null,
                "tool_calls": [{ "id": "t1", "function": { "name": "f", "arguments": "{}" } }] } }],
            "usage": { "prompt_tokens": 10, "completion_tokens": 4, "prompt_tokens_details": { "cached_tokens": 3 } },
        });
        let response: Value =
            serde_json::from_slice(&translate(body.to_string().as_bytes()).unwrap()).unwrap();
        assert_eq!(
            (&response["id"], &response["status"]),
            (&json!("resp_c1"), &json!("completed"))
        );
        let kinds: Vec<_> = response["output"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| &item["type"])
            .collect();
        assert_eq!(kinds, ["reasoning", "message", "function_call"]);
        assert_eq!(response["output"][1]["content"][0]["text"], "Looking.");
        assert_eq!(response["output"][2]["call_id"], "t1");
        assert_eq!(response["usage"]["input_tokens_details"]["cached_tokens"], 3);
        assert_eq!(response["usage"]["total_tokens"], 14);
    }

    #[test]
    fn an_answer_that_was_cut_is_incomplete() {
        let body = json!({ "choices": [{ "finish_reason": "length", "message": { "content": "x" } }] });
        let response: Value =
            serde_json::from_slice(&translate(body.to_string().as_bytes()).unwrap()).unwrap();
        assert_eq!(response["incomplete_details"]["reason"], "max_output_tokens");
    }
}

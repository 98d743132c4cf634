//! A whole answer of Cohere's, in `OpenAI`'s format.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{counts, finish_reason};
use crate::dialect::BadAnswer;
use crate::dialect::chunk_writer::ChunkWriter;

/// Translates an answer with status 200. `created` is in seconds since 1970.
pub(crate) fn translate(body: &[u8], model: &str, created: i64) -> Result<Bytes, BadAnswer> {
    let answer: Value = serde_json::from_slice(body).map_err(|_| BadAnswer("it is not JSON"))?;
    let said = answer["message"]
        .as_object()
        .ok_or(BadAnswer("it has no `message`"))?;
    let mut writer = ChunkWriter::new(model, created);
    writer.identify(answer["id"].as_str(), None);
    let reason = finish_reason(answer["finish_reason"].as_str().unwrap_or("COMPLETE"));
    Ok(writer.whole(&message(said), reason, counts(&answer["usage"])))
}

fn message(said: &Map<String, Value>) -> Map<String, Value> {
    let mut text = String::new();
    let mut thought = said
        .get("tool_plan")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    for part in said
        .get("content")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        text.push_str(part["text"].as_str().unwrap_or_default());
        thought.push_str(part["thinking"].as_str().unwrap_or_default());
    }
    let calls = said
        .get("tool_calls")
        .filter(|calls| calls.as_array().is_some_and(|calls| !calls.is_empty()));
    let mut message = Map::new();
    message.insert("role".to_owned(), json!("assistant"));
    let content = if text.is_empty() && calls.is_some() {
        Value::Null
    } else {
        json!(text)
    };
    message.insert("content".to_owned(), content);
    message.insert("refusal".to_owned(), Value::Null);
    if !thought.is_empty() {
        message.insert("reasoning_content".to_owned(), json!(thought));
    }
    for (name, value) in [("tool_calls", calls), ("citations", said.get("citations"))] {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            message.insert(name.to_owned(), value.clone());
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_with_a_plan_and_calls_is_translated_whole() {
        let call =
            json!([{ "id": "c1", "type": "function", "function": { "name": "f", "arguments": "{}" } }]);
        let body = json!({
            "id": "r1", "finish_reason": "TOOL_CALL",
            "message": { "role": "assistant", "tool_plan": "I will look.", "tool_calls": call },
            "usage": { "billed_units": { "input_tokens": 3.0 }, "tokens": { "input_tokens": 70.0, "output_tokens": 9.0 } },
        });
        let answer: Value =
            serde_json::from_slice(&translate(body.to_string().as_bytes(), "command-x", 5).unwrap()).unwrap();
        assert_eq!(
            answer["choices"][0],
            json!({ "index": 0, "logprobs": null, "finish_reason": "tool_calls", "message": {
                "role": "assistant", "content": null, "refusal": null, "reasoning_content": "I will look.",
                "tool_calls": call } })
        );
        assert_eq!(
            (
                &answer["usage"]["prompt_tokens"],
                &answer["usage"]["completion_tokens"]
            ),
            (&json!(70), &json!(9))
        );
        assert_eq!(translate(b"{}", "m", 0), Err(BadAnswer("it has no `message`")));
    }
}

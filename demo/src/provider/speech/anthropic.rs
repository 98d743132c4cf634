//! Anthropic's Messages: blocks one after the other, usage in two halves.

use serde_json::{Value, json};

use super::{Event, giant, pieces, words};
use crate::provider::answer::Answer;
use crate::provider::behaviour::Behaviour;

/// The request in `OpenAI`'s terms: names of tools, and whether a tool has just answered.
pub(super) fn understand(mut request: Value) -> Value {
    let tools = request["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    let tools: Value = tools
        .iter()
        .map(|tool| json!({ "function": { "name": tool["name"], "parameters": tool["input_schema"] } }))
        .collect();
    request["tools"] = tools;
    if request["tool_choice"]["type"] == "none" {
        request["tool_choice"] = json!("none");
    }
    let last = request["messages"]
        .as_array_mut()
        .and_then(|messages| messages.last_mut());
    if let Some(last) = last
        && last["content"]
            .as_array()
            .is_some_and(|blocks| blocks.iter().any(|block| block["type"] == "tool_result"))
    {
        last["role"] = json!("tool");
    }
    request
}

/// Input leaves cached tokens out here.
fn usage(answer: &Answer, output: u64) -> Value {
    let count = |value: &Value| value.as_u64().unwrap_or_default();
    let cached = count(&answer.usage["prompt_tokens_details"]["cached_tokens"]);
    json!({
        "input_tokens": count(&answer.usage["prompt_tokens"]) - cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "output_tokens": output,
    })
}

fn output_tokens(answer: &Answer) -> u64 {
    answer.usage["completion_tokens"].as_u64().unwrap_or_default()
}

fn stop_reason(answer: &Answer) -> &'static str {
    if answer.tool_calls.is_empty() {
        "end_turn"
    } else {
        "tool_use"
    }
}

/// A whole answer.
pub(super) fn body(answer: &Answer) -> Value {
    let mut content = Vec::new();
    if let Some(reasoning) = &answer.reasoning {
        content.push(json!({ "type": "thinking", "thinking": reasoning, "signature": "c2lnbmVk" }));
    }
    if let Some(text) = &answer.text {
        content.push(json!({ "type": "text", "text": text }));
    }
    for call in &answer.tool_calls {
        let input: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
        content.push(json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": input }));
    }
    json!({
        "id": answer.id, "type": "message", "role": "assistant", "model": answer.model,
        "content": content, "stop_reason": stop_reason(answer), "stop_sequence": null,
        "usage": usage(answer, output_tokens(answer)),
    })
}

/// All events but the one that ends the stream.
pub(super) fn events(answer: &Answer, behaviour: Behaviour) -> Vec<Event> {
    let mut message = body(answer);
    message["content"] = json!([]);
    message["stop_reason"] = Value::Null;
    message["usage"] = usage(answer, 1);
    let start = json!({ "type": "message_start", "message": message });
    let mut events = vec![Event::named("message_start", &start)];
    let mut index = 0;
    let mut block = |content_block: &Value, deltas: Vec<Value>| {
        let start = json!({ "type": "content_block_start", "index": index, "content_block": content_block });
        events.push(Event::named("content_block_start", &start));
        events.extend(deltas.iter().map(|piece| delta(index, piece)));
        let stop = json!({ "type": "content_block_stop", "index": index });
        events.push(Event::named("content_block_stop", &stop));
        index += 1;
    };
    if let Some(reasoning) = &answer.reasoning {
        let mut deltas: Vec<Value> = words(reasoning)
            .map(|word| json!({ "type": "thinking_delta", "thinking": word }))
            .collect();
        deltas.push(json!({ "type": "signature_delta", "signature": "c2lnbmVk" }));
        block(
            &json!({ "type": "thinking", "thinking": "", "signature": "" }),
            deltas,
        );
    }
    if let Some(text) = &answer.text {
        let first = (behaviour == Behaviour::Giant).then(giant);
        let deltas = first.iter().map(String::as_str).chain(words(text));
        let deltas = deltas
            .map(|word| json!({ "type": "text_delta", "text": word }))
            .collect();
        block(&json!({ "type": "text", "text": "" }), deltas);
    }
    for call in &answer.tool_calls {
        let deltas = pieces(&call.arguments)
            .iter()
            .map(|piece| json!({ "type": "input_json_delta", "partial_json": piece }))
            .collect();
        block(
            &json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": {} }),
            deltas,
        );
    }
    let end = json!({ "type": "message_delta", "delta": { "stop_reason": stop_reason(answer), "stop_sequence": null },
        "usage": { "output_tokens": output_tokens(answer) } });
    events.push(Event::named("message_delta", &end));
    events
}

fn delta(index: u64, delta: &Value) -> Event {
    let data = json!({ "type": "content_block_delta", "index": index, "delta": delta });
    Event::named("content_block_delta", &data)
}

/// A piece of text in a block.
pub(super) fn text(index: u64, text: &str) -> Event {
    delta(index, &json!({ "type": "text_delta", "text": text }))
}

/// An error.
pub(super) fn error(status: u16, message: &str) -> Value {
    let kind = match status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    json!({ "type": "error", "error": { "type": kind, "message": message } })
}

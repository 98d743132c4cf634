//! Cohere's v2 chat: parts and calls each with a start and an end.

use serde_json::{Value, json};

use super::{Event, giant, pieces, words};
use crate::provider::answer::Answer;
use crate::provider::behaviour::Behaviour;

/// The request in `OpenAI`'s terms, which it nearly is.
pub(super) fn understand(mut request: Value) -> Value {
    if request["tool_choice"] == "NONE" {
        request["tool_choice"] = json!("none");
    }
    request
}

fn usage(answer: &Answer) -> Value {
    let count = |name: &str| answer.usage[name].as_f64().unwrap_or_default();
    let tokens =
        json!({ "input_tokens": count("prompt_tokens"), "output_tokens": count("completion_tokens") });
    json!({ "billed_units": tokens, "tokens": tokens,
        "cached_tokens": answer.usage["prompt_tokens_details"]["cached_tokens"] })
}

fn finish_reason(answer: &Answer) -> &'static str {
    if answer.tool_calls.is_empty() {
        "COMPLETE"
    } else {
        "TOOL_CALL"
    }
}

/// A whole answer.
pub(super) fn body(answer: &Answer) -> Value {
    let mut message = json!({ "role": "assistant" });
    let mut content = Vec::new();
    if let Some(reasoning) = &answer.reasoning {
        content.push(json!({ "type": "thinking", "thinking": reasoning }));
    }
    if let Some(text) = &answer.text {
        content.push(json!({ "type": "text", "text": text }));
    }
    if !content.is_empty() {
        message["content"] = json!(content);
    }
    if !answer.tool_calls.is_empty() {
        message["tool_plan"] = json!("I will look.");
        let calls: Value = answer
            .tool_calls
            .iter()
            .map(|call| {
                json!({ "id": call.id, "type": "function",
                    "function": { "name": call.name, "arguments": call.arguments } })
            })
            .collect();
        message["tool_calls"] = calls;
    }
    json!({ "id": answer.id, "message": message, "finish_reason": finish_reason(answer), "usage": usage(answer) })
}

/// All events but the one that ends the stream.
pub(super) fn events(answer: &Answer, behaviour: Behaviour) -> Vec<Event> {
    let start =
        json!({ "type": "message-start", "id": answer.id, "delta": { "message": { "role": "assistant" } } });
    let mut events = vec![Event::named("message-start", &start)];
    let mut index = 0;
    let mut part = |kind: &'static str, texts: Vec<&str>| {
        let start = json!({ "type": "content-start", "index": index,
            "delta": { "message": { "content": { "type": kind, (kind): "" } } } });
        events.push(Event::named("content-start", &start));
        events.extend(texts.iter().map(|text| delta(index, kind, text)));
        events.push(Event::named(
            "content-end",
            &json!({ "type": "content-end", "index": index }),
        ));
        index += 1;
    };
    if let Some(reasoning) = &answer.reasoning {
        part("thinking", words(reasoning).collect());
    }
    let first = (behaviour == Behaviour::Giant).then(giant);
    if let Some(text) = &answer.text {
        part(
            "text",
            first.iter().map(String::as_str).chain(words(text)).collect(),
        );
    }
    for (index, call) in answer.tool_calls.iter().enumerate() {
        let mut event = |name: &'static str, call: Value| {
            let data =
                json!({ "type": name, "index": index, "delta": { "message": { "tool_calls": call } } });
            events.push(Event::named(name, &data));
        };
        event(
            "tool-call-start",
            json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": "" } }),
        );
        for piece in pieces(&call.arguments) {
            event("tool-call-delta", json!({ "function": { "arguments": piece } }));
        }
        let end = json!({ "type": "tool-call-end", "index": index });
        events.push(Event::named("tool-call-end", &end));
    }
    events
}

/// The event that ends a stream; usage is on it.
pub(super) fn done(answer: &Answer) -> Event {
    let delta = json!({ "finish_reason": finish_reason(answer), "usage": usage(answer) });
    Event::named("message-end", &json!({ "type": "message-end", "delta": delta }))
}

fn delta(index: u64, kind: &str, text: &str) -> Event {
    let data = json!({ "type": "content-delta", "index": index, "delta": { "message": { "content": { (kind): text } } } });
    Event::named("content-delta", &data)
}

/// A piece of text.
pub(super) fn word(text: &str) -> Event {
    delta(0, "text", text)
}

/// An error.
pub(super) fn error(message: &str) -> Value {
    json!({ "message": message })
}

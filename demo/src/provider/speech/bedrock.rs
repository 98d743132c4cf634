//! Amazon Bedrock's Converse: answers of blocks, and streams of binary messages with checksums.

use serde_json::{Value, json};

use super::{Event, giant, pieces, words};
use crate::provider::answer::Answer;
use crate::provider::behaviour::Behaviour;

/// What the name of an event begins with that is an exception.
const EXCEPTION: char = '!';

/// The request in `OpenAI`'s terms; the model and the method are in the path.
pub(super) fn understand(request: &Value, path: &str) -> Value {
    let mut segments = path.rsplit('/');
    let stream = segments.next() == Some("converse-stream");
    let model = segments.next().unwrap_or_default().replace("%3A", ":");
    let mut messages: Vec<Value> = Vec::new();
    for turn in request["messages"].as_array().into_iter().flatten() {
        let blocks = turn["content"].as_array().map(Vec::as_slice).unwrap_or_default();
        let results = blocks
            .iter()
            .filter_map(|block| block["toolResult"]["content"].as_array());
        let answered: String = results
            .flatten()
            .filter_map(|block| block["text"].as_str())
            .collect();
        let is_answer = blocks.iter().any(|block| block["toolResult"].is_object());
        let said: String = blocks.iter().filter_map(|block| block["text"].as_str()).collect();
        let role = if is_answer {
            json!("tool")
        } else {
            turn["role"].clone()
        };
        messages.push(json!({ "role": role, "content": answered + &said }));
    }
    let tools = request["toolConfig"]["tools"].as_array().into_iter().flatten();
    let tools: Vec<Value> = tools
        .map(|tool| &tool["toolSpec"])
        .filter(|spec| spec.is_object())
        .map(
            |spec| json!({ "function": { "name": spec["name"], "parameters": spec["inputSchema"]["json"] } }),
        )
        .collect();
    json!({ "model": model, "stream": stream, "messages": messages, "tools": tools })
}

/// Input leaves cached tokens out here.
fn usage(answer: &Answer) -> Value {
    let count = |value: &Value| value.as_u64().unwrap_or_default();
    let cached = count(&answer.usage["prompt_tokens_details"]["cached_tokens"]);
    json!({
        "inputTokens": count(&answer.usage["prompt_tokens"]) - cached,
        "outputTokens": count(&answer.usage["completion_tokens"]),
        "totalTokens": count(&answer.usage["total_tokens"]),
        "cacheReadInputTokens": cached, "cacheWriteInputTokens": 0,
    })
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
        content.push(json!({ "reasoningContent": { "reasoningText": { "text": reasoning, "signature": "c2lnbmVk" } } }));
    }
    if let Some(text) = &answer.text {
        content.push(json!({ "text": text }));
    }
    for call in &answer.tool_calls {
        let input: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
        content.push(json!({ "toolUse": { "toolUseId": call.id, "name": call.name, "input": input } }));
    }
    json!({
        "output": { "message": { "role": "assistant", "content": content } },
        "stopReason": stop_reason(answer), "usage": usage(answer), "metrics": { "latencyMs": 1 },
    })
}

/// All events but the one with the usage, which comes after the end.
pub(super) fn events(answer: &Answer, behaviour: Behaviour) -> Vec<Event> {
    let mut events = vec![Event::named("messageStart", &json!({ "role": "assistant" }))];
    let mut index = 0;
    let mut block = |start: Option<Value>, deltas: Vec<Value>| {
        if let Some(start) = start {
            let start = json!({ "contentBlockIndex": index, "start": start });
            events.push(Event::named("contentBlockStart", &start));
        }
        events.extend(deltas.iter().map(|piece| delta(index, piece)));
        let stop = json!({ "contentBlockIndex": index });
        events.push(Event::named("contentBlockStop", &stop));
        index += 1;
    };
    if let Some(reasoning) = &answer.reasoning {
        let mut deltas: Vec<Value> = words(reasoning)
            .map(|word| json!({ "reasoningContent": { "text": word } }))
            .collect();
        deltas.push(json!({ "reasoningContent": { "signature": "c2lnbmVk" } }));
        block(None, deltas);
    }
    if let Some(text) = &answer.text {
        let first = (behaviour == Behaviour::Giant).then(giant);
        let deltas = first.iter().map(String::as_str).chain(words(text));
        block(None, deltas.map(|word| json!({ "text": word })).collect());
    }
    for call in &answer.tool_calls {
        let deltas = pieces(&call.arguments)
            .iter()
            .map(|piece| json!({ "toolUse": { "input": piece } }))
            .collect();
        block(
            Some(json!({ "toolUse": { "toolUseId": call.id, "name": call.name } })),
            deltas,
        );
    }
    events.push(Event::named(
        "messageStop",
        &json!({ "stopReason": stop_reason(answer) }),
    ));
    events
}

/// The event that ends a stream.
pub(super) fn done(answer: &Answer) -> Event {
    Event::named(
        "metadata",
        &json!({ "usage": usage(answer), "metrics": { "latencyMs": 1 } }),
    )
}

fn delta(index: u64, delta: &Value) -> Event {
    let data = json!({ "contentBlockIndex": index, "delta": delta, "p": "abcdef" });
    Event::named("contentBlockDelta", &data)
}

/// A piece of text.
pub(super) fn word(text: &str) -> Event {
    delta(0, &json!({ "text": text }))
}

/// An error.
pub(super) fn error(message: &str) -> Value {
    json!({ "message": message })
}

/// An error as it is reported inside a stream.
pub(super) fn error_event() -> Event {
    Event::named("!serviceUnavailableException", &error("The engine is overloaded"))
}

/// An event as a message of AWS's event stream.
pub(in crate::provider) fn message(event: &Event) -> Vec<u8> {
    let (kind, type_header, name) = match event.name.strip_prefix(EXCEPTION) {
        Some(name) => ("exception", ":exception-type", name),
        None => ("event", ":event-type", event.name),
    };
    let mut headers = Vec::new();
    for (header, value) in [
        (type_header, name),
        (":content-type", "application/json"),
        (":message-type", kind),
    ] {
        headers.push(u8::try_from(header.len()).unwrap_or_default());
        headers.extend_from_slice(header.as_bytes());
        // The kind of value: text.
        headers.push(7);
        headers.extend_from_slice(&u16::try_from(value.len()).unwrap_or_default().to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or_default().to_be_bytes();
    let mut out = length(16 + headers.len() + event.data.len()).to_vec();
    out.extend_from_slice(&length(headers.len()));
    out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
    out.extend_from_slice(&headers);
    out.extend_from_slice(event.data.as_bytes());
    out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
    out
}

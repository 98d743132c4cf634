//! `OpenAI`'s Responses API: items, each opened, filled and closed.

use serde_json::{Value, json};

use super::{Event, giant, pieces, words};
use crate::provider::answer::{Answer, said};
use crate::provider::behaviour::Behaviour;

/// The request in the terms of chat completions.
pub(super) fn understand(request: &Value) -> Value {
    let mut messages: Vec<Value> = Vec::new();
    if let Some(said) = request["input"].as_str() {
        messages.push(json!({ "role": "user", "content": said }));
    }
    for item in request["input"].as_array().into_iter().flatten() {
        let answered = item["type"] == "function_call_output";
        let (role, content) = if answered {
            (json!("tool"), &item["output"])
        } else {
            (item["role"].clone(), &item["content"])
        };
        messages.push(json!({ "role": role, "content": said(content) }));
    }
    let tools = request["tools"].as_array().into_iter().flatten();
    let tools: Vec<Value> = tools
        .map(|tool| json!({ "function": { "name": tool["name"], "parameters": tool["parameters"] } }))
        .collect();
    json!({ "model": request["model"], "stream": request["stream"], "messages": messages, "tools": tools,
        "tool_choice": request["tool_choice"] })
}

fn usage(answer: &Answer) -> Value {
    json!({
        "input_tokens": answer.usage["prompt_tokens"],
        "input_tokens_details": { "cached_tokens": answer.usage["prompt_tokens_details"]["cached_tokens"] },
        "output_tokens": answer.usage["completion_tokens"],
        "output_tokens_details": answer.usage["completion_tokens_details"],
        "total_tokens": answer.usage["total_tokens"],
    })
}

/// The items of an answer; empty ones when they are only announced.
fn items(answer: &Answer, whole: bool) -> Vec<Value> {
    let mut items = Vec::new();
    let text_if = |text: &str| if whole { text.to_owned() } else { String::new() };
    if let Some(reasoning) = &answer.reasoning {
        let summary = if whole {
            json!([{ "type": "summary_text", "text": reasoning }])
        } else {
            json!([])
        };
        items.push(json!({ "id": "rs_0", "type": "reasoning", "summary": summary,
            "encrypted_content": text_if("c2VhbGVk") }));
    }
    if let Some(text) = &answer.text {
        let part = json!({ "type": "output_text", "text": text, "annotations": [] });
        let content = if whole { json!([part]) } else { json!([]) };
        items.push(
            json!({ "id": "msg_0", "type": "message", "role": "assistant", "status": "completed",
            "content": content }),
        );
    }
    for call in &answer.tool_calls {
        items.push(
            json!({ "id": format!("fc_{}", call.id), "type": "function_call", "call_id": call.id,
            "name": call.name, "arguments": text_if(&call.arguments), "status": "completed" }),
        );
    }
    items
}

fn response(answer: &Answer, status: &str, output: &[Value]) -> Value {
    json!({
        "id": format!("resp_{}", answer.id), "object": "response", "created_at": 1_700_000_000,
        "model": answer.model, "status": status, "error": null, "incomplete_details": null, "instructions": null,
        "metadata": {}, "output": output, "parallel_tool_calls": true, "temperature": 1.0, "tool_choice": "auto",
        "tools": [], "top_p": 1.0, "usage": if status == "completed" { usage(answer) } else { Value::Null },
    })
}

/// A whole answer.
pub(super) fn body(answer: &Answer) -> Value {
    response(answer, "completed", &items(answer, true))
}

/// All events but the one that ends the stream.
pub(super) fn events(answer: &Answer, behaviour: Behaviour) -> Vec<Event> {
    let start = json!({ "type": "response.created", "response": response(answer, "in_progress", &[]) });
    let mut events = vec![Event::named("response.created", &start)];
    for (index, (empty, whole)) in items(answer, false).iter().zip(items(answer, true)).enumerate() {
        let added = json!({ "type": "response.output_item.added", "output_index": index, "item": empty });
        events.push(Event::named("response.output_item.added", &added));
        let (kind, texts): (&'static str, Vec<String>) = match whole["type"].as_str() {
            Some("reasoning") => (
                "response.reasoning_summary_text.delta",
                words(answer.reasoning.as_deref().unwrap_or_default())
                    .map(str::to_owned)
                    .collect(),
            ),
            Some("message") => {
                let first = (behaviour == Behaviour::Giant).then(giant);
                let rest = words(answer.text.as_deref().unwrap_or_default()).map(str::to_owned);
                (
                    "response.output_text.delta",
                    first.into_iter().chain(rest).collect(),
                )
            }
            _ => (
                "response.function_call_arguments.delta",
                pieces(whole["arguments"].as_str().unwrap_or_default()),
            ),
        };
        for text in texts {
            events.push(delta(kind, index, &whole["id"], &text));
        }
        let done = json!({ "type": "response.output_item.done", "output_index": index, "item": whole });
        events.push(Event::named("response.output_item.done", &done));
    }
    events
}

/// The event that ends a stream.
pub(super) fn done(answer: &Answer) -> Event {
    Event::named(
        "response.completed",
        &json!({ "type": "response.completed", "response": body(answer) }),
    )
}

fn delta(kind: &'static str, index: usize, item: &Value, text: &str) -> Event {
    let data =
        json!({ "type": kind, "item_id": item, "output_index": index, "content_index": 0, "delta": text });
    Event::named(kind, &data)
}

/// A piece of text.
pub(super) fn word(text: &str) -> Event {
    delta("response.output_text.delta", 0, &json!("msg_0"), text)
}

/// An error as it is reported inside a stream.
pub(super) fn error_event() -> Event {
    Event::named(
        "error",
        &json!({ "type": "error", "code": "server_error", "message": "The engine is overloaded", "param": null }),
    )
}

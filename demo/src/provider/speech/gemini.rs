//! Google's Gemini: every event is a whole answer with the parts that are new, and nothing marks the end.

use serde_json::{Value, json};

use super::{Event, giant, words};
use crate::provider::answer::Answer;
use crate::provider::behaviour::Behaviour;

/// The request in `OpenAI`'s terms; the model is in the path.
pub(super) fn understand(request: &Value, model: &str, stream: bool) -> Value {
    let text = |turn: &Value| -> String {
        let parts = turn["parts"].as_array().into_iter().flatten();
        parts.filter_map(|part| part["text"].as_str()).collect()
    };
    let results = |turn: &Value| -> String {
        let parts = turn["parts"].as_array().into_iter().flatten();
        let responses = parts.map(|part| &part["functionResponse"]["response"]);
        responses
            .filter(|response| !response.is_null())
            .map(Value::to_string)
            .collect()
    };
    let parameters = |function: &Value| match &function["parametersJsonSchema"] {
        Value::Null => function["parameters"].clone(),
        schema => schema.clone(),
    };
    let mut messages: Vec<Value> = Vec::new();
    for turn in request["contents"].as_array().into_iter().flatten() {
        let answered = turn["parts"]
            .as_array()
            .is_some_and(|parts| parts.iter().any(|part| part["functionResponse"].is_object()));
        let role = if answered { "tool" } else { "user" };
        messages.push(json!({ "role": role, "content": text(turn) + &results(turn) }));
    }
    let functions = request["tools"][0]["functionDeclarations"]
        .as_array()
        .into_iter()
        .flatten();
    let tools: Vec<Value> = functions
        .map(|function| json!({ "function": { "name": function["name"], "parameters": parameters(function) } }))
        .collect();
    let choice = &request["toolConfig"]["functionCallingConfig"]["mode"];
    let choice = if choice == "NONE" { "none" } else { "auto" };
    json!({ "model": model, "stream": stream, "messages": messages, "tools": tools, "tool_choice": choice })
}

fn usage(answer: &Answer) -> Value {
    let count = |value: &Value| value.as_u64().unwrap_or_default();
    let thought = count(&answer.usage["completion_tokens_details"]["reasoning_tokens"]);
    json!({
        "promptTokenCount": answer.usage["prompt_tokens"],
        "cachedContentTokenCount": answer.usage["prompt_tokens_details"]["cached_tokens"],
        "candidatesTokenCount": count(&answer.usage["completion_tokens"]) - thought,
        "thoughtsTokenCount": thought,
        "totalTokenCount": answer.usage["total_tokens"],
    })
}

fn calls(answer: &Answer) -> impl Iterator<Item = Value> {
    answer.tool_calls.iter().enumerate().map(|(number, call)| {
        let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
        let mut part = json!({ "functionCall": { "name": call.name, "args": arguments } });
        if number == 0 {
            part["thoughtSignature"] = json!("c2lnbmVk");
        }
        part
    })
}

fn event(answer: &Answer, parts: &Value, finish_reason: Option<&str>) -> Value {
    let mut candidate = json!({ "index": 0, "content": { "role": "model", "parts": parts } });
    if let Some(reason) = finish_reason {
        candidate["finishReason"] = json!(reason);
    }
    json!({ "candidates": [candidate], "usageMetadata": usage(answer), "modelVersion": answer.model,
        "responseId": answer.id })
}

/// A whole answer.
pub(super) fn body(answer: &Answer) -> Value {
    let mut parts = Vec::new();
    if let Some(reasoning) = &answer.reasoning {
        parts.push(json!({ "text": reasoning, "thought": true }));
    }
    if let Some(text) = &answer.text {
        parts.push(json!({ "text": text }));
    }
    parts.extend(calls(answer));
    event(answer, &json!(parts), Some("STOP"))
}

/// All events.
pub(super) fn events(answer: &Answer, behaviour: Behaviour) -> Vec<Event> {
    let mut events = vec![event(answer, &json!([]), None)];
    let mut part = |part: Value| events.push(event(answer, &json!([part]), None));
    if behaviour == Behaviour::Giant {
        part(json!({ "text": giant() }));
    }
    for word in answer.reasoning.iter().flat_map(|text| words(text)) {
        part(json!({ "text": word, "thought": true }));
    }
    for word in answer.text.iter().flat_map(|text| words(text)) {
        part(json!({ "text": word }));
    }
    calls(answer).for_each(part);
    events.push(event(answer, &json!([{ "text": "" }]), Some("STOP")));
    events.iter().map(Event::unnamed).collect()
}

/// A piece of text.
pub(super) fn word(answer: &Answer, text: &str) -> Event {
    Event::unnamed(&event(answer, &json!([{ "text": text }]), None))
}

/// An error.
pub(super) fn error(status: u16, message: &str) -> Value {
    let word = match status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 | 529 => "UNAVAILABLE",
        _ => "INTERNAL",
    };
    json!({ "error": { "code": status, "message": message, "status": word } })
}

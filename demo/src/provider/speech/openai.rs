//! Chunks of `OpenAI`'s chat completions.

use serde_json::{Value, json};

use super::{Event, giant, pieces, words};
use crate::provider::answer::Answer;
use crate::provider::behaviour::Behaviour;

/// A chunk with a word.
pub(super) fn word(answer: &Answer, text: &str) -> Event {
    let mut chunk = chunk(answer, 0, &json!({ "content": text }), None);
    chunk["usage"] = Value::Null;
    Event::unnamed(&chunk)
}

fn chunk(answer: &Answer, index: u64, delta: &Value, finish_reason: Option<&str>) -> Value {
    let mut chunk = answer.envelope("chat.completion.chunk");
    chunk["choices"] =
        json!([{ "index": index, "delta": delta, "logprobs": null, "finish_reason": finish_reason }]);
    chunk
}

/// The chunks, choices interleaved, with usage where the behaviour puts it.
pub(super) fn events(answer: &Answer, behaviour: Behaviour, include_usage: bool) -> Vec<Event> {
    let deltas = deltas(answer, behaviour);
    let mut chunks: Vec<Value> = Vec::new();
    for delta in &deltas {
        chunks.extend((0..answer.choices).map(|index| chunk(answer, index, delta, None)));
    }
    let reason = Some(answer.finish_reason());
    chunks.extend((0..answer.choices).map(|index| chunk(answer, index, &json!({}), reason)));
    match behaviour {
        Behaviour::UsageOnLast => {
            if let Some(last) = chunks.last_mut() {
                last["usage"] = answer.usage.clone();
            }
        }
        Behaviour::GroqUsage => {
            if let Some(last) = chunks.last_mut() {
                last["x_groq"] = json!({ "id": "req_fake", "usage": answer.usage });
            }
        }
        _ if include_usage => {
            for chunk in &mut chunks {
                chunk["usage"] = Value::Null;
            }
            let mut last = answer.envelope("chat.completion.chunk");
            last["choices"] = json!([]);
            last["usage"] = answer.usage.clone();
            chunks.push(last);
        }
        _ => {}
    }
    chunks.iter().map(Event::unnamed).collect()
}

fn deltas(answer: &Answer, behaviour: Behaviour) -> Vec<Value> {
    let mut deltas = vec![json!({ "role": "assistant", "content": "", "refusal": null })];
    if behaviour == Behaviour::Giant {
        deltas.push(json!({ "content": giant() }));
    }
    if let Some(reasoning) = &answer.reasoning {
        deltas.extend(words(reasoning).map(|word| json!({ "reasoning_content": word })));
    }
    if let Some(text) = &answer.text {
        deltas.extend(words(text).map(|word| json!({ "content": word })));
    }
    for (index, call) in answer.tool_calls.iter().enumerate() {
        let function = json!({ "name": call.name, "arguments": "" });
        deltas.push(json!({ "tool_calls": [{ "index": index, "id": call.id, "type": "function", "function": function }] }));
    }
    // The arguments of parallel calls come interleaved.
    let arguments: Vec<Vec<String>> = answer
        .tool_calls
        .iter()
        .map(|call| pieces(&call.arguments))
        .collect();
    let longest = arguments.iter().map(Vec::len).max().unwrap_or(0);
    for number in 0..longest {
        for (index, pieces) in arguments.iter().enumerate() {
            if let Some(piece) = pieces.get(number) {
                deltas
                    .push(json!({ "tool_calls": [{ "index": index, "function": { "arguments": piece } }] }));
            }
        }
    }
    deltas
}

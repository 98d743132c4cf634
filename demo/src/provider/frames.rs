//! An answer as the frames of a stream, and what each behaviour does to them.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::Behaviour;
use super::answer::Answer;

/// Frames before a misbehaviour in the middle of an answer: the startup frame and three of content.
const MIDDLE: usize = 4;
const GIANT_BYTES: usize = 2 << 20;
const FIREHOSE_BYTES: usize = 64 << 10;
const ENDLESS_PACE: Duration = Duration::from_millis(5);

/// What the provider puts on the wire, and how it ends.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) writes: Vec<Bytes>,
    pub(super) end: End,
}

/// What follows the last write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The body ends in good order.
    Close,
    /// The connection breaks.
    Break,
    /// Nothing, for ever.
    Silence,
    /// More words, for ever: a pause before each, and its length beyond its number.
    Words(Duration, usize),
}

/// The whole stream of an answer, as `behaviour` would have it.
pub(super) fn script(answer: &Answer, behaviour: Behaviour, include_usage: bool) -> Script {
    let mut chunks = chunks(answer, behaviour, include_usage);
    let cut = match behaviour {
        Behaviour::HangBody => Some((1, End::Silence)),
        Behaviour::CutEarly => Some((1, End::Break)),
        Behaviour::OkThenError => Some((1, End::Close)),
        Behaviour::Stall => Some((MIDDLE, End::Silence)),
        Behaviour::Endless => Some((MIDDLE, End::Words(ENDLESS_PACE, 0))),
        Behaviour::Firehose => Some((MIDDLE, End::Words(Duration::ZERO, FIREHOSE_BYTES))),
        Behaviour::Cut => Some((MIDDLE, End::Break)),
        Behaviour::CutFrame | Behaviour::EndEarly | Behaviour::ErrorAfterContent => {
            Some((MIDDLE, End::Close))
        }
        _ => None,
    };
    if let Some((length, _)) = cut {
        chunks.truncate(length);
    }
    if matches!(behaviour, Behaviour::OkThenError | Behaviour::ErrorAfterContent) {
        chunks.push(overloaded());
    }
    let done = cut.is_none() && behaviour != Behaviour::MissingDone;
    Script {
        writes: wire(&chunks, behaviour, done),
        end: cut.map_or(End::Close, |(_, end)| end),
    }
}

/// One more word, for a stream that has no end.
pub(super) fn word(answer: &Answer, number: u64, length: usize) -> Bytes {
    let content = format!("word {number} {}", "x".repeat(length));
    let mut chunk = chunk(answer, 0, &json!({ "content": content }), None);
    chunk["usage"] = Value::Null;
    Bytes::from(format!("data: {chunk}\n\n"))
}

/// An error as a provider reports it inside a stream, or in a 200's body.
pub(super) fn overloaded() -> Value {
    json!({ "error": { "message": "The engine is overloaded", "type": "server_error", "param": null, "code": "overloaded" } })
}

fn chunk(answer: &Answer, index: u64, delta: &Value, finish_reason: Option<&str>) -> Value {
    let mut chunk = answer.envelope("chat.completion.chunk");
    chunk["choices"] =
        json!([{ "index": index, "delta": delta, "logprobs": null, "finish_reason": finish_reason }]);
    chunk
}

/// The chunks of a well-behaved stream, choices interleaved, with usage where the behaviour puts it.
fn chunks(answer: &Answer, behaviour: Behaviour, include_usage: bool) -> Vec<Value> {
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
    chunks
}

fn deltas(answer: &Answer, behaviour: Behaviour) -> Vec<Value> {
    let mut deltas = vec![json!({ "role": "assistant", "content": "", "refusal": null })];
    if behaviour == Behaviour::Giant {
        deltas.push(json!({ "content": "x".repeat(GIANT_BYTES) }));
    }
    let words = |text: &str| text.split_inclusive(' ').map(str::to_owned).collect::<Vec<_>>();
    if let Some(reasoning) = &answer.reasoning {
        deltas.extend(
            words(reasoning)
                .iter()
                .map(|word| json!({ "reasoning_content": word })),
        );
    }
    if let Some(text) = &answer.text {
        deltas.extend(words(text).iter().map(|word| json!({ "content": word })));
    }
    for (index, call) in answer.tool_calls.iter().enumerate() {
        let function = json!({ "name": call.name, "arguments": "" });
        deltas.push(json!({ "tool_calls": [{ "index": index, "id": call.id, "type": "function", "function": function }] }));
    }
    // The arguments of parallel calls come interleaved, in pieces of a few characters.
    let longest = answer
        .tool_calls
        .iter()
        .map(|call| call.arguments.chars().count())
        .max()
        .unwrap_or(0);
    for start in (0..longest).step_by(5) {
        for (index, call) in answer.tool_calls.iter().enumerate() {
            let piece: String = call.arguments.chars().skip(start).take(5).collect();
            deltas.push(json!({ "tool_calls": [{ "index": index, "function": { "arguments": piece } }] }));
        }
    }
    deltas
}

/// The chunks as bytes, one write each unless the behaviour says otherwise.
fn wire(chunks: &[Value], behaviour: Behaviour, done: bool) -> Vec<Bytes> {
    let mut frames: Vec<String> = chunks
        .iter()
        .enumerate()
        .map(|(at, chunk)| frame(&chunk.to_string(), at, behaviour))
        .collect();
    match behaviour {
        Behaviour::Malformed => frames.insert(1, "data: {\"choices\": oops\n\n".to_owned()),
        Behaviour::MalformedLater => frames.insert(MIDDLE, "data: {\"choices\": oops\n\n".to_owned()),
        Behaviour::CutFrame => frames.push("data: {\"id\":\"chatcmpl".to_owned()),
        _ => {}
    }
    if done {
        let count = if behaviour == Behaviour::DoubleDone { 2 } else { 1 };
        frames.extend(std::iter::repeat_n(frame("[DONE]", 1, behaviour), count));
    }
    if let (Behaviour::NoBlankLine, Some(last)) = (behaviour, frames.last_mut()) {
        last.truncate(last.trim_end().len());
    }
    match behaviour {
        Behaviour::SplitUtf8 => frames
            .concat()
            .into_bytes()
            .into_iter()
            .map(|byte| Bytes::from(vec![byte]))
            .collect(),
        Behaviour::Gzip => compressed(&frames),
        _ => frames.into_iter().map(Bytes::from).collect(),
    }
}

fn frame(data: &str, at: usize, behaviour: Behaviour) -> String {
    match behaviour {
        Behaviour::Crlf => format!("data: {data}\r\n\r\n"),
        Behaviour::NoSpace => format!("data:{data}\n\n"),
        Behaviour::Fields => {
            let mark = if at == 0 { "\u{feff}" } else { "" };
            format!("{mark}event: message\nid: {at}\nretry: 1000\ndata: {data}\n\n")
        }
        Behaviour::Keepalive => format!(": FAKE PROCESSING\n\ndata: {data}\n\n"),
        _ => format!("data: {data}\n\n"),
    }
}

/// One gzip stream, flushed after each frame, as a compressing proxy does.
fn compressed(frames: &[String]) -> Vec<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut writes = Vec::new();
    for frame in frames {
        // Writing into memory cannot fail.
        let _ = encoder.write_all(frame.as_bytes()).and_then(|()| encoder.flush());
        writes.push(Bytes::from(std::mem::take(encoder.get_mut())));
    }
    writes.push(Bytes::from(encoder.finish().unwrap_or_default()));
    writes
}

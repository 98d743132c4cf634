//! A stream of Cohere's, in `OpenAI`'s chunks.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{counts, finish_reason};
use crate::dialect::chunk_writer::ChunkWriter;
use crate::dialect::openai::error;
use crate::sse;

/// A stream in the middle of its translation.
#[derive(Debug)]
pub(crate) struct Stream {
    writer: ChunkWriter,
}

impl Stream {
    /// `created` is in seconds since 1970.
    pub(crate) fn new(model: &str, created: i64) -> Self {
        Self {
            writer: ChunkWriter::new(model, created),
        }
    }

    /// Translates one frame into any number of them.
    pub(crate) fn push(&mut self, frame: &Bytes, out: &mut VecDeque<Bytes>) {
        let Some(data) = sse::parse(frame).data else {
            return;
        };
        if matches!(data.trim_ascii(), b"" | b"[DONE]") {
            return;
        }
        let Ok(data) = serde_json::from_slice::<Value>(&data) else {
            // Let the reader of frames find it malformed.
            out.push_back(frame.clone());
            return;
        };
        let message = &data["delta"]["message"];
        let delta = match data["type"].as_str() {
            Some("message-start") => {
                self.writer.identify(data["id"].as_str(), None);
                Some(("content", json!("")))
            }
            Some("content-start" | "content-delta") => content(&message["content"]),
            Some("tool-plan-delta") => Some(("reasoning_content", message["tool_plan"].clone())),
            Some("tool-call-start" | "tool-call-delta") => Some(("tool_calls", call(&data))),
            Some("message-end") => return self.end(&data["delta"], out),
            None => {
                let said = error::from_value(&data);
                out.push_back(Bytes::from(error::frame(
                    &said.message,
                    "server_error",
                    &said.code,
                )));
                return;
            }
            // Citations, the ends of parts, and kinds that are still to be invented.
            Some(_) => None,
        };
        if let Some((name, value)) = delta {
            out.push_back(self.writer.delta(Map::from_iter([(name.to_owned(), value)])));
        }
    }

    fn end(&mut self, delta: &Value, out: &mut VecDeque<Bytes>) {
        let reason = delta["finish_reason"].as_str().unwrap_or("COMPLETE");
        if reason == "ERROR" {
            let message = delta["error"].as_str().unwrap_or("the provider failed");
            out.push_back(Bytes::from(error::frame(
                message,
                "server_error",
                "provider_error",
            )));
            return;
        }
        out.push_back(self.writer.finish(finish_reason(reason)));
        out.push_back(self.writer.usage(counts(&delta["usage"])));
        out.push_back(Bytes::from_static(sse::DONE));
    }
}

fn content(content: &Value) -> Option<(&'static str, Value)> {
    let filled = |name: &str| content[name].as_str().filter(|text| !text.is_empty());
    let text = filled("text").map(|text| ("content", json!(text)));
    text.or_else(|| filled("thinking").map(|thought| ("reasoning_content", json!(thought))))
}

/// The beginning of a call, or a piece of its arguments.
fn call(data: &Value) -> Value {
    let call = &data["delta"]["message"]["tool_calls"];
    let function = &call["function"];
    let arguments = function["arguments"].as_str().unwrap_or_default();
    let mut out = json!({ "index": data["index"], "function": { "arguments": arguments } });
    if data["type"] == "tool-call-start" {
        out["id"] = call["id"].clone();
        out["type"] = json!("function");
        out["function"]["name"] = function["name"].clone();
    }
    json!([out])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_text_and_calls_become_chunks() {
        let mut stream = Stream::new("command-x", 9);
        let mut out = VecDeque::new();
        for event in [
            json!({ "type": "message-start", "id": "r1", "delta": { "message": { "role": "assistant" } } }),
            json!({ "type": "tool-plan-delta", "delta": { "message": { "tool_plan": "I will" } } }),
            json!({ "type": "content-start", "index": 0, "delta": { "message": { "content": { "type": "text", "text": "" } } } }),
            json!({ "type": "content-delta", "index": 0, "delta": { "message": { "content": { "text": "Hé" } } } }),
            json!({ "type": "content-end", "index": 0 }),
            json!({ "type": "tool-call-start", "index": 0, "delta": { "message": { "tool_calls": {
                "id": "c1", "type": "function", "function": { "name": "f", "arguments": "" } } } } }),
            json!({ "type": "tool-call-delta", "index": 0, "delta": { "message": { "tool_calls": {
                "function": { "arguments": "{}" } } } } }),
            json!({ "type": "tool-call-end", "index": 0 }),
            json!({ "type": "message-end", "delta": { "finish_reason": "TOOL_CALL",
                "usage": { "tokens": { "input_tokens": 5, "output_tokens": 6 } } } }),
        ] {
            stream.push(&Bytes::from(format!("event: x\ndata: {event}\n\n")), &mut out);
        }
        let last = out.pop_back();
        assert_eq!(last.as_deref(), Some(sse::DONE));
        let chunks: Vec<Value> = out
            .iter()
            .map(|frame| serde_json::from_slice(&sse::parse(frame).data.unwrap()).unwrap())
            .collect();
        let deltas: Vec<&Value> = chunks[..5]
            .iter()
            .map(|chunk| &chunk["choices"][0]["delta"])
            .collect();
        let named = json!({ "tool_calls": [{ "index": 0, "id": "c1", "type": "function",
            "function": { "name": "f", "arguments": "" } }] });
        let piece = json!({ "tool_calls": [{ "index": 0, "function": { "arguments": "{}" } }] });
        assert_eq!(
            deltas,
            [
                &json!({ "role": "assistant", "content": "" }),
                &json!({ "reasoning_content": "I will" }),
                &json!({ "content": "Hé" }),
                &named,
                &piece,
            ]
        );
        assert_eq!(chunks[5]["choices"][0]["finish_reason"], "tool_calls");
        assert_eq!(chunks[6]["usage"]["total_tokens"], 11);
    }

    #[test]
    fn an_error_at_the_end_is_an_error() {
        let mut stream = Stream::new("m", 0);
        let mut out = VecDeque::new();
        let event =
            json!({ "type": "message-end", "delta": { "finish_reason": "ERROR", "error": "broken" } });
        stream.push(&Bytes::from(format!("data: {event}\n\n")), &mut out);
        assert_eq!(out.len(), 1);
        assert!(std::str::from_utf8(&out[0]).unwrap().contains("broken"));
    }
}

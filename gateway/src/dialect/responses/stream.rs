//! A stream of the Responses API, in chunks of chat completions.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{counts, finish_reason, reasoning_details};
use crate::dialect::chunk_writer::ChunkWriter;
use crate::dialect::openai::error;
use crate::sse;

/// A stream in the middle of its translation.
#[derive(Debug)]
pub(crate) struct Stream {
    writer: ChunkWriter,
    /// For each call: the number of its item there, and its own here.
    calls: Vec<(u64, u64)>,
}

impl Stream {
    /// `created` is in seconds since 1970.
    pub(crate) fn new(model: &str, created: i64) -> Self {
        Self {
            writer: ChunkWriter::new(model, created),
            calls: Vec::new(),
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
        let response = &data["response"];
        match data["type"].as_str() {
            Some("response.created") => {
                self.writer
                    .identify(response["id"].as_str(), response["model"].as_str());
                self.send("content", json!(""), out);
            }
            Some("response.output_text.delta") => self.send("content", data["delta"].clone(), out),
            Some("response.refusal.delta") => self.send("refusal", data["delta"].clone(), out),
            Some("response.reasoning_summary_text.delta" | "response.reasoning_text.delta") => {
                self.send("reasoning_content", data["delta"].clone(), out);
            }
            Some("response.output_item.added") => self.begin(&data, out),
            Some("response.output_item.done") => self.finish_item(&data["item"], out),
            Some("response.function_call_arguments.delta") => self.arguments(&data, out),
            Some("response.completed" | "response.incomplete") => self.end(response, out),
            Some("response.failed") => out.push_back(failure(&response["error"])),
            Some("error") => out.push_back(failure(if data["error"].is_object() {
                &data["error"]
            } else {
                &data
            })),
            None if data["error"].is_object() => out.push_back(failure(&data["error"])),
            _ => {}
        }
    }

    fn send(&mut self, name: &str, value: Value, out: &mut VecDeque<Bytes>) {
        out.push_back(self.writer.delta(Map::from_iter([(name.to_owned(), value)])));
    }

    fn begin(&mut self, data: &Value, out: &mut VecDeque<Bytes>) {
        let item = &data["item"];
        if item["type"] == "function_call" {
            let number = self.calls.len() as u64;
            self.calls
                .push((data["output_index"].as_u64().unwrap_or_default(), number));
            let call = json!([{ "index": number, "id": item["call_id"], "type": "function",
                "function": { "name": item["name"], "arguments": "" } }]);
            self.send("tool_calls", call, out);
        }
    }

    fn arguments(&mut self, data: &Value, out: &mut VecDeque<Bytes>) {
        let item = data["output_index"].as_u64().unwrap_or_default();
        if let Some((_, number)) = self.calls.iter().find(|(index, _)| *index == item) {
            let piece = json!([{ "index": number, "function": { "arguments": data["delta"] } }]);
            self.send("tool_calls", piece, out);
        }
    }

    /// What can only be given back when the item is whole.
    fn finish_item(&mut self, item: &Value, out: &mut VecDeque<Bytes>) {
        if item["type"] == "reasoning" {
            let sealed: Vec<Value> = reasoning_details(item, 0)
                .into_iter()
                .filter(|detail| detail["type"] == "reasoning.encrypted")
                .collect();
            if !sealed.is_empty() {
                self.send("reasoning_details", json!(sealed), out);
            }
        }
    }

    fn end(&mut self, response: &Value, out: &mut VecDeque<Bytes>) {
        let reason = finish_reason(response, !self.calls.is_empty());
        out.push_back(self.writer.finish(reason));
        out.push_back(self.writer.usage(counts(&response["usage"])));
        out.push_back(Bytes::from_static(sse::DONE));
    }
}

fn failure(said: &Value) -> Bytes {
    let said = error::from_value(said);
    Bytes::from(error::frame(&said.message, "server_error", &said.code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thought_text_and_calls_become_chunks() {
        let mut stream = Stream::new("asked", 9);
        let mut out = VecDeque::new();
        for event in [
            json!({ "type": "response.created", "response": { "id": "resp_1", "model": "gpt-x" } }),
            json!({ "type": "response.in_progress" }),
            json!({ "type": "response.output_item.added", "output_index": 0, "item": { "type": "reasoning" } }),
            json!({ "type": "response.reasoning_summary_text.delta", "delta": "hm" }),
            json!({ "type": "response.output_item.done", "item": { "type": "reasoning", "id": "rs", "summary": [],
                "encrypted_content": "enc" } }),
            json!({ "type": "response.output_text.delta", "delta": "Hé" }),
            json!({ "type": "response.output_item.added", "output_index": 2, "item": { "type": "function_call",
                "call_id": "c1", "name": "f" } }),
            json!({ "type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{}" }),
            json!({ "type": "response.completed", "response": { "usage": { "input_tokens": 5, "output_tokens": 6 } } }),
        ] {
            stream.push(&Bytes::from(format!("event: x\ndata: {event}\n\n")), &mut out);
        }
        assert_eq!(out.pop_back().as_deref(), Some(sse::DONE));
        let chunks: Vec<Value> = out
            .iter()
            .map(|frame| serde_json::from_slice(&sse::parse(frame).data.unwrap()).unwrap())
            .collect();
        let delta = |place: usize| &chunks[place]["choices"][0]["delta"];
        assert_eq!(delta(0), &json!({ "role": "assistant", "content": "" }));
        assert_eq!(delta(1), &json!({ "reasoning_content": "hm" }));
        assert_eq!(delta(2)["reasoning_details"][0]["data"], "enc");
        assert_eq!(delta(3), &json!({ "content": "Hé" }));
        assert_eq!(delta(4)["tool_calls"][0]["id"], "c1");
        assert_eq!(delta(5)["tool_calls"][0]["function"]["arguments"], "{}");
        assert_eq!(chunks[6]["choices"][0]["finish_reason"], "tool_calls");
        assert_eq!(
            (chunks[7]["usage"]["total_tokens"].as_u64(), chunks.len()),
            (Some(11), 8)
        );
    }

    #[test]
    fn failures_of_both_kinds_are_errors() {
        for event in [
            json!({ "type": "error", "code": "server_error", "message": "broken" }),
            json!({ "type": "response.failed", "response": { "error": { "code": "server_error", "message": "broken" } } }),
        ] {
            let mut out = VecDeque::new();
            Stream::new("m", 0).push(&Bytes::from(format!("data: {event}\n\n")), &mut out);
            assert!(std::str::from_utf8(&out[0]).unwrap().contains("broken"));
        }
    }
}

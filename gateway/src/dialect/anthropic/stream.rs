//! A stream of Anthropic's, in `OpenAI`'s chunks. Blocks are numbered over all kinds there and tool calls by
//! themselves here; usage comes in two halves, at the start and at the end.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::answer::{finish_reason, read_usage};
use crate::dialect::chunk_writer::{ChunkWriter, Counts};
use crate::dialect::openai::error;
use crate::sse;

/// A stream in the middle of its translation.
#[derive(Debug)]
pub(crate) struct Stream {
    writer: ChunkWriter,
    counts: Counts,
    /// For each open block that is a tool call: its number there and here.
    calls: Vec<(u64, u64)>,
    /// Pieces of reasoning so far, which number them.
    thoughts: u64,
    /// Whether it was said why the answer ended.
    has_ended: bool,
}

impl Stream {
    /// `created` is in seconds since 1970.
    pub(crate) fn new(model: &str, created: i64) -> Self {
        Self {
            writer: ChunkWriter::new(model, created),
            counts: Counts::default(),
            calls: Vec::new(),
            thoughts: 0,
            has_ended: false,
        }
    }

    /// Translates one frame into any number of them.
    pub(crate) fn push(&mut self, frame: &Bytes, out: &mut VecDeque<Bytes>) {
        let event = sse::parse(frame);
        let Some(data) = event.data else { return };
        if data.trim_ascii().is_empty() {
            return;
        }
        let Ok(data) = serde_json::from_slice::<Value>(&data) else {
            // Let the reader of frames find it malformed.
            out.push_back(frame.clone());
            return;
        };
        match data["type"].as_str() {
            Some("message_start") => self.begin(&data["message"], out),
            Some("content_block_start") => self.begin_block(&data, out),
            Some("content_block_delta") => self.continue_block(&data, out),
            Some("message_delta") => self.end(&data, out),
            Some("message_stop") => self.stop(out),
            Some("error") => out.push_back(failure(&data["error"])),
            // Pings, the ends of blocks, and kinds that are still to be invented.
            _ => {}
        }
    }

    fn begin(&mut self, message: &Value, out: &mut VecDeque<Bytes>) {
        self.writer
            .identify(message["id"].as_str(), message["model"].as_str());
        read_usage(&message["usage"], &mut self.counts);
        out.push_back(self.writer.delta(fields([("content", json!(""))])));
    }

    fn begin_block(&mut self, data: &Value, out: &mut VecDeque<Bytes>) {
        let block = &data["content_block"];
        match block["type"].as_str() {
            Some("tool_use") => {
                let number = self.calls.len() as u64;
                self.calls
                    .push((data["index"].as_u64().unwrap_or_default(), number));
                let call = json!([{
                    "index": number, "id": block["id"], "type": "function",
                    "function": { "name": block["name"], "arguments": "" },
                }]);
                out.push_back(self.writer.delta(fields([("tool_calls", call)])));
            }
            Some("redacted_thinking") => {
                self.reason(
                    json!({ "type": "reasoning.encrypted", "data": block["data"] }),
                    None,
                    out,
                );
                self.thoughts += 1;
            }
            Some("text") => {
                if let Some(text) = block["text"].as_str().filter(|text| !text.is_empty()) {
                    out.push_back(self.writer.delta(fields([("content", json!(text))])));
                }
            }
            _ => {}
        }
    }

    fn continue_block(&mut self, data: &Value, out: &mut VecDeque<Bytes>) {
        let delta = &data["delta"];
        match delta["type"].as_str() {
            Some("text_delta") => {
                out.push_back(self.writer.delta(fields([("content", delta["text"].clone())])));
            }
            Some("input_json_delta") => {
                let block = data["index"].as_u64().unwrap_or_default();
                let Some((_, number)) = self.calls.iter().find(|(index, _)| *index == block) else {
                    return;
                };
                let piece = json!([{ "index": number, "function": { "arguments": delta["partial_json"] } }]);
                out.push_back(self.writer.delta(fields([("tool_calls", piece)])));
            }
            Some("thinking_delta") => {
                let detail = json!({ "type": "reasoning.text", "text": delta["thinking"] });
                self.reason(detail, Some(&delta["thinking"]), out);
            }
            Some("signature_delta") => {
                self.reason(
                    json!({ "type": "reasoning.text", "signature": delta["signature"] }),
                    None,
                    out,
                );
                self.thoughts += 1;
            }
            _ => {}
        }
    }

    /// A piece of reasoning: what can be given back, and, where it is text, what can be read.
    fn reason(&mut self, mut detail: Value, text: Option<&Value>, out: &mut VecDeque<Bytes>) {
        detail["index"] = json!(self.thoughts);
        let mut delta = Map::new();
        if let Some(text) = text {
            delta.insert("reasoning_content".to_owned(), text.clone());
        }
        delta.insert("reasoning_details".to_owned(), json!([detail]));
        out.push_back(self.writer.delta(delta));
    }

    fn end(&mut self, data: &Value, out: &mut VecDeque<Bytes>) {
        read_usage(&data["usage"], &mut self.counts);
        if let Some(reason) = data["delta"]["stop_reason"].as_str() {
            let reason = finish_reason(reason);
            self.has_ended = true;
            out.push_back(self.writer.finish(reason));
            out.push_back(self.writer.usage(self.counts));
        }
    }

    fn stop(&mut self, out: &mut VecDeque<Bytes>) {
        if self.has_ended {
            out.push_back(Bytes::from_static(sse::DONE));
        }
    }
}

fn failure(said: &Value) -> Bytes {
    let message = said["message"].as_str().unwrap_or("the provider failed");
    let kind = said["type"].as_str().unwrap_or("api_error");
    Bytes::from(error::frame(message, kind, kind))
}

fn fields<const N: usize>(entries: [(&str, Value); N]) -> Map<String, Value> {
    entries
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

#[cfg(test)]
mod tests;

//! A stream in Anthropic's format, out of `OpenAI`'s chunks. Blocks never overlap there: a tool call that
//! begins while an earlier one is open is held until the stream says that no more comes.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{error_body, input_of, stop_reason, usage};
use crate::sse;

/// The event that ends a stream.
pub(crate) const MESSAGE_STOP: &[u8] = b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

/// A stream in the middle of its translation.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    started: bool,
    /// The open block's kind.
    open: Option<Open>,
    /// Blocks opened so far.
    blocks: u64,
    calls: Vec<Call>,
    stop_reason: Option<&'static str>,
    usage: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
    Call(u64),
}

/// A tool call that waits for its turn.
#[derive(Debug)]
struct Call {
    index: u64,
    id: Value,
    name: Value,
    arguments: String,
    is_sent: bool,
}

impl Encoder {
    /// Translates one frame that holds a chunk.
    pub(crate) fn push(&mut self, frame: &[u8], out: &mut VecDeque<Bytes>) {
        let Some(data) = sse::parse(frame).data else {
            return;
        };
        let Ok(chunk) = serde_json::from_slice::<Value>(&data) else {
            return;
        };
        self.start(&chunk, out);
        if chunk["usage"].is_object() {
            self.usage = usage(&chunk["usage"]);
        }
        let choice = &chunk["choices"][0];
        self.think(&choice["delta"], out);
        for field in ["content", "refusal"] {
            if let Some(text) = choice["delta"][field].as_str().filter(|text| !text.is_empty()) {
                self.open(Open::Text, &json!({ "type": "text", "text": "" }), out);
                self.delta(&json!({ "type": "text_delta", "text": text }), out);
            }
        }
        for call in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
            self.call(call, out);
        }
        if let Some(reason) = choice["finish_reason"].as_str() {
            self.stop_reason = Some(stop_reason(reason));
        }
    }

    /// Ends the stream in good order.
    pub(crate) fn done(&mut self, out: &mut VecDeque<Bytes>) {
        self.start(&Value::Null, out);
        self.flush_calls(out);
        self.close(out);
        let delta = json!({ "stop_reason": self.stop_reason.unwrap_or("end_turn"), "stop_sequence": null });
        let mut end = json!({ "type": "message_delta", "delta": delta });
        if self.usage.is_object() {
            end["usage"] = self.usage.take();
        }
        out.push_back(event("message_delta", &end));
        out.push_back(event("message_stop", &json!({ "type": "message_stop" })));
    }

    fn start(&mut self, chunk: &Value, out: &mut VecDeque<Bytes>) {
        if self.started {
            return;
        }
        self.started = true;
        let message = json!({
            "id": chunk["id"], "type": "message", "role": "assistant", "model": chunk["model"], "content": [],
            "stop_reason": null, "stop_sequence": null, "usage": usage(&chunk["usage"]),
        });
        out.push_back(event(
            "message_start",
            &json!({ "type": "message_start", "message": message }),
        ));
    }

    fn think(&mut self, delta: &Value, out: &mut VecDeque<Bytes>) {
        let thought = delta["reasoning_content"]
            .as_str()
            .or(delta["reasoning"].as_str());
        if let Some(thought) = thought.filter(|thought| !thought.is_empty()) {
            self.open_thinking(out);
            self.delta(&json!({ "type": "thinking_delta", "thinking": thought }), out);
        }
        for detail in delta["reasoning_details"].as_array().into_iter().flatten() {
            if let Some(signature) = detail["signature"].as_str() {
                self.open_thinking(out);
                self.delta(&json!({ "type": "signature_delta", "signature": signature }), out);
                self.close(out);
            }
            if detail["type"] == "reasoning.encrypted" {
                self.close(out);
                self.begin(
                    &json!({ "type": "redacted_thinking", "data": detail["data"] }),
                    out,
                );
                self.open = Some(Open::Thinking);
                self.close(out);
            }
        }
    }

    fn open_thinking(&mut self, out: &mut VecDeque<Bytes>) {
        let block = json!({ "type": "thinking", "thinking": "", "signature": "" });
        self.open(Open::Thinking, &block, out);
    }

    fn call(&mut self, piece: &Value, out: &mut VecDeque<Bytes>) {
        let position = self.position(piece);
        let call = &mut self.calls[position];
        if call.id.is_null() {
            call.id = piece["id"].clone();
        }
        if call.name.is_null() {
            call.name = piece["function"]["name"].clone();
        }
        let arguments = piece["function"]["arguments"].as_str().unwrap_or_default();
        let index = call.index;
        let is_next = self.calls[..position].iter().all(|earlier| earlier.is_sent) && position == 0;
        if !is_next {
            self.calls[position].arguments.push_str(arguments);
            return;
        }
        if self.open != Some(Open::Call(index)) {
            if self.calls[position].is_sent {
                // Text came between its pieces: the rest cannot be sent any more without breaking the format.
                return;
            }
            self.calls[position].is_sent = true;
            let block = block_of(&self.calls[position]);
            self.open(Open::Call(index), &block, out);
        }
        if !arguments.is_empty() {
            self.delta(
                &json!({ "type": "input_json_delta", "partial_json": arguments }),
                out,
            );
        }
    }

    /// Where the call of a piece is; a new one is added.
    fn position(&mut self, piece: &Value) -> usize {
        let index = piece["index"].as_u64().unwrap_or(self.calls.len() as u64);
        if let Some(position) = self.calls.iter().position(|call| call.index == index) {
            return position;
        }
        self.calls.push(Call {
            index,
            id: Value::Null,
            name: Value::Null,
            arguments: String::new(),
            is_sent: false,
        });
        self.calls.len() - 1
    }

    /// Sends the calls that had to wait.
    fn flush_calls(&mut self, out: &mut VecDeque<Bytes>) {
        for call in std::mem::take(&mut self.calls)
            .into_iter()
            .filter(|call| !call.is_sent)
        {
            self.open(Open::Call(call.index), &block_of(&call), out);
            let input = input_of(&call.arguments).to_string();
            self.delta(&json!({ "type": "input_json_delta", "partial_json": input }), out);
        }
    }

    /// Opens a block unless it is the open one.
    fn open(&mut self, kind: Open, block: &Value, out: &mut VecDeque<Bytes>) {
        if self.open != Some(kind) {
            self.close(out);
            self.begin(block, out);
            self.open = Some(kind);
        }
    }

    fn begin(&mut self, block: &Value, out: &mut VecDeque<Bytes>) {
        let start = json!({ "type": "content_block_start", "index": self.blocks, "content_block": block });
        out.push_back(event("content_block_start", &start));
        self.blocks += 1;
    }

    fn delta(&self, delta: &Value, out: &mut VecDeque<Bytes>) {
        let index = self.blocks.saturating_sub(1);
        let data = json!({ "type": "content_block_delta", "index": index, "delta": delta });
        out.push_back(event("content_block_delta", &data));
    }

    fn close(&mut self, out: &mut VecDeque<Bytes>) {
        if self.open.take().is_some() {
            let stop = json!({ "type": "content_block_stop", "index": self.blocks.saturating_sub(1) });
            out.push_back(event("content_block_stop", &stop));
        }
    }
}

fn block_of(call: &Call) -> Value {
    json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": {} })
}

/// An error as the event that tells the reader of a stream.
pub(crate) fn error_event(kind: &str, message: &str) -> Bytes {
    event("error", &error_body(kind, message, None))
}

fn event(name: &str, data: &Value) -> Bytes {
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

#[cfg(test)]
mod tests;

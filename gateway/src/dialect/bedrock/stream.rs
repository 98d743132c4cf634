//! A stream of Bedrock's, in `OpenAI`'s chunks. Its messages are binary; blocks are numbered over all kinds there and
//! tool calls by themselves here; text begins without a word, and usage comes after the end.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{counts, finish_reason, new_id};
use crate::dialect::chunk_writer::ChunkWriter;
use crate::dialect::openai::error;
use crate::sse;
use crate::upstream::event_stream::{self, Message};

/// What a reader of frames finds malformed.
const NOT_JSON: &[u8] = b"data: {\"\n\n";

/// A stream in the middle of its translation.
#[derive(Debug)]
pub(crate) struct Stream {
    writer: ChunkWriter,
    /// For each block that is a tool call: its number there and here.
    calls: Vec<(u64, u64)>,
    /// Pieces of reasoning so far, which number them.
    thoughts: u64,
    /// Whether it was said why the answer ended.
    has_ended: bool,
}

impl Stream {
    /// `created` is in seconds since 1970.
    pub(crate) fn new(model: &str, created: i64) -> Self {
        let mut writer = ChunkWriter::new(model, created);
        writer.identify(Some(&new_id()), None);
        Self {
            writer,
            calls: Vec::new(),
            thoughts: 0,
            has_ended: false,
        }
    }

    /// Translates one message into any number of frames.
    pub(crate) fn push(&mut self, message: &Bytes, out: &mut VecDeque<Bytes>) {
        let Some(message) = event_stream::parse(message) else {
            out.push_back(Bytes::from_static(NOT_JSON));
            return;
        };
        let data = serde_json::from_slice::<Value>(message.payload);
        if message.kind != "event" {
            out.push_back(failure(&message, &data.unwrap_or_default()));
            return;
        }
        let Ok(data) = data else {
            out.push_back(Bytes::from_static(NOT_JSON));
            return;
        };
        match message.name {
            "messageStart" => self.say("content", json!(""), out),
            "contentBlockStart" => self.begin_block(&data, out),
            "contentBlockDelta" => self.continue_block(&data, out),
            "messageStop" => self.end(&data, out),
            "metadata" => self.account(&data, out),
            // The ends of blocks, and kinds that are still to be invented.
            _ => {}
        }
    }

    fn say(&mut self, field: &str, value: Value, out: &mut VecDeque<Bytes>) {
        out.push_back(self.writer.delta(Map::from_iter([(field.to_owned(), value)])));
    }

    fn begin_block(&mut self, data: &Value, out: &mut VecDeque<Bytes>) {
        let Some(call) = data["start"].get("toolUse") else {
            return;
        };
        let number = self.calls.len() as u64;
        self.calls.push((block(data), number));
        let call = json!([{
            "index": number, "id": call["toolUseId"], "type": "function",
            "function": { "name": call["name"], "arguments": "" },
        }]);
        self.say("tool_calls", call, out);
    }

    fn continue_block(&mut self, data: &Value, out: &mut VecDeque<Bytes>) {
        let delta = &data["delta"];
        if let Some(text) = delta["text"].as_str() {
            self.say("content", json!(text), out);
        } else if let Some(call) = delta.get("toolUse") {
            let at = block(data);
            if let Some((_, number)) = self.calls.iter().find(|(index, _)| *index == at) {
                let arguments = call["input"].as_str().unwrap_or_default();
                let piece = json!([{ "index": number, "function": { "arguments": arguments } }]);
                self.say("tool_calls", piece, out);
            }
        } else if let Some(reasoning) = delta.get("reasoningContent") {
            self.reason(reasoning, out);
        }
    }

    /// A piece of reasoning: what can be given back, and, where it is text, what can be read.
    fn reason(&mut self, reasoning: &Value, out: &mut VecDeque<Bytes>) {
        let index = self.thoughts;
        let mut delta = Map::new();
        let detail = if let Some(text) = reasoning["text"].as_str() {
            delta.insert("reasoning_content".to_owned(), json!(text));
            json!({ "type": "reasoning.text", "text": text, "index": index })
        } else {
            // Each of these ends a block.
            self.thoughts += 1;
            match reasoning.get("redactedContent") {
                Some(data) => json!({ "type": "reasoning.encrypted", "data": data, "index": index }),
                None => json!({
                    "type": "reasoning.text", "signature": reasoning["signature"], "index": index,
                }),
            }
        };
        delta.insert("reasoning_details".to_owned(), json!([detail]));
        out.push_back(self.writer.delta(delta));
    }

    fn end(&mut self, data: &Value, out: &mut VecDeque<Bytes>) {
        let reason = data["stopReason"].as_str().unwrap_or("end_turn");
        let Some(reason) = finish_reason(reason) else {
            let message = "the model's own output was malformed";
            out.push_back(Bytes::from(error::frame(message, "server_error", reason)));
            return;
        };
        self.has_ended = true;
        out.push_back(self.writer.finish(reason));
    }

    fn account(&mut self, data: &Value, out: &mut VecDeque<Bytes>) {
        out.push_back(self.writer.usage(counts(&data["usage"])));
        if self.has_ended {
            out.push_back(Bytes::from_static(sse::DONE));
        }
    }
}

fn block(data: &Value) -> u64 {
    data["contentBlockIndex"].as_u64().unwrap_or_default()
}

/// An exception, in words that the reader of errors knows.
fn failure(message: &Message<'_>, data: &Value) -> Bytes {
    let said = data["message"].as_str().unwrap_or(message.error);
    let said = if said.is_empty() {
        "the provider failed"
    } else {
        said
    };
    let code = code_of(message.name);
    Bytes::from(error::frame(said, code, code))
}

/// The name of an exception in `OpenAI`'s words.
pub(super) fn code_of(exception: &str) -> &'static str {
    match exception {
        "throttlingException" | "ThrottlingException" => "rate_limit_exceeded",
        "validationException" | "ValidationException" => "invalid_request_error",
        "modelTimeoutException" | "ModelTimeoutException" => "timeout",
        "accessDeniedException" | "AccessDeniedException" => "permission_denied",
        "serviceUnavailableException" | "ServiceUnavailableException" => "overloaded",
        _ => "server_error",
    }
}

#[cfg(test)]
mod tests;

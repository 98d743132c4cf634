//! A stream of Gemini's, in `OpenAI`'s chunks. Every event is a whole answer with the parts that are new; calls
//! arrive whole, usage comes on each event and the last counts, and there is no end mark.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::answer::{MALFORMED_CALL, Pieces, counts, finish_reason};
use crate::dialect::chunk_writer::{ChunkWriter, Counts};
use crate::dialect::openai::error;
use crate::sse;

/// A stream in the middle of its translation.
#[derive(Debug)]
pub(crate) struct Stream {
    writer: ChunkWriter,
    counts: Counts,
    calls: usize,
    has_ended: bool,
}

impl Stream {
    /// `created` is in seconds since 1970.
    pub(crate) fn new(model: &str, created: i64) -> Self {
        Self {
            writer: ChunkWriter::new(model, created),
            counts: Counts::default(),
            calls: 0,
            has_ended: false,
        }
    }

    /// Translates one frame into any number of them.
    pub(crate) fn push(&mut self, frame: &Bytes, out: &mut VecDeque<Bytes>) {
        let Some(data) = sse::parse(frame).data else {
            return;
        };
        if data.trim_ascii().is_empty() {
            return;
        }
        let Ok(data) = serde_json::from_slice::<Value>(&data) else {
            // Let the reader of frames find it malformed.
            out.push_back(frame.clone());
            return;
        };
        if data["error"].is_object() {
            let said = error::from_value(&data["error"]);
            out.push_back(Bytes::from(error::frame(
                &said.message,
                "server_error",
                &said.code,
            )));
            return;
        }
        self.answer(&data, out);
    }

    fn answer(&mut self, data: &Value, out: &mut VecDeque<Bytes>) {
        let id = data["responseId"].as_str();
        self.writer.identify(id, data["modelVersion"].as_str());
        if data["usageMetadata"].is_object() {
            self.counts = counts(&data["usageMetadata"]);
        }
        let candidate = &data["candidates"][0];
        let mut pieces = Pieces::default();
        for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
            pieces.add(part, self.calls, id.unwrap_or_default());
        }
        self.send(pieces, out);
        if candidate["finishReason"] == MALFORMED_CALL {
            let message = "the model wrote a call that is not valid";
            out.push_back(Bytes::from(error::frame(
                message,
                "server_error",
                "malformed_answer",
            )));
            return;
        }
        let reason = match (
            candidate["finishReason"].as_str(),
            &data["promptFeedback"]["blockReason"],
        ) {
            (Some(reason), _) => finish_reason(reason, self.calls > 0),
            (None, Value::String(_)) => "content_filter",
            (None, _) => return,
        };
        if !self.has_ended {
            self.has_ended = true;
            out.push_back(self.writer.finish(reason));
            out.push_back(self.writer.usage(self.counts));
        }
    }

    fn send(&mut self, pieces: Pieces, out: &mut VecDeque<Bytes>) {
        let mut delta = |name: &str, value: Value| {
            let delta = Map::from_iter([(name.to_owned(), value)]);
            out.push_back(self.writer.delta(delta));
        };
        if !pieces.thought.is_empty() {
            delta("reasoning_content", json!(pieces.thought));
        }
        if !pieces.text.is_empty() {
            delta("content", json!(pieces.text));
        }
        for mut call in pieces.calls {
            call["index"] = json!(self.calls);
            self.calls += 1;
            delta("tool_calls", json!([call]));
        }
        if !pieces.images.is_empty() {
            delta("images", json!(pieces.images));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(events: &[Value]) -> Vec<Value> {
        let mut stream = Stream::new("asked", 9);
        let mut out = VecDeque::new();
        for event in events {
            stream.push(&Bytes::from(format!("data: {event}\r\n\r\n")), &mut out);
        }
        let json = |frame: &Bytes| serde_json::from_slice(&sse::parse(frame).data.unwrap()).unwrap();
        out.iter().map(json).collect()
    }

    fn parts(parts: &Value) -> Value {
        json!({ "responseId": "r1", "candidates": [{ "content": { "parts": parts } }],
            "usageMetadata": { "promptTokenCount": 10, "candidatesTokenCount": 1 } })
    }

    #[test]
    fn thought_text_and_calls_over_several_events_become_chunks() {
        let mut last = parts(&json!([{ "functionCall": { "name": "g", "args": { "b": 2 } } }]));
        last["candidates"][0]["finishReason"] = json!("STOP");
        last["usageMetadata"] = json!({ "promptTokenCount": 10, "candidatesTokenCount": 40 });
        let chunks = run(&[
            parts(&json!([{ "text": "hm", "thought": true }])),
            parts(&json!([{ "text": "Hé" }])),
            parts(&json!([{ "functionCall": { "name": "f", "args": { "a": 1 } }, "thoughtSignature": "s" }])),
            last,
        ]);
        assert_eq!(
            chunks[0]["choices"][0]["delta"],
            json!({ "role": "assistant", "reasoning_content": "hm" })
        );
        assert_eq!(chunks[1]["choices"][0]["delta"], json!({ "content": "Hé" }));
        let calls: Vec<_> = chunks[2..4]
            .iter()
            .map(|chunk| {
                let call = &chunk["choices"][0]["delta"]["tool_calls"][0];
                (
                    call["index"].as_u64(),
                    call["id"].as_str(),
                    call["function"]["arguments"].as_str(),
                )
            })
            .collect();
        assert_eq!(
            calls,
            [
                (Some(0), Some("call_r1_0"), Some("{\"a\":1}")),
                (Some(1), Some("call_r1_1"), Some("{\"b\":2}"))
            ]
        );
        assert_eq!(chunks[4]["choices"][0]["finish_reason"], "tool_calls");
        assert_eq!(chunks[5]["usage"]["completion_tokens"], 40);
        assert_eq!(chunks.len(), 6);
    }

    #[test]
    fn a_block_and_an_error_end_the_stream() {
        let blocked = run(&[json!({ "promptFeedback": { "blockReason": "SAFETY" } })]);
        assert_eq!(blocked[0]["choices"][0]["finish_reason"], "content_filter");
        let failed = run(&[json!({ "error": { "code": 503, "message": "busy", "status": "UNAVAILABLE" } })]);
        assert_eq!(failed[0]["error"]["message"], "busy");
        let malformed = run(&[json!({ "candidates": [{ "finishReason": "MALFORMED_FUNCTION_CALL" }] })]);
        assert_eq!(malformed[0]["error"]["code"], "malformed_answer");
    }
}

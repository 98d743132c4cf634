//! Streams of `OpenAI`'s other calls (transcriptions, images): events with a `type`, which pass as they are. What is
//! read of them is the text, the end and the usage.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::dialect::chunk_writer::ChunkWriter;
use crate::dialect::openai::error;
use crate::dialect::responses;
use crate::sse;

/// A stream in the middle of its reading.
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

    /// Reads one frame.
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
        let kind = data["type"].as_str().unwrap_or_default();
        if kind == "error" || data.get("error").is_some() {
            let said = error::from_value(data.get("error").unwrap_or(&data));
            out.push_back(Bytes::from(error::frame(
                &said.message,
                "server_error",
                &said.code,
            )));
        } else if matches!(kind.rsplit('.').next(), Some("done" | "completed")) {
            out.push_back(self.writer.finish("stop"));
            if data["usage"].is_object() {
                out.push_back(self.writer.usage(responses::counts(&data["usage"])));
            }
            out.push_back(Bytes::from_static(sse::DONE));
        } else {
            let text = data["delta"].as_str().unwrap_or_default();
            out.push_back(
                self.writer
                    .delta(Map::from_iter([("content".to_owned(), json!(text))])),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_end_and_usage_are_read() {
        let mut stream = Stream::new("gpt-4o-transcribe", 9);
        let mut out = VecDeque::new();
        for event in [
            json!({ "type": "transcript.text.delta", "delta": "Hé" }),
            json!({ "type": "transcript.text.done", "text": "Hé", "usage": { "type": "tokens", "input_tokens": 14,
                "output_tokens": 3, "total_tokens": 17 } }),
        ] {
            stream.push(&Bytes::from(format!("data: {event}\n\n")), &mut out);
        }
        stream.push(&Bytes::from_static(sse::DONE), &mut out);
        assert_eq!(out.len(), 4);
        assert_eq!(out.pop_back().as_deref(), Some(sse::DONE));
        let usage: Value =
            serde_json::from_slice(&sse::parse(&out.pop_back().unwrap()).data.unwrap()).unwrap();
        assert_eq!(usage["usage"]["prompt_tokens"], 14);
        let mut out = VecDeque::new();
        stream.push(
            &Bytes::from_static(b"data: {\"error\":{\"message\":\"no\"}}\n\n"),
            &mut out,
        );
        assert!(out[0].starts_with(b"data: {\"error\""));
    }
}

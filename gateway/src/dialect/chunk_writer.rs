//! Writes the pivot format: chunks of a stream, and whole answers, as `OpenAI` would have sent them.

use bytes::Bytes;
use serde_json::{Map, Value, json};

/// Token counts in `OpenAI`'s meaning: input includes what was cached, output includes reasoning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) cache_read: u64,
    pub(crate) cache_write: u64,
    /// Part of `cache_write`: what is kept for an hour.
    pub(crate) cache_write_1h: u64,
    pub(crate) reasoning: u64,
}

impl Counts {
    /// The `usage` object.
    pub(crate) fn to_json(self) -> Value {
        let mut input = json!({ "cached_tokens": self.cache_read });
        if self.cache_write > 0 {
            input["cache_write_tokens"] = json!(self.cache_write);
        }
        if self.cache_write_1h > 0 {
            input["cache_write_1h_tokens"] = json!(self.cache_write_1h);
        }
        json!({
            "prompt_tokens": self.input,
            "completion_tokens": self.output,
            "total_tokens": self.input + self.output,
            "prompt_tokens_details": input,
            "completion_tokens_details": { "reasoning_tokens": self.reasoning },
        })
    }
}

/// What all chunks of one answer share.
#[derive(Debug)]
pub(crate) struct ChunkWriter {
    id: String,
    model: String,
    created: i64,
    has_role: bool,
}

impl ChunkWriter {
    /// `created` is in seconds since 1970; `model` stands until the provider names its own.
    pub(crate) fn new(model: &str, created: i64) -> Self {
        Self {
            id: String::new(),
            model: model.to_owned(),
            created,
            has_role: false,
        }
    }

    /// Takes the provider's own id and model.
    pub(crate) fn identify(&mut self, id: Option<&str>, model: Option<&str>) {
        if let Some(id) = id.filter(|id| !id.is_empty()) {
            id.clone_into(&mut self.id);
        }
        if let Some(model) = model.filter(|model| !model.is_empty()) {
            model.clone_into(&mut self.model);
        }
    }

    /// A chunk with a piece of the answer. The first one says who speaks.
    pub(crate) fn delta(&mut self, mut delta: Map<String, Value>) -> Bytes {
        if !self.has_role {
            self.has_role = true;
            let mut first = Map::new();
            first.insert("role".to_owned(), json!("assistant"));
            first.append(&mut delta);
            delta = first;
        }
        self.chunk(
            &json!([{ "index": 0, "delta": delta, "finish_reason": null }]),
            None,
        )
    }

    /// The chunk that says why the answer ended.
    pub(crate) fn finish(&mut self, reason: &str) -> Bytes {
        self.chunk(
            &json!([{ "index": 0, "delta": {}, "finish_reason": reason }]),
            None,
        )
    }

    /// The chunk that carries usage alone.
    pub(crate) fn usage(&mut self, counts: Counts) -> Bytes {
        self.chunk(&json!([]), Some(counts))
    }

    fn chunk(&self, choices: &Value, counts: Option<Counts>) -> Bytes {
        let mut chunk = json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created,
            "model": self.model, "choices": choices,
        });
        if let Some(counts) = counts {
            chunk["usage"] = counts.to_json();
        }
        let mut frame = b"data: ".to_vec();
        frame.extend_from_slice(chunk.to_string().as_bytes());
        frame.extend_from_slice(b"\n\n");
        Bytes::from(frame)
    }

    /// A whole answer.
    pub(crate) fn whole(&self, message: &Map<String, Value>, finish_reason: &str, counts: Counts) -> Bytes {
        let body = json!({
            "id": self.id, "object": "chat.completion", "created": self.created, "model": self.model,
            "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason }],
            "usage": counts.to_json(),
        });
        Bytes::from(body.to_string())
    }
}

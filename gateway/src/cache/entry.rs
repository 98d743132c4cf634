//! One kept answer, and how it is written down: its origin as a line of JSON, then its bytes.

use brokle_model::usage::TokenUsage;
use bytes::Bytes;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::record::AttemptRecord;

/// Changes when older entries can no longer be read; they are misses then.
const VERSION: u8 = 1;

/// A kept answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) origin: Origin,
    /// As the caller got it.
    pub(crate) body: Bytes,
}

/// Where an answer came from, and what it cost then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) version: u8,
    pub(crate) stored_at_ms: i64,
    pub(crate) content_type: String,
    /// The provider's name in the configuration.
    pub(crate) provider: String,
    /// `gen_ai.provider.name`.
    pub(crate) vendor: String,
    /// The model that was asked.
    pub(crate) model: String,
    pub(crate) response_model: Option<String>,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    /// US dollars; nothing when the model has no price.
    pub(crate) cost: Option<Decimal>,
    /// `gen_ai.output.messages`, when content is recorded.
    pub(crate) output_messages: Option<String>,
}

/// What a complete answer brought.
pub(crate) struct Brought<'a> {
    pub(crate) content_type: &'a str,
    pub(crate) model: Option<String>,
    pub(crate) usage: Option<TokenUsage>,
    pub(crate) cost: Option<Decimal>,
    pub(crate) output_messages: Option<String>,
}

impl Brought<'_> {
    /// The origin of an answer that `attempt` got.
    pub(crate) fn by(self, attempt: &AttemptRecord, now_ms: i64) -> Origin {
        let usage = self.usage.unwrap_or_default();
        Origin {
            version: VERSION,
            stored_at_ms: now_ms,
            content_type: self.content_type.to_owned(),
            provider: attempt.provider.name.clone(),
            vendor: attempt.provider.vendor.clone(),
            model: attempt.model.clone(),
            response_model: self.model,
            input_tokens: usage.input,
            output_tokens: usage.output,
            cost: self.cost,
            output_messages: self.output_messages,
        }
    }
}

impl Entry {
    pub(super) fn encode(&self) -> Bytes {
        let mut bytes = serde_json::to_vec(&self.origin).unwrap_or_default();
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.body);
        Bytes::from(bytes)
    }

    /// Nothing when it is of another version, or damaged.
    pub(super) fn decode(bytes: &Bytes) -> Option<Self> {
        let end = memchr::memchr(b'\n', bytes)?;
        let origin: Origin = serde_json::from_slice(&bytes[..end]).ok()?;
        (origin.version == VERSION).then(|| Self {
            origin,
            body: bytes.slice(end + 1..),
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn entry(model: &str, stored_at_ms: i64) -> Entry {
        let origin = Origin {
            version: VERSION,
            stored_at_ms,
            content_type: "application/json".to_owned(),
            provider: "mock".to_owned(),
            vendor: "openai".to_owned(),
            model: model.to_owned(),
            response_model: None,
            input_tokens: 10,
            output_tokens: 5,
            cost: Some(Decimal::new(15, 6)),
            output_messages: Some("[\"a\\nb\"]".to_owned()),
        };
        Entry {
            origin,
            body: Bytes::from_static(b"data: {}\n\ndata: [DONE]\n\n"),
        }
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let entry = entry("gpt-4o", 7);
        assert_eq!(Entry::decode(&entry.encode()), Some(entry));
    }

    #[test]
    fn a_damaged_entry_is_none() {
        let mut bytes = entry("gpt-4o", 7).encode().to_vec();
        bytes[0] = b'[';
        assert_eq!(Entry::decode(&Bytes::from(bytes)), None);
        assert_eq!(Entry::decode(&Bytes::from_static(b"no line")), None);
    }
}

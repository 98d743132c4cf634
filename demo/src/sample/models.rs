//! The models that the invented shop uses, with the paces at which they speak. Names are those of real
//! models, so that the price table knows them.

use std::time::Duration;

/// A language model.
#[derive(Debug)]
pub(super) struct Model {
    /// `gen_ai.provider.name`.
    pub(super) provider: &'static str,
    /// As the program asks for it.
    pub(super) name: &'static str,
    /// As the provider answers.
    pub(super) version: &'static str,
    /// To its first token, without load.
    pub(super) first_token_ms: u64,
    pub(super) tokens_per_second: u64,
    /// Whether it thinks aloud before it speaks.
    pub(super) thinks: bool,
    /// Whether writing a prompt into its cache is counted apart.
    pub(super) counts_cache_writes: bool,
}

const fn model(provider: &'static str, name: &'static str, version: &'static str) -> Model {
    Model {
        provider,
        name,
        version,
        first_token_ms: 420,
        tokens_per_second: 95,
        thinks: false,
        counts_cache_writes: false,
    }
}

/// Those that talk to customers.
pub(super) static ASSISTANTS: [Model; 4] = [
    Model {
        first_token_ms: 780,
        tokens_per_second: 70,
        thinks: true,
        counts_cache_writes: true,
        ..model("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929")
    },
    model("openai", "gpt-4.1", "gpt-4.1-2025-04-14"),
    Model {
        first_token_ms: 1_100,
        tokens_per_second: 120,
        thinks: true,
        ..model("openai", "gpt-5-mini", "gpt-5-mini-2025-08-07")
    },
    Model {
        first_token_ms: 950,
        tokens_per_second: 130,
        thinks: true,
        ..model("gcp.gemini", "gemini-2.5-pro", "gemini-2.5-pro")
    },
];

/// Those that sort, summarise and judge.
pub(super) static CLERKS: [Model; 4] = [
    Model {
        first_token_ms: 260,
        tokens_per_second: 140,
        ..model("openai", "gpt-4o-mini", "gpt-4o-mini-2024-07-18")
    },
    Model {
        first_token_ms: 380,
        tokens_per_second: 150,
        counts_cache_writes: true,
        ..model("anthropic", "claude-haiku-4-5", "claude-haiku-4-5-20251001")
    },
    Model {
        first_token_ms: 210,
        tokens_per_second: 210,
        ..model("gcp.gemini", "gemini-2.5-flash", "gemini-2.5-flash")
    },
    Model {
        first_token_ms: 190,
        tokens_per_second: 180,
        ..model("openai", "gpt-4.1-nano", "gpt-4.1-nano-2025-04-14")
    },
];

pub(super) const EMBEDDER: &str = "text-embedding-3-small";

/// The tokens of a call.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usage {
    /// Cached ones included.
    pub(super) input: u64,
    /// Reasoning included.
    pub(super) output: u64,
    pub(super) cache_read: u64,
    pub(super) cache_write: u64,
    pub(super) reasoning: u64,
}

/// Four bytes are a token, near enough.
pub(super) fn tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(4)
}

impl Model {
    /// How long it takes to its first token, and to its last; `load` of 1 is an idle afternoon.
    pub(super) fn pace(&self, usage: Usage, load: f64) -> (Duration, Duration) {
        let first = Duration::from_millis(self.first_token_ms) + Duration::from_micros(usage.input * 40);
        let rest = Duration::from_millis(usage.output * 1_000 / self.tokens_per_second.max(1));
        (first.mul_f64(load), (first + rest).mul_f64(load))
    }
}

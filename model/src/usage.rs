//! What a model call consumed, in tokens.

use serde::{Deserialize, Serialize};

/// Token counts as the field reports them: `input` includes what was read from and written to a cache,
/// `output` includes reasoning. [`crate::price`] splits them into disjoint buckets before pricing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUsage {
    /// All input tokens, cached included.
    pub input: u64,
    /// All output tokens, reasoning included.
    pub output: u64,
    /// Input tokens served from the provider's prompt cache.
    pub cache_read: u64,
    /// Input tokens written to the provider's prompt cache.
    pub cache_write: u64,
    /// Output tokens spent on reasoning.
    pub reasoning: u64,
}

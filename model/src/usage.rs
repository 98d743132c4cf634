//! What a model call consumed, in tokens.
//!
//! Producers disagree on one point: whether the input count includes what the provider's cache served.
//! [`TokenUsage::reconcile`] settles it once, at the edge, so that everything behind it means the same.
//! Separate counts for audio, images and one-hour cache writes are deliberately absent: the table of
//! observations has no place for them yet.

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

/// How a producer counts tokens that belong to a subset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Counting {
    /// `input` includes cached tokens, as `OpenTelemetry` and OpenAI count. Counts that cannot be
    /// inclusive are recognised and treated as exclusive.
    #[default]
    Inclusive,
    /// `input` and `output` leave the subsets out, as Anthropic's own usage object does.
    Exclusive,
}

/// Token counts of which each token is in exactly one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenBuckets {
    /// Input that no cache had a part in.
    pub input: u64,
    /// Input served from the cache.
    pub cache_read: u64,
    /// Input written to the cache.
    pub cache_write: u64,
    /// Output that is not reasoning.
    pub output: u64,
    /// Reasoning output.
    pub reasoning: u64,
}

impl TokenUsage {
    /// Brings reported counts to the convention of this type. A subset larger than its whole proves that
    /// the producer counts exclusively, whatever it says.
    #[must_use]
    pub fn reconcile(self, counting: Counting) -> Self {
        let cached = self.cache_read.saturating_add(self.cache_write);
        let exclusive = counting == Counting::Exclusive;
        let input = if exclusive || cached > self.input {
            self.input.saturating_add(cached)
        } else {
            self.input
        };
        let output = if exclusive || self.reasoning > self.output {
            self.output.saturating_add(self.reasoning)
        } else {
            self.output
        };
        Self {
            input,
            output,
            ..self
        }
    }

    /// All tokens.
    pub fn total(&self) -> u64 {
        self.input.saturating_add(self.output)
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The same tokens, each counted once.
    pub fn buckets(&self) -> TokenBuckets {
        let cached = self.cache_read.saturating_add(self.cache_write);
        TokenBuckets {
            input: self.input.saturating_sub(cached),
            cache_read: self.cache_read,
            cache_write: self.cache_write,
            output: self.output.saturating_sub(self.reasoning),
            reasoning: self.reasoning,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn usage(input: u64, output: u64, cache_read: u64, cache_write: u64, reasoning: u64) -> TokenUsage {
        TokenUsage {
            input,
            output,
            cache_read,
            cache_write,
            reasoning,
        }
    }

    #[test]
    fn inclusive_counts_split_into_disjoint_buckets() {
        let reported = usage(1000, 500, 800, 100, 300).reconcile(Counting::Inclusive);
        assert_eq!(reported, usage(1000, 500, 800, 100, 300));
        let expected = TokenBuckets {
            input: 100,
            cache_read: 800,
            cache_write: 100,
            output: 200,
            reasoning: 300,
        };
        assert_eq!(reported.buckets(), expected);
    }

    #[test]
    fn counts_that_cannot_be_inclusive_are_taken_as_exclusive() {
        assert_eq!(
            usage(3, 20, 2000, 50, 0).reconcile(Counting::Inclusive),
            usage(2053, 20, 2000, 50, 0)
        );
        assert_eq!(
            usage(10, 5, 0, 0, 90).reconcile(Counting::Inclusive),
            usage(10, 95, 0, 0, 90)
        );
    }

    #[test]
    fn a_producer_known_to_count_exclusively_is_believed() {
        assert_eq!(
            usage(1000, 20, 800, 0, 5).reconcile(Counting::Exclusive),
            usage(1800, 25, 800, 0, 5)
        );
    }

    proptest! {
        #[test]
        fn buckets_add_up_to_the_total(input in 0..1u64 << 40, output in 0..1u64 << 40, read in 0..1u64 << 40,
                                       write in 0..1u64 << 40, reasoning in 0..1u64 << 40, exclusive: bool) {
            let counting = if exclusive { Counting::Exclusive } else { Counting::Inclusive };
            let usage = usage(input, output, read, write, reasoning).reconcile(counting);
            let split = usage.buckets();
            let sum = split.input + split.cache_read + split.cache_write + split.output + split.reasoning;
            prop_assert_eq!(sum, usage.total());
        }
    }
}

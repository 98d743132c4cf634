//! What a model call consumed, in tokens.
//!
//! Producers disagree on one point: whether a count includes its subsets, such as what the provider's cache
//! served. [`TokenUsage::reconcile`] settles it once, at the edge, so that everything behind it means the
//! same. Tokens that are in two subsets at once, such as cached audio, are counted in the first of them:
//! producers do not report the overlap. Video is deliberately absent: no provider prices it apart from images.

use serde::{Deserialize, Serialize};

/// Token counts as the field reports them: `input` includes what was read from and written to a cache and
/// what was audio or an image, `output` includes reasoning, audio and images. [`TokenUsage::buckets`] splits
/// them into disjoint buckets for pricing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenUsage {
    /// All input tokens, cached included.
    pub input: u64,
    /// All output tokens, reasoning included.
    pub output: u64,
    /// Input tokens served from the provider's prompt cache.
    pub cache_read: u64,
    /// Input tokens written to the provider's prompt cache, for however long.
    pub cache_write: u64,
    /// Of those, the ones written for an hour.
    pub cache_write_1h: u64,
    /// Input tokens of audio.
    pub audio_input: u64,
    /// Input tokens of images.
    pub image_input: u64,
    /// Output tokens spent on reasoning.
    pub reasoning: u64,
    /// Output tokens of audio.
    pub audio_output: u64,
    /// Output tokens of images.
    pub image_output: u64,
}

/// How a producer counts tokens that belong to a subset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counting {
    /// `input` includes cached tokens, as `OpenTelemetry` and OpenAI count. Counts that cannot be
    /// inclusive are recognised and treated as exclusive.
    #[default]
    Inclusive,
    /// `input` and `output` leave all subsets out.
    Exclusive,
    /// `input` leaves cached tokens out, as Anthropic's own usage object does; the rest is inclusive.
    ExclusiveInput,
}

/// A kind of tokens with a price of its own. Each token is in exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bucket {
    /// Input text that no cache had a part in.
    Input,
    /// Input served from the cache.
    CacheRead,
    /// Input written to the cache, for five minutes or for as long as the provider keeps it.
    CacheWrite,
    /// Input written to the cache for an hour.
    CacheWrite1h,
    /// Audio put in.
    AudioInput,
    /// Images put in.
    ImageInput,
    /// Output text that is not reasoning.
    Output,
    /// Reasoning.
    Reasoning,
    /// Audio given out.
    AudioOutput,
    /// Images given out.
    ImageOutput,
}

impl Bucket {
    /// How many there are.
    pub const COUNT: usize = 10;

    /// All of them, in order.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Input,
        Self::CacheRead,
        Self::CacheWrite,
        Self::CacheWrite1h,
        Self::AudioInput,
        Self::ImageInput,
        Self::Output,
        Self::Reasoning,
        Self::AudioOutput,
        Self::ImageOutput,
    ];

    /// The name used in storage, in the API and in price files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::CacheRead => "cache_read",
            Self::CacheWrite => "cache_write",
            Self::CacheWrite1h => "cache_write_1h",
            Self::AudioInput => "audio_input",
            Self::ImageInput => "image_input",
            Self::Output => "output",
            Self::Reasoning => "reasoning",
            Self::AudioOutput => "audio_output",
            Self::ImageOutput => "image_output",
        }
    }
}

/// Token counts of which each token is in exactly one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenBuckets {
    counts: [u64; Bucket::COUNT],
}

impl TokenBuckets {
    /// The tokens in one bucket.
    pub const fn get(&self, bucket: Bucket) -> u64 {
        self.counts[bucket as usize]
    }

    /// The buckets that hold something.
    pub fn iter(&self) -> impl Iterator<Item = (Bucket, u64)> {
        let pairs = Bucket::ALL.into_iter().zip(self.counts);
        pairs.filter(|(_, count)| *count > 0)
    }

    /// All tokens.
    pub fn sum(&self) -> u64 {
        self.counts
            .iter()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }
}

impl TokenUsage {
    /// Brings reported counts to the convention of this type. `total` is the producer's own sum: where it
    /// only adds up with a subset besides its whole, the producer counts exclusively, and so it does where a
    /// subset is larger than its whole, whatever it says.
    #[must_use]
    pub fn reconcile(self, counting: Counting, total: Option<u64>) -> Self {
        let cached = self
            .cache_read
            .saturating_add(self.cache_write.max(self.cache_write_1h));
        let (media_in, media_out) = (
            self.audio_input.saturating_add(self.image_input),
            self.audio_output.saturating_add(self.image_output),
        );
        let exclusive = counting == Counting::Exclusive;
        let (cached_apart, reasoning_apart) =
            self.told_by(cached, total.filter(|_| counting == Counting::Inclusive));
        let cached_apart =
            exclusive || counting == Counting::ExclusiveInput || cached_apart || cached > self.input;
        let reasoning_apart = exclusive || reasoning_apart || self.reasoning > self.output;
        let media_in_apart = exclusive || media_in > self.input;
        let media_out_apart = exclusive || media_out > self.output;
        let add = |whole: u64, apart: bool, part: u64| {
            if apart { whole.saturating_add(part) } else { whole }
        };
        Self {
            input: add(add(self.input, cached_apart, cached), media_in_apart, media_in),
            output: add(
                add(self.output, reasoning_apart, self.reasoning),
                media_out_apart,
                media_out,
            ),
            cache_write: self.cache_write.max(self.cache_write_1h),
            ..self
        }
    }

    /// Whether the producer's sum proves that cached input, or reasoning, comes on top.
    fn told_by(&self, cached: u64, total: Option<u64>) -> (bool, bool) {
        let Some(total) = total else { return (false, false) };
        let Some(extra) = total.checked_sub(self.total()).filter(|extra| *extra > 0) else {
            return (false, false);
        };
        if extra == cached.saturating_add(self.reasoning) {
            (cached > 0, self.reasoning > 0)
        } else {
            (extra == cached, extra == self.reasoning)
        }
    }

    /// All tokens.
    pub const fn total(&self) -> u64 {
        self.input.saturating_add(self.output)
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The same tokens, each counted once. The sum is [`TokenUsage::total`], whatever the subsets claim: what
    /// a subset claims beyond its whole is cut.
    pub fn buckets(&self) -> TokenBuckets {
        let mut buckets = TokenBuckets::default();
        let mut rest = self.input;
        let long = self.cache_write_1h;
        let input = [
            (Bucket::CacheRead, self.cache_read),
            (Bucket::CacheWrite1h, long),
            (Bucket::CacheWrite, self.cache_write.saturating_sub(long)),
            (Bucket::AudioInput, self.audio_input),
            (Bucket::ImageInput, self.image_input),
            (Bucket::Input, u64::MAX),
        ];
        for (bucket, count) in input {
            buckets.counts[bucket as usize] = count.min(rest);
            rest -= count.min(rest);
        }
        rest = self.output;
        let output = [
            (Bucket::Reasoning, self.reasoning),
            (Bucket::AudioOutput, self.audio_output),
            (Bucket::ImageOutput, self.image_output),
            (Bucket::Output, u64::MAX),
        ];
        for (bucket, count) in output {
            buckets.counts[bucket as usize] = count.min(rest);
            rest -= count.min(rest);
        }
        buckets
    }
}

#[cfg(test)]
mod tests;

//! The fields that an observation has: what the tables of producers name on their left side.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Names each field, once, with what it is; the order is that of [`Field::COUNT`] and its siblings.
macro_rules! fields {
    ($($field:ident = $name:literal: $about:literal,)+) => {
        /// What Brokle wants to know about an observation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) enum Field { $(#[doc = $about] $field,)+ }

        impl Field {
            /// All of them, in order.
            pub(crate) const ALL: &[Self] = &[$(Self::$field,)+];

            /// The name in the tables and in the API.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$field => $name,)+ }
            }

            /// What it is.
            pub(crate) const fn about(self) -> &'static str {
                match self { $(Self::$field => $about,)+ }
            }
        }

        const NAMES: &[&str] = &[$($name,)+];
    };
}

fields! {
    // Text.
    Provider = "provider": "Who serves the model. Spellings fold to one name.",
    ModelRequested = "model_requested": "The model asked for.",
    Model = "model": "The model that answered; it decides the price.",
    SessionId = "session_id": "The session or conversation that the trace belongs to.",
    UserId = "user_id": "The user on whose behalf it happened.",
    TraceName = "trace_name": "The trace's name. When none is sent, the name of a span that enters a service.",
    Environment = "environment": "Such as production. When none is sent, the request's `X-Environment` header, and else `default`.",
    Release = "release": "The release of the application.",
    ServiceName = "service_name": "The service; asked of the resource only.",
    Level = "level": "How grave it is: DEBUG, DEFAULT, WARNING, ERROR.",
    ServiceTier = "service_tier": "How the call was made where providers price that: batch, flex, priority, fast. The answer's word goes first.",
    // Counts.
    InputTokens = "input_tokens": "Tokens put in.",
    OutputTokens = "output_tokens": "Tokens given out.",
    CacheReadTokens = "cache_read_tokens": "Input tokens served from the provider's cache.",
    CacheWriteTokens = "cache_write_tokens": "Input tokens written to the provider's cache.",
    CacheWrite5mTokens = "cache_write_5m_tokens": "Of those, the ones written for five minutes; used when a producer names the two without their sum.",
    CacheWrite1hTokens = "cache_write_1h_tokens": "Of those, the ones written for an hour.",
    AudioInputTokens = "audio_input_tokens": "Input tokens of audio.",
    ImageInputTokens = "image_input_tokens": "Input tokens of images.",
    ReasoningTokens = "reasoning_tokens": "Output tokens spent on reasoning.",
    AudioOutputTokens = "audio_output_tokens": "Output tokens of audio.",
    ImageOutputTokens = "image_output_tokens": "Output tokens of images.",
    TotalTokens = "total_tokens": "All tokens: fills in what is left out, and shows whether subsets are counted on top.",
    // Money.
    CostTotal = "cost_total": "What the caller says it cost, in USD. It stands; ours is kept beside it.",
    CostInput = "cost_input": "The caller's word on the input's part.",
    CostOutput = "cost_output": "The caller's word on the output's part.",
    // The rest.
    Type = "type": "What the observation is: a word that the tables translate.",
    TimeToFirstToken = "time_to_first_token": "How long the model took to say something, or when it did.",
    CountsUsage = "counts_usage": "A producer's own word on whether this span's usage adds to its trace's.",
    Tags = "tags": "Words attached to the trace. All sources add up.",
    Metadata = "metadata": "What callers attached, by name. All sources add up.",
    Input = "input": "What was put in: a conversation, or a value as sent.",
    Output = "output": "What came out: a conversation, or a value as sent.",
}

impl Field {
    /// How many there are.
    pub(super) const COUNT: usize = Self::Output as usize + 1;
    /// How many hold text: the first ones.
    pub(super) const TEXTS: usize = Self::ServiceTier as usize + 1;
    /// How many hold counts: the next ones.
    pub(super) const COUNTS: usize = Self::TotalTokens as usize + 1 - Self::TEXTS;
    /// How many hold money: those after.
    pub(super) const AMOUNTS: usize = Self::CostOutput as usize + 1 - Self::TEXTS - Self::COUNTS;

    /// Whether all of its sources add up, so that none shadows another.
    pub(crate) const fn collects(self) -> bool {
        matches!(self, Self::Tags | Self::Metadata)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        let found = Self::ALL.iter().find(|field| field.as_str() == word);
        found
            .copied()
            .ok_or_else(|| de::Error::unknown_field(&word, NAMES))
    }
}

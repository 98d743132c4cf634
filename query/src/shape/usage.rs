//! One observation's tokens, bucket by bucket as they are priced.

use std::collections::BTreeMap;

use brokle_model::usage::TokenUsage;
use serde::Serialize;
use utoipa::ToSchema;

use super::Usage;

/// Tokens, as the field counts them, and as they are priced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ObservationUsage {
    #[serde(flatten)]
    usage: Usage,
    /// The same tokens, each in the one bucket in which it is priced: `input`, `cache_read`, `cache_write`,
    /// `cache_write_1h`, `audio_input`, `image_input`, `output`, `reasoning`, `audio_output`, `image_output`.
    /// Empty ones are left out; the names are those of `cost`.
    #[schema(value_type = std::collections::HashMap<String, u64>, required = false)]
    buckets: BTreeMap<&'static str, u64>,
}

impl ObservationUsage {
    /// From an observation's counts and what they hold besides.
    pub(super) fn new(usage: Usage, details: &[(String, i64)]) -> Self {
        let detail = |name| {
            let found = details.iter().find(|(bucket, _)| bucket == name);
            found.map_or(0, |(_, count)| u64::try_from(*count).unwrap_or(0))
        };
        let tokens = TokenUsage {
            input: usage.input_tokens,
            output: usage.output_tokens,
            cache_read: usage.cache_read_tokens,
            cache_write: usage.cache_write_tokens,
            cache_write_1h: detail("cache_write_1h"),
            audio_input: detail("audio_input"),
            image_input: detail("image_input"),
            reasoning: usage.reasoning_tokens,
            audio_output: detail("audio_output"),
            image_output: detail("image_output"),
        };
        let buckets = tokens.buckets();
        let buckets = buckets
            .iter()
            .map(|(bucket, count)| (bucket.as_str(), count))
            .collect();
        Self { usage, buckets }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_each_token_once() {
        let usage = Usage {
            input_tokens: 1000,
            output_tokens: 100,
            cache_read_tokens: 600,
            cache_write_tokens: 300,
            reasoning_tokens: 40,
            total_tokens: 1100,
        };
        let details = [
            ("cache_write_1h".to_owned(), 100),
            ("audio_output".to_owned(), 10),
        ];
        let json = serde_json::to_value(ObservationUsage::new(usage, &details)).unwrap();
        assert_eq!(json["input_tokens"], 1000);
        assert_eq!(
            json["buckets"],
            serde_json::json!({"input": 100, "cache_read": 600, "cache_write": 200, "cache_write_1h": 100,
                               "output": 50, "reasoning": 40, "audio_output": 10})
        );
    }
}

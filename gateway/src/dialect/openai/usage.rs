//! `usage`, in the shapes that `OpenAI` and its imitators give it.

use brokle_model::usage::{Counting, TokenUsage};
use serde::{Deserialize, Deserializer};

/// A `usage` object. Fields of other shapes are ignored.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct WireUsage {
    #[serde(default, deserialize_with = "count", alias = "input_tokens")]
    prompt_tokens: u64,
    #[serde(default, deserialize_with = "count", alias = "output_tokens")]
    completion_tokens: u64,
    #[serde(default, deserialize_with = "count")]
    total_tokens: u64,
    /// `DeepSeek`'s name for cached input.
    #[serde(default, deserialize_with = "count")]
    prompt_cache_hit_tokens: u64,
    #[serde(default, alias = "input_tokens_details")]
    prompt_tokens_details: Option<InputDetails>,
    #[serde(default, alias = "output_tokens_details")]
    completion_tokens_details: Option<OutputDetails>,
}

#[derive(Debug, Default, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names are those on the wire")]
struct InputDetails {
    #[serde(default, deserialize_with = "count")]
    audio_tokens: u64,
    #[serde(default, deserialize_with = "count")]
    image_tokens: u64,
    #[serde(default, deserialize_with = "count")]
    cached_tokens: u64,
    #[serde(default, deserialize_with = "count", alias = "cache_creation_tokens")]
    cache_write_tokens: u64,
    /// The part of them that is kept for an hour: the pivot's own field, for Anthropic.
    #[serde(default, deserialize_with = "count")]
    cache_write_1h_tokens: u64,
}

#[derive(Debug, Default, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names are those on the wire")]
struct OutputDetails {
    #[serde(default, deserialize_with = "count")]
    audio_tokens: u64,
    #[serde(default, deserialize_with = "count")]
    image_tokens: u64,
    #[serde(default, deserialize_with = "count")]
    reasoning_tokens: u64,
}

/// A count that may be absent, `null`, or written as a float.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = Option::<serde_json::Number>::deserialize(deserializer)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "token counts are small; a negative one becomes 0"
    )]
    let value = number.map_or(0, |number| {
        number
            .as_u64()
            .or_else(|| number.as_f64().map(|float| float as u64))
            .unwrap_or(0)
    });
    Ok(value)
}

impl From<WireUsage> for TokenUsage {
    fn from(wire: WireUsage) -> Self {
        let input = wire.prompt_tokens_details.unwrap_or_default();
        let output = wire.completion_tokens_details.unwrap_or_default();
        let reported = Self {
            input: wire.prompt_tokens,
            output: wire.completion_tokens,
            cache_read: input.cached_tokens.max(wire.prompt_cache_hit_tokens),
            cache_write: input.cache_write_tokens,
            cache_write_1h: input.cache_write_1h_tokens,
            audio_input: input.audio_tokens,
            image_input: input.image_tokens,
            reasoning: output.reasoning_tokens,
            audio_output: output.audio_tokens,
            image_output: output.image_tokens,
        };
        let total = Some(wire.total_tokens).filter(|total| *total > 0);
        reported.reconcile(Counting::Inclusive, total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(json: &str) -> TokenUsage {
        serde_json::from_str::<WireUsage>(json).unwrap().into()
    }

    #[test]
    fn every_known_shape_gives_the_same_counts() {
        let expected = TokenUsage {
            input: 100,
            output: 20,
            cache_read: 60,
            reasoning: 5,
            ..TokenUsage::default()
        };
        for json in [
            r#"{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,
                "prompt_tokens_details":{"cached_tokens":60,"audio_tokens":0},
                "completion_tokens_details":{"reasoning_tokens":5}}"#,
            r#"{"prompt_tokens":100.0,"completion_tokens":20,"prompt_cache_hit_tokens":60,
                "prompt_cache_miss_tokens":40,"completion_tokens_details":{"reasoning_tokens":5}}"#,
        ] {
            assert_eq!(usage(json), expected);
        }
    }

    #[test]
    fn nulls_count_as_nothing() {
        let json = r#"{"prompt_tokens":3,"completion_tokens":null,"prompt_tokens_details":null}"#;
        assert_eq!(
            usage(json),
            TokenUsage {
                input: 3,
                ..TokenUsage::default()
            }
        );
    }
}

//! How much a model is to think: `reasoning_effort` in Anthropic's terms, which differ by the model's age.

use serde_json::{Value, json};

/// From this version on, models decide themselves how much to think, and take an effort in place of a budget.
const ADAPTIVE_SINCE: (u32, u32) = (4, 6);
/// The least budget that the API takes.
const BUDGET_MIN: u64 = 1024;

/// The request's `thinking` and `output_config.effort`.
pub(crate) struct Thinking {
    /// The value of `thinking`.
    pub(crate) field: Value,
    pub(crate) effort: Option<&'static str>,
    /// Tokens that thinking may take, out of `max_tokens`.
    pub(crate) budget: u64,
}

/// What `effort` asks of `model`; nothing when it is not to think.
pub(crate) fn from_effort(effort: &str, model: &str) -> Option<Thinking> {
    if effort == "none" {
        return None;
    }
    if version_of(model) >= ADAPTIVE_SINCE {
        let effort = match effort {
            "minimal" | "low" => "low",
            "medium" => "medium",
            "xhigh" => "xhigh",
            "max" => "max",
            _ => "high",
        };
        return Some(Thinking {
            field: json!({ "type": "adaptive" }),
            effort: Some(effort),
            budget: 0,
        });
    }
    let budget = match effort {
        "minimal" | "low" => BUDGET_MIN,
        "medium" => 2048,
        "xhigh" => 8192,
        "max" => 16384,
        _ => 4096,
    };
    Some(Thinking {
        field: json!({ "type": "enabled", "budget_tokens": budget }),
        effort: None,
        budget,
    })
}

/// The version in a model's name: `claude-opus-4-6` is (4, 6), `claude-sonnet-4-20250514` is (4, 0). A name
/// without one is taken for a new model's.
fn version_of(model: &str) -> (u32, u32) {
    // A release date is no version.
    let number = |word: &&str| word.parse::<u32>().ok().filter(|number| *number < 100);
    let words: Vec<&str> = model.split(['-', '.', '@', ':', '/']).collect();
    let Some(first) = words.iter().position(|word| number(word).is_some()) else {
        return (u32::MAX, 0);
    };
    let major = words.get(first).and_then(number).unwrap_or(0);
    (major, words.get(first + 1).and_then(number).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_out_of_names_of_all_ages() {
        for (model, version) in [
            ("claude-3-7-sonnet-20250219", (3, 7)),
            ("claude-sonnet-4-20250514", (4, 0)),
            ("claude-opus-4-6", (4, 6)),
            ("us.anthropic.claude-haiku-4-5-20251001-v1:0", (4, 5)),
            ("claude-next", (u32::MAX, 0)),
        ] {
            assert_eq!(version_of(model), version, "{model}");
        }
    }

    #[test]
    fn old_models_get_a_budget_and_new_ones_an_effort() {
        let old = from_effort("low", "claude-sonnet-4-5").unwrap();
        assert_eq!(
            (old.field["budget_tokens"].as_u64(), old.effort),
            (Some(1024), None)
        );
        let new = from_effort("minimal", "claude-opus-4-6").unwrap();
        assert_eq!(
            (new.field["type"].as_str(), new.effort),
            (Some("adaptive"), Some("low"))
        );
        assert!(from_effort("none", "claude-opus-4-6").is_none());
    }
}

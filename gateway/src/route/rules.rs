//! Whether a rule of a route holds of a call, and in which arm of a split the call is.

use super::facts::{Facts, spread};
use crate::config::{Affinity, ConditionConfig};
use crate::settings::route::Arm;
use crate::wildcard;

/// Whether all that the condition says holds. `named` is what the caller put into `model`.
pub(super) fn holds(when: &ConditionConfig, facts: &Facts<'_>, named: &str) -> bool {
    let tokens = facts.input_tokens();
    let any = |patterns: &[String], text: &str| {
        patterns.is_empty() || patterns.iter().any(|pattern| wildcard::matches(pattern, text))
    };
    when.input_tokens_min.is_none_or(|least| tokens >= least)
        && when.input_tokens_max.is_none_or(|most| tokens <= most)
        && any(&when.models, named)
        && any(&when.environments, facts.environment)
        && when.headers.iter().all(|(name, pattern)| {
            let value = facts.header(name);
            value.is_some_and(|value| wildcard::matches(pattern, value))
        })
        && when.needs.iter().all(|need| facts.needs(*need))
        && when
            .metadata
            .iter()
            .all(|(field, pattern)| facts.metadata_matches(field, |value| wildcard::matches(pattern, value)))
        && (when.users.is_empty() || any(&when.users, &facts.user().unwrap_or_default()))
}

/// The arm of the call: always the same for calls that belong together.
pub(super) fn arm<'a>(
    route: &str,
    (by, arms): (Affinity, &'a [Arm]),
    facts: &Facts<'_>,
    chance: &mut dyn FnMut(u64) -> u64,
) -> Option<&'a Arm> {
    let mut ticket = match facts.shared(by) {
        Some(shared) => spread(&[b"arm", route.as_bytes(), &shared]) % 100,
        None => chance(100),
    };
    for arm in arms {
        let share = u64::from(arm.percent);
        if ticket < share {
            return Some(arm);
        }
        ticket -= share;
    }
    arms.last()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;
    use crate::config::Need;

    #[test]
    fn everything_that_a_condition_says_must_hold() {
        let mut headers = HeaderMap::new();
        headers.insert("x-tier", HeaderValue::from_static("gold-plus"));
        let body = br#"{"metadata":{"team":"search","tags":["free",3]},"user":"u-7","tools":[{}]}"#;
        let mut facts = Facts::new(&headers, body);
        facts.environment = "production";
        let condition = |text: &str| toml::from_str::<ConditionConfig>(text).unwrap();
        for (text, expected) in [
            ("headers = { x-tier = \"gold*\" }", true),
            ("headers = { x-tier = \"gold\" }", false),
            ("headers = { x-other = \"*\" }", false),
            ("metadata = { team = \"search\" }", true),
            ("metadata = { tags = \"fr*\" }", true),
            ("metadata = { tags = \"3\" }", true),
            ("metadata = { tags = \"paid\" }", false),
            ("metadata = { team = \"ads\" }", false),
            ("users = [\"x\", \"u-*\"]", true),
            ("users = [\"x\"]", false),
            ("environments = [\"prod*\"]\nneeds = [\"tools\"]", true),
            ("needs = [\"tools\", \"vision\"]", false),
            ("input_tokens_min = 10\ninput_tokens_max = 20", true),
            ("input_tokens_min = 1000", false),
            ("models = [\"smart\"]", true),
            ("models = [\"other\"]", false),
        ] {
            assert_eq!(holds(&condition(text), &facts, "smart"), expected, "{text}");
        }
        assert!(facts.needs(Need::Tools));
    }
}

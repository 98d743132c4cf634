//! Settings checked as a whole: every field at fault is named, not only the first.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::{
    RETENTION_DAYS, Redaction, RedactionRule, Sampling, TelemetrySettings, VALUE_BYTES, compile_value,
};

const RULES_MAX: usize = 100;
const KEYS_MAX: usize = 100;
const KEY_BYTES_MAX: usize = 256;
const EXPRESSION_BYTES_MAX: usize = 4096;
const REPLACEMENT_BYTES_MAX: usize = 256;
const NAME_BYTES_MAX: usize = 64;
const DECISION_WAIT_S: std::ops::RangeInclusive<u32> = 5..=3600;

/// A field that cannot be as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {message}")]
pub struct InvalidSetting {
    /// Its path, for example `redaction.rules[2].value`.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

#[derive(Default)]
struct Faults(Vec<InvalidSetting>);

impl Faults {
    fn demand(&mut self, holds: bool, field: impl Into<String>, message: impl Into<String>) {
        if !holds {
            self.0.push(InvalidSetting {
                field: field.into(),
                message: message.into(),
            });
        }
    }
}

/// Checks settings; the error has every field at fault.
pub fn validate(settings: &TelemetrySettings) -> Result<(), Vec<InvalidSetting>> {
    let mut faults = Faults::default();
    let days = settings.retention_days;
    for (name, days) in [
        ("traces", days.traces),
        ("logs", days.logs),
        ("metrics", days.metrics),
        ("request_logs", days.request_logs),
        ("routing_metrics", days.routing_metrics),
    ] {
        let (least, most) = RETENTION_DAYS.into_inner();
        faults.demand(
            days.is_none_or(|days| RETENTION_DAYS.contains(&days)),
            format!("retention_days.{name}"),
            format!("must be from {least} to {most}"),
        );
    }
    if let Some(bytes) = settings.size_caps.and_then(|caps| caps.value_bytes_max) {
        let (least, most) = VALUE_BYTES.into_inner();
        faults.demand(
            VALUE_BYTES.contains(&bytes),
            "size_caps.value_bytes_max",
            format!("must be from {least} to {most}"),
        );
    }
    if let Some(redaction) = &settings.redaction {
        check_redaction(redaction, &mut faults);
    }
    if let Some(sampling) = &settings.sampling {
        check_sampling(sampling, &mut faults);
    }
    if faults.0.is_empty() {
        Ok(())
    } else {
        Err(faults.0)
    }
}

fn check_redaction(redaction: &Redaction, faults: &mut Faults) {
    faults.demand(
        redaction.rules.len() <= RULES_MAX,
        "redaction.rules",
        format!("must be {RULES_MAX} at most"),
    );
    let mut names = BTreeSet::new();
    for (index, rule) in redaction.rules.iter().take(RULES_MAX).enumerate() {
        let at = |field: &str| format!("redaction.rules[{index}].{field}");
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let is_name = (1..=NAME_BYTES_MAX).contains(&rule.name.len()) && rule.name.bytes().all(is_word);
        faults.demand(
            is_name,
            at("name"),
            format!("must be 1 to {NAME_BYTES_MAX} letters, digits, `_`, `-` or `.`"),
        );
        faults.demand(
            names.insert(rule.name.as_str()),
            at("name"),
            "is the name of an earlier rule",
        );
        check_rule(rule, &at, faults);
    }
}

fn check_rule(rule: &RedactionRule, at: &dyn Fn(&str) -> String, faults: &mut Faults) {
    faults.demand(
        !rule.keys.is_empty() || rule.value.is_some(),
        at("keys"),
        "and `value` are both absent: the rule would redact everything; name keys or an expression",
    );
    faults.demand(
        rule.keys.len() <= KEYS_MAX,
        at("keys"),
        format!("must be {KEYS_MAX} at most"),
    );
    for (index, key) in rule.keys.iter().take(KEYS_MAX).enumerate() {
        faults.demand(
            (1..=KEY_BYTES_MAX).contains(&key.len()),
            at(&format!("keys[{index}]")),
            format!("must have 1 to {KEY_BYTES_MAX} bytes"),
        );
    }
    if let Some(value) = &rule.value {
        if value.len() > EXPRESSION_BYTES_MAX {
            faults.demand(
                false,
                at("value"),
                format!("must have {EXPRESSION_BYTES_MAX} bytes at most"),
            );
        } else if let Err(error) = compile_value(value) {
            faults.demand(false, at("value"), error.to_string());
        }
    }
    let replacement_bytes = rule.replacement.as_ref().map_or(0, String::len);
    faults.demand(
        replacement_bytes <= REPLACEMENT_BYTES_MAX,
        at("replacement"),
        format!("must have {REPLACEMENT_BYTES_MAX} bytes at most"),
    );
    faults.demand(
        rule.replacement.is_none() || rule.action == super::Action::Replace,
        at("replacement"),
        "has a meaning for the action `replace` only",
    );
}

fn check_sampling(sampling: &Sampling, faults: &mut Faults) {
    let is_share = |share: f64| (0.0..=1.0).contains(&share);
    if let Some(head) = &sampling.head {
        faults.demand(is_share(head.rate), "sampling.head.rate", "must be from 0 to 1");
    }
    let Some(tail) = &sampling.tail else { return };
    let (least, most) = DECISION_WAIT_S.into_inner();
    faults.demand(
        DECISION_WAIT_S.contains(&tail.decision_wait_s),
        "sampling.tail.decision_wait_s",
        format!("must be from {least} to {most}"),
    );
    faults.demand(is_share(tail.rest), "sampling.tail.rest", "must be from 0 to 1");
    faults.demand(
        tail.costs_more_than.is_none_or(|cost| cost >= Decimal::ZERO),
        "sampling.tail.costs_more_than",
        "must not be negative",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let settings: TelemetrySettings = serde_json::from_str(text).unwrap();
        let faults = validate(&settings).err().unwrap_or_default();
        faults.into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn every_field_at_fault_is_named() {
        let found = faults(
            r#"{
                "retention_days": {"traces": 0, "logs": 4000, "metrics": 3650},
                "size_caps": {"value_bytes_max": 10},
                "redaction": {"rules": [
                    {"name": "good", "keys": ["a.*"]},
                    {"name": "good", "value": "x"},
                    {"name": "a b", "value": "("},
                    {"name": "nowhere"},
                    {"name": "empty", "value": "x*"},
                    {"name": "hash", "value": "x", "action": "hash", "replacement": "y"}
                ]},
                "sampling": {
                    "head": {"rate": 1.5},
                    "tail": {"decision_wait_s": 1, "rest": -0.1, "costs_more_than": "-1"}
                }
            }"#,
        );
        assert_eq!(
            found,
            [
                "retention_days.traces",
                "retention_days.logs",
                "size_caps.value_bytes_max",
                "redaction.rules[1].name",
                "redaction.rules[2].name",
                "redaction.rules[2].value",
                "redaction.rules[3].keys",
                "redaction.rules[4].value",
                "redaction.rules[5].replacement",
                "sampling.head.rate",
                "sampling.tail.decision_wait_s",
                "sampling.tail.rest",
                "sampling.tail.costs_more_than",
            ]
        );
    }

    #[test]
    fn good_settings_pass() {
        assert_eq!(faults("{}"), Vec::<String>::new());
        let text = r#"{
            "retention_days": {"traces": 1},
            "redaction": {"patterns": ["email", "jwt"], "action": "hash",
                "rules": [{"name": "users", "keys": ["user.*"], "action": "drop"}]},
            "sampling": {"head": {"rate": 0.5, "logs": true}, "tail": {"costs_more_than": "0.5"}}
        }"#;
        assert_eq!(faults(text), Vec::<String>::new());
    }
}

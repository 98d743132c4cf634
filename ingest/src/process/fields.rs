//! The plan applied to the fields of a change of the SDK routes: by the same rules as attributes, under the names that
//! they will have as attributes. What only places or counts the entity stays as it is.
//!
//! Deliberately absent: the head sample. An update does not say of which trace it speaks.

use std::collections::BTreeMap;

use brokle_model::telemetry::Signal;
use serde_json::Value;

use super::redact::{Outcome, Redactor, Work};
use super::{Plan, cap};

/// Fields whose words are ours, or ids.
const STRUCTURE: [&str; 9] = [
    "type",
    "parent",
    "observation_id",
    "level",
    "status",
    "data_type",
    "source",
    "environment",
    "end_ns",
];

/// Fields whose attribute has another name.
const ATTRIBUTES: [(&str, &str); 4] = [
    ("input", "input.value"),
    ("output", "output.value"),
    ("user_id", "user.id"),
    ("session_id", "session.id"),
];

impl Plan {
    /// Does to the fields of a change what the project has set.
    pub(crate) fn apply_to_fields(&self, fields: &mut BTreeMap<String, Value>) {
        let Some(steps) = &self.steps else { return };
        let mut work = Work::default();
        fields.retain(|name, value| {
            if STRUCTURE.contains(&name.as_str()) {
                return true;
            }
            if let Some(redactor) = &steps.redactor
                && !redact(redactor, name, value, &mut work)
            {
                return false;
            }
            if let Some(bytes_max) = steps.value_bytes_max {
                cut(value, bytes_max, &mut work);
            }
            true
        });
        self.metrics.count(Signal::Changes, &work);
    }
}

/// Redacts a value; `false` when nothing is to be left of it.
fn redact(redactor: &Redactor, name: &str, value: &mut Value, work: &mut Work) -> bool {
    let key = ATTRIBUTES
        .iter()
        .find(|(field, _)| *field == name)
        .map_or(name, |(_, key)| key);
    let key = key.strip_prefix("metadata.").unwrap_or(key);
    let verdict = redactor.verdict(key.as_bytes());
    let (text, is_text) = match &*value {
        Value::Null | Value::Bool(_) => return true,
        Value::String(text) => (text.clone(), true),
        other => (other.to_string(), false),
    };
    match redactor.text(verdict, &text, work) {
        Outcome::Kept => {}
        Outcome::Dropped => return false,
        Outcome::Text(redacted) if is_text => *value = Value::String(redacted),
        Outcome::Text(redacted) => {
            *value = serde_json::from_str(&redacted).unwrap_or(Value::String(redacted));
        }
    }
    true
}

/// Cuts a value that is too long.
fn cut(value: &mut Value, bytes_max: usize, work: &mut Work) {
    let cut = match value {
        Value::String(text) => cap::cut(text, bytes_max).map(Value::String),
        Value::Array(_) | Value::Object(_) => cap::cut(&value.to_string(), bytes_max)
            .map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text))),
        _ => None,
    };
    if let Some(shorter) = cut {
        work.truncated += 1;
        *value = shorter;
    }
}

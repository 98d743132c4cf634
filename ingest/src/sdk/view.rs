//! A folded entity as the SDK routes show it: under the names in which it was sent.

use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value, json};

use crate::changes::render::metadata_of;
use crate::changes::{Entity, Folded};

/// Names under which fields are shown; all others are shown under their own.
const SHOWN: [(&str, &str); 4] = [
    ("parent", "parent_observation_id"),
    ("input_tokens", "prompt_tokens"),
    ("output_tokens", "completion_tokens"),
    ("value", "score_value"),
];

/// The entity with this key.
pub(crate) fn of(entity: Entity, key: &str, state: &Folded) -> Value {
    let mut shown = Map::new();
    shown.insert("id".to_owned(), key.into());
    for (name, value) in &state.fields {
        if name.contains('.') || name == "external_id" || name == "external_trace_id" || value.is_null() {
            continue;
        }
        if name == "end_ns" {
            shown.insert("end_time".to_owned(), instant(value.as_i64().unwrap_or(0)));
            continue;
        }
        let shown_name = SHOWN
            .iter()
            .find(|(field, _)| field == name)
            .map_or(name.as_str(), |(_, name)| name);
        let shown_name = if entity == Entity::Score && name == "name" {
            "score_name"
        } else {
            shown_name
        };
        shown.insert(shown_name.to_owned(), value.clone());
    }
    let external = |name: &str, ours: &str| state.text(name).unwrap_or(ours).to_owned();
    let trace = state
        .place
        .and_then(|place| place.trace)
        .map(|trace| trace.to_string());
    match entity {
        Entity::Trace => {
            shown.insert(
                "external_trace_id".to_owned(),
                external("external_id", key).into(),
            );
        }
        Entity::Observation => {
            shown.insert(
                "external_observation_id".to_owned(),
                external("external_id", key).into(),
            );
            shown.insert("trace_id".to_owned(), json!(trace));
        }
        Entity::Score | Entity::Event => {
            shown.insert("trace_id".to_owned(), json!(trace));
        }
    }
    let metadata: Map<String, Value> = metadata_of(state).collect();
    if !metadata.is_empty() {
        shown.insert("metadata".to_owned(), Value::Object(metadata));
    }
    if let Some(place) = state.place {
        let name = if entity == Entity::Score || entity == Entity::Event {
            "timestamp"
        } else {
            "start_time"
        };
        shown.insert(name.to_owned(), instant(place.start_ns));
    }
    shown.insert("created_at".to_owned(), instant(state.created_ns));
    shown.insert("updated_at".to_owned(), instant(state.updated_ns));
    Value::Object(shown)
}

fn instant(nanos: i64) -> Value {
    DateTime::from_timestamp_nanos(nanos)
        .to_rfc3339_opts(SecondsFormat::AutoSi, true)
        .into()
}

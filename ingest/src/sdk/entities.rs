//! Bodies to changes, by pure functions: what is created, updated, completed and deleted, and the answer.

use brokle_model::id::{ProjectId, SpanId, TraceId};
use serde_json::{Map, Value, json};

use super::context::{Context, Target};
use super::fields::{self, external_id, named};
use super::invalid::Invalid;
use super::view;
use crate::changes::{Change, Entity, Recorded, Verb, fold, identity};

const TRACE_IDS: &[&str] = &["external_trace_id", "id", "trace_id", "traceId"];
const TRACE_OF: &[&str] = &["trace_id", "traceId", "external_trace_id"];
const OBSERVATION_IDS: &[&str] = &["external_observation_id", "id", "observation_id"];
const SCORE_IDS: &[&str] = &["id", "score_id", "external_score_id"];
const EVENT_IDS: &[&str] = &["id", "event_id"];

/// A change, and what the caller is told of it.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) change: Change,
    pub(crate) answer: Value,
}

/// A JSON object, which every body is.
pub(crate) fn object(body: &Value) -> Result<&Map<String, Value>, Invalid> {
    body.as_object()
        .ok_or_else(|| Invalid::field("body", "the body must be a JSON object"))
}

/// Creates an entity.
pub(crate) fn create(context: &Context<'_>, entity: Entity, body: &Value) -> Result<Made, Invalid> {
    let body = object(body)?;
    match entity {
        Entity::Trace => create_trace(context, body),
        Entity::Observation => create_observation(context, body),
        Entity::Score => create_score(context, body),
        Entity::Event => create_event(context, body),
    }
}

fn create_trace(context: &Context<'_>, body: &Map<String, Value>) -> Result<Made, Invalid> {
    let mut fields = fields::read(context, body, fields::TRACE)?;
    let trace = match context.trace(body, TRACE_IDS)? {
        Some((trace, external)) => {
            note_external(&mut fields, "external_id", external, &trace.to_string());
            trace
        }
        None => TraceId::from_bytes(context.new_id()),
    };
    if !fields.get("name").is_some_and(Value::is_string) {
        return Err(Invalid::missing("name"));
    }
    let start_ns = context.start_ns(body, &["start_time", "timestamp", "startTime"])?;
    let target = Target {
        entity: Entity::Trace,
        verb: Verb::Create,
        key: trace.to_string(),
    };
    let change = Change {
        trace: Some(trace),
        start_ns: Some(start_ns),
        ..context.change(target, context.at_ns(body)?, fields)
    };
    Ok(answered(context, change))
}

fn create_observation(context: &Context<'_>, body: &Map<String, Value>) -> Result<Made, Invalid> {
    let mut fields = fields::read(context, body, fields::OBSERVATION)?;
    usage(context, body, &mut fields)?;
    let (trace, external_trace) = context
        .trace(body, TRACE_OF)?
        .ok_or_else(|| Invalid::missing("trace_id"))?;
    note_external(
        &mut fields,
        "external_trace_id",
        external_trace,
        &trace.to_string(),
    );
    let span = match named(body, OBSERVATION_IDS).filter(|(_, value)| !value.is_null()) {
        Some((name, value)) => {
            let id = external_id(name, value)?;
            let span = identity::span_id(context.project, id);
            note_external(&mut fields, "external_id", id.to_owned(), &span.to_string());
            span
        }
        None => SpanId::from_bytes(context.new_id()),
    };
    if !fields.get("name").is_some_and(Value::is_string) {
        return Err(Invalid::missing("name"));
    }
    let start_ns = context.start_ns(body, &["start_time", "startTime"])?;
    refuse_backwards(&fields, start_ns)?;
    let target = Target {
        entity: Entity::Observation,
        verb: Verb::Create,
        key: span.to_string(),
    };
    let change = Change {
        trace: Some(trace),
        start_ns: Some(start_ns),
        ..context.change(target, context.at_ns(body)?, fields)
    };
    Ok(answered(context, change))
}

fn create_score(context: &Context<'_>, body: &Map<String, Value>) -> Result<Made, Invalid> {
    let mut fields = fields::read(context, body, fields::SCORE)?;
    let trace = context.trace(body, TRACE_OF)?;
    let has_subject = trace.is_some()
        || ["session_id", "observation_id"]
            .iter()
            .any(|name| fields.get(*name).is_some_and(Value::is_string));
    if !has_subject {
        return Err(Invalid::field(
            "trace_id",
            "a score needs what it is about: `trace_id`, `observation_id` or `session_id`",
        ));
    }
    if let Some((trace, external)) = &trace {
        note_external(
            &mut fields,
            "external_trace_id",
            external.clone(),
            &trace.to_string(),
        );
    }
    if !fields.get("name").is_some_and(Value::is_string) {
        return Err(Invalid::missing("score_name"));
    }
    score_value(body, &mut fields, true)?;
    fields.entry("source".to_owned()).or_insert_with(|| "api".into());
    let key = match named(body, SCORE_IDS).filter(|(_, value)| !value.is_null()) {
        Some((name, value)) => external_id(name, value)?.to_owned(),
        None => hex::encode(context.new_id::<16>()),
    };
    let start_ns = context.start_ns(body, &["timestamp", "created_at"])?;
    let target = Target {
        entity: Entity::Score,
        verb: Verb::Create,
        key,
    };
    let change = Change {
        trace: trace.map(|(trace, _)| trace),
        start_ns: Some(start_ns),
        ..context.change(target, context.at_ns(body)?, fields)
    };
    Ok(answered(context, change))
}

fn create_event(context: &Context<'_>, body: &Map<String, Value>) -> Result<Made, Invalid> {
    let fields = fields::read(context, body, fields::EVENT)?;
    if !fields.get("name").is_some_and(Value::is_string) {
        return Err(Invalid::missing("event_type"));
    }
    let trace = context.trace(body, TRACE_OF)?;
    let key = match named(body, EVENT_IDS).filter(|(_, value)| !value.is_null()) {
        Some((name, value)) => external_id(name, value)?.to_owned(),
        None => hex::encode(context.new_id::<16>()),
    };
    let start_ns = context.start_ns(body, &["timestamp", "start_time"])?;
    let target = Target {
        entity: Entity::Event,
        verb: Verb::Create,
        key,
    };
    let change = Change {
        trace: trace.map(|(trace, _)| trace),
        start_ns: Some(start_ns),
        ..context.change(target, start_ns, fields)
    };
    Ok(answered(context, change))
}

/// Updates an entity, completes it, or ends it.
pub(crate) fn change(
    context: &Context<'_>,
    entity: Entity,
    verb: Verb,
    id: &str,
    body: &Value,
) -> Result<Made, Invalid> {
    let key = key_of(context.project, entity, id)?;
    let body = object(body)?;
    let table = match entity {
        Entity::Trace => fields::TRACE,
        Entity::Observation => fields::OBSERVATION,
        Entity::Score | Entity::Event => fields::SCORE,
    };
    let mut fields = match verb {
        Verb::Delete => std::collections::BTreeMap::default(),
        _ => fields::read(context, body, table)?,
    };
    match entity {
        Entity::Observation => usage(context, body, &mut fields)?,
        Entity::Score if verb != Verb::Delete => score_value(body, &mut fields, false)?,
        _ => {}
    }
    if verb == Verb::Complete && !fields.contains_key("end_ns") {
        fields.insert("end_ns".to_owned(), context.now_ns.into());
    }
    let trace = match entity {
        Entity::Trace => key.parse().ok(),
        _ => None,
    };
    let change = context.change(Target { entity, verb, key }, context.at_ns(body)?, fields);
    Ok(answered(context, Change { trace, ..change }))
}

/// The key of the entity that a caller names by `id`.
pub(crate) fn key_of(project: ProjectId, entity: Entity, id: &str) -> Result<String, Invalid> {
    let value = Value::from(id);
    let id = external_id("id", &value)?;
    Ok(match entity {
        Entity::Trace => identity::trace_id(project, id).to_string(),
        Entity::Observation => identity::span_id(project, id).to_string(),
        Entity::Score | Entity::Event => id.to_owned(),
    })
}

/// Token counts may also come together.
fn usage(
    context: &Context<'_>,
    body: &Map<String, Value>,
    fields: &mut std::collections::BTreeMap<String, Value>,
) -> Result<(), Invalid> {
    if let Some(Value::Object(usage)) = body.get("usage") {
        for (field, value) in fields::read(context, usage, fields::OBSERVATION)? {
            if field.ends_with("_tokens") {
                fields.entry(field).or_insert(value);
            }
        }
    }
    Ok(())
}

/// Reads a score's value by its type, which the value tells where the body does not.
fn score_value(
    body: &Map<String, Value>,
    fields: &mut std::collections::BTreeMap<String, Value>,
    is_create: bool,
) -> Result<(), Invalid> {
    let value = named(body, &["score_value", "value"]).map_or(&Value::Null, |(_, value)| value);
    let text = named(body, &["string_value", "stringValue"]).and_then(|(_, value)| value.as_str());
    let text = text.or_else(|| value.as_str());
    if value.is_null() && text.is_none() && !is_create {
        return Ok(());
    }
    let inferred = match value {
        Value::Bool(_) => "BOOLEAN",
        Value::Number(_) => "NUMERIC",
        _ => "CATEGORICAL",
    };
    let named = fields.get("data_type").and_then(Value::as_str);
    let data_type = named.unwrap_or(inferred).to_owned();
    let number = match value {
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        Value::Number(number) => number.as_f64(),
        _ => None,
    };
    let fits = match data_type.as_str() {
        "NUMERIC" => number.is_some(),
        "BOOLEAN" => number.is_some_and(|number| number == 0.0 || (number - 1.0).abs() < f64::EPSILON),
        _ => text.is_some_and(|text| !text.is_empty() && text.chars().count() <= STRING_VALUE_MAX),
    };
    if !fits {
        let expected = match data_type.as_str() {
            "NUMERIC" => "a number in `score_value`",
            "BOOLEAN" => "true, false, 1 or 0 in `score_value`",
            _ => "a text of 1 to 4096 characters in `string_value`",
        };
        return Err(Invalid::field(
            "score_value",
            format!("a score of the type {data_type} needs {expected}"),
        ));
    }
    fields.insert("data_type".to_owned(), data_type.into());
    if let Some(number) = number.and_then(serde_json::Number::from_f64) {
        fields.insert("value".to_owned(), Value::Number(number));
    }
    if let Some(text) = text {
        fields.insert("string_value".to_owned(), text.into());
    }
    Ok(())
}

const STRING_VALUE_MAX: usize = 4_096;

fn refuse_backwards(
    fields: &std::collections::BTreeMap<String, Value>,
    start_ns: i64,
) -> Result<(), Invalid> {
    let end_ns = fields.get("end_ns").and_then(Value::as_i64);
    if end_ns.is_some_and(|end_ns| end_ns < start_ns) {
        return Err(Invalid::field("end_time", "`end_time` lies before `start_time`"));
    }
    Ok(())
}

/// Keeps a caller's id beside ours, where they differ.
fn note_external(
    fields: &mut std::collections::BTreeMap<String, Value>,
    name: &str,
    external: String,
    ours: &str,
) {
    if external != ours {
        fields.insert(name.to_owned(), external.into());
    }
}

/// The change, and the entity as far as this change tells of it.
fn answered(context: &Context<'_>, change: Change) -> Made {
    let recorded = Recorded {
        change,
        received_ns: context.now_ns,
    };
    let state = fold([&recorded], []);
    let Recorded { change, .. } = recorded;
    let answer = match state {
        Some(state) if change.verb != Verb::Delete => view::of(change.entity, &change.key, &state),
        _ => json!({"id": change.key, "deleted": true}),
    };
    Made { change, answer }
}

//! What a body may say of an entity: a table of fields for each, with the names that callers use for them and what
//! their values must be. What is not listed is not stored, and no error: SDKs send more than anyone asked for.
//!
//! A field that is `null` says nothing in a create, and takes the field away in an update.

use std::collections::BTreeMap;

use brokle_model::telemetry::is_environment;
use chrono::DateTime;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Map, Value};

use super::context::Context;
use super::invalid::Invalid;
use crate::changes::identity;
use crate::changes::render::METADATA_PREFIX;

/// Characters of a name, an id or another short text.
const SHORT_MAX: usize = 1_024;
/// Characters of a comment or a message.
const LONG_MAX: usize = 65_536;
/// Tags of one entity, and entries of its metadata in one request.
const TAGS_MAX: usize = 128;
const METADATA_MAX: usize = 256;

/// What a value must be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Short,
    Long,
    /// One of these words, in upper or lower case; stored as written here.
    Word(&'static [(&'static str, &'static str)]),
    Environment,
    Count,
    /// US dollars. Stored as text, so that no digit is lost.
    Money,
    Number,
    Instant,
    Any,
    Object,
    Tags,
    /// Each entry is a field of its own, so that updates merge.
    Metadata,
    /// The id of an observation; its hex form is stored.
    Observation,
}

/// A field, and the names under which callers send it, first to last.
pub(super) type Field = (&'static str, &'static [&'static str], Kind);

pub(super) const TYPES: &[(&str, &str)] = &[
    ("span", "span"),
    ("generation", "generation"),
    ("llm", "generation"),
    ("embedding", "embedding"),
    ("agent", "agent"),
    ("tool", "tool"),
    ("chain", "chain"),
    ("retrieval", "retrieval"),
    ("retriever", "retrieval"),
    ("rerank", "rerank"),
    ("guardrail", "guardrail"),
    ("evaluator", "evaluator"),
    ("event", "event"),
    ("workflow", "workflow"),
];

const LEVELS: &[(&str, &str)] = &[
    ("debug", "DEBUG"),
    ("default", "DEFAULT"),
    ("info", "INFO"),
    ("warn", "WARNING"),
    ("warning", "WARNING"),
    ("error", "ERROR"),
];

const STATUSES: &[(&str, &str)] = &[("ok", "ok"), ("error", "error"), ("unset", "unset")];

const DATA_TYPES: &[(&str, &str)] = &[
    ("numeric", "NUMERIC"),
    ("categorical", "CATEGORICAL"),
    ("boolean", "BOOLEAN"),
    ("text", "TEXT"),
    ("correction", "TEXT"),
];

const SOURCES: &[(&str, &str)] = &[
    ("api", "api"),
    ("code", "code"),
    ("auto", "code"),
    ("llm", "llm"),
    ("eval", "llm"),
    ("human", "human"),
    ("annotation", "human"),
];

/// Of a trace.
pub(super) const TRACE: &[Field] = &[
    ("name", &["name"], Kind::Short),
    ("user_id", &["user_id", "userId"], Kind::Short),
    ("session_id", &["session_id", "sessionId"], Kind::Short),
    ("parent_trace_id", &["parent_trace_id"], Kind::Short),
    ("tags", &["tags"], Kind::Tags),
    ("metadata", &["metadata"], Kind::Metadata),
    ("input", &["input"], Kind::Any),
    ("output", &["output"], Kind::Any),
    ("release", &["release"], Kind::Short),
    ("version", &["version"], Kind::Short),
    ("environment", &["environment"], Kind::Environment),
    ("end_ns", &["end_time", "endTime"], Kind::Instant),
];

/// Of an observation.
pub(super) const OBSERVATION: &[Field] = &[
    ("type", &["type"], Kind::Word(TYPES)),
    ("name", &["name"], Kind::Short),
    (
        "parent",
        &["parent_observation_id", "parentObservationId"],
        Kind::Observation,
    ),
    ("end_ns", &["end_time", "endTime"], Kind::Instant),
    ("level", &["level"], Kind::Word(LEVELS)),
    ("status", &["status"], Kind::Word(STATUSES)),
    ("status_message", &["status_message", "statusMessage"], Kind::Long),
    ("version", &["version"], Kind::Short),
    ("release", &["release"], Kind::Short),
    ("environment", &["environment"], Kind::Environment),
    ("model", &["model"], Kind::Short),
    ("response_model", &["response_model"], Kind::Short),
    ("provider", &["provider"], Kind::Short),
    ("input", &["input"], Kind::Any),
    ("output", &["output"], Kind::Any),
    (
        "model_parameters",
        &["model_parameters", "modelParameters"],
        Kind::Object,
    ),
    ("input_tokens", &["prompt_tokens", "input_tokens"], Kind::Count),
    (
        "output_tokens",
        &["completion_tokens", "output_tokens"],
        Kind::Count,
    ),
    ("total_tokens", &["total_tokens"], Kind::Count),
    ("cache_read_tokens", &["cache_read_tokens"], Kind::Count),
    ("cache_write_tokens", &["cache_write_tokens"], Kind::Count),
    ("reasoning_tokens", &["reasoning_tokens"], Kind::Count),
    ("input_cost", &["input_cost"], Kind::Money),
    ("output_cost", &["output_cost"], Kind::Money),
    ("total_cost", &["total_cost"], Kind::Money),
    ("latency_ms", &["latency_ms"], Kind::Number),
    (
        "time_to_first_token_ms",
        &["time_to_first_token_ms"],
        Kind::Number,
    ),
    ("quality_score", &["quality_score"], Kind::Number),
    ("user_id", &["user_id", "userId"], Kind::Short),
    ("session_id", &["session_id", "sessionId"], Kind::Short),
    ("tags", &["tags"], Kind::Tags),
    ("metadata", &["metadata"], Kind::Metadata),
];

/// Of a score; its value is read apart, for it depends on the type.
pub(super) const SCORE: &[Field] = &[
    ("name", &["score_name", "name"], Kind::Short),
    (
        "data_type",
        &["data_type", "dataType", "type"],
        Kind::Word(DATA_TYPES),
    ),
    ("source", &["source"], Kind::Word(SOURCES)),
    ("evaluator_name", &["evaluator_name"], Kind::Short),
    ("evaluator_version", &["evaluator_version"], Kind::Short),
    ("author_user_id", &["author_user_id", "authorUserId"], Kind::Short),
    ("comment", &["comment", "reason"], Kind::Long),
    ("session_id", &["session_id", "sessionId"], Kind::Short),
    (
        "observation_id",
        &["observation_id", "span_id", "observationId"],
        Kind::Observation,
    ),
    ("environment", &["environment"], Kind::Environment),
    ("metadata", &["metadata"], Kind::Metadata),
];

/// Of an event.
pub(super) const EVENT: &[Field] = &[
    ("name", &["event_type", "name", "type"], Kind::Short),
    ("level", &["level"], Kind::Word(LEVELS)),
    ("session_id", &["session_id", "sessionId"], Kind::Short),
    ("user_id", &["user_id", "userId"], Kind::Short),
    (
        "observation_id",
        &["observation_id", "span_id", "observationId"],
        Kind::Observation,
    ),
    ("environment", &["environment"], Kind::Environment),
    ("payload", &["payload", "data", "properties"], Kind::Any),
];

/// The value that a body gives under the first of these names.
pub(super) fn named<'a>(
    body: &'a Map<String, Value>,
    names: &[&'static str],
) -> Option<(&'static str, &'a Value)> {
    names.iter().find_map(|name| Some((*name, body.get(*name)?)))
}

/// The fields of `table` that a body sets.
pub(super) fn read(
    context: &Context<'_>,
    body: &Map<String, Value>,
    table: &[Field],
) -> Result<BTreeMap<String, Value>, Invalid> {
    let mut fields = BTreeMap::new();
    for (field, names, kind) in table {
        let Some((name, value)) = named(body, names) else {
            continue;
        };
        match kind {
            Kind::Metadata => metadata(name, value, &mut fields)?,
            _ if value.is_null() => {
                fields.insert((*field).to_owned(), Value::Null);
            }
            _ => {
                fields.insert((*field).to_owned(), kind.read(context, name, value)?);
            }
        }
    }
    Ok(fields)
}

impl Kind {
    fn read(self, context: &Context<'_>, name: &'static str, value: &Value) -> Result<Value, Invalid> {
        let wrong = |expected: &str| Invalid::field(name, format!("`{name}` must be {expected}"));
        match self {
            Self::Short => Ok(short(name, value, SHORT_MAX)?.into()),
            Self::Long => Ok(short(name, value, LONG_MAX)?.into()),
            Self::Word(words) => word(name, value, words),
            Self::Environment => value
                .as_str()
                .filter(|text| is_environment(text))
                .map(Value::from)
                .ok_or_else(|| wrong("at most 64 visible ASCII characters")),
            Self::Count => count(value)
                .map(Value::from)
                .ok_or_else(|| wrong("a whole number that is not negative")),
            Self::Money => money(value)
                .map(Value::from)
                .ok_or_else(|| wrong("an amount of US dollars, as a number or a decimal text")),
            Self::Number => value
                .as_f64()
                .filter(|number| number.is_finite())
                .and_then(serde_json::Number::from_f64)
                .map(Value::Number)
                .ok_or_else(|| wrong("a number")),
            Self::Instant => instant_ns(value).map(Value::from).ok_or_else(|| wrong(INSTANT)),
            Self::Any => Ok(value.clone()),
            Self::Object => match value {
                Value::Object(_) => Ok(value.clone()),
                _ => Err(wrong("an object")),
            },
            Self::Tags => tags(name, value),
            Self::Observation => {
                let id = external_id(name, value)?;
                Ok(identity::span_id(context.project, id).to_string().into())
            }
            Self::Metadata => Err(wrong("an object")),
        }
    }
}

/// What an instant must be, in words.
pub(super) const INSTANT: &str = "a time such as 2026-11-30T12:00:00Z";

/// An instant in nanoseconds since 1970: RFC 3339, or a number of seconds, milliseconds, microseconds or
/// nanoseconds, told apart by its size.
pub(super) fn instant_ns(value: &Value) -> Option<i64> {
    const SCALES: [(i64, i64); 3] = [
        (100_000_000_000, 1_000_000_000),
        (100_000_000_000_000, 1_000_000),
        (100_000_000_000_000_000, 1_000),
    ];
    if let Some(text) = value.as_str() {
        return DateTime::parse_from_rfc3339(text).ok()?.timestamp_nanos_opt();
    }
    if let Some(number) = value.as_i64() {
        let scale = SCALES
            .iter()
            .find(|(below, _)| number < *below)
            .map_or(1, |(_, scale)| *scale);
        return number.checked_mul(scale).filter(|nanos| *nanos > 0);
    }
    let seconds = value
        .as_f64()
        .filter(|seconds| *seconds > 0.0 && *seconds < 1e11)?;
    (seconds * 1e9).to_i64()
}

/// An id of a caller's own.
pub(super) fn external_id<'v>(name: &'static str, value: &'v Value) -> Result<&'v str, Invalid> {
    let text = value.as_str().unwrap_or_default();
    if text.is_empty() || text.len() > identity::EXTERNAL_ID_BYTES_MAX {
        return Err(Invalid::field(
            name,
            format!(
                "`{name}` must be an id: a text of 1 to {} bytes",
                identity::EXTERNAL_ID_BYTES_MAX
            ),
        ));
    }
    Ok(text)
}

fn short(name: &'static str, value: &Value, characters_max: usize) -> Result<String, Invalid> {
    match value {
        Value::String(text) if text.chars().count() <= characters_max => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(Invalid::field(
            name,
            format!("`{name}` must be a text of at most {characters_max} characters"),
        )),
    }
}

fn word(name: &'static str, value: &Value, words: &[(&str, &str)]) -> Result<Value, Invalid> {
    let text = value.as_str().unwrap_or_default();
    let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
    found.map(|(_, stored)| Value::from(*stored)).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        Invalid::field(name, format!("`{name}` must be one of {}", known.join(", ")))
    })
}

fn count(value: &Value) -> Option<i64> {
    let whole = value.as_i64().or_else(|| {
        let number = value.as_f64().filter(|number| number.fract() == 0.0)?;
        number.to_i64()
    });
    whole.filter(|count| *count >= 0)
}

fn money(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let amount = text
        .parse::<Decimal>()
        .or_else(|_| Decimal::from_scientific(&text))
        .ok()?;
    (!amount.is_sign_negative() || amount.is_zero()).then(|| amount.normalize().to_string())
}

fn tags(name: &'static str, value: &Value) -> Result<Value, Invalid> {
    let is_word = |value: &Value| {
        let text = value
            .as_str()
            .is_none_or(|text| text.chars().count() <= SHORT_MAX);
        text && !value.is_object() && !value.is_array()
    };
    let fits = match value {
        Value::Array(tags) => tags.len() <= TAGS_MAX && tags.iter().all(is_word),
        Value::Object(tags) => tags.len() <= TAGS_MAX && tags.values().all(is_word),
        _ => false,
    };
    if fits {
        Ok(value.clone())
    } else {
        Err(Invalid::field(
            name,
            format!(
                "`{name}` must be a list of texts, or an object of texts, with at most {TAGS_MAX} entries"
            ),
        ))
    }
}

fn metadata(name: &'static str, value: &Value, fields: &mut BTreeMap<String, Value>) -> Result<(), Invalid> {
    match value {
        Value::Null => Ok(()),
        Value::Object(entries) if entries.len() <= METADATA_MAX => {
            for (key, value) in entries {
                fields.insert(format!("{METADATA_PREFIX}{key}"), value.clone());
            }
            Ok(())
        }
        Value::Object(_) => Err(Invalid::field(
            name,
            format!("`{name}` must have at most {METADATA_MAX} entries in one request"),
        )),
        other => {
            // Langfuse allows any value here.
            fields.insert(format!("{METADATA_PREFIX}{name}"), other.clone());
            Ok(())
        }
    }
}

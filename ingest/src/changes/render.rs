//! A folded trace or observation as an OTLP span, so that it takes the same way into columns as every other:
//! the attribute map, the prices and the conversation forms apply to it as they are.

use brokle_model::id::{SpanId, TraceId};
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::Value;

use super::fold::{Folded, Place};
use crate::otlp::encode::Encoder;

/// The instrumentation scope that these spans come from.
const SCOPE: &str = "brokle.sdk";
/// A field of this kind is one entry of the metadata.
pub(crate) const METADATA_PREFIX: &str = "metadata.";

/// OTLP's `STATUS_CODE_OK` and `STATUS_CODE_ERROR`.
const STATUS_OK: u64 = 1;
const STATUS_ERROR: u64 = 2;

/// Fields that are attributes of the same value under another name.
const ATTRIBUTES: [(&str, &str); 23] = [
    ("type", "brokle.span.type"),
    ("level", "brokle.span.level"),
    ("version", "brokle.span.version"),
    ("release", "brokle.release"),
    ("environment", "brokle.environment"),
    ("model", "gen_ai.request.model"),
    ("response_model", "gen_ai.response.model"),
    ("provider", "gen_ai.provider.name"),
    ("input_tokens", "gen_ai.usage.input_tokens"),
    ("output_tokens", "gen_ai.usage.output_tokens"),
    ("total_tokens", "brokle.usage.total_tokens"),
    ("cache_read_tokens", "gen_ai.usage.cache_read.input_tokens"),
    ("cache_write_tokens", "gen_ai.usage.cache_creation.input_tokens"),
    ("reasoning_tokens", "gen_ai.usage.reasoning.output_tokens"),
    ("input_cost", "brokle.cost.input"),
    ("output_cost", "brokle.cost.output"),
    ("total_cost", "brokle.cost.total"),
    ("time_to_first_token_ms", "gen_ai.response.time_to_first_token"),
    ("user_id", "user.id"),
    ("session_id", "session.id"),
    ("external_id", "brokle.external_id"),
    ("external_trace_id", "brokle.external_trace_id"),
    ("parent_trace_id", "brokle.parent_trace_id"),
];

/// The export request that holds a span for this observation.
pub(super) fn observation(key: &str, place: Place, state: &Folded) -> Vec<u8> {
    let parent = state.text("parent").and_then(|hex| hex.parse().ok());
    export(place, span_of(key), parent, state, |_| {})
}

/// The export request that holds the row of a trace.
pub(super) fn trace(span: SpanId, place: Place, state: &Folded) -> Vec<u8> {
    export(place, span, None, state, |out| {
        if let Some(name) = state.text("name") {
            text(out, "brokle.trace.name", name);
        }
    })
}

/// The export request that holds nothing but the place of a row that is to go.
pub(super) fn tombstone(span: SpanId, place: Place) -> Vec<u8> {
    within_scope(|out| {
        head(out, place, span, None, "");
        out.fixed64(8, unsigned(place.start_ns));
    })
}

/// When an observation ends: its own word, else as long after its start as it says, else at its start.
pub(super) fn end_ns(place: Place, state: &Folded) -> i64 {
    let named = state.fields.get("end_ns").and_then(Value::as_i64);
    let latency = || {
        let millis = state.fields.get("latency_ms")?.as_f64()?;
        Some(place.start_ns.saturating_add((millis * 1e6).to_i64()?))
    };
    named
        .or_else(latency)
        .unwrap_or(place.start_ns)
        .max(place.start_ns)
}

pub(super) fn span_of(key: &str) -> SpanId {
    key.parse().unwrap_or(SpanId::from_bytes([0; 8]))
}

fn export(
    place: Place,
    span: SpanId,
    parent: Option<SpanId>,
    state: &Folded,
    describe: impl FnOnce(&mut Encoder),
) -> Vec<u8> {
    within_scope(|out| {
        head(out, place, span, parent, state.text("name").unwrap_or_default());
        out.fixed64(8, unsigned(end_ns(place, state)));
        describe(out);
        for (field, name) in ATTRIBUTES {
            if let Some(value) = state.fields.get(field) {
                attribute(out, name, value);
            }
        }
        sides(out, state);
        tags(out, state);
        metadata(out, state);
        parameters(out, state);
        status(out, state);
    })
}

fn within_scope(write: impl FnOnce(&mut Encoder)) -> Vec<u8> {
    let mut out = Encoder::default();
    out.message(1, |resource_spans| {
        resource_spans.message(2, |scope_spans| {
            scope_spans.message(1, |scope| scope.bytes(1, SCOPE.as_bytes()));
            scope_spans.message(2, write);
        });
    });
    out.into_bytes()
}

fn head(out: &mut Encoder, place: Place, span: SpanId, parent: Option<SpanId>, name: &str) {
    let trace = place.trace.unwrap_or(TraceId::from_bytes([0; 16]));
    out.bytes(1, trace.as_bytes());
    out.bytes(2, span.as_bytes());
    if let Some(parent) = parent {
        out.bytes(4, parent.as_bytes());
    }
    out.bytes(5, name.as_bytes());
    out.varint(6, 1);
    out.fixed64(7, unsigned(place.start_ns));
}

/// Input and output: text as it is, all else as JSON.
fn sides(out: &mut Encoder, state: &Folded) {
    for (field, name) in [("input", "input.value"), ("output", "output.value")] {
        match state.fields.get(field) {
            None | Some(Value::Null) => {}
            Some(Value::String(value)) => text(out, name, value),
            Some(value) => text(out, name, &value.to_string()),
        }
    }
}

/// Words as they are; an object's entries as `name:value`.
fn tags(out: &mut Encoder, state: &Folded) {
    let words: Vec<String> = match state.fields.get("tags") {
        Some(Value::Array(tags)) => tags.iter().map(word).collect(),
        Some(Value::Object(tags)) => tags
            .iter()
            .map(|(name, value)| match value {
                Value::Null | Value::Bool(true) => name.clone(),
                value => format!("{name}:{}", word(value)),
            })
            .collect(),
        _ => return,
    };
    out.message(9, |attribute| {
        attribute.bytes(1, b"brokle.trace.tags");
        attribute.message(2, |any| {
            any.message(5, |array| {
                for word in &words {
                    array.message(1, |item| item.bytes(1, word.as_bytes()));
                }
            });
        });
    });
}

fn metadata(out: &mut Encoder, state: &Folded) {
    let entries: serde_json::Map<String, Value> = metadata_of(state).collect();
    if !entries.is_empty() {
        text(out, "brokle.trace.metadata", &Value::Object(entries).to_string());
    }
}

/// The entries of the metadata that stand.
pub(crate) fn metadata_of(state: &Folded) -> impl Iterator<Item = (String, Value)> {
    state.fields.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix(METADATA_PREFIX)?;
        (!value.is_null()).then(|| (name.to_owned(), value.clone()))
    })
}

/// What the model was called with, under OpenTelemetry's names.
fn parameters(out: &mut Encoder, state: &Folded) {
    let Some(Value::Object(parameters)) = state.fields.get("model_parameters") else {
        return;
    };
    for (name, value) in parameters {
        attribute(out, &format!("gen_ai.request.{name}"), value);
    }
}

fn status(out: &mut Encoder, state: &Folded) {
    let is_error = state
        .text("level")
        .is_some_and(|level| level.eq_ignore_ascii_case("error"));
    let message = state.text("status_message").unwrap_or_default();
    let code = match state.text("status") {
        Some("error") => STATUS_ERROR,
        Some("ok") => STATUS_OK,
        _ if is_error => STATUS_ERROR,
        _ => 0,
    };
    out.message(15, |status| {
        status.bytes(2, message.as_bytes());
        status.varint(3, code);
    });
}

fn attribute(out: &mut Encoder, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::String(value) => text(out, name, value),
        Value::Bool(value) => any(out, name, |any| any.varint(2, u64::from(*value))),
        Value::Number(number) => match number.as_i64() {
            Some(value) => any(out, name, |any| any.varint(3, value.cast_unsigned())),
            None => any(out, name, |any| {
                any.fixed64(4, number.as_f64().unwrap_or_default().to_bits());
            }),
        },
        nested => text(out, name, &nested.to_string()),
    }
}

fn text(out: &mut Encoder, name: &str, value: &str) {
    any(out, name, |any| any.bytes(1, value.as_bytes()));
}

fn any(out: &mut Encoder, name: &str, write: impl FnOnce(&mut Encoder)) {
    out.message(9, |attribute| {
        attribute.bytes(1, name.as_bytes());
        attribute.message(2, write);
    });
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn unsigned(nanos: i64) -> u64 {
    u64::try_from(nanos).unwrap_or(0)
}

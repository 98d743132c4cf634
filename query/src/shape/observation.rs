//! An observation as a trace's page shows it.

use brokle_model::conversation::{self, Content, Side};
use brokle_model::id::{SpanId, TraceId};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::any_value::{double, plain, plain_attributes};
use super::score::Score;
use super::span_row::{Attributes, Moved, SpanRow};
use super::trace::{StatusWord, metadata_value};
use super::usage::ObservationUsage;
use super::{instant, milliseconds, money, present, status_word};

type Object = Map<String, Value>;

/// One observation: an OTel span, with what its attributes say about a model call.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are those of the API")]
pub(crate) struct Observation {
    /// 32 hex digits.
    #[schema(value_type = String, example = "4bf92f3577b34da6a3ce929d0e0e4736")]
    pub trace_id: TraceId,
    /// 16 hex digits.
    #[schema(value_type = String, example = "00f067aa0ba902b7")]
    pub observation_id: SpanId,
    /// The observation around this one.
    #[schema(value_type = Option<String>)]
    pub parent_observation_id: Option<SpanId>,
    /// `span`, `generation`, `embedding`, `agent`, `tool`, `chain`, `retrieval`, `rerank`, `guardrail`,
    /// `evaluator`, `event` or `workflow`.
    pub r#type: String,
    /// What it is called.
    pub name: String,
    /// OTel's span kind: `internal`, `server`, `client`, `producer`, `consumer` or `unspecified`.
    pub kind: &'static str,
    /// When it started.
    pub start_time: DateTime<Utc>,
    /// When it ended.
    pub end_time: DateTime<Utc>,
    /// How long it took.
    pub duration_ms: f64,
    /// `ok`, `error` or `unset`.
    #[schema(value_type = StatusWord)]
    pub status: &'static str,
    /// `DEFAULT`, `DEBUG`, `WARNING`, `ERROR`, or the producer's own word.
    pub level: String,
    /// What was said about the status.
    pub status_message: Option<String>,
    /// Such as `production`.
    pub environment: Option<String>,
    /// The service that it belongs to.
    pub service_name: Option<String>,
    /// Who serves the model.
    pub provider: Option<String>,
    /// The model that answered, or else the one asked for.
    pub model: Option<String>,
    /// The model asked for.
    pub model_requested: Option<String>,
    /// A conversation (`[{role, parts}]`) when it was one, else the value as sent.
    #[schema(value_type = Value)]
    pub input: Option<Content>,
    /// A conversation (`[{role, parts}]`) when it was one, else the value as sent.
    #[schema(value_type = Value)]
    pub output: Option<Content>,
    /// Tokens, when any were counted.
    pub usage: Option<ObservationUsage>,
    /// US dollars: `total`, and one entry per priced bucket of tokens; all decimals.
    #[schema(value_type = Option<std::collections::HashMap<String, String>>, example = json!({"total": "0.0042", "input": "0.004", "output": "0.0002"}))]
    pub cost: Option<Object>,
    /// Who priced it: `client` or `priced` (by us).
    pub cost_source: Option<String>,
    /// How long the model took to say something.
    pub time_to_first_token_ms: Option<f64>,
    /// What callers attached to it.
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    pub metadata: Object,
    /// The span's attributes, but those shown as `input` and `output`.
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    pub attributes: Object,
    /// The attributes of the resource that the span belongs to.
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    pub resource: Object,
    /// The instrumentation that made the span.
    pub scope: Scope,
    /// What happened during it.
    pub events: Vec<Event>,
    /// Spans elsewhere that it refers to.
    pub links: Vec<Link>,
    /// Its quality scores, newest first.
    pub scores: Vec<Score>,
}

/// The instrumentation that made a span.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Scope {
    /// Its name.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
}

/// Something that happened during a span.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Event {
    /// What.
    pub name: String,
    /// When.
    pub time: DateTime<Utc>,
    /// With which attributes.
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    pub attributes: Object,
}

/// A span elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Link {
    /// Its trace.
    pub trace_id: String,
    /// The span.
    pub observation_id: String,
    /// With which attributes.
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    pub attributes: Object,
}

impl From<SpanRow> for Observation {
    fn from(row: SpanRow) -> Self {
        let derived = row.derived;
        let input = content(&row.input, &row.attributes, Side::Input);
        Self {
            trace_id: row.trace,
            observation_id: row.span,
            parent_observation_id: (!row.parent.is_zero()).then_some(row.parent),
            r#type: derived.kind,
            name: row.name,
            kind: kind_word(row.kind),
            start_time: instant(row.start_ns),
            end_time: instant(row.end_ns),
            duration_ms: milliseconds(row.start_ns, row.end_ns),
            status: status_word(row.status_code),
            level: derived.level,
            status_message: present(&row.status_message),
            environment: present(&derived.environment),
            service_name: present(&derived.service_name),
            provider: present(&derived.provider),
            model: present(&derived.model).or_else(|| present(&derived.model_requested)),
            model_requested: present(&derived.model_requested),
            input,
            output: content(&row.output, &row.attributes, Side::Output),
            usage: (derived.usage.total_tokens > 0)
                .then(|| ObservationUsage::new(derived.usage, &derived.usage_details)),
            cost: cost(&derived.total_cost, derived.cost_details, &derived.cost_source),
            cost_source: (derived.cost_source != NO_COST).then_some(derived.cost_source),
            time_to_first_token_ms: (derived.time_to_first_token_us > 0)
                .then(|| derived.time_to_first_token_us as f64 / 1e3),
            metadata: derived
                .metadata
                .into_iter()
                .map(|(key, text)| (key, metadata_value(text)))
                .collect(),
            attributes: attributes(row.attributes),
            resource: resource(row.origin.resource_string, row.origin.resource_other),
            scope: Scope {
                name: present(&row.origin.scope_name),
                version: present(&row.origin.scope_version),
            },
            events: each(&row.events, event),
            links: each(&row.links, link),
            scores: Vec::new(),
        }
    }
}

const NO_COST: &str = "none";

/// Prefixes under which older instrumentations spread messages over attributes, per side.
const FLATTENED: [(Side, &str); 4] = [
    (Side::Input, "gen_ai.prompt."),
    (Side::Input, "llm.input_messages."),
    (Side::Output, "gen_ai.completion."),
    (Side::Output, "llm.output_messages."),
];

fn content(moved: &Moved, attributes: &Attributes, side: Side) -> Option<Content> {
    let found = recorded(moved, attributes, side)?;
    Some(conversation::complete(found, &moved.source, side, |name| {
        attributes.text(name)
    }))
}

fn recorded(moved: &Moved, attributes: &Attributes, side: Side) -> Option<Content> {
    if !moved.text.is_empty() {
        return Some(conversation::read(&moved.text, &moved.source, side));
    }
    let pairs = || {
        attributes
            .string
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    };
    let mut prefixes = FLATTENED.iter().filter(|(of, _)| *of == side);
    let messages = prefixes.find_map(|(_, prefix)| conversation::compose(pairs(), prefix, side));
    messages.map(Content::Messages)
}

fn cost(total: &str, buckets: Vec<(String, String)>, source: &str) -> Option<Object> {
    if source == NO_COST {
        return None;
    }
    let total = ("total".to_owned(), Value::String(money(total)));
    let buckets = buckets.into_iter().filter(|(bucket, _)| bucket != "total");
    let buckets = buckets.map(|(bucket, amount)| (bucket, Value::String(money(&amount))));
    Some(std::iter::once(total).chain(buckets).collect())
}

pub(super) fn attributes(typed: Attributes) -> Object {
    let mut merged = Object::new();
    merged.extend(
        typed
            .string
            .into_iter()
            .map(|(key, text)| (key, Value::String(text))),
    );
    merged.extend(
        typed
            .int
            .into_iter()
            .map(|(key, number)| (key, Value::from(number))),
    );
    merged.extend(
        typed
            .double
            .into_iter()
            .map(|(key, number)| (key, double(number))),
    );
    merged.extend(typed.bool.into_iter().map(|(key, flag)| (key, Value::Bool(flag))));
    merged.extend(
        typed
            .other
            .into_iter()
            .map(|(key, json)| (key, plain(&parsed(&json)))),
    );
    merged
}

pub(super) fn resource(string: Vec<(String, String)>, other: Vec<(String, String)>) -> Object {
    attributes(Attributes {
        string,
        other,
        ..Attributes::default()
    })
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or(Value::Null)
}

fn each<T>(json: &str, read: impl Fn(&Object) -> T) -> Vec<T> {
    match parsed(json) {
        Value::Array(items) => items.iter().filter_map(Value::as_object).map(read).collect(),
        _ => Vec::new(),
    }
}

fn event(object: &Object) -> Event {
    let nanos = object
        .get("timeUnixNano")
        .and_then(Value::as_str)
        .and_then(|text| text.parse().ok());
    Event {
        name: text(object, "name"),
        time: instant(nanos.unwrap_or_default()),
        attributes: attributes_of(object),
    }
}

fn link(object: &Object) -> Link {
    Link {
        trace_id: text(object, "traceId"),
        observation_id: text(object, "spanId"),
        attributes: attributes_of(object),
    }
}

fn text(object: &Object, name: &str) -> String {
    object
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn attributes_of(object: &Object) -> Object {
    object.get("attributes").map(plain_attributes).unwrap_or_default()
}

const fn kind_word(kind: u8) -> &'static str {
    match kind {
        1 => "internal",
        2 => "server",
        3 => "client",
        4 => "producer",
        5 => "consumer",
        _ => "unspecified",
    }
}

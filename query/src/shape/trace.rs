//! A trace as lists and pages show it.

use arrow_array::RecordBatch;
use brokle_model::id::{SpanId, TraceId};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::columns::Columns;
use super::score::Score;
use super::{ShapeError, Usage, instant, milliseconds, money, present, status_word};
use crate::plan::Cursor;

/// One trace: its entry, and sums over its observations.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are those of the API")]
pub(crate) struct Trace {
    /// 32 hex digits.
    #[schema(value_type = String, example = "4bf92f3577b34da6a3ce929d0e0e4736")]
    pub trace_id: TraceId,
    /// What the trace is called: its own name, or its entry's.
    pub name: String,
    /// When its entry started.
    pub start_time: DateTime<Utc>,
    /// From the first start to the last end of its observations.
    pub duration_ms: f64,
    /// `ok`, `error` or `unset`: the entry's.
    #[schema(value_type = StatusWord)]
    pub status: &'static str,
    /// The user, if an observation names one.
    pub user_id: Option<String>,
    /// The session, if an observation names one.
    pub session_id: Option<String>,
    /// The tags of all observations.
    pub tags: Vec<String>,
    /// Such as `production`.
    pub environment: Option<String>,
    /// How many observations it has.
    pub observation_count: u64,
    /// How many of them failed.
    pub error_count: u64,
    /// Tokens, each counted once.
    pub usage: Usage,
    /// US dollars, as a decimal.
    #[schema(example = "0.0042")]
    pub total_cost: String,
    /// The models that answered, or were asked.
    pub models: Vec<String>,
    /// What callers attached to it. Lists leave it out (`null`).
    #[schema(value_type = Option<std::collections::HashMap<String, Value>>)]
    pub metadata: Option<Map<String, Value>>,
    /// The quality scores of the trace itself. Lists leave them out (`null`).
    pub scores: Option<Vec<Score>>,
    /// The entry's type, such as `agent`.
    pub root_type: String,
    /// The entry: 16 hex digits.
    #[schema(value_type = String, example = "00f067aa0ba902b7")]
    pub root_observation_id: SpanId,
    /// The service that the entry belongs to.
    pub service_name: Option<String>,
    /// The beginning of the entry's input.
    pub input_preview: Option<String>,
    /// The beginning of the entry's output.
    pub output_preview: Option<String>,
}

/// How something ended.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(
    dead_code,
    reason = "names the words for the schema; values are written as text"
)]
pub(crate) enum StatusWord {
    /// It succeeded.
    Ok,
    /// It failed.
    Error,
    /// Nothing was said.
    Unset,
}

/// A trace, and its entry's place in a list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Summary {
    pub(crate) place: Cursor,
    pub(crate) is_match: bool,
    pub(crate) trace: Trace,
}

/// Reads the rows of a summary query, which come in no order.
pub(crate) fn summaries(batches: &[RecordBatch]) -> Result<Vec<Summary>, ShapeError> {
    let mut summaries = Vec::new();
    for batch in batches {
        let columns = Columns::of(batch);
        for row in 0..batch.num_rows() {
            summaries.push(summary(&columns, row)?);
        }
    }
    Ok(summaries)
}

fn summary(columns: &Columns<'_>, row: usize) -> Result<Summary, ShapeError> {
    let place = Cursor {
        start_ns: columns.nanos("entry_start")?[row],
        trace: columns.traces("trace_id")?.trace(row),
        span: columns.spans("span_id")?.span(row),
    };
    let text = |name| Ok(columns.text(name)?.value(row));
    let number = |name| columns.number(name)?.get(row);
    let trace = Trace {
        trace_id: place.trace,
        name: text("name")?.to_owned(),
        start_time: instant(place.start_ns),
        duration_ms: milliseconds(
            columns.nanos("first_start")?[row],
            columns.nanos("last_end")?[row],
        ),
        status: status_word(columns.number("status_code")?.get_u8(row)?),
        user_id: present(text("user_id")?),
        session_id: present(text("session_id")?),
        tags: columns.texts("tags", row)?,
        environment: present(text("environment")?),
        observation_count: number("observation_count")?,
        error_count: number("error_count")?,
        usage: usage(columns, row)?,
        total_cost: money(text("total_cost")?),
        models: columns.texts("models", row)?,
        metadata: None,
        scores: None,
        root_type: text("type")?.to_owned(),
        root_observation_id: place.span,
        service_name: present(text("service_name")?),
        input_preview: present(text("input_preview")?),
        output_preview: present(text("output_preview")?),
    };
    Ok(Summary {
        place,
        is_match: columns.flag("is_match")?.get(row),
        trace,
    })
}

pub(super) fn usage(columns: &Columns<'_>, row: usize) -> Result<Usage, ShapeError> {
    let number = |name| columns.number(name)?.get(row);
    let (input_tokens, output_tokens) = (number("input_tokens")?, number("output_tokens")?);
    Ok(Usage {
        input_tokens,
        output_tokens,
        cache_read_tokens: number("cache_read_tokens")?,
        cache_write_tokens: number("cache_write_tokens")?,
        reasoning_tokens: number("reasoning_tokens")?,
        total_tokens: input_tokens.saturating_add(output_tokens),
    })
}

/// Merges the metadata of a trace's observations; what comes first stays.
pub(crate) fn merged_metadata(batches: &[RecordBatch]) -> Result<Map<String, Value>, ShapeError> {
    let mut merged = Map::new();
    for batch in batches {
        let maps = Columns::of(batch).map("metadata")?;
        for row in 0..batch.num_rows() {
            for (key, text) in maps.texts(row)? {
                merged.entry(key).or_insert_with(|| metadata_value(text));
            }
        }
    }
    Ok(merged)
}

/// Metadata is stored as text. Objects and arrays are shown as such; a text that merely looks like a number
/// may be somebody's id and stays a text.
pub(super) fn metadata_value(text: String) -> Value {
    let is_structured = text.starts_with(['{', '[']);
    let parsed = if is_structured {
        serde_json::from_str(&text).ok()
    } else {
        None
    };
    parsed.unwrap_or(Value::String(text))
}

//! An event as lists show it.

use arrow_array::RecordBatch;
use brokle_model::id::{SpanId, TraceId};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::columns::Columns;
use super::{ShapeError, instant, present};
use crate::plan::IdCursor;

/// A business or system event.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are those of the API")]
// An observation has events as well, and a schema's name is for the whole API.
#[schema(as = BusinessEvent)]
pub(crate) struct Event {
    /// The caller's id of it, or ours.
    pub event_id: String,
    /// What happened.
    #[schema(example = "budget.threshold_reached")]
    pub name: String,
    /// `DEBUG`, `DEFAULT`, `INFO`, `WARNING` or `ERROR`.
    pub level: Option<String>,
    /// When.
    pub timestamp: DateTime<Utc>,
    /// The trace that it belongs to, if it belongs to one.
    #[schema(value_type = Option<String>)]
    pub trace_id: Option<TraceId>,
    /// The observation that it belongs to, if it belongs to one.
    #[schema(value_type = Option<String>)]
    pub observation_id: Option<SpanId>,
    /// The session that it belongs to.
    pub session_id: Option<String>,
    /// The user that it is about.
    pub user_id: Option<String>,
    /// Such as `production`.
    pub environment: Option<String>,
    /// What else was said.
    #[schema(value_type = Option<Value>)]
    pub payload: Option<Value>,
    /// When Brokle heard of it.
    pub received_at: DateTime<Utc>,
}

/// Reads the rows of a list of events, each with its place.
pub(crate) fn events(batches: &[RecordBatch]) -> Result<Vec<(IdCursor, Event)>, ShapeError> {
    let mut events = Vec::new();
    for batch in batches {
        let columns = Columns::of(batch);
        for row in 0..batch.num_rows() {
            events.push(placed(&columns, row)?);
        }
    }
    Ok(events)
}

fn placed(columns: &Columns<'_>, row: usize) -> Result<(IdCursor, Event), ShapeError> {
    let text = |name| Ok::<_, ShapeError>(columns.text(name)?.value(row));
    let start_ns = columns.nanos("start_time")?[row];
    let event = Event {
        event_id: text("event_id")?.to_owned(),
        name: text("name")?.to_owned(),
        level: present(text("level")?),
        timestamp: instant(start_ns),
        trace_id: Some(columns.traces("trace_id")?.trace(row)).filter(|trace| !trace.is_zero()),
        observation_id: Some(columns.spans("span_id")?.span(row)).filter(|span| !span.is_zero()),
        session_id: present(text("session_id")?),
        user_id: present(text("user_id")?),
        environment: present(text("environment")?),
        payload: serde_json::from_str(text("payload")?).ok(),
        received_at: instant(columns.nanos("received")?[row]),
    };
    let place = IdCursor {
        start_ns,
        id: event.event_id.clone(),
    };
    Ok((place, event))
}

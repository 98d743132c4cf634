//! Log records, as stored, as the API shows them, and as OTLP.

use arrow_array::RecordBatch;
use brokle_model::id::{SpanId, TraceId};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::any_value::plain;
use super::columns::Columns;
use super::observation::{Scope, attributes, resource};
use super::origin::Origin;
use super::otlp::{Exported, count, key_values, list, nanos, stored_value, text};
use super::span_row::Attributes;
use super::{ShapeError, instant, present};
use crate::plan::{LogCursor, severity_word};

type Object = Map<String, Value>;

/// A record's place in a list, and how much text it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SizedPlace {
    pub(crate) place: LogCursor,
    pub(crate) bytes: u64,
}

/// The places of a page, in its order; a record that was sent twice has one.
pub(crate) fn sized_places(batches: &[RecordBatch]) -> Result<Vec<SizedPlace>, ShapeError> {
    let mut places: Vec<SizedPlace> = Vec::new();
    for batch in batches {
        let columns = Columns::of(batch);
        for row in 0..batch.num_rows() {
            let found = SizedPlace {
                place: place(&columns, row)?,
                bytes: columns.number("size")?.get(row)?,
            };
            if places.last().is_none_or(|last| last.place != found.place) {
                places.push(found);
            }
        }
    }
    Ok(places)
}

pub(super) fn place(columns: &Columns<'_>, row: usize) -> Result<LogCursor, ShapeError> {
    Ok(LogCursor {
        time_ns: columns.nanos("timestamp")?[row],
        request: columns.number("request_hash")?.get(row)?,
        row: columns.number("request_row")?.get_u32(row)?,
    })
}

/// What a record says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    /// Nothing.
    None,
    /// A text.
    Text(String),
    /// Anything else, as OTLP/JSON.
    Other(Value),
}

impl Body {
    pub(super) fn read(columns: &Columns<'_>, row: usize) -> Result<Self, ShapeError> {
        let body = columns.text("body")?.value(row);
        Ok(match columns.text("body_kind")?.value(row) {
            "none" => Self::None,
            "string" => Self::Text(body.to_owned()),
            _ => Self::Other(stored_value(body)),
        })
    }

    /// What a person expects to see.
    pub(super) fn plain(&self) -> Value {
        match self {
            Self::None => Value::Null,
            Self::Text(text) => Value::String(text.clone()),
            Self::Other(value) => plain(value),
        }
    }
}

/// A log record as stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LogRow {
    time_ns: i64,
    time_unix_nano: u64,
    observed_time_unix_nano: u64,
    trace: TraceId,
    span: SpanId,
    flags: u32,
    severity_number: i32,
    severity_text: String,
    event_name: String,
    environment: String,
    service_name: String,
    body: Body,
    attributes: Attributes,
    dropped_attributes: u32,
    origin: Origin,
}

impl LogRow {
    /// Reads all rows, in their order.
    pub(crate) fn read_all(batches: &[RecordBatch]) -> Result<Vec<Self>, ShapeError> {
        let mut rows = Vec::new();
        for batch in batches {
            let columns = Columns::of(batch);
            for row in 0..batch.num_rows() {
                rows.push(Self::read(&columns, row)?);
            }
        }
        Ok(rows)
    }

    fn read(columns: &Columns<'_>, row: usize) -> Result<Self, ShapeError> {
        let text = |name| Ok(columns.text(name)?.value(row).to_owned());
        Ok(Self {
            time_ns: columns.nanos("timestamp")?[row],
            time_unix_nano: columns.number("time_unix_nano")?.get(row)?,
            observed_time_unix_nano: columns.number("observed_time_unix_nano")?.get(row)?,
            trace: columns.traces("trace_id")?.trace(row),
            span: columns.spans("span_id")?.span(row),
            flags: columns.number("flags")?.get_u32(row)?,
            severity_number: columns.signed("severity_number")?.value(row),
            severity_text: text("severity_text")?,
            event_name: text("event_name")?,
            environment: text("environment")?,
            service_name: text("service_name")?,
            body: Body::read(columns, row)?,
            attributes: Attributes::read(columns, row)?,
            dropped_attributes: columns.number("dropped_attributes_count")?.get_u32(row)?,
            origin: Origin::read(columns, row)?,
        })
    }
}

impl Exported for LogRow {
    const SCOPES: &'static str = "scopeLogs";
    const ITEMS: &'static str = "logRecords";

    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn add_to(self, items: &mut Vec<Value>) {
        let mut record = Object::new();
        nanos(&mut record, "timeUnixNano", self.time_unix_nano.to_string());
        nanos(
            &mut record,
            "observedTimeUnixNano",
            self.observed_time_unix_nano.to_string(),
        );
        if self.severity_number != 0 {
            record.insert("severityNumber".to_owned(), Value::from(self.severity_number));
        }
        text(&mut record, "severityText", self.severity_text);
        match self.body {
            Body::None => {}
            Body::Text(body) => drop(record.insert("body".to_owned(), json!({"stringValue": body}))),
            Body::Other(body) => drop(record.insert("body".to_owned(), body)),
        }
        list(&mut record, "attributes", key_values(self.attributes));
        count(&mut record, "droppedAttributesCount", self.dropped_attributes);
        count(&mut record, "flags", self.flags);
        if !self.trace.is_zero() {
            text(&mut record, "traceId", self.trace.to_string());
        }
        if !self.span.is_zero() {
            text(&mut record, "spanId", self.span.to_string());
        }
        text(&mut record, "eventName", self.event_name);
        items.push(Value::Object(record));
    }
}

/// A log record.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct LogRecord {
    /// When it happened; when it was seen or arrived, where that is not known.
    pub time: DateTime<Utc>,
    /// When it was seen by the collection system.
    pub observed_time: Option<DateTime<Utc>>,
    /// 32 hex digits.
    #[schema(value_type = Option<String>)]
    pub trace_id: Option<TraceId>,
    /// 16 hex digits.
    #[schema(value_type = Option<String>)]
    pub observation_id: Option<SpanId>,
    /// `trace`, `debug`, `info`, `warn`, `error` or `fatal`.
    pub severity: Option<&'static str>,
    /// 1 to 24, 0 when not given.
    pub severity_number: i32,
    /// The source's own word for it.
    pub severity_text: Option<String>,
    /// The kind of event, when it is one.
    pub event_name: Option<String>,
    /// What was said.
    #[schema(value_type = Value)]
    pub body: Value,
    /// Such as `production`.
    pub environment: Option<String>,
    /// The service that it is from.
    pub service_name: Option<String>,
    /// The record's attributes.
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    pub attributes: Object,
    /// The attributes of the resource that it is from.
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    pub resource: Object,
    /// The instrumentation that made it.
    pub scope: Scope,
}

impl From<LogRow> for LogRecord {
    fn from(row: LogRow) -> Self {
        let observed = i64::try_from(row.observed_time_unix_nano).ok();
        Self {
            time: instant(row.time_ns),
            observed_time: observed.filter(|nanos| *nanos != 0).map(instant),
            trace_id: (!row.trace.is_zero()).then_some(row.trace),
            observation_id: (!row.span.is_zero()).then_some(row.span),
            severity: severity_word(row.severity_number),
            severity_number: row.severity_number,
            severity_text: present(&row.severity_text),
            event_name: present(&row.event_name),
            body: row.body.plain(),
            environment: present(&row.environment),
            service_name: present(&row.service_name),
            attributes: attributes(row.attributes),
            resource: resource(row.origin.resource_string, row.origin.resource_other),
            scope: Scope {
                name: present(&row.origin.scope_name),
                version: present(&row.origin.scope_version),
            },
        }
    }
}

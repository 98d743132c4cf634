//! The changes of a range as rows of `changes`, and its events, which are said once and never changed, as rows
//! of `events`. A pure function of the records, as for every signal.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, FixedSizeBinaryArray, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
    TimestampNanosecondArray, UInt16Array,
};
use arrow_schema::ArrowError;
use brokle_model::id::TraceId;
use brokle_model::telemetry::Signal;
use serde_json::{Map, Value};

use super::change::{Change, Entity, InvalidRecord, Recorded, decode};
use super::month::month_of;
use crate::pipeline::batch::{RangeRecord, TableBatch};

/// The table of all changes but events.
pub const CHANGES: &str = "changes";
/// The table of events.
pub const EVENTS: &str = "events";

/// Why the changes of a range give no rows.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A record is not what the SDK routes write.
    #[error(transparent)]
    Record(#[from] InvalidRecord),
    /// The columns do not form a batch: our defect.
    #[error("the columns of changes do not form a batch: {0}")]
    Columns(#[from] ArrowError),
}

/// A change and whose it is.
struct Owned {
    project: String,
    retention_days: u16,
    recorded: Recorded,
}

/// The rows of the records that hold changes, by table and month.
pub fn batches(records: &[RangeRecord<'_>]) -> Result<Vec<TableBatch>, TableError> {
    let mut rows: BTreeMap<(&'static str, u32), Vec<Owned>> = BTreeMap::new();
    for record in records.iter().filter(|record| record.signal == Signal::Changes) {
        let received_ns = record.received_at.timestamp_nanos_opt().unwrap_or(0);
        for change in decode(record.body)? {
            let place = match change.entity {
                Entity::Event => (EVENTS, month_of(change.start_ns.unwrap_or(received_ns))),
                _ => (CHANGES, month_of(received_ns)),
            };
            rows.entry(place).or_default().push(Owned {
                project: record.project.to_string(),
                retention_days: record.retention_days,
                recorded: Recorded { change, received_ns },
            });
        }
    }
    let batch = |((table, month), rows): ((&'static str, u32), Vec<Owned>)| {
        Ok(TableBatch {
            table,
            partition: month.to_string(),
            rows: if table == EVENTS {
                events(&rows)?
            } else {
                changes(&rows)?
            },
        })
    };
    rows.into_iter().map(batch).collect()
}

fn changes(rows: &[Owned]) -> Result<RecordBatch, ArrowError> {
    let each = || rows.iter().map(|row| &row.recorded.change);
    let columns: [(&str, ArrayRef); 11] = [
        ("project_id", texts(rows.iter().map(|row| row.project.as_str()))),
        ("entity", texts(each().map(|change| change.entity.as_str()))),
        ("key", texts(each().map(|change| change.key.as_str()))),
        (
            "change_id",
            ids::<16>(each().map(|change| change.id.as_u128().to_be_bytes()))?,
        ),
        (
            "received_at",
            nanos(rows.iter().map(|row| row.recorded.received_ns)),
        ),
        ("verb", texts(each().map(|change| change.verb.as_str()))),
        (
            "at_ns",
            Arc::new(Int64Array::from_iter_values(each().map(|change| change.at_ns))),
        ),
        (
            "trace_id",
            ids::<16>(each().map(|change| bytes_of(change.trace)))?,
        ),
        (
            "start_ns",
            Arc::new(Int64Array::from_iter_values(
                each().map(|change| change.start_ns.unwrap_or(0)),
            )),
        ),
        (
            "fields",
            texts(each().map(|change| Value::Object(map_of(change)).to_string())),
        ),
        ("retention_days", days(rows.iter().map(|row| row.retention_days))),
    ];
    RecordBatch::try_from_iter(columns)
}

fn events(rows: &[Owned]) -> Result<RecordBatch, ArrowError> {
    let each = || rows.iter().map(|row| &row.recorded.change);
    let field = |name: &'static str| {
        texts(each().map(move |change| {
            change
                .fields
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        }))
    };
    let span = |change: &Change| {
        let hex = change.fields.get("observation_id").and_then(Value::as_str);
        hex.and_then(|hex| hex.parse().ok())
            .map_or([0; 8], |span: brokle_model::id::SpanId| *span.as_bytes())
    };
    let payload = |change: &Change| {
        change
            .fields
            .get("payload")
            .map(Value::to_string)
            .unwrap_or_default()
    };
    let start = |row: &Owned| row.recorded.change.start_ns.unwrap_or(row.recorded.received_ns);
    let received_ms = rows.iter().map(|row| row.recorded.received_ns / 1_000_000);
    let columns: [(&str, ArrayRef); 12] = [
        ("project_id", texts(rows.iter().map(|row| row.project.as_str()))),
        ("event_id", texts(each().map(|change| change.key.as_str()))),
        ("start_time", nanos(rows.iter().map(start))),
        ("name", field("name")),
        ("level", field("level")),
        (
            "trace_id",
            ids::<16>(each().map(|change| bytes_of(change.trace)))?,
        ),
        ("span_id", ids::<8>(each().map(span))?),
        ("session_id", field("session_id")),
        ("user_id", field("user_id")),
        ("environment", field("environment")),
        ("payload", texts(each().map(payload))),
        ("received_at", millis(received_ms)),
    ];
    RecordBatch::try_from_iter(columns)
}

fn map_of(change: &Change) -> Map<String, Value> {
    let fields = change.fields.iter();
    fields
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The bytes of a trace id; zeroes where there is none.
pub(super) fn bytes_of(trace: Option<TraceId>) -> [u8; 16] {
    trace.map_or([0; 16], |trace| *trace.as_bytes())
}

/// A column of lifetimes.
pub(super) fn days(values: impl Iterator<Item = u16>) -> ArrayRef {
    Arc::new(UInt16Array::from_iter_values(values))
}

/// A column of text.
pub(super) fn texts<S: AsRef<str>>(values: impl Iterator<Item = S>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

/// A column of ids.
pub(super) fn ids<const N: usize>(values: impl Iterator<Item = [u8; N]>) -> Result<ArrayRef, ArrowError> {
    let values: Vec<[u8; N]> = values.collect();
    let ids = FixedSizeBinaryArray::try_from_iter(values.into_iter())?;
    Ok(Arc::new(ids))
}

/// A column of instants in nanoseconds.
pub(super) fn nanos(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from_iter_values(values).with_timezone("UTC"))
}

/// A column of instants in milliseconds.
pub(super) fn millis(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampMillisecondArray::from_iter_values(values).with_timezone("UTC"))
}

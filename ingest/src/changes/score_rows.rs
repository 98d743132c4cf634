//! Folded scores as rows of `scores`.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, UInt8Array, UInt64Array};
use arrow_schema::ArrowError;
use brokle_model::id::ProjectId;
use serde_json::Value;

use super::fold::{Folded, Place};
use super::month::month_of;
use super::render::{metadata_of, span_of};
use super::table::{bytes_of, days, ids, millis, nanos, texts};

/// The table of scores.
pub(super) const SCORES: &str = "scores";

/// One row: a score that stands, or the end of one.
#[derive(Debug, Clone)]
pub(super) struct ScoreRow {
    pub(super) project: ProjectId,
    pub(super) retention_days: u16,
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) version: u64,
    /// `None` for a row that is to go.
    pub(super) state: Option<Folded>,
}

/// The rows by month.
pub(super) fn batches(rows: Vec<ScoreRow>) -> Result<Vec<(u32, RecordBatch)>, ArrowError> {
    let mut months: BTreeMap<u32, Vec<ScoreRow>> = BTreeMap::new();
    for row in rows {
        months.entry(month_of(row.place.start_ns)).or_default().push(row);
    }
    months
        .into_iter()
        .map(|(month, rows)| Ok((month, batch(&rows)?)))
        .collect()
}

fn batch(rows: &[ScoreRow]) -> Result<RecordBatch, ArrowError> {
    let field = |name: &'static str| {
        texts(rows.iter().map(move |row| {
            let state = row.state.as_ref();
            state.and_then(|state| state.text(name)).unwrap_or_default()
        }))
    };
    let value = |row: &ScoreRow| row.state.as_ref()?.fields.get("value")?.as_f64();
    let span = |row: &ScoreRow| {
        let state = row.state.as_ref();
        let hex = state.and_then(|state| state.text("observation_id"));
        hex.map_or([0; 8], |hex| *span_of(hex).as_bytes())
    };
    let metadata = |row: &ScoreRow| {
        let entries: serde_json::Map<String, Value> = row
            .state
            .as_ref()
            .map(|state| metadata_of(state).collect())
            .unwrap_or_default();
        if entries.is_empty() {
            String::new()
        } else {
            Value::Object(entries).to_string()
        }
    };
    let at = |pick: fn(&Folded) -> i64| {
        millis(
            rows.iter()
                .map(move |row| row.state.as_ref().map_or(0, pick) / 1_000_000),
        )
    };
    let is_deleted = rows.iter().map(|row| u8::from(row.state.is_none()));
    let columns: [(&str, ArrayRef); 22] = [
        (
            "project_id",
            texts(rows.iter().map(|row| row.project.to_string())),
        ),
        ("score_id", texts(rows.iter().map(|row| row.key.as_str()))),
        (
            "trace_id",
            ids::<16>(rows.iter().map(|row| bytes_of(row.place.trace)))?,
        ),
        ("span_id", ids::<8>(rows.iter().map(span))?),
        ("session_id", field("session_id")),
        ("start_time", nanos(rows.iter().map(|row| row.place.start_ns))),
        (
            "version",
            Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.version))),
        ),
        ("is_deleted", Arc::new(UInt8Array::from_iter_values(is_deleted))),
        ("name", field("name")),
        ("data_type", field("data_type")),
        (
            "value",
            Arc::new(rows.iter().map(value).collect::<Float64Array>()),
        ),
        ("string_value", field("string_value")),
        ("source", field("source")),
        ("evaluator_name", field("evaluator_name")),
        ("evaluator_version", field("evaluator_version")),
        ("author_user_id", field("author_user_id")),
        ("comment", field("comment")),
        ("metadata", texts(rows.iter().map(metadata))),
        ("environment", field("environment")),
        ("created_at", at(|state| state.created_ns)),
        ("updated_at", at(|state| state.updated_ns)),
        ("retention_days", days(rows.iter().map(|row| row.retention_days))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, name == "value")))
}

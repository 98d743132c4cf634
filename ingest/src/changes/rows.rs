//! Rows of `observations` that come from changes: encoded like any span's, and then given what the encoder cannot
//! know, which is the fold's version, whether the row is the end of one, and the type of a trace's row.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, TimestampNanosecondType};
use arrow_array::{Array, ArrayRef, BooleanArray, DictionaryArray, RecordBatch, UInt8Array, UInt64Array};
use brokle_model::id::{ProjectId, SpanId};
use brokle_model::telemetry::{Signal, TRACE_ROW_TYPE};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::assemble::{AssembleError, refused};
use super::fold::Place;
use super::render;
use crate::pipeline::decode::Decoder;
use crate::wal::range::LoggedRequest;

/// One row.
pub(super) struct ObservationRow {
    pub(super) span: SpanId,
    pub(super) place: Place,
    pub(super) version: u64,
    pub(super) is_entry: bool,
    pub(super) received_ns: i64,
    /// The export request that holds its span.
    pub(super) body: Vec<u8>,
}

/// Rows to be written.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) observations: Vec<ObservationRow>,
    pub(super) traces: Vec<ObservationRow>,
    ends: Vec<ObservationRow>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Observation,
    Trace,
    End,
}

/// Of several rows of one span, each has another start.
type Key = ([u8; 16], [u8; 8], i64);

impl Rows {
    /// Adds the end of a row.
    pub(super) fn end(&mut self, span: SpanId, place: Place, version: u64, is_entry: bool) {
        self.ends.push(ObservationRow {
            span,
            place,
            version,
            is_entry,
            received_ns: place.start_ns,
            body: render::tombstone(span, place),
        });
    }

    /// The batches, each with its partition's name.
    pub(super) async fn encode(
        self,
        (project, retention_days): (ProjectId, u16),
        decoder: &Decoder,
    ) -> Result<Vec<(String, RecordBatch)>, AssembleError> {
        let mut encoded = Vec::new();
        for (kind, rows) in [
            (Kind::Observation, self.observations),
            (Kind::Trace, self.traces),
            (Kind::End, self.ends),
        ] {
            if rows.is_empty() {
                continue;
            }
            let known: HashMap<Key, (u64, bool)> = rows.iter().map(known).collect();
            let requests: Arc<[LoggedRequest]> = rows
                .into_iter()
                .map(|row| request(project, retention_days, row))
                .collect();
            for batch in decoder.decode(requests).await.map_err(refused)? {
                encoded.push((batch.partition, told(&batch.rows, kind, &known)?));
            }
        }
        Ok(encoded)
    }
}

fn known(row: &ObservationRow) -> (Key, (u64, bool)) {
    let trace = row.place.trace.map_or([0; 16], |trace| *trace.as_bytes());
    (
        (trace, *row.span.as_bytes(), row.place.start_ns),
        (row.version, row.is_entry),
    )
}

fn request(project: ProjectId, retention_days: u16, row: ObservationRow) -> LoggedRequest {
    LoggedRequest {
        sequence: 0,
        project,
        environment: Box::default(),
        signal: Signal::Traces,
        received_ns: row.received_ns,
        items: 1,
        retention_days,
        calls: None,
        body: Bytes::from(row.body),
        _reservation: None,
    }
}

/// The rows as the encoder made them, with what only the fold knows.
fn told(
    batch: &RecordBatch,
    kind: Kind,
    known: &HashMap<Key, (u64, bool)>,
) -> Result<RecordBatch, AssembleError> {
    let mut versions = Vec::with_capacity(batch.num_rows());
    let mut entries = Vec::with_capacity(batch.num_rows());
    for key in keys(batch)? {
        let (version, is_entry) = known
            .get(&key)
            .copied()
            .ok_or_else(|| refused("the encoder moved a row"))?;
        versions.push(version);
        entries.push(is_entry);
    }
    let count = batch.num_rows();
    let mut new: Vec<(&str, ArrayRef)> = vec![
        ("version", Arc::new(UInt64Array::from(versions))),
        ("is_entry", Arc::new(BooleanArray::from(entries))),
        (
            "is_deleted",
            Arc::new(UInt8Array::from(vec![u8::from(kind == Kind::End); count])),
        ),
    ];
    if kind == Kind::Trace {
        let types: DictionaryArray<Int32Type> = std::iter::repeat_n(TRACE_ROW_TYPE, count).collect();
        new.push(("type", Arc::new(types)));
    }
    let schema = batch.schema();
    let columns = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| {
            let told = new.iter().find(|(name, _)| name == field.name());
            told.map_or_else(|| Arc::clone(column), |(_, column)| Arc::clone(column))
        });
    RecordBatch::try_new(Arc::clone(&schema), columns.collect()).map_err(refused)
}

fn keys(batch: &RecordBatch) -> Result<Vec<Key>, AssembleError> {
    let missing = || refused("the encoder left out a key");
    let id = |name: &str| {
        let column = batch.column_by_name(name);
        column.and_then(|column| column.as_fixed_size_binary_opt())
    };
    let (traces, spans) = (
        id("trace_id").ok_or_else(missing)?,
        id("span_id").ok_or_else(missing)?,
    );
    let starts = batch.column_by_name("start_time");
    let starts = starts.and_then(|column| column.as_primitive_opt::<TimestampNanosecondType>());
    let starts = starts.ok_or_else(missing)?;
    let key = |row: usize| {
        (
            traces.value(row).try_into().unwrap_or_default(),
            spans.value(row).try_into().unwrap_or_default(),
            starts.value(row),
        )
    };
    Ok((0..batch.num_rows()).map(key).collect())
}

/// The same rows in the same versions have the same token: written twice, they are stored once.
pub(super) fn token(project: ProjectId, table: &str, partition: &str, batch: &RecordBatch) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{project}\0{table}\0{partition}"));
    for name in [
        "trace_id",
        "span_id",
        "score_id",
        "start_time",
        "version",
        "is_deleted",
    ] {
        if let Some(column) = batch.column_by_name(name) {
            let data = column.to_data();
            hash.update(name);
            for buffer in data.buffers() {
                hash.update((buffer.len() as u64).to_le_bytes());
                hash.update(buffer.as_slice());
            }
        }
    }
    format!("assemble-{}", hex::encode(hash.finalize()))
}

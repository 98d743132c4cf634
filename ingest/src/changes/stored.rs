//! Reading the changes that are stored: which entities have how many, and the changes themselves.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampNanosecondType, UInt64Type};
use arrow_array::{FixedSizeBinaryArray, PrimitiveArray, RecordBatch, StringArray};
use brokle_model::id::{ProjectId, SpanId, TraceId};
use brokle_storage::telemetry::{QueryError, QueryLimits, QueryOutput, SqlQuery, TelemetryReader};

use super::change::{Change, ChangeId, Entity, Recorded, Verb};

/// Keys in one query: they travel in its address, which has its limits.
pub(super) const KEYS_PER_QUERY: usize = 400;

/// Why stored changes cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoredError {
    /// Storage did not answer.
    #[error("{0}")]
    Query(#[from] QueryError),
    /// Storage answered in another shape than was asked for: our defect.
    #[error("the column `{0}` of stored changes is missing or of another type; are all migrations applied?")]
    Column(&'static str),
    /// A row does not hold what was written.
    #[error("a stored change cannot be read: {0}")]
    Row(&'static str),
}

/// How much there is to read of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) changes: u64,
    pub(super) bytes: u64,
}

/// The changes of one project.
#[derive(Clone, Copy)]
pub(crate) struct Stored<'a> {
    pub(crate) reader: &'a dyn TelemetryReader,
    pub(crate) project: ProjectId,
    pub(crate) limits: QueryLimits,
    /// How many days rows that follow from them are kept.
    pub(crate) retention_days: u16,
}

impl Stored<'_> {
    /// How much is stored of each of these entities. Those of which nothing is are left out.
    pub(super) async fn sizes(
        &self,
        entity: Entity,
        keys: &[String],
    ) -> Result<BTreeMap<String, Size>, StoredError> {
        let text = "\
SELECT key, count() AS changes, sum(length(fields)) AS bytes
FROM changes
WHERE project_id = {project_id:String} AND entity = {entity:String}
    AND key IN (SELECT arrayJoin({keys:Array(String)}))
GROUP BY key";
        let output = self.run(self.query(text, entity, keys)).await?;
        let mut sizes = BTreeMap::new();
        for batch in &output.batches {
            let keys = text_column(batch, "key")?;
            let (changes, bytes) = (numbers(batch, "changes")?, numbers(batch, "bytes")?);
            for row in 0..batch.num_rows() {
                let size = Size {
                    changes: changes.value(row),
                    bytes: bytes.value(row),
                };
                sizes.insert(keys.value(row).to_owned(), size);
            }
        }
        Ok(sizes)
    }

    /// All changes of these entities, by key.
    pub(crate) async fn changes(
        &self,
        entity: Entity,
        keys: &[String],
    ) -> Result<BTreeMap<String, Vec<Recorded>>, StoredError> {
        let text = "\
SELECT key, change_id, received_at, toString(verb) AS verb, at_ns, trace_id, start_ns, fields
FROM changes
WHERE project_id = {project_id:String} AND entity = {entity:String}
    AND key IN (SELECT arrayJoin({keys:Array(String)}))";
        let output = self.run(self.query(text, entity, keys)).await?;
        let mut found: BTreeMap<String, Vec<Recorded>> = BTreeMap::new();
        for batch in &output.batches {
            read_changes(batch, entity, &mut found)?;
        }
        Ok(found)
    }

    /// The deletes of these traces, by key.
    pub(crate) async fn deletes(
        &self,
        keys: &[String],
    ) -> Result<BTreeMap<String, Vec<Recorded>>, StoredError> {
        let text = "\
SELECT key, change_id, received_at, toString(verb) AS verb, at_ns, trace_id, start_ns, fields
FROM changes
WHERE project_id = {project_id:String} AND entity = {entity:String}
    AND key IN (SELECT arrayJoin({keys:Array(String)}))
    AND changes.verb = 'delete'";
        let output = self.run(self.query(text, Entity::Trace, keys)).await?;
        let mut found: BTreeMap<String, Vec<Recorded>> = BTreeMap::new();
        for batch in &output.batches {
            read_changes(batch, Entity::Trace, &mut found)?;
        }
        Ok(found)
    }

    /// The next entities of a kind that were created in a trace, by key, after one of them.
    pub(super) async fn created_in(
        &self,
        entity: Entity,
        trace: TraceId,
        after: &str,
    ) -> Result<Vec<String>, StoredError> {
        let text = format!(
            "\
SELECT DISTINCT key
FROM changes
WHERE project_id = {{project_id:String}} AND entity = {{entity:String}} AND key > {{after:String}}
    AND trace_id = toFixedString(unhex({{trace:String}}), 16)
ORDER BY key
LIMIT {KEYS_PER_QUERY}"
        );
        let query = self
            .query(&text, entity, &[])
            .bind("after", after)
            .bind("trace", trace.to_string());
        let mut keys = Vec::new();
        for batch in &self.run(query).await?.batches {
            let column = text_column(batch, "key")?;
            keys.extend(column.iter().flatten().map(str::to_owned));
        }
        Ok(keys)
    }

    /// Where each of these traces has its earliest entry, and from when to when it has rows.
    pub(super) async fn places(
        &self,
        traces: &[TraceId],
    ) -> Result<BTreeMap<TraceId, TracePlace>, StoredError> {
        let text = "\
SELECT trace_id, min(entry_start_time) AS entry, min(start_time) AS first, max(last_start_time) AS last
FROM trace_places
WHERE project_id = {project_id:String}
    AND trace_id IN (SELECT toFixedString(unhex(arrayJoin({keys:Array(String)})), 16))
GROUP BY trace_id";
        let keys: Vec<String> = traces.iter().map(TraceId::to_string).collect();
        let output = self.run(self.query(text, Entity::Trace, &keys)).await?;
        let mut places = BTreeMap::new();
        for batch in &output.batches {
            let ids = id_column(batch, "trace_id", 16)?;
            let (entry, first, last) = (
                times(batch, "entry")?,
                times(batch, "first")?,
                times(batch, "last")?,
            );
            for row in 0..batch.num_rows() {
                let place = TracePlace {
                    entry: Some(entry.value(row)).filter(|at| *at < NO_ENTRY_NS),
                    first: first.value(row),
                    last: last.value(row),
                };
                places.insert(trace_of(ids.value(row)), place);
            }
        }
        Ok(places)
    }

    /// The next rows of a trace that stand and whose version is at most `version_max`, after a place.
    pub(super) async fn rows_of(
        &self,
        trace: TraceId,
        place: TracePlace,
        version_max: u64,
        after: (i64, SpanId),
    ) -> Result<Vec<StoredRow>, StoredError> {
        let text = format!(
            "\
SELECT span_id, start_time, version, is_entry
FROM (
    SELECT span_id, start_time, version, is_entry, is_deleted
    FROM observations_core
    WHERE project_id = {{project_id:String}}
        AND start_time BETWEEN fromUnixTimestamp64Nano({{first:Int64}}, 'UTC')
            AND fromUnixTimestamp64Nano({{last:Int64}}, 'UTC')
        AND trace_id = toFixedString(unhex({{trace:String}}), 16)
    ORDER BY version DESC
    LIMIT 1 BY span_id, start_time
)
WHERE is_deleted = 0 AND version <= {{version_max:UInt64}}
    AND (start_time, span_id) > (fromUnixTimestamp64Nano({{after:Int64}}, 'UTC'), toFixedString(unhex({{span:String}}), 8))
ORDER BY start_time, span_id
LIMIT {ROWS_PER_QUERY}"
        );
        let query = self
            .query(&text, Entity::Trace, &[])
            .bind("trace", trace.to_string())
            .bind("first", place.first.to_string())
            .bind("last", place.last.to_string())
            .bind("version_max", version_max.to_string())
            .bind("after", after.0.to_string())
            .bind("span", after.1.to_string());
        let mut rows = Vec::new();
        for batch in &self.run(query).await?.batches {
            let (spans, starts) = (id_column(batch, "span_id", 8)?, times(batch, "start_time")?);
            let versions = numbers(batch, "version")?;
            let entries = batch.column_by_name("is_entry").and_then(|column| {
                let bits = column
                    .as_boolean_opt()
                    .map(|bits| bits.iter().map(|bit| bit == Some(true)).collect());
                bits.or_else(|| {
                    let bytes = column.as_primitive_opt::<arrow_array::types::UInt8Type>()?;
                    Some(
                        bytes
                            .values()
                            .iter()
                            .map(|byte| *byte != 0)
                            .collect::<Vec<bool>>(),
                    )
                })
            });
            let entries = entries.ok_or(StoredError::Column("is_entry"))?;
            for (row, is_entry) in entries.into_iter().enumerate() {
                rows.push(StoredRow {
                    span: SpanId::from_bytes(spans.value(row).try_into().unwrap_or_default()),
                    start_ns: starts.value(row),
                    version: versions.value(row),
                    is_entry,
                });
            }
        }
        Ok(rows)
    }

    fn query(&self, text: &str, entity: Entity, keys: &[String]) -> SqlQuery {
        let mut query = SqlQuery::new(self.project, text).bind("entity", entity.as_str());
        if !keys.is_empty() {
            query = query.bind_array("keys", keys);
        }
        query.limits = self.limits;
        query
    }

    async fn run(&self, query: SqlQuery) -> Result<QueryOutput, QueryError> {
        self.reader.query(query).await
    }
}

/// What `trace_places` says of a trace without an entry.
const NO_ENTRY_NS: i64 = 9_214_646_400_000_000_000;
/// Rows of a trace that are read at once.
pub(super) const ROWS_PER_QUERY: usize = 10_000;

/// Where a trace lies, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TracePlace {
    pub(super) entry: Option<i64>,
    pub(super) first: i64,
    pub(super) last: i64,
}

/// A row of `observations` that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StoredRow {
    pub(super) span: SpanId,
    pub(super) start_ns: i64,
    pub(super) version: u64,
    pub(super) is_entry: bool,
}

fn read_changes(
    batch: &RecordBatch,
    entity: Entity,
    found: &mut BTreeMap<String, Vec<Recorded>>,
) -> Result<(), StoredError> {
    let (keys, verbs) = (text_column(batch, "key")?, text_column(batch, "verb")?);
    let fields = text_column(batch, "fields")?;
    let (ids, traces) = (
        id_column(batch, "change_id", 16)?,
        id_column(batch, "trace_id", 16)?,
    );
    let received = times(batch, "received_at")?;
    let (at, starts) = (signed(batch, "at_ns")?, signed(batch, "start_ns")?);
    for row in 0..batch.num_rows() {
        let key = keys.value(row);
        let id = u128::from_be_bytes(ids.value(row).try_into().unwrap_or_default());
        let change = Change {
            id: ChangeId::from_u128(id),
            entity,
            key: key.to_owned(),
            verb: Verb::from_word(verbs.value(row)).ok_or(StoredError::Row("an unknown verb"))?,
            at_ns: at.value(row),
            trace: Some(trace_of(traces.value(row))).filter(|trace| !trace.is_zero()),
            start_ns: Some(starts.value(row)).filter(|start| *start != 0),
            fields: serde_json::from_str(fields.value(row))
                .map_err(|_| StoredError::Row("its fields are no JSON object"))?,
        };
        found.entry(key.to_owned()).or_default().push(Recorded {
            change,
            received_ns: received.value(row),
        });
    }
    Ok(())
}

fn trace_of(bytes: &[u8]) -> TraceId {
    TraceId::from_bytes(bytes.try_into().unwrap_or_default())
}

fn text_column<'b>(batch: &'b RecordBatch, name: &'static str) -> Result<&'b StringArray, StoredError> {
    let column = batch
        .column_by_name(name)
        .and_then(|column| column.as_string_opt());
    column.ok_or(StoredError::Column(name))
}

fn id_column<'b>(
    batch: &'b RecordBatch,
    name: &'static str,
    bytes: i32,
) -> Result<&'b FixedSizeBinaryArray, StoredError> {
    let column = batch
        .column_by_name(name)
        .and_then(|column| column.as_fixed_size_binary_opt());
    column
        .filter(|column| column.value_length() == bytes)
        .ok_or(StoredError::Column(name))
}

fn numbers<'b>(
    batch: &'b RecordBatch,
    name: &'static str,
) -> Result<&'b PrimitiveArray<UInt64Type>, StoredError> {
    let column = batch
        .column_by_name(name)
        .and_then(|column| column.as_primitive_opt());
    column.ok_or(StoredError::Column(name))
}

fn signed<'b>(
    batch: &'b RecordBatch,
    name: &'static str,
) -> Result<&'b PrimitiveArray<Int64Type>, StoredError> {
    let column = batch
        .column_by_name(name)
        .and_then(|column| column.as_primitive_opt());
    column.ok_or(StoredError::Column(name))
}

fn times<'b>(
    batch: &'b RecordBatch,
    name: &'static str,
) -> Result<&'b PrimitiveArray<TimestampNanosecondType>, StoredError> {
    let column = batch
        .column_by_name(name)
        .and_then(|column| column.as_primitive_opt());
    column.ok_or(StoredError::Column(name))
}

//! Corrections of a step, in chunks that fit in memory and into one insert each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::builder::{Decimal128Builder, MapBuilder, MapFieldNames, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, TimestampNanosecondType};
use arrow_array::{ArrayRef, BooleanArray, Int8Array, PrimitiveArray, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use arrow_select::filter::filter_record_batch;
use brokle_model::id::ProjectId;
use brokle_storage::telemetry::{Insert, QueryOutput};
use sha2::{Digest, Sha256};

use super::RepriceError;
use super::call::{Call, Key, StoredCost, Verdict, id, number};

/// Corrections in one insert, and bytes of the rows among which they are.
const CORRECTIONS_MAX: usize = 5000;
const BYTES_MAX: u64 = 16 << 20;

/// Corrections of neighbouring calls.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// By row: the version that was looked at, and what it costs now.
    corrections: BTreeMap<Key, (u64, StoredCost)>,
    models: BTreeSet<String>,
    bytes: u64,
}

impl Chunk {
    /// The corrections among the calls of a step, which come in the order of their start.
    pub(super) fn cut(calls: Vec<(Call, Verdict)>) -> Vec<Self> {
        let changing: BTreeSet<String> = calls
            .iter()
            .filter(|(call, verdict)| verdict.changes(call))
            .map(|(call, _)| call.model.clone())
            .collect();
        let mut chunks = vec![Self::default()];
        let mut last_start = i64::MIN;
        for (call, verdict) in calls {
            // Other calls of these models are read as well, and dropped then.
            if !changing.contains(&call.model) {
                continue;
            }
            // Chunks are ranges of time: what started at the same instant stays together.
            let start = call.key.2;
            if let Some(full) = chunks.last()
                && (full.corrections.len() >= CORRECTIONS_MAX || full.bytes >= BYTES_MAX)
                && start > last_start
            {
                chunks.push(Self::default());
            }
            last_start = start;
            let Some(chunk) = chunks.last_mut() else { continue };
            chunk.bytes = chunk.bytes.saturating_add(call.size);
            if verdict.changes(&call) {
                chunk.corrections.insert(call.key, (call.version, verdict.cost));
                chunk.models.insert(call.model);
            }
        }
        chunks.retain(|chunk| !chunk.corrections.is_empty());
        chunks
    }

    pub(super) fn corrections(&self) -> u64 {
        self.corrections.len() as u64
    }

    pub(super) fn models(&self) -> impl Iterator<Item = &String> {
        self.models.iter()
    }

    /// The range of starts that holds all of them.
    pub(super) fn range(&self) -> (i64, i64) {
        let starts = || self.corrections.keys().map(|key| key.2);
        (
            starts().min().unwrap_or(0),
            starts().max().unwrap_or(0).saturating_add(1),
        )
    }

    /// The corrected rows among `rows`, ready to be inserted, and how many they are. A row of another version
    /// than the one looked at is left out.
    pub(super) fn corrected(
        &self,
        project: ProjectId,
        rows: &QueryOutput,
    ) -> Result<(u64, Vec<Insert>), RepriceError> {
        let (mut written, mut inserts) = (0, Vec::new());
        for batch in &rows.batches {
            let costs = self.matching(batch)?;
            let wanted: BooleanArray = costs.iter().map(|cost| Some(cost.is_some())).collect();
            let batch = filter_record_batch(batch, &wanted)?;
            if batch.num_rows() > 0 {
                let costs: Vec<&StoredCost> = costs.into_iter().flatten().collect();
                written += batch.num_rows() as u64;
                inserts.push(Insert {
                    table: crate::arrow::OBSERVATIONS,
                    token: token(project, &batch, &costs)?,
                    rows: replaced(&batch, &costs)?,
                });
            }
        }
        Ok((written, inserts))
    }

    /// For each row, what it costs now if it is one to correct.
    fn matching(&self, batch: &RecordBatch) -> Result<Vec<Option<&StoredCost>>, RepriceError> {
        let (traces, spans) = (id(batch, "trace_id", 16)?, id(batch, "span_id", 8)?);
        let versions = number(batch, "version")?;
        let starts = batch.column_by_name("start_time");
        let starts = starts.and_then(|column| column.as_primitive_opt::<TimestampNanosecondType>());
        let starts = starts.ok_or(RepriceError::Column("start_time"))?.values();
        let found = (0..batch.num_rows()).map(|row| {
            let trace = traces.value(row).try_into().unwrap_or_default();
            let span = spans.value(row).try_into().unwrap_or_default();
            let (version, cost) = self.corrections.get(&(trace, span, starts[row]))?;
            (*version == versions[row]).then_some(cost)
        });
        Ok(found.collect())
    }
}

/// The rows with their costs replaced, as their next version.
fn replaced(batch: &RecordBatch, costs: &[&StoredCost]) -> Result<RecordBatch, RepriceError> {
    let versions = number(batch, "version")?
        .iter()
        .map(|version| version.saturating_add(1));
    let totals = costs.iter().map(|cost| cost.total);
    let totals =
        PrimitiveArray::<Decimal128Type>::from_iter_values(totals).with_precision_and_scale(18, 12)?;
    let sources = Int8Array::from_iter_values(costs.iter().map(|cost| cost.source as i8));
    let price_versions = StringArray::from_iter_values(costs.iter().map(|cost| &cost.price_version));
    let new: [(&str, ArrayRef); 5] = [
        ("version", Arc::new(UInt64Array::from_iter_values(versions))),
        ("total_cost", Arc::new(totals)),
        ("cost_source", Arc::new(sources)),
        ("price_version", Arc::new(price_versions)),
        ("cost_details", details(costs)?),
    ];
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let column = new
            .iter()
            .find(|(name, _)| name == field.name())
            .map_or(column, |(_, column)| column);
        fields.push(Field::new(field.name(), column.data_type().clone(), false));
        columns.push(Arc::clone(column));
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

fn details(costs: &[&StoredCost]) -> Result<ArrayRef, RepriceError> {
    let names = MapFieldNames {
        entry: "entries".to_owned(),
        key: "key".to_owned(),
        value: "value".to_owned(),
    };
    let values = Decimal128Builder::new().with_data_type(DataType::Decimal128(18, 12));
    let mut maps = MapBuilder::new(Some(names), StringBuilder::new(), values).with_values_field(Field::new(
        "value",
        DataType::Decimal128(18, 12),
        false,
    ));
    for cost in costs {
        for (name, amount) in &cost.details {
            maps.keys().append_value(name);
            maps.values().append_value(*amount);
        }
        maps.append(true)?;
    }
    Ok(Arc::new(maps.finish()))
}

/// The same corrections of the same versions have the same token: sent twice, they are stored once.
fn token(project: ProjectId, batch: &RecordBatch, costs: &[&StoredCost]) -> Result<String, RepriceError> {
    let (traces, spans) = (id(batch, "trace_id", 16)?, id(batch, "span_id", 8)?);
    let versions = number(batch, "version")?;
    let mut hash = Sha256::new();
    hash.update(project.to_string());
    for (row, cost) in costs.iter().enumerate() {
        hash.update(traces.value(row));
        hash.update(spans.value(row));
        hash.update(versions[row].to_le_bytes());
        hash.update(cost.total.to_le_bytes());
        hash.update(format!("{:?}", cost.details));
    }
    Ok(format!("reprice-{}", hex::encode(hash.finalize())))
}

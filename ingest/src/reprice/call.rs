//! One stored call: what its price depends on, what it cost so far, and what it costs now.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt64Type};
use arrow_array::{ArrowPrimitiveType, FixedSizeBinaryArray, RecordBatch, StringArray};
use brokle_model::price::{COST_SCALE, CostBreakdown, Mode};
use brokle_model::usage::TokenUsage;
use brokle_storage::telemetry::QueryOutput;
use rust_decimal::Decimal;

use super::RepriceError;
use super::sql::MINUTE_NS;
use crate::arrow::storable_money;
use crate::normalize::{CostSource, PriceMemo};

/// The entry under which our price stands beside a caller's.
const PRICED: &str = "priced";

/// A row's place: trace, span, start.
pub(super) type Key = ([u8; 16], [u8; 8], i64);

/// A stored call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) key: Key,
    pub(super) version: u64,
    pub(super) model: String,
    pub(super) size: u64,
    pub(super) cost: StoredCost,
    provider: String,
    model_requested: String,
    mode: Mode,
    usage: TokenUsage,
}

/// Money as it is stored, in 10^-12 USD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredCost {
    pub(super) source: CostSource,
    pub(super) total: i128,
    pub(super) details: BTreeMap<String, i128>,
    pub(super) price_version: String,
}

/// What a call costs by the prices in force.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) cost: StoredCost,
}

impl StoredCost {
    /// Our price, if there is one.
    pub(super) fn ours(&self) -> Option<i128> {
        match self.source {
            CostSource::None => None,
            CostSource::Priced => Some(self.total),
            CostSource::Client => self.details.get(PRICED).copied(),
        }
    }
}

impl Verdict {
    /// Whether any money differs. Another table's name alone is no change.
    pub(super) fn changes(&self, call: &Call) -> bool {
        let (now, before) = (&self.cost, &call.cost);
        (now.source, now.total, &now.details) != (before.source, before.total, &before.details)
    }

    pub(super) fn ours(&self) -> Option<i128> {
        self.cost.ours()
    }
}

impl Call {
    /// What it costs now. A caller's own cost stays.
    pub(super) fn price_again(&self, memo: &mut PriceMemo<'_>) -> Verdict {
        let names = [&self.provider, &self.model, &self.model_requested].map(String::as_bytes);
        let (_, price) = memo.look_up(names[0], names[1], names[2]);
        let entry = price
            .filter(|_| !self.usage.is_empty())
            .and_then(|price| price.at(self.key.2));
        let ours = entry.and_then(|entry| entry.cost(&self.usage, self.mode));
        let price_version = ours
            .as_ref()
            .map_or_else(String::new, |ours| ours.price_version.to_string());
        let cost = if self.cost.source == CostSource::Client {
            let mut details = self.cost.details.clone();
            details.remove(PRICED);
            details.extend(ours.map(|ours| (PRICED.to_owned(), storable_money(ours.total))));
            StoredCost {
                details,
                price_version,
                ..self.cost.clone()
            }
        } else {
            let parts = ours.iter().flat_map(CostBreakdown::parts);
            StoredCost {
                source: if ours.is_some() {
                    CostSource::Priced
                } else {
                    CostSource::None
                },
                total: ours.as_ref().map_or(0, |ours| storable_money(ours.total)),
                details: parts
                    .map(|(name, cost)| (name.to_owned(), storable_money(cost)))
                    .collect(),
                price_version,
            }
        };
        Verdict { cost }
    }

    /// Reads the result of [`super::sql::calls`].
    pub(super) fn read_all(output: &QueryOutput) -> Result<Vec<Self>, RepriceError> {
        let mut calls = Vec::new();
        for batch in &output.batches {
            let columns = Columns::of(batch)?;
            for row in 0..batch.num_rows() {
                calls.push(columns.call(row)?);
            }
        }
        Ok(calls)
    }
}

/// The columns of [`super::sql::calls`].
struct Columns<'b> {
    trace: &'b FixedSizeBinaryArray,
    span: &'b FixedSizeBinaryArray,
    texts: [&'b StringArray; 7],
    numbers: [&'b [u64]; 12],
    start_ns: &'b [i64],
    source: &'b [i64],
}

const TEXTS: [&str; 7] = [
    "provider",
    "model",
    "model_requested",
    "price_mode",
    "costs",
    "total",
    "price_version",
];
const NUMBERS: [&str; 12] = [
    "version",
    "size",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h",
    "audio_input",
    "image_input",
    "reasoning_tokens",
    "audio_output",
    "image_output",
];

impl<'b> Columns<'b> {
    fn of(batch: &'b RecordBatch) -> Result<Self, RepriceError> {
        let mut texts = Vec::new();
        for name in TEXTS {
            texts.push(text(batch, name)?);
        }
        let mut numbers = Vec::new();
        for name in NUMBERS {
            numbers.push(number(batch, name)?);
        }
        Ok(Self {
            trace: id(batch, "trace_id", 16)?,
            span: id(batch, "span_id", 8)?,
            texts: texts.try_into().map_err(|_| RepriceError::Column("model"))?,
            numbers: numbers.try_into().map_err(|_| RepriceError::Column("version"))?,
            start_ns: signed(batch, "start_ns")?,
            source: signed(batch, "source")?,
        })
    }

    fn call(&self, row: usize) -> Result<Call, RepriceError> {
        let [
            provider,
            model,
            model_requested,
            mode,
            costs,
            total,
            price_version,
        ] = self.texts.map(|column| column.value(row));
        let [
            version,
            size,
            input,
            output,
            cache_read,
            cache_write,
            cache_write_1h,
            audio_input,
            image_input,
            reasoning,
            audio_output,
            image_output,
        ] = self.numbers.map(|column| column[row]);
        let usage = TokenUsage {
            input,
            output,
            cache_read,
            cache_write,
            cache_write_1h,
            audio_input,
            image_input,
            reasoning,
            audio_output,
            image_output,
        };
        let source = match self.source[row] {
            0 => CostSource::None,
            1 => CostSource::Client,
            _ => CostSource::Priced,
        };
        let mut details = BTreeMap::new();
        for entry in costs.split(';').filter(|entry| !entry.is_empty()) {
            let (name, cost) = entry
                .rsplit_once('=')
                .ok_or(RepriceError::Column("cost_details"))?;
            details.insert(
                name.to_owned(),
                picos(cost).ok_or(RepriceError::Column("cost_details"))?,
            );
        }
        Ok(Call {
            key: (
                self.trace.value(row).try_into().unwrap_or_default(),
                self.span.value(row).try_into().unwrap_or_default(),
                self.start_ns[row],
            ),
            version,
            model: model.to_owned(),
            size,
            cost: StoredCost {
                source,
                total: picos(total).ok_or(RepriceError::Column("total_cost"))?,
                details,
                price_version: price_version.to_owned(),
            },
            provider: provider.to_owned(),
            model_requested: model_requested.to_owned(),
            mode: Mode::of_service_tier(mode.as_bytes()),
            usage,
        })
    }
}

/// The result of [`super::sql::extent`]: `None` when there is no call.
pub(super) fn extent(output: &QueryOutput) -> Result<Option<(i64, i64)>, RepriceError> {
    let Some(batch) = output.batches.iter().find(|batch| batch.num_rows() > 0) else {
        return Ok(None);
    };
    let found = number(batch, "calls")?[0] > 0;
    Ok(found.then_some((signed(batch, "first")?[0], signed(batch, "last")?[0])))
}

/// The result of [`super::sql::minutes`]: when each begins, and its calls.
pub(super) fn minutes(output: &QueryOutput) -> Result<Vec<(i64, u64)>, RepriceError> {
    let mut minutes = Vec::new();
    for batch in &output.batches {
        let (starts, calls) = (signed(batch, "minute")?, number(batch, "calls")?);
        let starts = starts.iter().map(|seconds| seconds * (MINUTE_NS / 60));
        minutes.extend(starts.zip(calls.iter().copied()));
    }
    Ok(minutes)
}

fn picos(text: &str) -> Option<i128> {
    let mut amount: Decimal = text.parse().ok()?;
    amount.rescale(COST_SCALE);
    Some(amount.mantissa())
}

fn text<'b>(batch: &'b RecordBatch, name: &'static str) -> Result<&'b StringArray, RepriceError> {
    let column = batch
        .column_by_name(name)
        .and_then(|column| column.as_string_opt());
    column.ok_or(RepriceError::Column(name))
}

pub(super) fn number<'b>(batch: &'b RecordBatch, name: &'static str) -> Result<&'b [u64], RepriceError> {
    numbers::<UInt64Type>(batch, name)
}

fn signed<'b>(batch: &'b RecordBatch, name: &'static str) -> Result<&'b [i64], RepriceError> {
    numbers::<Int64Type>(batch, name)
}

fn numbers<'b, T: ArrowPrimitiveType>(
    batch: &'b RecordBatch,
    name: &'static str,
) -> Result<&'b [T::Native], RepriceError> {
    let column = batch
        .column_by_name(name)
        .and_then(|column| column.as_primitive_opt::<T>());
    column
        .map(|column| &column.values()[..])
        .ok_or(RepriceError::Column(name))
}

pub(super) fn id<'b>(
    batch: &'b RecordBatch,
    name: &'static str,
    bytes: i32,
) -> Result<&'b FixedSizeBinaryArray, RepriceError> {
    let column = batch
        .column_by_name(name)
        .and_then(|column| column.as_fixed_size_binary_opt());
    column
        .filter(|column| column.value_length() == bytes)
        .ok_or(RepriceError::Column(name))
}

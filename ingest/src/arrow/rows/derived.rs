//! Columns that say what it means: where the observation belongs, what it is, what it used and cost.

use arrow_array::types::{Decimal128Type, Int8Type, UInt64Type};
use arrow_schema::{ArrowError, DataType};
use brokle_model::price::Mode;
use brokle_model::usage::Bucket;
use rust_decimal::Decimal;

use super::super::collection::{MapColumn, WordsColumn};
use super::super::column::{FlagColumn, NumberColumn, TextBuffer, TextColumn, WordColumn};
use super::super::origin::environment;
use super::super::schema;
use super::{Out, Row};
use crate::normalize::{Capture, Derived, Field};

#[derive(Default)]
pub(super) struct SideColumns {
    pub(super) text: TextColumn,
    pub(super) source: WordColumn,
}

/// What the attributes say about the observation's place in the world.
#[derive(Default)]
pub(super) struct ObservedColumns {
    environment: WordColumn,
    release: WordColumn,
    service_name: WordColumn,
    trace_name: WordColumn,
    user_id: TextColumn,
    session_id: TextColumn,
    is_entry: FlagColumn,
    tags: WordsColumn,
    metadata: MapColumn<TextBuffer>,
    pub(super) sides: [SideColumns; 2],
    /// The scope of the last row, if that row added nothing of its own to what the scope's rows share.
    shared: Option<u64>,
}

impl ObservedColumns {
    pub(super) fn put(&mut self, row: usize, source: &Row<'_, '_>, own: &Capture<'_>, is_entry: bool) {
        let resource = &source.origin.resource.capture;
        let text = |field| {
            own.text(field)
                .or_else(|| resource.text(field))
                .unwrap_or_default()
        };
        // Most spans leave these to what they share.
        let shared = [Field::Environment, Field::Release]
            .iter()
            .all(|field| own.text(*field).is_none());
        let scope = shared.then_some(source.origin.scope.id);
        if shared && self.shared == scope {
            self.environment.again(row);
            self.release.again(row);
            self.service_name.again(row);
        } else {
            self.environment.put(
                row,
                environment(text(Field::Environment), source.origin.record.environment),
            );
            self.release.put(row, text(Field::Release));
            self.service_name
                .put(row, resource.text(Field::ServiceName).unwrap_or_default());
        }
        self.shared = scope;
        self.user_id.put(row, text(Field::UserId));
        self.session_id.put(row, text(Field::SessionId));
        self.is_entry.put(row, is_entry);
        match text(Field::TraceName) {
            b"" if is_entry => self.trace_name.put(row, source.span.name.as_bytes()),
            name => self.trace_name.put(row, name),
        }
        for capture in [own, resource] {
            capture.each_tag(|tag| self.tags.insert(row, tag));
            capture.each_metadata(|name, value| self.metadata.insert(row, name, value));
        }
    }

    pub(super) fn finish(self, rows: usize, out: &mut Out) -> Result<(), ArrowError> {
        let [input, output] = self.sides;
        out.push(("environment", self.environment.finish(rows)?));
        out.push(("release", self.release.finish(rows)?));
        out.push(("service_name", self.service_name.finish(rows)?));
        out.push(("trace_name", self.trace_name.finish(rows)?));
        out.push(("user_id", self.user_id.finish(rows)));
        out.push(("session_id", self.session_id.finish(rows)));
        out.push(("is_entry", self.is_entry.finish(rows)));
        out.push(("tags", self.tags.finish(rows)?));
        out.push(("metadata", self.metadata.finish(rows)?));
        out.push(("input", input.text.finish(rows)));
        out.push(("input_source", input.source.finish(rows)?));
        out.push(("output", output.text.finish(rows)));
        out.push(("output_source", output.source.finish(rows)?));
        Ok(())
    }
}

/// What `usage_details` holds; the rest follows from the columns of counts.
const FINE_BUCKETS: [Bucket; 5] = [
    Bucket::CacheWrite1h,
    Bucket::AudioInput,
    Bucket::ImageInput,
    Bucket::AudioOutput,
    Bucket::ImageOutput,
];

/// What the observation is, and what its model call used and cost.
#[derive(Default)]
pub(super) struct ModelColumns {
    kind: WordColumn,
    level: WordColumn,
    provider: WordColumn,
    model_requested: WordColumn,
    model: WordColumn,
    counts_usage: FlagColumn,
    tokens: [NumberColumn<UInt64Type>; 5],
    usage_details: MapColumn<Vec<u64>>,
    price_mode: WordColumn,
    cost_details: MapColumn<Vec<i128>>,
    total_cost: NumberColumn<Decimal128Type>,
    cost_source: NumberColumn<Int8Type>,
    price_version: WordColumn,
    first_token_us: NumberColumn<UInt64Type>,
}

impl ModelColumns {
    pub(super) fn put(&mut self, row: usize, derived: &Derived<'_>) {
        self.kind.put(row, derived.kind.as_str().as_bytes());
        self.level.put(row, &derived.level);
        self.provider.put(row, derived.provider.as_bytes());
        self.model_requested.put(row, derived.model_requested);
        self.model.put(row, derived.model);
        self.counts_usage.put(row, derived.counts_usage);
        let usage = &derived.usage;
        let counts = [
            usage.input,
            usage.output,
            usage.cache_read,
            usage.cache_write,
            usage.reasoning,
        ];
        for (column, count) in self.tokens.iter_mut().zip(counts) {
            column.put(row, count);
        }
        if !usage.is_empty() {
            self.put_fine(row, derived);
        }
        for (name, cost) in derived.cost.entries.iter().flatten() {
            self.cost_details
                .insert(row, name.as_bytes(), storable_money(*cost));
        }
        self.total_cost.put(row, storable_money(derived.cost.total));
        self.cost_source.put(row, derived.cost.source as i8);
        self.price_version.put(row, derived.cost.price_version.as_bytes());
        self.first_token_us.put(row, derived.first_token_us);
    }

    /// The buckets that the five columns leave out, and how the call was made.
    fn put_fine(&mut self, row: usize, derived: &Derived<'_>) {
        let buckets = derived.usage.buckets();
        for bucket in FINE_BUCKETS {
            let count = buckets.get(bucket);
            if count > 0 {
                self.usage_details.insert(row, bucket.as_str().as_bytes(), count);
            }
        }
        if derived.mode != Mode::Standard {
            self.price_mode.put(row, derived.mode.as_str().as_bytes());
        }
    }

    pub(super) fn finish(self, rows: usize, out: &mut Out) -> Result<(), ArrowError> {
        out.push(("type", self.kind.finish(rows)?));
        out.push(("level", self.level.finish(rows)?));
        out.push(("provider", self.provider.finish(rows)?));
        out.push(("model_requested", self.model_requested.finish(rows)?));
        out.push(("model", self.model.finish(rows)?));
        out.push(("counts_usage", self.counts_usage.finish(rows)));
        let names = [
            "input_tokens",
            "output_tokens",
            "cache_read_tokens",
            "cache_write_tokens",
            "reasoning_tokens",
        ];
        for (name, column) in names.into_iter().zip(self.tokens) {
            out.push((name, column.finish(rows, DataType::UInt64)));
        }
        out.push(("usage_details", self.usage_details.finish(rows)?));
        out.push(("price_mode", self.price_mode.finish(rows)?));
        out.push(("cost_details", self.cost_details.finish(rows)?));
        out.push(("total_cost", self.total_cost.finish(rows, schema::MONEY)));
        out.push(("cost_source", self.cost_source.finish(rows, DataType::Int8)));
        out.push(("price_version", self.price_version.finish(rows)?));
        out.push((
            "time_to_first_token_us",
            self.first_token_us.finish(rows, DataType::UInt64),
        ));
        Ok(())
    }
}

/// `Decimal(18, 12)` ends just below a million: no single call costs that, so more is shown as that.
pub(crate) fn storable_money(amount: Decimal) -> i128 {
    const MOST: Decimal = Decimal::from_parts(2_808_348_671, 232_830_643, 0, false, 12);
    let mut amount = amount.min(MOST);
    amount.rescale(12);
    amount.mantissa()
}

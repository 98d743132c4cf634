//! The rows of one partition of `observations`, column by column.

use arrow_array::types::{
    Decimal128Type, Int8Type, TimestampMillisecondType, TimestampNanosecondType, UInt8Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType};
use brokle_model::telemetry::{ORIGINAL_END, ORIGINAL_START};
use rust_decimal::Decimal;

use super::attributes::{AttributeColumns, ResourceColumns};
use super::collection::{MapColumn, WordsColumn};
use super::column::{FlagColumn, IdColumn, NumberColumn, TextBuffer, TextColumn, WordColumn};
use super::schema;
use super::source::{RecordContext, ResourceContext, ScopeContext};
use super::time::Times;
use crate::normalize::{AttributeMap, Capture, Derived, Field, PriceMemo, Side, compose_events, derive};
use crate::otlp::json_write::{events_json, links_json};
use crate::otlp::span::SpanView;

/// The environment of what names none.
const DEFAULT_ENVIRONMENT: &[u8] = b"default";
/// An empty list in OTLP/JSON.
const EMPTY_LIST: &str = "[]";
/// OTLP's flag bits that say whether the parent is known, and known to be remote.
const PARENT_IS_REMOTE: u32 = 0x300;
/// `SpanKind` of a server and of a consumer.
const ENTRY_KINDS: [i32; 2] = [2, 5];

/// One span and what surrounds it.
#[derive(Clone, Copy)]
pub(super) struct Row<'r, 'a> {
    pub(super) record: &'r RecordContext<'a>,
    pub(super) resource: &'r ResourceContext<'a>,
    pub(super) scope: &'r ScopeContext<'a>,
    pub(super) span: &'r SpanView<'a>,
    pub(super) times: Times,
}

/// Rows in the making.
pub(super) struct Rows<'m, 'a> {
    map: &'m AttributeMap,
    capture: Capture<'a>,
    scratch: Vec<u8>,
    count: usize,
    bytes: usize,
    span: SpanColumns,
    origin: OriginColumns,
    observed: ObservedColumns,
    model: ModelColumns,
    attributes: AttributeColumns<'m>,
    resource: ResourceColumns,
}

impl<'m, 'a> Rows<'m, 'a> {
    pub(super) fn new(map: &'m AttributeMap) -> Self {
        Self {
            map,
            capture: Capture::default(),
            scratch: Vec::new(),
            count: 0,
            bytes: 0,
            span: SpanColumns::new(),
            origin: OriginColumns::default(),
            observed: ObservedColumns::default(),
            model: ModelColumns::default(),
            attributes: AttributeColumns::new(map),
            resource: ResourceColumns::default(),
        }
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// How many bytes of spans went into them.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a row.
    pub(super) fn push(&mut self, source: Row<'_, 'a>, memo: &mut PriceMemo<'_>) {
        let row = self.count;
        let span = source.span;
        self.capture.clear();
        for attribute in span.attributes() {
            self.attributes.push(row, attribute, &mut self.capture);
        }
        self.push_leftovers(row, source.times);
        self.push_sides(row, span);
        let is_entry = is_entry(span);
        self.span.put(row, span, source.times, &mut self.scratch);
        self.origin.put(row, &source);
        self.resource
            .put(row, source.resource.id, source.resource.attributes());
        self.observed.put(row, &source, &self.capture, is_entry);
        let derived = derive(self.map, span, &self.capture, &source.resource.capture, memo);
        self.model.put(row, &derived);
        self.count += 1;
        self.bytes += span.as_bytes().len();
    }

    /// Stores what no other column took: texts that lost to better inputs, and times that storage cannot hold.
    fn push_leftovers(&mut self, row: usize, times: Times) {
        for (key, value) in self.capture.take_displaced() {
            self.attributes.push_text(row, key.as_bytes(), value.as_bytes());
        }
        for (key, original) in [
            (ORIGINAL_START, times.original_start),
            (ORIGINAL_END, times.original_end),
        ] {
            if let Some(nanos) = original {
                self.attributes
                    .push_text(row, key.as_bytes(), itoa::Buffer::new().format(nanos).as_bytes());
            }
        }
    }

    fn push_sides(&mut self, row: usize, span: &SpanView<'a>) {
        for side in [Side::Input, Side::Output] {
            let columns = &mut self.observed.sides[side as usize];
            let found = self.capture.promoted(side, &mut self.scratch, |text, source| {
                columns.text.put(row, text);
                columns.source.put(row, source);
            });
            if found {
                continue;
            }
            self.scratch.clear();
            if compose_events(self.map, side, span.events(), &mut self.scratch) {
                columns.text.put(row, &self.scratch);
                columns.source.put(row, b"+events");
            }
        }
    }

    /// The batch.
    pub(super) fn finish(self) -> Result<RecordBatch, ArrowError> {
        let rows = self.count;
        let mut columns = Vec::with_capacity(64);
        self.span.finish(rows, &mut columns)?;
        self.origin.finish(rows, &mut columns)?;
        self.observed.finish(rows, &mut columns)?;
        self.model.finish(rows, &mut columns)?;
        self.attributes.finish(rows, &mut columns)?;
        self.resource.finish(rows, &mut columns)?;
        let schema = schema::observations();
        let ordered = schema.fields().iter().map(|field| {
            let found = columns.iter().find(|(name, _)| name == field.name());
            let missing = || ArrowError::SchemaError(format!("no values for column `{}`", field.name()));
            found.map(|(_, column)| column.clone()).ok_or_else(missing)
        });
        let ordered = ordered.collect::<Result<Vec<_>, _>>()?;
        RecordBatch::try_new(schema, ordered)
    }
}

/// Whether a span is where its trace enters a service.
fn is_entry(span: &SpanView<'_>) -> bool {
    span.parent_span_id.iter().all(|byte| *byte == 0)
        || span.flags & PARENT_IS_REMOTE == PARENT_IS_REMOTE
        || ENTRY_KINDS.contains(&span.kind)
}

type Out = Vec<(&'static str, ArrayRef)>;

/// What OTLP's `Span` says, apart from attributes.
struct SpanColumns {
    trace_id: IdColumn<16>,
    span_id: IdColumn<8>,
    parent_span_id: IdColumn<8>,
    start_time: NumberColumn<TimestampNanosecondType>,
    end_time: NumberColumn<TimestampNanosecondType>,
    name: WordColumn,
    kind: NumberColumn<UInt8Type>,
    status_code: NumberColumn<UInt8Type>,
    status_message: TextColumn,
    events: TextColumn,
    links: TextColumn,
    flags: NumberColumn<UInt32Type>,
    trace_state: TextColumn,
    dropped_attributes: NumberColumn<UInt32Type>,
    dropped_events: NumberColumn<UInt32Type>,
    dropped_links: NumberColumn<UInt32Type>,
}

impl SpanColumns {
    fn new() -> Self {
        Self {
            trace_id: IdColumn::default(),
            span_id: IdColumn::default(),
            parent_span_id: IdColumn::default(),
            start_time: NumberColumn::default(),
            end_time: NumberColumn::default(),
            name: WordColumn::default(),
            kind: NumberColumn::default(),
            status_code: NumberColumn::default(),
            status_message: TextColumn::default(),
            events: TextColumn::with_default(EMPTY_LIST),
            links: TextColumn::with_default(EMPTY_LIST),
            flags: NumberColumn::default(),
            trace_state: TextColumn::default(),
            dropped_attributes: NumberColumn::default(),
            dropped_events: NumberColumn::default(),
            dropped_links: NumberColumn::default(),
        }
    }

    #[inline]
    fn put(&mut self, row: usize, span: &SpanView<'_>, times: Times, scratch: &mut Vec<u8>) {
        self.trace_id.put(row, span.trace_id);
        self.span_id.put(row, span.span_id);
        self.parent_span_id.put(row, span.parent_span_id);
        self.start_time.put(row, times.start);
        self.end_time.put(row, times.end);
        self.name.put(row, span.name.as_bytes());
        self.kind.put(row, u8::try_from(span.kind).unwrap_or(0));
        self.status_code
            .put(row, u8::try_from(span.status.code).unwrap_or(0));
        self.status_message.put(row, span.status.message.as_bytes());
        self.flags.put(row, span.flags);
        self.trace_state.put(row, span.trace_state.as_bytes());
        self.dropped_attributes.put(row, span.dropped_attributes_count);
        self.dropped_events.put(row, span.dropped_events_count);
        self.dropped_links.put(row, span.dropped_links_count);
        if span.events().next().is_some() {
            scratch.clear();
            events_json(span.events(), scratch);
            self.events.put(row, scratch);
        }
        if span.links().next().is_some() {
            scratch.clear();
            links_json(span.links(), scratch);
            self.links.put(row, scratch);
        }
    }

    fn finish(self, rows: usize, out: &mut Out) -> Result<(), ArrowError> {
        out.push(("trace_id", self.trace_id.finish(rows)?));
        out.push(("span_id", self.span_id.finish(rows)?));
        out.push(("parent_span_id", self.parent_span_id.finish(rows)?));
        out.push(("start_time", self.start_time.finish(rows, schema::nanoseconds())));
        out.push(("end_time", self.end_time.finish(rows, schema::nanoseconds())));
        out.push(("name", self.name.finish(rows)?));
        out.push(("kind", self.kind.finish(rows, DataType::UInt8)));
        out.push(("status_code", self.status_code.finish(rows, DataType::UInt8)));
        out.push(("status_message", self.status_message.finish(rows)));
        out.push(("events", self.events.finish(rows)));
        out.push(("links", self.links.finish(rows)));
        out.push(("flags", self.flags.finish(rows, DataType::UInt32)));
        out.push(("trace_state", self.trace_state.finish(rows)));
        out.push((
            "dropped_attributes_count",
            self.dropped_attributes.finish(rows, DataType::UInt32),
        ));
        out.push((
            "dropped_events_count",
            self.dropped_events.finish(rows, DataType::UInt32),
        ));
        out.push((
            "dropped_links_count",
            self.dropped_links.finish(rows, DataType::UInt32),
        ));
        Ok(())
    }
}

/// Where a span is from: the request, the resource, the scope.
#[derive(Default)]
struct OriginColumns {
    project_id: WordColumn,
    version: NumberColumn<UInt64Type>,
    received_at: NumberColumn<TimestampMillisecondType>,
    resource_dropped: NumberColumn<UInt32Type>,
    resource_schema_url: WordColumn,
    scope_name: WordColumn,
    scope_version: WordColumn,
    scope_attributes: WordColumn,
    scope_dropped: NumberColumn<UInt32Type>,
    scope_schema_url: WordColumn,
}

impl OriginColumns {
    #[inline]
    fn put(&mut self, row: usize, source: &Row<'_, '_>) {
        let Row {
            record,
            resource,
            scope,
            ..
        } = source;
        self.project_id.put(row, record.project.as_bytes());
        self.version.put(row, record.version);
        self.received_at.put(row, record.received_ms);
        self.resource_dropped.put(row, resource.dropped_attributes_count);
        self.resource_schema_url.put(row, resource.schema_url.as_bytes());
        self.scope_name.put(row, scope.name.as_bytes());
        self.scope_version.put(row, scope.version.as_bytes());
        self.scope_attributes.put(row, &scope.attributes);
        self.scope_dropped.put(row, scope.dropped_attributes_count);
        self.scope_schema_url.put(row, scope.schema_url.as_bytes());
    }

    fn finish(self, rows: usize, out: &mut Out) -> Result<(), ArrowError> {
        out.push(("project_id", self.project_id.finish(rows)?));
        out.push(("version", self.version.finish(rows, DataType::UInt64)));
        out.push((
            "is_deleted",
            NumberColumn::<UInt8Type>::default().finish(rows, DataType::UInt8),
        ));
        out.push((
            "received_at",
            self.received_at.finish(rows, schema::milliseconds()),
        ));
        out.push((
            "resource_dropped_attributes_count",
            self.resource_dropped.finish(rows, DataType::UInt32),
        ));
        out.push(("resource_schema_url", self.resource_schema_url.finish(rows)?));
        out.push(("scope_name", self.scope_name.finish(rows)?));
        out.push(("scope_version", self.scope_version.finish(rows)?));
        out.push(("scope_attributes", self.scope_attributes.finish(rows)?));
        out.push((
            "scope_dropped_attributes_count",
            self.scope_dropped.finish(rows, DataType::UInt32),
        ));
        out.push(("scope_schema_url", self.scope_schema_url.finish(rows)?));
        Ok(())
    }
}

#[derive(Default)]
struct SideColumns {
    text: TextColumn,
    source: WordColumn,
}

/// What the attributes say about the observation's place in the world.
#[derive(Default)]
struct ObservedColumns {
    environment: WordColumn,
    release: WordColumn,
    service_name: WordColumn,
    trace_name: WordColumn,
    user_id: TextColumn,
    session_id: TextColumn,
    is_entry: FlagColumn,
    tags: WordsColumn,
    metadata: MapColumn<TextBuffer>,
    sides: [SideColumns; 2],
}

impl ObservedColumns {
    fn put(&mut self, row: usize, source: &Row<'_, '_>, own: &Capture<'_>, is_entry: bool) {
        let resource = &source.resource.capture;
        let text = |field| {
            own.text(field)
                .or_else(|| resource.text(field))
                .unwrap_or_default()
        };
        let named = match text(Field::Environment) {
            b"" => source.record.environment.as_bytes(),
            environment => environment,
        };
        self.environment.put(
            row,
            if named.is_empty() {
                DEFAULT_ENVIRONMENT
            } else {
                named
            },
        );
        self.release.put(row, text(Field::Release));
        self.service_name
            .put(row, resource.text(Field::ServiceName).unwrap_or_default());
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

    fn finish(self, rows: usize, out: &mut Out) -> Result<(), ArrowError> {
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

/// What the observation is, and what its model call used and cost.
#[derive(Default)]
struct ModelColumns {
    kind: WordColumn,
    level: WordColumn,
    provider: WordColumn,
    model_requested: WordColumn,
    model: WordColumn,
    counts_usage: FlagColumn,
    tokens: [NumberColumn<UInt64Type>; 5],
    cost_details: MapColumn<Vec<i128>>,
    total_cost: NumberColumn<Decimal128Type>,
    cost_source: NumberColumn<Int8Type>,
    price_version: WordColumn,
    first_token_us: NumberColumn<UInt64Type>,
}

impl ModelColumns {
    fn put(&mut self, row: usize, derived: &Derived<'_>) {
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
        for (name, cost) in derived.cost.entries.iter().flatten() {
            self.cost_details
                .insert(row, name.as_bytes(), storable_money(*cost));
        }
        self.total_cost.put(row, storable_money(derived.cost.total));
        self.cost_source.put(row, derived.cost.source as i8);
        self.price_version.put(row, derived.cost.price_version.as_bytes());
        self.first_token_us.put(row, derived.first_token_us);
    }

    fn finish(self, rows: usize, out: &mut Out) -> Result<(), ArrowError> {
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
fn storable_money(amount: Decimal) -> i128 {
    const MOST: Decimal = Decimal::from_parts(2_808_348_671, 232_830_643, 0, false, 12);
    let mut amount = amount.min(MOST);
    amount.rescale(12);
    amount.mantissa()
}

//! The rows of one partition of `observations`, column by column.

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use brokle_model::telemetry::{ORIGINAL_END, ORIGINAL_START};

use super::Out;
use super::attributes::{AttributeColumns, ResourceColumns};
use super::calls::Normal;
use super::origin::{Origin, OriginColumns};
use super::schema::{self, in_order};
use super::table::TableRows;
use super::time::Times;
use crate::normalize::{AttributeMap, Capture, PriceMemo, Side, compose_events, derive};
use crate::otlp::span::SpanView;

pub(crate) use derived::storable_money;
use derived::{ModelColumns, ObservedColumns};
use sent::SpanColumns;

mod derived;
mod sent;

/// OTLP's flag bits that say whether the parent is known, and known to be remote.
const PARENT_IS_REMOTE: u32 = 0x300;
/// `SpanKind` of a server and of a consumer.
const ENTRY_KINDS: [i32; 2] = [2, 5];

/// One span and what surrounds it.
#[derive(Clone, Copy)]
pub(super) struct Row<'r, 'a> {
    pub(super) origin: Origin<'r, 'a>,
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

impl<'a> Rows<'_, 'a> {
    /// Adds a row. `normal` is told what was made of a span that is a call's.
    pub(super) fn push(
        &mut self,
        source: Row<'_, 'a>,
        memo: &mut PriceMemo<'_>,
        normal: Option<&mut Normal>,
    ) {
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
        self.origin.put(row, source.origin);
        self.resource.put(
            row,
            source.origin.resource.id,
            source.origin.resource.attributes(),
        );
        self.observed.put(row, &source, &self.capture, is_entry);
        let derived = derive(
            self.map,
            span,
            source.origin.scope.name.as_bytes(),
            &self.capture,
            &source.origin.resource.capture,
            memo,
        );
        self.model.put(row, &derived);
        if let Some(normal) = normal {
            normal.take(&derived);
        }
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
}

impl<'m> TableRows<'m> for Rows<'m, '_> {
    fn new(map: &'m AttributeMap) -> Self {
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

    fn len(&self) -> usize {
        self.count
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn finish(self) -> Result<RecordBatch, ArrowError> {
        let rows = self.count;
        let mut columns = Out::with_capacity(64);
        self.span.finish(rows, &mut columns)?;
        self.origin.finish(rows, &mut columns)?;
        self.observed.finish(rows, &mut columns)?;
        self.model.finish(rows, &mut columns)?;
        self.attributes.finish(rows, &mut columns)?;
        self.resource.finish(rows, &mut columns)?;
        in_order(schema::observations(), &columns)
    }
}

/// Whether a span is where its trace enters a service.
fn is_entry(span: &SpanView<'_>) -> bool {
    span.parent_span_id.iter().all(|byte| *byte == 0)
        || span.flags & PARENT_IS_REMOTE == PARENT_IS_REMOTE
        || ENTRY_KINDS.contains(&span.kind)
}

//! Columns that say what was sent: the span's own fields.

use arrow_array::types::{TimestampNanosecondType, UInt8Type, UInt32Type};
use arrow_schema::{ArrowError, DataType};

use super::super::column::{IdColumn, NumberColumn, TextColumn, WordColumn};
use super::super::schema;
use super::super::time::Times;
use super::Out;
use crate::otlp::json_write::{events_json, links_json};
use crate::otlp::span::SpanView;

/// An empty list in OTLP/JSON.
const EMPTY_LIST: &str = "[]";

/// What OTLP's `Span` says, apart from attributes.
pub(super) struct SpanColumns {
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
    pub(super) fn new() -> Self {
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
    pub(super) fn put(&mut self, row: usize, span: &SpanView<'_>, times: Times, scratch: &mut Vec<u8>) {
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

    pub(super) fn finish(self, rows: usize, out: &mut Out) -> Result<(), ArrowError> {
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

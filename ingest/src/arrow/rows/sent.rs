//! Columns that say what was sent: the span's own fields, and the request, resource and scope it came with.

use arrow_array::types::{
    TimestampMillisecondType, TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_schema::{ArrowError, DataType};

use super::super::column::{IdColumn, NumberColumn, TextColumn, WordColumn};
use super::super::schema;
use super::super::time::Times;
use super::{Out, Row};
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

/// Where a span is from: the request, the resource, the scope.
#[derive(Default)]
pub(super) struct OriginColumns {
    project_id: WordColumn,
    version: NumberColumn<UInt64Type>,
    received_at: NumberColumn<TimestampMillisecondType>,
    retention_days: NumberColumn<UInt16Type>,
    resource_dropped: NumberColumn<UInt32Type>,
    resource_schema_url: WordColumn,
    scope_name: WordColumn,
    scope_version: WordColumn,
    scope_attributes: WordColumn,
    scope_dropped: NumberColumn<UInt32Type>,
    scope_schema_url: WordColumn,
    /// The scope of the last row.
    written: Option<u64>,
}

impl OriginColumns {
    #[inline]
    pub(super) fn put(&mut self, row: usize, source: &Row<'_, '_>) {
        let Row {
            record,
            resource,
            scope,
            ..
        } = source;
        self.version.put(row, record.version);
        self.received_at.put(row, record.received_ms);
        self.retention_days.put(row, record.retention_days);
        self.resource_dropped.put(row, resource.dropped_attributes_count);
        self.scope_dropped.put(row, scope.dropped_attributes_count);
        let words = [
            (&mut self.project_id, record.project.as_bytes()),
            (&mut self.resource_schema_url, resource.schema_url.as_bytes()),
            (&mut self.scope_name, scope.name.as_bytes()),
            (&mut self.scope_version, scope.version.as_bytes()),
            (&mut self.scope_attributes, &scope.attributes),
            (&mut self.scope_schema_url, scope.schema_url.as_bytes()),
        ];
        let is_repeated = self.written.replace(scope.id) == Some(scope.id);
        for (column, word) in words {
            if is_repeated {
                column.again(row);
            } else {
                column.put(row, word);
            }
        }
    }

    pub(super) fn finish(self, rows: usize, out: &mut Out) -> Result<(), ArrowError> {
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
        out.push((
            "retention_days",
            self.retention_days.finish(rows, DataType::UInt16),
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

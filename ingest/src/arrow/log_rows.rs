//! The rows of one partition of `logs`, column by column. Nothing is normalised: a log record is what was sent.

use arrow_array::RecordBatch;
use arrow_array::types::{Int8Type, Int32Type, TimestampNanosecondType, UInt32Type, UInt64Type};
use arrow_schema::{ArrowError, DataType};

use super::Out;
use super::attributes::{AttributeColumns, ResourceColumns};
use super::column::{IdColumn, NumberColumn, TextColumn, WordColumn};
use super::origin::{Origin, OriginColumns, PlaceColumns};
use super::schema::{self, in_order};
use super::source::Place;
use super::table::TableRows;
use crate::normalize::AttributeMap;
use crate::otlp::json_write::any_value_json;
use crate::otlp::log_record::LogRecordView;
use crate::otlp::value::AnyValueView;

/// What the column `body` holds, by `body_kind`: nothing, since there was none; a text; or OTLP/JSON of any other
/// value.
const BODY_STRING: i8 = 1;
const BODY_OTHER: i8 = 2;

/// Rows in the making.
pub(super) struct LogRows<'m> {
    count: usize,
    bytes: usize,
    scratch: Vec<u8>,
    times: TimeColumns,
    trace_id: IdColumn<16>,
    span_id: IdColumn<8>,
    flags: NumberColumn<UInt32Type>,
    severity_number: NumberColumn<Int32Type>,
    severity_text: WordColumn,
    event_name: WordColumn,
    body: TextColumn,
    body_kind: NumberColumn<Int8Type>,
    dropped_attributes: NumberColumn<UInt32Type>,
    place: PlaceColumns,
    origin: OriginColumns,
    attributes: AttributeColumns<'m>,
    resource: ResourceColumns,
}

/// When, and where in its request.
#[derive(Default)]
struct TimeColumns {
    timestamp: NumberColumn<TimestampNanosecondType>,
    request_hash: NumberColumn<UInt64Type>,
    request_row: NumberColumn<UInt32Type>,
    time: NumberColumn<UInt64Type>,
    observed: NumberColumn<UInt64Type>,
}

impl LogRows<'_> {
    /// Adds a row.
    pub(super) fn push(
        &mut self,
        origin: Origin<'_, '_>,
        record: &LogRecordView<'_>,
        time: i64,
        place: Place,
    ) {
        let row = self.count;
        self.times.timestamp.put(row, time);
        self.times.request_hash.put(row, place.request);
        self.times.request_row.put(row, place.row);
        self.times.time.put(row, record.time_unix_nano);
        self.times.observed.put(row, record.observed_time_unix_nano);
        self.trace_id.put(row, record.trace_id);
        self.span_id.put(row, record.span_id);
        self.flags.put(row, record.flags);
        self.severity_number.put(row, record.severity_number);
        self.severity_text.put(row, record.severity_text.as_bytes());
        self.event_name.put(row, record.event_name.as_bytes());
        self.push_body(row, record.body);
        self.dropped_attributes.put(row, record.dropped_attributes_count);
        self.place.put(row, origin);
        self.origin.put(row, origin);
        self.resource
            .put(row, origin.resource.id, origin.resource.attributes());
        for attribute in record.attributes() {
            self.attributes.push_plain(row, attribute);
        }
        self.count += 1;
        self.bytes += record.as_bytes().len();
    }

    fn push_body(&mut self, row: usize, body: Option<AnyValueView<'_>>) {
        match body {
            None => {}
            Some(AnyValueView::String(text)) => {
                self.body.put(row, text.as_bytes());
                self.body_kind.put(row, BODY_STRING);
            }
            Some(other) => {
                self.scratch.clear();
                any_value_json(other, &mut self.scratch);
                self.body.put(row, &self.scratch);
                self.body_kind.put(row, BODY_OTHER);
            }
        }
    }
}

impl<'m> TableRows<'m> for LogRows<'m> {
    fn new(map: &'m AttributeMap) -> Self {
        Self {
            count: 0,
            bytes: 0,
            scratch: Vec::new(),
            times: TimeColumns::default(),
            trace_id: IdColumn::default(),
            span_id: IdColumn::default(),
            flags: NumberColumn::default(),
            severity_number: NumberColumn::default(),
            severity_text: WordColumn::default(),
            event_name: WordColumn::default(),
            body: TextColumn::default(),
            body_kind: NumberColumn::default(),
            dropped_attributes: NumberColumn::default(),
            place: PlaceColumns::default(),
            origin: OriginColumns::default(),
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
        let mut out = Out::with_capacity(48);
        self.times.finish(rows, &mut out);
        out.push(("trace_id", self.trace_id.finish(rows)?));
        out.push(("span_id", self.span_id.finish(rows)?));
        out.push(("flags", self.flags.finish(rows, DataType::UInt32)));
        out.push((
            "severity_number",
            self.severity_number.finish(rows, DataType::Int32),
        ));
        out.push(("severity_text", self.severity_text.finish(rows)?));
        out.push(("event_name", self.event_name.finish(rows)?));
        out.push(("body", self.body.finish(rows)));
        out.push(("body_kind", self.body_kind.finish(rows, DataType::Int8)));
        out.push((
            "dropped_attributes_count",
            self.dropped_attributes.finish(rows, DataType::UInt32),
        ));
        self.place.finish(rows, &mut out)?;
        self.origin.finish(rows, &mut out)?;
        self.attributes.finish(rows, &mut out)?;
        self.resource.finish(rows, &mut out)?;
        in_order(schema::logs(), &out)
    }
}

impl TimeColumns {
    fn finish(self, rows: usize, out: &mut Out) {
        out.push(("timestamp", self.timestamp.finish(rows, schema::nanoseconds())));
        out.push(("request_hash", self.request_hash.finish(rows, DataType::UInt64)));
        out.push(("request_row", self.request_row.finish(rows, DataType::UInt32)));
        out.push(("time_unix_nano", self.time.finish(rows, DataType::UInt64)));
        out.push((
            "observed_time_unix_nano",
            self.observed.finish(rows, DataType::UInt64),
        ));
    }
}

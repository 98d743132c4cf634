//! The rows of one partition of `metrics`, column by column: one row per data point, whatever its kind. What a kind
//! does not have stays at its default and costs storage next to nothing.

use arrow_array::RecordBatch;
use arrow_array::types::{Int8Type, Int32Type, TimestampNanosecondType, UInt32Type, UInt64Type};
use arrow_schema::{ArrowError, DataType};

use super::Out;
use super::attributes::{AttributeColumns, ResourceColumns};
use super::column::{FlagColumn, NumberColumn, TextColumn, WordColumn};
use super::origin::{Origin, OriginColumns, PlaceColumns};
use super::schema::{self, in_order};
use super::series::{combined, text_hash};
use super::source::Place;
use super::table::TableRows;
use crate::normalize::AttributeMap;
use crate::otlp::json_write::{attributes_json, exemplars_json};
use crate::otlp::metric::{DataView, MetricKind, MetricView, PointView};

use values::ValueColumns;

mod values;

/// An empty list in OTLP/JSON.
const EMPTY_LIST: &str = "[]";

/// What the points of one metric share.
pub(super) struct MetricContext<'a> {
    pub(super) view: MetricView<'a>,
    /// As an OTLP/JSON list; empty when there is none.
    metadata: Vec<u8>,
}

impl<'a> MetricContext<'a> {
    pub(super) fn new(view: MetricView<'a>) -> Self {
        let mut metadata = Vec::new();
        if view.metadata().next().is_some() {
            attributes_json(view.metadata(), &mut metadata);
        }
        Self { view, metadata }
    }

    /// Stands for the metric's identity, but for the attributes of its points.
    pub(super) fn stream(&self, owner: u64, data: &DataView<'_>) -> u64 {
        combined(&[
            owner,
            text_hash(self.view.name.as_bytes()),
            text_hash(self.view.unit.as_bytes()),
            data.kind as u64,
            u64::from(data.temporality.cast_unsigned()),
            u64::from(data.is_monotonic),
        ])
    }
}

/// One data point and what surrounds it.
#[derive(Clone, Copy)]
pub(super) struct MetricRow<'r, 'a> {
    pub(super) origin: Origin<'r, 'a>,
    pub(super) metric: &'r MetricContext<'a>,
    pub(super) data: &'r DataView<'a>,
    pub(super) point: &'r PointView<'a>,
    pub(super) series: u64,
    pub(super) time: i64,
    pub(super) place: Place,
}

/// Rows in the making.
pub(super) struct MetricRows<'m> {
    count: usize,
    bytes: usize,
    scratch: Vec<u8>,
    metric: MetricColumns,
    times: TimeColumns,
    flags: NumberColumn<UInt32Type>,
    values: ValueColumns,
    exemplars: TextColumn,
    place: PlaceColumns,
    origin: OriginColumns,
    attributes: AttributeColumns<'m>,
    resource: ResourceColumns,
}

/// Which metric.
#[derive(Default)]
struct MetricColumns {
    name: WordColumn,
    kind: NumberColumn<Int8Type>,
    temporality: NumberColumn<Int32Type>,
    is_monotonic: FlagColumn,
    unit: WordColumn,
    description: WordColumn,
    metadata: WordColumn,
}

/// Which series, when, and where in its request.
#[derive(Default)]
struct TimeColumns {
    series: NumberColumn<UInt64Type>,
    timestamp: NumberColumn<TimestampNanosecondType>,
    request_hash: NumberColumn<UInt64Type>,
    request_row: NumberColumn<UInt32Type>,
    time: NumberColumn<UInt64Type>,
    start_time: NumberColumn<UInt64Type>,
}

impl MetricRows<'_> {
    /// Adds a row.
    pub(super) fn push(&mut self, source: MetricRow<'_, '_>) {
        let row = self.count;
        let point = source.point;
        self.metric.put(row, &source);
        self.times.put(row, &source);
        self.flags.put(row, point.flags);
        self.values.put(row, point);
        if point.exemplars().next().is_some() {
            self.scratch.clear();
            exemplars_json(point.exemplars(), &mut self.scratch);
            self.exemplars.put(row, &self.scratch);
        }
        self.place.put(row, source.origin);
        self.origin.put(row, source.origin);
        self.resource.put(
            row,
            source.origin.resource.id,
            source.origin.resource.attributes(),
        );
        for attribute in point.attributes() {
            self.attributes.push_plain(row, attribute);
        }
        self.count += 1;
        self.bytes += point.as_bytes().len();
    }
}

impl<'m> TableRows<'m> for MetricRows<'m> {
    fn new(map: &'m AttributeMap) -> Self {
        Self {
            count: 0,
            bytes: 0,
            scratch: Vec::new(),
            metric: MetricColumns::default(),
            times: TimeColumns::default(),
            flags: NumberColumn::default(),
            values: ValueColumns::default(),
            exemplars: TextColumn::with_default(EMPTY_LIST),
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
        let mut out = Out::with_capacity(64);
        self.metric.finish(rows, &mut out)?;
        self.times.finish(rows, &mut out);
        out.push(("flags", self.flags.finish(rows, DataType::UInt32)));
        self.values.finish(rows, &mut out)?;
        out.push(("exemplars", self.exemplars.finish(rows)));
        self.place.finish(rows, &mut out)?;
        self.origin.finish(rows, &mut out)?;
        self.attributes.finish(rows, &mut out)?;
        self.resource.finish(rows, &mut out)?;
        in_order(schema::metrics(), &out)
    }
}

impl MetricColumns {
    fn put(&mut self, row: usize, source: &MetricRow<'_, '_>) {
        let (metric, data) = (source.metric, source.data);
        self.name.put(row, metric.view.name.as_bytes());
        self.kind.put(row, stored_kind(data.kind));
        self.temporality.put(row, data.temporality);
        self.is_monotonic.put(row, data.is_monotonic);
        self.unit.put(row, metric.view.unit.as_bytes());
        self.description.put(row, metric.view.description.as_bytes());
        self.metadata.put(row, &metric.metadata);
    }

    fn finish(self, rows: usize, out: &mut Out) -> Result<(), ArrowError> {
        out.push(("name", self.name.finish(rows)?));
        out.push(("kind", self.kind.finish(rows, DataType::Int8)));
        out.push(("temporality", self.temporality.finish(rows, DataType::Int32)));
        out.push(("is_monotonic", self.is_monotonic.finish(rows)));
        out.push(("unit", self.unit.finish(rows)?));
        out.push(("description", self.description.finish(rows)?));
        out.push(("metadata", self.metadata.finish(rows)?));
        Ok(())
    }
}

impl TimeColumns {
    fn put(&mut self, row: usize, source: &MetricRow<'_, '_>) {
        self.series.put(row, source.series);
        self.timestamp.put(row, source.time);
        self.request_hash.put(row, source.place.request);
        self.request_row.put(row, source.place.row);
        self.time.put(row, source.point.time_unix_nano);
        self.start_time.put(row, source.point.start_time_unix_nano);
    }

    fn finish(self, rows: usize, out: &mut Out) {
        out.push(("series", self.series.finish(rows, DataType::UInt64)));
        out.push(("timestamp", self.timestamp.finish(rows, schema::nanoseconds())));
        out.push(("request_hash", self.request_hash.finish(rows, DataType::UInt64)));
        out.push(("request_row", self.request_row.finish(rows, DataType::UInt32)));
        out.push(("time_unix_nano", self.time.finish(rows, DataType::UInt64)));
        out.push((
            "start_time_unix_nano",
            self.start_time.finish(rows, DataType::UInt64),
        ));
    }
}

/// The kind's number in the column's enumeration.
const fn stored_kind(kind: MetricKind) -> i8 {
    match kind {
        MetricKind::Gauge => 1,
        MetricKind::Sum => 2,
        MetricKind::Histogram => 3,
        MetricKind::ExponentialHistogram => 4,
        MetricKind::Summary => 5,
    }
}

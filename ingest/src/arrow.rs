//! OTLP bytes to Arrow record batches: one pass from the wire to column buffers, with no object per span or
//! attribute in between.
//!
//! [`encode_range`] is a pure function of its records (and of the attribute map and price book it is given):
//! it asks no clock and draws no random number, so a range that is encoded again after a crash gives the same
//! batches under the same names. Traces fill `observations`, logs `logs` and metrics `metrics`, and what the
//! gateway recorded of its calls `request_logs` and `ai_routing_metrics`; views in storage derive every other table.
//!
//! - `source`, `origin`: what items share. `rows`, `log_rows`, `metric_rows`: one row per span, log record and
//!   data point. `calls`: one row per call of the gateway and per attempt. `attributes`: typed maps. `table`: rows apart by month.
//! - `column`, `collection`: columns in the making. [`schema`]: their types. `time`: what times can be
//!   stored. `series`: which points of a metric belong together.

use std::sync::Arc;

use arrow_array::ArrayRef;
use brokle_model::price::PriceBook;
use brokle_model::telemetry::Signal;

use crate::normalize::{AttributeMap, PriceMemo};
use crate::otlp::view::{ExportView, ScopeGroupView};
use crate::pipeline::batch::{RangeRecord, TableBatch};

use calls::Calls;
pub use calls::{REQUEST_LOGS, ROUTING_METRICS};
use log_rows::LogRows;
use metric_rows::{MetricContext, MetricRow, MetricRows};
use origin::Origin;
pub(crate) use rows::storable_money;
use rows::{Row, Rows};
use source::{Places, RecordContext, ResourceContext, ScopeContext};
use table::Table;
use time::Times;

mod attributes;
mod calls;
mod collection;
mod column;
mod log_rows;
mod metric_rows;
mod origin;
mod rows;
pub mod schema;
mod series;
mod source;
mod table;
mod time;

/// The table that traces fill.
pub const OBSERVATIONS: &str = "observations";
/// The table that logs fill.
pub const LOGS: &str = "logs";
/// The table that metrics fill.
pub const METRICS: &str = "metrics";

/// Finished columns, by name.
type Out = Vec<(&'static str, ArrayRef)>;

/// What encoding needs to know besides the records: data, loaded once at start.
#[derive(Debug, Clone)]
pub struct EncodeContext {
    /// Where producers put what.
    pub attributes: Arc<AttributeMap>,
    /// What models cost.
    pub prices: Arc<PriceBook>,
}

/// Why records could not be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// Arrow refused the columns: our defect.
    #[error("the columns of `{table}` do not form a batch")]
    Columns {
        /// The table.
        table: &'static str,
        /// What Arrow said.
        #[source]
        source: arrow_schema::ArrowError,
    },
    /// Changes could not be made rows.
    #[error(transparent)]
    Changes(#[from] crate::changes::table::TableError),
}

/// Encodes a range of the log: its rows by table and month, months in ascending order, rows in the order of
/// the log. A month with more rows than fit one batch has several, named `202611`, `202611.1` and so on.
pub fn encode_range(
    records: &[RangeRecord<'_>],
    context: &EncodeContext,
) -> Result<Vec<TableBatch>, EncodeError> {
    let mut encoder = Encoder::new(context);
    for record in records
        .iter()
        .filter(|record| Signal::OTLP.contains(&record.signal))
    {
        encoder.push(record)?;
    }
    encoder.finish()
}

struct Encoder<'m, 'a> {
    map: &'m AttributeMap,
    memo: PriceMemo<'m>,
    resources: u64,
    scopes: u64,
    observations: Table<'m, Rows<'m, 'a>>,
    logs: Table<'m, LogRows<'m>>,
    metrics: Table<'m, MetricRows<'m>>,
    calls: Calls<'m, 'a>,
}

impl<'m, 'a> Encoder<'m, 'a> {
    fn new(context: &'m EncodeContext) -> Self {
        let map = &*context.attributes;
        Self {
            map,
            memo: PriceMemo::new(&context.prices),
            resources: 0,
            scopes: 0,
            observations: Table::new(OBSERVATIONS, map),
            logs: Table::new(LOGS, map),
            metrics: Table::new(METRICS, map),
            calls: Calls::new(map),
        }
    }

    fn push(&mut self, record: &RangeRecord<'a>) -> Result<(), EncodeError> {
        let context = RecordContext::new(record);
        let mut places = Places::of(record);
        for group in ExportView::new(record.body).resources() {
            let resource = ResourceContext::new(self.resources, group, self.map);
            self.resources += 1;
            for group in group.scopes() {
                let scope = ScopeContext::new(self.scopes, group);
                self.scopes += 1;
                let origin = Origin {
                    record: &context,
                    resource: &resource,
                    scope: &scope,
                };
                match record.signal {
                    Signal::Traces => self.push_spans(origin, group)?,
                    Signal::Logs => self.push_log_records(origin, group, &mut places)?,
                    Signal::Metrics => self.push_metrics(origin, group, &mut places)?,
                    // Not OTLP; they are made rows elsewhere.
                    Signal::Changes => {}
                }
            }
        }
        self.calls.close(&context)
    }

    fn push_spans(&mut self, origin: Origin<'_, 'a>, group: ScopeGroupView<'a>) -> Result<(), EncodeError> {
        let received = origin.record.received_nanos;
        let is_call = origin.record.calls.is_some();
        for span in group.spans() {
            let (start, end) = (span.start_time_unix_nano, span.end_time_unix_nano);
            let mut times = Times::new(start, end, received);
            if !self.observations.has_room(times.start) {
                times = Times::moved(start, end, received);
            }
            let row = Row {
                origin,
                span: &span,
                times,
            };
            let memo = &mut self.memo;
            let normal = is_call.then_some(&mut self.calls.normal);
            self.observations
                .push(times.start, |rows| rows.push(row, memo, normal))?;
            if is_call {
                self.calls.push(origin.record, &span, times)?;
            }
        }
        Ok(())
    }

    fn push_log_records(
        &mut self,
        origin: Origin<'_, 'a>,
        group: ScopeGroupView<'a>,
        places: &mut Places,
    ) -> Result<(), EncodeError> {
        let received = origin.record.received_nanos;
        for record in group.log_records() {
            let mut time = time::or_received(record.time_or_observed(), received);
            if !self.logs.has_room(time) {
                time = received;
            }
            let place = places.next();
            self.logs
                .push(time, |rows| rows.push(origin, &record, time, place))?;
        }
        Ok(())
    }

    fn push_metrics(
        &mut self,
        origin: Origin<'_, 'a>,
        group: ScopeGroupView<'a>,
        places: &mut Places,
    ) -> Result<(), EncodeError> {
        let received = origin.record.received_nanos;
        let owner = series::owner(origin.resource, group.scope());
        for metric in group.metrics() {
            let metric = MetricContext::new(metric);
            for data in metric.view.data() {
                let stream = metric.stream(owner, &data);
                for point in data.points() {
                    let mut time = time::or_received(point.time_unix_nano, received);
                    if !self.metrics.has_room(time) {
                        time = received;
                    }
                    let place = places.next();
                    let source = MetricRow {
                        origin,
                        metric: &metric,
                        data: &data,
                        point: &point,
                        series: series::of_point(stream, &point),
                        time,
                        place,
                    };
                    self.metrics.push(time, |rows| rows.push(source))?;
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<TableBatch>, EncodeError> {
        let mut batches = Vec::new();
        self.observations.finish(&mut batches)?;
        self.logs.finish(&mut batches)?;
        self.metrics.finish(&mut batches)?;
        self.calls.finish(&mut batches)?;
        Ok(batches)
    }
}

//! OTLP bytes to Arrow record batches: one pass from the wire to column buffers, with no object per span or
//! attribute in between.
//!
//! [`encode_range`] is a pure function of its records (and of the attribute map and price book it is given):
//! it asks no clock and draws no random number, so a range that is encoded again after a crash gives the same
//! batches under the same names. Traces fill `observations`; views in storage derive every other table from
//! it. Logs and metrics are deliberately absent: their tables do not exist yet.
//!
//! - `source`: what spans share. `rows`: one row per span. `attributes`: typed maps.
//! - `column`, `collection`: columns in the making. [`schema`]: their types. `time`: what times can be
//!   stored.

use std::sync::Arc;

use brokle_model::price::PriceBook;
use brokle_model::telemetry::Signal;

use crate::normalize::{AttributeMap, PriceMemo};
use crate::otlp::span::SpanView;
use crate::otlp::view::TracesView;
use crate::pipeline::batch::{RangeRecord, TableBatch};

pub(crate) use rows::storable_money;
use rows::{Row, Rows};
use source::{RecordContext, ResourceContext, ScopeContext};
use time::{Months, Times};

mod attributes;
mod collection;
mod column;
mod rows;
pub mod schema;
mod source;
mod time;

/// The table that traces fill.
pub const OBSERVATIONS: &str = "observations";

/// Months that one range may touch. Each is an insert of its own, so that a sender with a broken clock must
/// not cause thousands; rows of yet another month go to the month in which they arrived.
const MONTHS_MAX: usize = 100;
/// A batch that has reached one of these is sealed and another begun.
const BATCH_ROWS_MAX: usize = 1_000_000;
const BATCH_BYTES_MAX: usize = 256 << 20;

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
    for record in records.iter().filter(|record| record.signal == Signal::Traces) {
        encoder.push(record)?;
    }
    encoder.finish()
}

/// The batches of one month.
struct Partition<'m, 'a> {
    month: u32,
    rows: Rows<'m, 'a>,
    sealed: usize,
}

struct Encoder<'m, 'a> {
    map: &'m AttributeMap,
    memo: PriceMemo<'m>,
    months: Months,
    partitions: Vec<Partition<'m, 'a>>,
    /// The partition of the last row, where the next one most likely belongs too.
    current: usize,
    resources: u64,
    scopes: u64,
    batches: Vec<(u32, usize, TableBatch)>,
}

impl<'m, 'a> Encoder<'m, 'a> {
    fn new(context: &'m EncodeContext) -> Self {
        Self {
            map: &context.attributes,
            memo: PriceMemo::new(&context.prices),
            months: Months::default(),
            partitions: Vec::new(),
            current: 0,
            resources: 0,
            scopes: 0,
            batches: Vec::new(),
        }
    }

    fn push(&mut self, record: &RangeRecord<'a>) -> Result<(), EncodeError> {
        let context = RecordContext::new(record);
        for resource_spans in TracesView::new(record.body).resource_spans() {
            let resource = ResourceContext::new(self.resources, resource_spans, self.map);
            self.resources += 1;
            for scope_spans in resource_spans.scope_spans() {
                let scope = ScopeContext::new(self.scopes, scope_spans);
                self.scopes += 1;
                for span in scope_spans.spans() {
                    self.push_span(&context, &resource, &scope, &span)?;
                }
            }
        }
        Ok(())
    }

    fn push_span(
        &mut self,
        record: &RecordContext<'a>,
        resource: &ResourceContext<'a>,
        scope: &ScopeContext<'a>,
        span: &SpanView<'a>,
    ) -> Result<(), EncodeError> {
        let (start, end) = (span.start_time_unix_nano, span.end_time_unix_nano);
        let mut times = Times::new(start, end, record.received_nanos);
        let mut month = self.months.of(times.start);
        if !self.select(month) && self.partitions.len() >= MONTHS_MAX {
            times = Times::moved(start, end, record.received_nanos);
            month = self.months.of(times.start);
        }
        if !self.select(month) {
            self.partitions.push(Partition {
                month,
                rows: Rows::new(self.map),
                sealed: 0,
            });
            self.current = self.partitions.len() - 1;
        }
        let Some(partition) = self.partitions.get_mut(self.current) else {
            return Ok(());
        };
        partition.rows.push(
            Row {
                record,
                resource,
                scope,
                span,
                times,
            },
            &mut self.memo,
        );
        if partition.rows.len() >= BATCH_ROWS_MAX || partition.rows.bytes() >= BATCH_BYTES_MAX {
            let full = std::mem::replace(&mut partition.rows, Rows::new(self.map));
            self.batches.push(batch(month, partition.sealed, full)?);
            partition.sealed += 1;
        }
        Ok(())
    }

    /// Makes the partition of `month` the current one, if there is one.
    fn select(&mut self, month: u32) -> bool {
        if self
            .partitions
            .get(self.current)
            .is_some_and(|partition| partition.month == month)
        {
            return true;
        }
        let found = self
            .partitions
            .iter()
            .position(|partition| partition.month == month);
        self.current = found.unwrap_or(self.current);
        found.is_some()
    }

    fn finish(mut self) -> Result<Vec<TableBatch>, EncodeError> {
        for partition in self.partitions {
            if partition.rows.len() > 0 {
                self.batches
                    .push(batch(partition.month, partition.sealed, partition.rows)?);
            }
        }
        self.batches
            .sort_by_key(|(month, sequence, _)| (*month, *sequence));
        Ok(self.batches.into_iter().map(|(_, _, batch)| batch).collect())
    }
}

fn batch(month: u32, sequence: usize, rows: Rows<'_, '_>) -> Result<(u32, usize, TableBatch), EncodeError> {
    let rows = rows.finish().map_err(|source| EncodeError::Columns {
        table: OBSERVATIONS,
        source,
    })?;
    let partition = if sequence == 0 {
        month.to_string()
    } else {
        format!("{month}.{sequence}")
    };
    Ok((
        month,
        sequence,
        TableBatch {
            table: OBSERVATIONS,
            partition,
            rows,
        },
    ))
}

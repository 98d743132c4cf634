//! The rows of one partition of `ai_routing_metrics`, column by column.

use arrow_array::RecordBatch;
use arrow_array::types::{
    Decimal128Type, TimestampMillisecondType, TimestampNanosecondType, UInt16Type, UInt64Type,
};
use arrow_schema::{ArrowError, DataType};

use super::super::Out;
use super::super::collection::WordsColumn;
use super::super::column::{FlagColumn, IdColumn, NumberColumn, WordColumn};
use super::super::origin::environment;
use super::super::schema::{self, in_order};
use super::super::table::TableRows;
use super::said::Kind;
use super::{Open, Step, micros};
use crate::normalize::AttributeMap;

const WORDS: [&str; 16] = [
    "project_id",
    "kind",
    "environment",
    "model_requested",
    "route",
    "strategy",
    "rule",
    "arm",
    "provider",
    "vendor",
    "model",
    "model_answered",
    "provider_key",
    "outcome",
    "decision",
    "error_type",
];
const COUNTS: [&str; 5] = [
    "version",
    "duration_us",
    "time_to_first_token_us",
    "input_tokens",
    "output_tokens",
];

/// Rows in the making.
#[derive(Default)]
pub(super) struct RoutingRows {
    count: usize,
    bytes: usize,
    start_time: NumberColumn<TimestampNanosecondType>,
    trace_id: IdColumn<16>,
    span_id: IdColumn<8>,
    call_span_id: IdColumn<8>,
    words: [WordColumn; WORDS.len()],
    counts: [NumberColumn<UInt64Type>; COUNTS.len()],
    attempt: NumberColumn<UInt16Type>,
    status: NumberColumn<UInt16Type>,
    hedge: FlagColumn,
    shadow: FlagColumn,
    total_cost: NumberColumn<Decimal128Type>,
    passed_over: WordsColumn,
    received_at: NumberColumn<TimestampMillisecondType>,
    retention_days: NumberColumn<UInt16Type>,
}

impl RoutingRows {
    /// Adds a row. What the span leaves to that of its `call` is taken from there.
    pub(super) fn push(&mut self, step: &Step<'_, '_>, call: Option<&Open<'_>>) {
        let row = self.count;
        let (record, said, normal) = (step.record, step.said, step.normal);
        self.start_time.put(row, step.times.start);
        self.trace_id.put(row, step.span.trace_id);
        self.span_id.put(row, step.span.span_id);
        if let Some(call) = call {
            self.call_span_id.put(row, call.span.span_id);
        }
        self.put_words(row, step, call);
        let counts = [
            record.version,
            micros(step.times),
            normal.first_token_us,
            normal.usage.input,
            normal.usage.output,
        ];
        for (column, count) in self.counts.iter_mut().zip(counts) {
            column.put(row, count);
        }
        for (column, count) in [
            (&mut self.attempt, said.attempts),
            (&mut self.status, said.status),
        ] {
            column.put(row, u16::try_from(count).unwrap_or(u16::MAX));
        }
        let of_call = call.map_or(said, |call| &call.said);
        self.hedge.put(row, said.hedge);
        self.shadow.put(row, said.shadow || of_call.shadow);
        self.total_cost.put(row, normal.cost);
        for name in of_call.passed_over() {
            self.passed_over.insert(row, name);
        }
        self.received_at.put(row, record.received_ms);
        let days = record.calls.map_or(0, |days| days.routing_metrics);
        self.retention_days.put(row, days);
        self.count += 1;
        self.bytes += step.span.as_bytes().len();
    }

    fn put_words(&mut self, row: usize, step: &Step<'_, '_>, call: Option<&Open<'_>>) {
        let (said, record) = (step.said, step.record);
        let of_call = call.map_or(said, |call| &call.said);
        let normal = step.normal;
        let (vendor, model, answered): (&[u8], &[u8], &[u8]) = match said.kind {
            Kind::Decision => (said.vendor, said.target_model, b""),
            _ => (normal.vendor.as_bytes(), &normal.model_asked, &normal.model),
        };
        let words: [&[u8]; WORDS.len()] = [
            record.project.as_bytes(),
            said.kind.as_str().as_bytes(),
            environment(b"", record.environment),
            of_call.model_requested,
            of_call.route,
            of_call.strategy,
            of_call.rule,
            of_call.arm,
            said.provider,
            vendor,
            model,
            answered,
            said.provider_key,
            said.outcome,
            said.decision,
            said.error_type,
        ];
        for (column, word) in self.words.iter_mut().zip(words) {
            column.put(row, word);
        }
    }
}

impl<'m> TableRows<'m> for RoutingRows {
    fn new(_: &'m AttributeMap) -> Self {
        Self::default()
    }

    fn len(&self) -> usize {
        self.count
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn finish(self) -> Result<RecordBatch, ArrowError> {
        let rows = self.count;
        let mut out = Out::with_capacity(32);
        out.push(("start_time", self.start_time.finish(rows, schema::nanoseconds())));
        out.push(("trace_id", self.trace_id.finish(rows)?));
        out.push(("span_id", self.span_id.finish(rows)?));
        out.push(("call_span_id", self.call_span_id.finish(rows)?));
        for (name, column) in WORDS.into_iter().zip(self.words) {
            out.push((name, column.finish(rows)?));
        }
        for (name, column) in COUNTS.into_iter().zip(self.counts) {
            out.push((name, column.finish(rows, DataType::UInt64)));
        }
        out.push(("attempt", self.attempt.finish(rows, DataType::UInt16)));
        out.push(("status", self.status.finish(rows, DataType::UInt16)));
        out.push(("hedge", self.hedge.finish(rows)));
        out.push(("shadow", self.shadow.finish(rows)));
        out.push(("total_cost", self.total_cost.finish(rows, schema::MONEY)));
        out.push(("passed_over", self.passed_over.finish(rows)?));
        out.push((
            "received_at",
            self.received_at.finish(rows, schema::milliseconds()),
        ));
        out.push((
            "retention_days",
            self.retention_days.finish(rows, DataType::UInt16),
        ));
        in_order(schema::routing_metrics(), &out)
    }
}

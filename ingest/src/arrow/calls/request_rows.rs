//! The rows of one partition of `request_logs`, column by column.

use arrow_array::RecordBatch;
use arrow_array::types::{
    Decimal128Type, TimestampMillisecondType, TimestampNanosecondType, UInt16Type, UInt64Type,
};
use arrow_schema::{ArrowError, DataType};

use super::super::Out;
use super::super::column::{FlagColumn, IdColumn, NumberColumn, TextColumn, WordColumn};
use super::super::origin::environment;
use super::super::schema::{self, in_order};
use super::super::source::RecordContext;
use super::super::table::TableRows;
use super::{Open, micros};
use crate::normalize::AttributeMap;

/// Characters of what was asked and said that a list shows.
const PREVIEW_CHARACTERS: usize = 256;

const WORDS: [&str; 15] = [
    "project_id",
    "environment",
    "method",
    "path",
    "outcome",
    "error_type",
    "api_key_id",
    "model_requested",
    "route",
    "strategy",
    "rule",
    "arm",
    "provider",
    "vendor",
    "model",
];
const TEXTS: [&str; 8] = [
    "error_message",
    "request_id",
    "user_agent",
    "user_id",
    "session_id",
    "refused_by",
    "input_preview",
    "output_preview",
];
const COUNTS: [&str; 8] = [
    "version",
    "duration_us",
    "time_to_first_token_us",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
];

/// Rows in the making.
#[derive(Default)]
pub(super) struct RequestRows {
    count: usize,
    bytes: usize,
    start_time: NumberColumn<TimestampNanosecondType>,
    trace_id: IdColumn<16>,
    span_id: IdColumn<8>,
    words: [WordColumn; WORDS.len()],
    texts: [TextColumn; TEXTS.len()],
    counts: [NumberColumn<UInt64Type>; COUNTS.len()],
    cache: WordColumn,
    status: NumberColumn<UInt16Type>,
    attempts: NumberColumn<UInt16Type>,
    stream: FlagColumn,
    shadow: FlagColumn,
    total_cost: NumberColumn<Decimal128Type>,
    received_at: NumberColumn<TimestampMillisecondType>,
    retention_days: NumberColumn<UInt16Type>,
}

impl RequestRows {
    pub(super) fn push(&mut self, record: &RecordContext<'_>, call: &Open<'_>) {
        let row = self.count;
        self.start_time.put(row, call.times.start);
        self.trace_id.put(row, call.span.trace_id);
        self.span_id.put(row, call.span.span_id);
        self.put_words(row, record, call);
        self.put_texts(row, call);
        self.put_counts(row, record, call);
        self.stream.put(row, call.said.stream);
        self.shadow.put(row, call.said.shadow);
        self.total_cost.put(row, call.cost);
        self.received_at.put(row, record.received_ms);
        let days = record.calls.map_or(0, |days| days.request_logs);
        self.retention_days.put(row, days);
        self.count += 1;
        self.bytes += call.span.as_bytes().len();
    }

    fn put_words(&mut self, row: usize, record: &RecordContext<'_>, call: &Open<'_>) {
        let said = &call.said;
        let words: [&[u8]; WORDS.len()] = [
            record.project.as_bytes(),
            environment(b"", record.environment),
            said.method,
            said.path,
            said.outcome,
            said.error_type,
            said.api_key,
            said.model_requested,
            said.route,
            said.strategy,
            said.rule,
            said.arm,
            call.provider,
            call.vendor.as_bytes(),
            &call.model,
        ];
        for (column, word) in self.words.iter_mut().zip(words) {
            column.put(row, word);
        }
        self.cache.put(row, said.cache);
    }

    fn put_texts(&mut self, row: usize, call: &Open<'_>) {
        let said = &call.said;
        let texts = [
            call.span.status.message.as_bytes(),
            said.request_id,
            said.user_agent,
            said.user,
            said.session,
            said.refused_by,
            preview(said.input),
            preview(said.output),
        ];
        for (column, text) in self.texts.iter_mut().zip(texts) {
            column.put(row, text);
        }
    }

    fn put_counts(&mut self, row: usize, record: &RecordContext<'_>, call: &Open<'_>) {
        let usage = &call.usage;
        let counts = [
            record.version,
            micros(call.times),
            call.first_token_us,
            usage.input,
            usage.output,
            usage.cache_read,
            usage.cache_write,
            usage.reasoning,
        ];
        for (column, count) in self.counts.iter_mut().zip(counts) {
            column.put(row, count);
        }
        for (column, count) in [
            (&mut self.status, call.said.status),
            (&mut self.attempts, call.said.attempts),
        ] {
            column.put(row, u16::try_from(count).unwrap_or(u16::MAX));
        }
    }
}

/// The first characters of a text.
fn preview(text: &[u8]) -> &[u8] {
    let is_start = |byte: &u8| byte & 0b1100_0000 != 0b1000_0000;
    let starts = text.iter().enumerate().filter(|(_, byte)| is_start(byte));
    let end = starts.map(|(at, _)| at).nth(PREVIEW_CHARACTERS);
    &text[..end.unwrap_or(text.len())]
}

impl<'m> TableRows<'m> for RequestRows {
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
        let mut out = Out::with_capacity(48);
        out.push(("start_time", self.start_time.finish(rows, schema::nanoseconds())));
        out.push(("trace_id", self.trace_id.finish(rows)?));
        out.push(("span_id", self.span_id.finish(rows)?));
        for (name, column) in WORDS.into_iter().zip(self.words) {
            out.push((name, column.finish(rows)?));
        }
        for (name, column) in TEXTS.into_iter().zip(self.texts) {
            out.push((name, column.finish(rows)));
        }
        for (name, column) in COUNTS.into_iter().zip(self.counts) {
            out.push((name, column.finish(rows, DataType::UInt64)));
        }
        out.push(("cache", self.cache.finish(rows)?));
        out.push(("status", self.status.finish(rows, DataType::UInt16)));
        out.push(("attempts", self.attempts.finish(rows, DataType::UInt16)));
        out.push(("stream", self.stream.finish(rows)));
        out.push(("shadow", self.shadow.finish(rows)));
        out.push(("total_cost", self.total_cost.finish(rows, schema::MONEY)));
        out.push((
            "received_at",
            self.received_at.finish(rows, schema::milliseconds()),
        ));
        out.push((
            "retention_days",
            self.retention_days.finish(rows, DataType::UInt16),
        ));
        in_order(schema::request_logs(), &out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_ends_between_characters() {
        assert_eq!(preview("kurz".as_bytes()), b"kurz");
        let long = "ü".repeat(300);
        assert_eq!(preview(long.as_bytes()), "ü".repeat(256).as_bytes());
    }
}

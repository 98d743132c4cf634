//! What the gateway's own calls give besides their spans: a row of `request_logs` for a call, and a row of
//! `ai_routing_metrics` for each attempt, answer from the cache and explained decision.
//!
//! Only records that the log marks as the gateway's come here, so that other spans pay nothing, and one from outside
//! that claims to be a call is a span and no more. The rows say what the spans say, after redaction: the span of a
//! call comes before those of its attempts, whose tokens and costs the call's row adds up.
//!
//! - [`said`]: the attributes that count. `request_rows`, `routing_rows`: the columns.

use brokle_model::usage::TokenUsage;

use super::EncodeError;
use super::rows::storable_money;
use super::source::RecordContext;
use super::table::Table;
use super::time::Times;
use crate::normalize::{AttributeMap, Derived};
use crate::otlp::span::SpanView;
use crate::pipeline::batch::TableBatch;

use request_rows::RequestRows;
use routing_rows::RoutingRows;
use said::{Kind, Said};

mod request_rows;
mod routing_rows;
mod said;

/// The table of calls.
pub const REQUEST_LOGS: &str = "request_logs";
/// The table of attempts and decisions.
pub const ROUTING_METRICS: &str = "ai_routing_metrics";

/// What normalisation made of the last span.
#[derive(Debug, Default)]
pub(super) struct Normal {
    vendor: String,
    model_asked: Vec<u8>,
    model: Vec<u8>,
    usage: TokenUsage,
    cost: i128,
    first_token_us: u64,
}

impl Normal {
    pub(super) fn take(&mut self, derived: &Derived<'_>) {
        derived.provider.clone_into(&mut self.vendor);
        derived.model_requested.clone_into(&mut self.model_asked);
        derived.model.clone_into(&mut self.model);
        self.usage = derived.usage;
        self.cost = storable_money(derived.cost.total);
        self.first_token_us = derived.first_token_us;
    }
}

/// A span of a call.
struct Step<'r, 'a> {
    record: &'r RecordContext<'a>,
    span: &'r SpanView<'a>,
    times: Times,
    said: &'r Said<'a>,
    normal: &'r Normal,
}

/// A call whose attempts are still coming, and what those so far add up to.
struct Open<'a> {
    span: SpanView<'a>,
    times: Times,
    said: Said<'a>,
    provider: &'a [u8],
    vendor: String,
    model: Vec<u8>,
    usage: TokenUsage,
    cost: i128,
    first_token_us: u64,
}

impl<'a> Open<'a> {
    fn new(span: &SpanView<'a>, times: Times, said: &Said<'a>) -> Self {
        Self {
            span: *span,
            times,
            provider: said.provider,
            said: *said,
            vendor: String::new(),
            model: Vec::new(),
            usage: TokenUsage::default(),
            cost: 0,
            first_token_us: 0,
        }
    }

    fn add(&mut self, step: &Step<'_, 'a>) {
        let normal = step.normal;
        let (sum, usage) = (&mut self.usage, &normal.usage);
        for (sum, count) in [
            (&mut sum.input, usage.input),
            (&mut sum.output, usage.output),
            (&mut sum.cache_read, usage.cache_read),
            (&mut sum.cache_write, usage.cache_write),
            (&mut sum.reasoning, usage.reasoning),
        ] {
            *sum = sum.saturating_add(count);
        }
        self.cost = self.cost.saturating_add(normal.cost);
        self.provider = step.said.provider;
        self.vendor.clone_from(&normal.vendor);
        self.model.clone_from(&normal.model);
        if normal.first_token_us > 0 {
            let waited_us = step.times.start.saturating_sub(self.times.start).max(0) / 1000;
            let waited_us = u64::try_from(waited_us).unwrap_or(0);
            self.first_token_us = waited_us.saturating_add(normal.first_token_us);
        }
    }
}

/// Both tables in the making.
pub(super) struct Calls<'m, 'a> {
    requests: Table<'m, RequestRows>,
    routing: Table<'m, RoutingRows>,
    open: Option<Open<'a>>,
    /// What normalisation made of the span that comes next.
    pub(super) normal: Normal,
}

impl<'m, 'a> Calls<'m, 'a> {
    pub(super) fn new(map: &'m AttributeMap) -> Self {
        Self {
            requests: Table::new(REQUEST_LOGS, map),
            routing: Table::new(ROUTING_METRICS, map),
            open: None,
            normal: Normal::default(),
        }
    }

    /// Takes a span of a record of the gateway's.
    pub(super) fn push(
        &mut self,
        record: &RecordContext<'a>,
        span: &SpanView<'a>,
        times: Times,
    ) -> Result<(), EncodeError> {
        let said = Said::of(span);
        match said.kind {
            Kind::Other => return Ok(()),
            Kind::Call => {
                self.close(record)?;
                self.open = Some(Open::new(span, times, &said));
                return Ok(());
            }
            Kind::Attempt | Kind::Cache | Kind::Decision => {}
        }
        let step = Step {
            record,
            span,
            times,
            said: &said,
            normal: &self.normal,
        };
        let open = self
            .open
            .as_mut()
            .filter(|open| open.span.span_id == span.parent_span_id);
        if let Some(open) = open {
            open.add(&step);
        }
        let call = self
            .open
            .as_ref()
            .filter(|open| open.span.span_id == span.parent_span_id);
        self.routing.push(times.start, |rows| rows.push(&step, call))
    }

    /// Ends the call that is open: its record has no more of it.
    pub(super) fn close(&mut self, record: &RecordContext<'a>) -> Result<(), EncodeError> {
        match self.open.take() {
            Some(open) => self
                .requests
                .push(open.times.start, |rows| rows.push(record, &open)),
            None => Ok(()),
        }
    }

    pub(super) fn finish(self, out: &mut Vec<TableBatch>) -> Result<(), EncodeError> {
        self.requests.finish(out)?;
        self.routing.finish(out)
    }
}

/// How long a span took, in microseconds.
fn micros(times: Times) -> u64 {
    u64::try_from(times.end.saturating_sub(times.start) / 1000).unwrap_or(0)
}

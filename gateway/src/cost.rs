//! What an answer costs, by the name of the model that answered or else of the one that was asked; and what a call
//! used, as well as can be known when its provider did not say.

use brokle_model::price::{Mode, PriceBook};
use brokle_model::usage::TokenUsage;
use rust_decimal::Decimal;

use crate::config::nano_dollars;
use crate::quota::Spending;
use crate::record::{Answer, AttemptRecord, CallRecord, OUTRUN};

/// Of an answer whose length nobody has bounded.
pub(crate) const OUTPUT_TOKENS_ASSUMED: u64 = 500;

/// Four bytes are about a token.
pub(crate) const fn assumed_tokens(bytes: usize) -> u64 {
    bytes.div_ceil(4) as u64
}

/// US dollars; nothing when neither model has a price, or none for what was used.
pub(crate) fn of_answer(
    prices: &PriceBook,
    attempt: &AttemptRecord,
    response_model: Option<&str>,
    usage: &TokenUsage,
    mode: Mode,
    now_ns: i64,
) -> Option<Decimal> {
    let names = response_model.into_iter().chain([attempt.model.as_str()]);
    let mut costs =
        names.filter_map(|model| prices.price(&attempt.provider.vendor, model, usage, mode, now_ns));
    costs.next().map(|cost| cost.total)
}

/// What all attempts of a call used together.
pub(crate) fn of_call(prices: &PriceBook, record: &CallRecord) -> Spending {
    let now_ns = record.started_at.timestamp_nanos_opt().unwrap_or(i64::MAX);
    let mut spending = Spending::default();
    for attempt in &record.attempts {
        let Some((usage, model, mode)) = used(attempt, record) else {
            continue;
        };
        let cost = of_answer(prices, attempt, model, &usage, mode, now_ns);
        spending.tokens += usage.input + usage.output;
        spending.cost = spending.cost.saturating_add(cost.map_or(0, nano_dollars));
    }
    spending
}

/// What the provider said that an attempt used; or, when it was broken off before it could, what went over the wire.
fn used<'a>(attempt: &'a AttemptRecord, record: &CallRecord) -> Option<(TokenUsage, Option<&'a str>, Mode)> {
    if let Some(usage) = attempt.estimate {
        let Answer::Streamed(reply) = &attempt.answer else {
            return Some((usage, None, Mode::default()));
        };
        let mode = Mode::of_service_tier(reply.service_tier.as_deref().unwrap_or_default().as_bytes());
        return Some((usage, reply.model.as_deref(), mode));
    }
    match &attempt.answer {
        Answer::Body(whole) => Some((whole.usage?, whole.model.as_deref(), whole.mode)),
        Answer::Streamed(reply) => {
            let mode = Mode::of_service_tier(reply.service_tier.as_deref().unwrap_or_default().as_bytes());
            let usage = reply.usage.unwrap_or_else(|| assumed(record, reply.said_bytes()));
            Some((usage, reply.model.as_deref(), mode))
        }
        // The provider had the request and was at work when the caller went away.
        Answer::Nothing if attempt.decision == "cancelled" || attempt.decision == OUTRUN => {
            Some((assumed(record, 0), None, Mode::default()))
        }
        Answer::Nothing => None,
    }
}

/// What was asked and said, by its length.
pub(crate) fn assumed(record: &CallRecord, said_bytes: usize) -> TokenUsage {
    let asked = record.request.as_ref().map_or(0, |request| request.body.len());
    TokenUsage {
        input: assumed_tokens(asked),
        output: assumed_tokens(said_bytes),
        ..TokenUsage::default()
    }
}

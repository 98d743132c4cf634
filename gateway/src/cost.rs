//! What an answer costs: by the name of the model that answered, or else of the one that was asked.

use brokle_model::price::{Mode, PriceBook};
use brokle_model::usage::TokenUsage;
use rust_decimal::Decimal;

use crate::record::AttemptRecord;

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

//! Before the first attempt: everything that the call may use is reserved, or it is refused and nothing is.

use std::sync::Arc;
use std::time::Duration;

use brokle_model::price::Mode;
use brokle_model::usage::TokenUsage;

use super::alert;
use super::matching::{Expected, meters};
use super::{Demand, Hold, Measure, Meter, Quotas, Settling, Standing, Verdict, Window};
use crate::config::nano_dollars;
use crate::cost;
use crate::dialect::openai::request::ChatRequest;
use crate::error::GatewayError;
use crate::quota::standing::{QuotaRecord, Used};
use crate::record::{CallGuard, CallRecord};
use crate::route::Target;
use crate::settings::GatewaySettings;
use crate::shared::Shared;

/// A call that ends gives its place back a moment after its answer; who calls again at once is not refused for that.
const PLACE_PAUSES_MS: [u64; 4] = [2, 5, 10, 20];

/// A limit that was reached. Written for the caller.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.words())]
pub(crate) struct Exceeded {
    quota: String,
    unit: super::Unit,
    limit: u64,
    pub(crate) retry_after: Duration,
}

impl Exceeded {
    fn words(&self) -> String {
        let Self {
            quota, unit, limit, ..
        } = self;
        let wait = super::whole_seconds(self.retry_after);
        match unit.measure() {
            Measure::Cost => format!(
                "the budget of the quota `{quota}` is used up ({} USD, {}); it starts anew in {wait} seconds",
                super::dollars(*limit),
                unit.as_str()
            ),
            Measure::Concurrency => {
                format!("the quota `{quota}` allows {limit} calls in progress; try again when one has ended")
            }
            Measure::Requests | Measure::Tokens => format!(
                "the quota `{quota}` allows {limit} {}; try again in {wait} seconds",
                unit.as_str().replace('_', " ")
            ),
        }
    }

    /// Whether the limit is one of money.
    pub(crate) const fn is_budget(&self) -> bool {
        matches!(self.unit.measure(), Measure::Cost)
    }

    /// The quota, and what of it was used up.
    pub(crate) fn which(&self) -> String {
        format!("{}/{}", self.quota, self.unit.as_str())
    }
}

/// Reserves what the call may use; the call settles it when it ends.
pub(crate) async fn reserve(
    shared: &Shared,
    settings: &GatewaySettings,
    call: &mut CallGuard,
    request: &ChatRequest,
    targets: &[Target],
) -> Result<(), GatewayError> {
    reserve_of(shared, settings, call, (request, targets), |_| true).await
}

/// Reserves the money that a copy of a call may cost: it is nobody's request, but somebody pays for it.
pub(crate) async fn reserve_money(
    shared: &Shared,
    settings: &GatewaySettings,
    call: &mut CallGuard,
    request: &ChatRequest,
    targets: &[Target],
) -> Result<(), GatewayError> {
    let of_money = |measure| measure == Measure::Cost;
    reserve_of(shared, settings, call, (request, targets), of_money).await
}

async fn reserve_of(
    shared: &Shared,
    settings: &GatewaySettings,
    call: &mut CallGuard,
    (request, targets): (&ChatRequest, &[Target]),
    counts: impl Fn(Measure) -> bool,
) -> Result<(), GatewayError> {
    if settings.quotas.is_empty() {
        return Ok(());
    }
    let now = shared.clock.now();
    let expected = once(|| expect(shared, request, targets));
    let mut meters = meters(&settings.quotas, call, (&request.model, targets), expected, now);
    meters.retain(|meter| counts(meter.unit.measure()));
    if meters.is_empty() {
        return Ok(());
    }
    shared.quotas.remember_budgets(&meters);
    let (blocking, counting): (Vec<_>, Vec<_>) = meters.into_iter().partition(|meter| meter.quota.blocks());
    let taken = take(&shared.quotas, call, &blocking).await?;
    let counted = count(&shared.quotas, &counting).await;
    let mut standings = taken.0;
    standings.extend(counted.0);
    let alerts = alert::shares(&shared.quotas, &shared.metrics, call, &standings).await;
    call.quota = Some(QuotaRecord::new(&standings, alerts, None));
    let holds = [taken.1, counted.1].into_iter().flatten();
    call.settle_with(Settling {
        holds: holds.collect(),
        prices: Arc::clone(&shared.prices),
    });
    Ok(())
}

/// What was taken, and how the counters stand.
type Taken<'a> = (Vec<Used<'a>>, Option<Hold>);

/// Takes all or nothing; a store that cannot be asked lets through.
async fn take<'a>(
    quotas: &Quotas,
    call: &CallRecord,
    meters: &[Meter<'a>],
) -> Result<Taken<'a>, GatewayError> {
    let mut pauses = PLACE_PAUSES_MS.iter();
    loop {
        match ask(quotas, meters, |meter| meter.demand.limit).await {
            None => return Ok((Vec::new(), None)),
            Some(Verdict::Granted {
                reservation,
                standings,
            }) => {
                let hold = Hold::new(quotas, reservation, meters);
                return Ok((paired(meters, standings), Some(hold)));
            }
            Some(Verdict::Refused { index, standings }) => {
                let refused = &meters[index];
                let waits = refused.unit.measure() == Measure::Concurrency;
                if let Some(&pause) = pauses.next().filter(|_| waits) {
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                    continue;
                }
                alert::used_up(quotas, call, refused).await;
                return Err(GatewayError::Quota(Box::new(Exceeded {
                    quota: refused.quota.config.name.clone(),
                    unit: refused.unit,
                    limit: refused.demand.limit,
                    retry_after: wait(&standings[index], refused),
                })));
            }
        }
    }
}

/// Counts without ever refusing.
async fn count<'a>(quotas: &Quotas, meters: &[Meter<'a>]) -> Taken<'a> {
    match ask(quotas, meters, |_| brokle_storage::quota::UNITS_MAX).await {
        Some(Verdict::Granted {
            reservation,
            standings,
        }) => {
            let hold = Hold::new(quotas, reservation, meters);
            (paired(meters, standings), Some(hold))
        }
        Some(Verdict::Refused { .. }) | None => (Vec::new(), None),
    }
}

async fn ask(quotas: &Quotas, meters: &[Meter<'_>], limit: impl Fn(&Meter<'_>) -> u64) -> Option<Verdict> {
    if meters.is_empty() {
        return None;
    }
    let demands: Vec<Demand> = meters
        .iter()
        .map(|meter| Demand {
            limit: limit(meter),
            ..meter.demand.clone()
        })
        .collect();
    match quotas.store.reserve(&demands).await {
        Ok(verdict) => Some(verdict),
        Err(error) => {
            tracing::warn!(%error, "quotas cannot be counted; the call goes through");
            None
        }
    }
}

fn paired<'a>(meters: &[Meter<'a>], standings: Vec<Standing>) -> Vec<Used<'a>> {
    let pairs = meters.iter().cloned().zip(standings);
    pairs
        .map(|(meter, standing)| Used::new(meter, standing))
        .collect()
}

/// A place comes back when a call ends, and nobody knows when that is: a second is worth a try.
fn wait(standing: &Standing, meter: &Meter<'_>) -> Duration {
    match meter.demand.window {
        Window::Held { .. } => Duration::from_secs(1),
        Window::Sliding { .. } | Window::Until { .. } => standing.retry_after,
    }
}

/// What the call is expected to use, at its most expensive target: too much rather than too little.
fn expect(shared: &Shared, request: &ChatRequest, targets: &[Target]) -> Expected {
    let usage = TokenUsage {
        input: cost::assumed_tokens(request.body.len()),
        output: request.output_tokens_max.unwrap_or(cost::OUTPUT_TOKENS_ASSUMED),
        ..TokenUsage::default()
    };
    let now_ns = shared.clock.now().timestamp_nanos_opt().unwrap_or(i64::MAX);
    let price = |target: &Target| {
        let vendor = &target.provider.vendor;
        let cost = shared
            .prices
            .price(vendor, &target.model, &usage, Mode::default(), now_ns)?;
        Some(nano_dollars(cost.total))
    };
    Expected {
        tokens: usage.input + usage.output,
        cost: targets.iter().filter_map(price).max().unwrap_or(0),
    }
}

/// A value that is worked out when it is first asked for.
fn once<T: Copy>(work: impl Fn() -> T) -> impl Fn() -> T {
    let kept = std::cell::OnceCell::new();
    move || *kept.get_or_init(&work)
}

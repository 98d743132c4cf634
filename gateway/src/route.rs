//! From the name in `model` to the ordered targets of a call. Pure: no I/O, and chance comes in as a
//! function, so that every order can be tested.
//!
//! A name is, in this order: a route; `provider/model`; a model that one provider is known to serve; or,
//! when there is only one provider, whatever that provider makes of it.
//!
//! Targets that failed too often go to the end, whatever the strategy says: they are tried when no other is left.

use std::sync::Arc;

use rust_decimal::Decimal;

use crate::config::Strategy;
use crate::provider::Provider;
use crate::settings::{GatewaySettings, Route, RouteTarget};

pub(crate) mod load;
pub(crate) mod retry;

use load::{Circuit, Load};

/// Where a call may go, best first. Never empty.
#[derive(Debug)]
pub(crate) struct Candidates {
    /// The route's name, when the caller named one.
    pub(crate) route: Option<String>,
    /// How the order came about: a strategy's word, or `direct`.
    pub(crate) strategy: &'static str,
    pub(crate) targets: Vec<Target>,
    /// How many at the end of `targets` are there only because their circuits are open.
    pub(crate) passed_over: usize,
}

/// One provider and the model's name there.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) provider: Arc<Provider>,
    pub(crate) model: String,
    pub(crate) load: Arc<Load>,
}

impl Target {
    pub(crate) fn new(provider: &Arc<Provider>, model: &str) -> Self {
        Self {
            provider: Arc::clone(provider),
            model: model.to_owned(),
            load: provider.health.loads.of(model),
        }
    }
}

/// What an order is decided by, besides the configuration.
pub(crate) struct Circumstances<'a> {
    /// Milliseconds since 1970.
    pub(crate) now_ms: i64,
    /// Gives a number below the one that it is given.
    pub(crate) chance: &'a mut dyn FnMut(u64) -> u64,
    /// What a call would cost at a target, where that is known.
    pub(crate) cost: &'a dyn Fn(&Target) -> Option<Decimal>,
}

/// Why a name leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unroutable {
    /// Nothing has that name.
    UnknownModel,
    /// A route whose targets are all without a credential.
    InactiveRoute,
    /// No provider is configured at all.
    NoProviders,
}

/// The targets for `model`.
pub(crate) fn candidates(
    settings: &GatewaySettings,
    model: &str,
    circumstances: &mut Circumstances<'_>,
) -> Result<Candidates, Unroutable> {
    if let Some(route) = settings.routes.get(model) {
        return from_route(model, route, circumstances);
    }
    let target = direct(settings, model).ok_or(if settings.match_order.is_empty() {
        Unroutable::NoProviders
    } else {
        Unroutable::UnknownModel
    })?;
    Ok(Candidates {
        route: None,
        strategy: "direct",
        targets: vec![target],
        passed_over: 0,
    })
}

fn from_route(
    name: &str,
    route: &Route,
    circumstances: &mut Circumstances<'_>,
) -> Result<Candidates, Unroutable> {
    if route.targets.is_empty() {
        return Err(Unroutable::InactiveRoute);
    }
    let ordered = match route.strategy {
        Strategy::Weighted => by_weight(&route.targets, circumstances.chance),
        _ => route.targets.clone(),
    };
    let mut targets: Vec<Target> = ordered
        .iter()
        .map(|target| Target::new(&target.provider, &target.model))
        .collect();
    arrange(route.strategy, &mut targets, circumstances);
    let now_ms = circumstances.now_ms;
    let is_open = |target: &Target| target.load.circuit(now_ms) == Circuit::Open;
    targets.sort_by_key(is_open);
    let passed_over = targets.iter().filter(|target| is_open(target)).count();
    Ok(Candidates {
        route: Some(name.to_owned()),
        strategy: route.strategy.as_str(),
        // When all are open, none is passed over for another.
        passed_over: if passed_over == targets.len() {
            0
        } else {
            passed_over
        },
        targets,
    })
}

/// Puts targets in the order of a strategy that looks at how things are. Sorting keeps the user's order among
/// equals.
fn arrange(strategy: Strategy, targets: &mut [Target], circumstances: &mut Circumstances<'_>) {
    let now_ms = circumstances.now_ms;
    match strategy {
        Strategy::Priority | Strategy::Weighted => {}
        Strategy::LowestCost => {
            targets.sort_by_cached_key(|target| match (circumstances.cost)(target) {
                Some(cost) => (false, cost),
                None => (true, Decimal::ZERO),
            });
        }
        Strategy::LeastBusy => targets.sort_by_cached_key(|target| target.load.in_flight()),
        Strategy::LowestLatency => {
            targets.sort_by(|left, right| left.load.score(now_ms).total_cmp(&right.load.score(now_ms)));
            prefer_of_two(targets, circumstances.chance);
        }
    }
}

/// The better of two drawn at random goes first: were it always the best, every caller would go there at once.
fn prefer_of_two(targets: &mut [Target], chance: &mut dyn FnMut(u64) -> u64) {
    let count = targets.len() as u64;
    if count > 2 {
        let first = chance(count);
        let second = (first + 1 + chance(count - 1)) % count;
        let better = usize::try_from(first.min(second)).unwrap_or(0);
        targets[..=better].rotate_right(1);
    }
}

/// Draws without replacement, each time in proportion to the weights that are left; zeroes come last.
fn by_weight(targets: &[RouteTarget], chance: &mut dyn FnMut(u64) -> u64) -> Vec<RouteTarget> {
    let mut left: Vec<RouteTarget> = targets.to_vec();
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let total: u64 = left.iter().map(|target| u64::from(target.weight)).sum();
        let mut ticket = if total == 0 { 0 } else { chance(total) };
        let drawn = left.iter().position(|target| {
            let weight = u64::from(target.weight);
            let hit = ticket < weight;
            ticket = ticket.saturating_sub(weight);
            hit
        });
        ordered.push(left.remove(drawn.unwrap_or(0)));
    }
    ordered
}

pub(crate) fn direct(settings: &GatewaySettings, model: &str) -> Option<Target> {
    if let Some((name, rest)) = model.split_once('/')
        && let Some(provider) = settings.providers.get(name)
        && !rest.is_empty()
    {
        return Some(Target::new(provider, rest));
    }
    let provider = match settings
        .match_order
        .iter()
        .find(|provider| provider.serves(model))
    {
        Some(provider) => provider,
        None if settings.match_order.len() == 1 => settings.match_order.first()?,
        None => return None,
    };
    Some(Target::new(provider, model))
}

#[cfg(test)]
mod tests;

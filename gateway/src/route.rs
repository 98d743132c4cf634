//! From the name in `model` to the ordered targets of a call. Pure: no I/O, and chance comes in as a
//! function, so that every order can be tested.
//!
//! A name is, in this order: a route; `provider/model`; a model that one provider is known to serve; or,
//! when there is only one provider, whatever that provider makes of it.

use std::sync::Arc;

use crate::config::Strategy;
use crate::provider::Provider;
use crate::settings::{GatewaySettings, Route, RouteTarget};

pub(crate) mod retry;

/// Where a call may go, best first. Never empty.
#[derive(Debug)]
pub(crate) struct Candidates {
    /// The route's name, when the caller named one.
    pub(crate) route: Option<String>,
    /// How the order came about: a strategy's word, or `direct`.
    pub(crate) strategy: &'static str,
    pub(crate) targets: Vec<Target>,
}

/// One provider and the model's name there.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) provider: Arc<Provider>,
    pub(crate) model: String,
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

/// The targets for `model`. `chance(n)` gives a number below `n`.
pub(crate) fn candidates(
    settings: &GatewaySettings,
    model: &str,
    chance: &mut dyn FnMut(u64) -> u64,
) -> Result<Candidates, Unroutable> {
    if let Some(route) = settings.routes.get(model) {
        return from_route(model, route, chance);
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
    })
}

fn from_route(
    name: &str,
    route: &Route,
    chance: &mut dyn FnMut(u64) -> u64,
) -> Result<Candidates, Unroutable> {
    if route.targets.is_empty() {
        return Err(Unroutable::InactiveRoute);
    }
    let ordered = match route.strategy {
        Strategy::Weighted => by_weight(&route.targets, chance),
        _ => route.targets.clone(),
    };
    let targets = ordered
        .into_iter()
        .map(|target| Target {
            provider: target.provider,
            model: target.model,
        })
        .collect();
    Ok(Candidates {
        route: Some(name.to_owned()),
        strategy: route.strategy.as_str(),
        targets,
    })
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
        return Some(Target {
            provider: Arc::clone(provider),
            model: rest.to_owned(),
        });
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
    Some(Target {
        provider: Arc::clone(provider),
        model: model.to_owned(),
    })
}

#[cfg(test)]
mod tests;

//! From the name in `model` to the ordered targets of a call. Pure: no I/O, and chance comes in as a
//! function, so that every order can be tested.
//!
//! A name is, in this order: a route or one of its aliases; `provider/model`; a model that one provider is known
//! to serve; or, when there is only one provider, whatever that provider makes of it. A route's first rule that
//! holds, or else the arm of its split that the call is in, or else its own list, gives the targets; what the
//! key may not use is left out; the strategy puts them in order.
//!
//! Targets that failed too often go to the end, whatever the strategy says: they are tried when no other is left.

use std::sync::Arc;
use std::time::Duration;

use brokle_model::port::Quality;
use rust_decimal::Decimal;

use crate::config::{Affinity, FallbackClass, Strategy};
use crate::provider::Provider;
use crate::settings::GatewaySettings;
use crate::settings::route::{Capacity, Route, RouteTarget};
use crate::wildcard;

pub(crate) mod facts;
pub(crate) mod load;
mod order;
pub(crate) mod overrides;
pub(crate) mod retry;
mod rules;

use facts::Facts;
use load::{Circuit, Load};
use overrides::Overrides;

/// Where a call may go, best first. Never empty.
#[derive(Debug)]
pub(crate) struct Candidates {
    /// The route's name, when the call goes by one.
    pub(crate) route: Option<String>,
    /// How the order came about: a strategy's word, `direct` or `listed`.
    pub(crate) strategy: &'static str,
    /// The route's rule that held.
    pub(crate) rule: Option<String>,
    /// The arm of the route's split that the call is in.
    pub(crate) arm: Option<String>,
    pub(crate) targets: Vec<Target>,
    /// How many at the end of `targets` are there only because their circuits are open.
    pub(crate) passed_over: usize,
    /// Targets that this call may not use.
    pub(crate) left_out: Vec<LeftOut>,
    /// Where the call goes as well, for nobody to see the answer.
    pub(crate) shadow: Option<Target>,
    /// How long the first answer may take until a second is asked for.
    pub(crate) hedge_after: Option<Duration>,
}

/// A target that a call may not use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeftOut {
    pub(crate) provider: String,
    pub(crate) model: String,
    pub(crate) reason: &'static str,
}

/// One provider and the model's name there.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) provider: Arc<Provider>,
    pub(crate) model: String,
    pub(crate) load: Arc<Load>,
    /// Only after an attempt that failed in one of these ways.
    pub(crate) only_after: Vec<FallbackClass>,
    weight: u32,
    quality: Option<f64>,
    capacity: Capacity,
    /// What the strategy went by; its meaning is the strategy's.
    pub(crate) score: Option<f64>,
    /// Where a quality is from.
    pub(crate) quality_from: Option<QualityFrom>,
}

impl Target {
    pub(crate) fn new(provider: &Arc<Provider>, model: &str) -> Self {
        Self {
            provider: Arc::clone(provider),
            model: model.to_owned(),
            load: provider.health.loads.of(model),
            only_after: Vec::new(),
            weight: 1,
            quality: None,
            capacity: Capacity::default(),
            score: None,
            quality_from: None,
        }
    }

    fn of_route(target: &RouteTarget) -> Self {
        Self {
            only_after: target.only_after.clone(),
            weight: target.weight,
            quality: target.quality,
            capacity: target.capacity,
            ..Self::new(&target.provider, &target.model)
        }
    }

    /// The same, with the provider's key whose turn it is.
    pub(crate) fn with_key_in_turn(&self, now_ms: i64) -> Self {
        Self {
            provider: self.provider.in_turn(now_ms),
            ..self.clone()
        }
    }

    /// `provider/model`
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.provider.name, self.model)
    }
}

/// Where a quality is from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum QualityFrom {
    /// The mean of what so many answers were given.
    Scores(u64),
    /// The configuration.
    Configuration,
    /// Nobody has said anything.
    Nowhere,
}

impl QualityFrom {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Scores(_) => "scores",
            Self::Configuration => "configuration",
            Self::Nowhere => "nowhere",
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
    /// How good a target's answers were, where enough were scored.
    pub(crate) quality: &'a dyn Fn(&Target) -> Option<Quality>,
    /// The call.
    pub(crate) facts: &'a Facts<'a>,
    /// What the caller decides.
    pub(crate) overrides: &'a Overrides,
    /// Patterns of the models that the key may use; all when there are none.
    pub(crate) allowed: &'a [String],
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
    /// `x-brokle-route` names no route.
    UnknownRoute(String),
    /// A header names a provider that there is not, or that has no part in the route.
    UnknownProvider(String),
    /// The key may not use it.
    NotAllowed,
}

/// The targets for `model`.
pub(crate) fn candidates(
    settings: &GatewaySettings,
    model: &str,
    circumstances: &mut Circumstances<'_>,
) -> Result<Candidates, Unroutable> {
    let overrides = circumstances.overrides;
    if !overrides.targets.is_empty() {
        return listed(settings, circumstances);
    }
    let name = overrides.route.as_deref().unwrap_or(model);
    if let Some((route_name, route)) = settings.route(name) {
        return from_route((name, route_name), route, circumstances);
    }
    if let Some(route) = &overrides.route {
        return Err(Unroutable::UnknownRoute(route.clone()));
    }
    let target = match &overrides.provider {
        Some(provider) => at_provider(settings, provider, model)?,
        None => direct(settings, model).ok_or(if settings.match_order.is_empty() {
            Unroutable::NoProviders
        } else {
            Unroutable::UnknownModel
        })?,
    };
    if !permits(circumstances.allowed, model) && !permits_target(circumstances.allowed, &target) {
        return Err(Unroutable::NotAllowed);
    }
    Ok(Candidates::of("direct", vec![target], circumstances))
}

impl Candidates {
    /// One target, and no choice.
    pub(crate) fn only(target: Target) -> Self {
        Self::of_strategy("direct", vec![target])
    }

    fn of(strategy: &'static str, targets: Vec<Target>, circumstances: &Circumstances<'_>) -> Self {
        Self {
            hedge_after: circumstances.overrides.hedge_after,
            ..Self::of_strategy(strategy, targets)
        }
    }

    fn of_strategy(strategy: &'static str, targets: Vec<Target>) -> Self {
        Self {
            route: None,
            strategy,
            rule: None,
            arm: None,
            targets,
            passed_over: 0,
            left_out: Vec::new(),
            shadow: None,
            hedge_after: None,
        }
    }
}

/// The targets that the caller lists itself.
fn listed(
    settings: &GatewaySettings,
    circumstances: &mut Circumstances<'_>,
) -> Result<Candidates, Unroutable> {
    let mut targets = Vec::new();
    for name in &circumstances.overrides.targets {
        let (provider, model) = name.split_once('/').unwrap_or((name, ""));
        let target = at_provider(settings, provider, model)?;
        if !permits_target(circumstances.allowed, &target) {
            return Err(Unroutable::NotAllowed);
        }
        targets.push(target);
    }
    let strategy = circumstances.overrides.strategy;
    if let Some(strategy) = strategy {
        let name = circumstances.overrides.targets.join(",");
        order::arrange(
            (strategy, Affinity::default(), &name),
            &mut targets,
            circumstances,
        );
    }
    let word = strategy.map_or("listed", Strategy::as_str);
    let passed_over = last_when_open(&mut targets, circumstances.now_ms);
    Ok(Candidates {
        passed_over,
        ..Candidates::of(word, targets, circumstances)
    })
}

fn from_route(
    (called, name): (&str, &str),
    route: &Route,
    circumstances: &mut Circumstances<'_>,
) -> Result<Candidates, Unroutable> {
    let chosen = choose((called, name), route, circumstances);
    if chosen.targets.is_empty() {
        return Err(Unroutable::InactiveRoute);
    }
    let (mut targets, left_out) = usable(called, chosen.targets, circumstances)?;
    let strategy = circumstances.overrides.strategy.unwrap_or(chosen.strategy);
    order::arrange((strategy, route.affinity, name), &mut targets, circumstances);
    let passed_over = last_when_open(&mut targets, circumstances.now_ms);
    let shadow = route.shadow.as_ref().filter(|shadow| {
        let drawn = (circumstances.chance)(100) < u64::from(shadow.percent);
        drawn && permits_shadow(called, &shadow.target, circumstances.allowed)
    });
    Ok(Candidates {
        route: Some(name.to_owned()),
        rule: chosen.rule,
        arm: chosen.arm,
        passed_over,
        left_out,
        shadow: shadow.map(|shadow| Target::of_route(&shadow.target)),
        hedge_after: circumstances.overrides.hedge_after.or(route.hedge_after),
        ..Candidates::of(strategy.as_str(), targets, circumstances)
    })
}

/// The part of a route that a call goes by.
struct Chosen<'a> {
    targets: &'a [RouteTarget],
    strategy: Strategy,
    rule: Option<String>,
    arm: Option<String>,
}

fn choose<'a>(
    (called, name): (&str, &str),
    route: &'a Route,
    circumstances: &mut Circumstances<'_>,
) -> Chosen<'a> {
    let facts = circumstances.facts;
    let holds = |rule: &&crate::settings::route::Rule| rules::holds(&rule.when, facts, called);
    if let Some(rule) = route.rules.iter().find(holds) {
        return Chosen {
            targets: &rule.targets,
            strategy: rule.strategy,
            rule: Some(rule.name.clone()),
            arm: None,
        };
    }
    let split = route.split.as_ref();
    let arm = split.and_then(|split| rules::arm(name, (split.by, &split.arms), facts, circumstances.chance));
    Chosen {
        targets: arm.map_or(&route.targets, |arm| &arm.targets),
        strategy: arm.map_or(route.strategy, |arm| arm.strategy),
        rule: None,
        arm: arm.map(|arm| arm.name.clone()),
    }
}

/// The targets that the key and the caller's headers leave.
fn usable(
    called: &str,
    targets: &[RouteTarget],
    circumstances: &Circumstances<'_>,
) -> Result<(Vec<Target>, Vec<LeftOut>), Unroutable> {
    let (allowed, overrides) = (circumstances.allowed, circumstances.overrides);
    let route_is_allowed = permits(allowed, called);
    let mut left_out = Vec::new();
    let mut usable = Vec::with_capacity(targets.len());
    for target in targets {
        let wanted = overrides
            .provider
            .as_ref()
            .is_none_or(|provider| *provider == target.provider.name);
        let target = Target::of_route(target);
        let reason = if !wanted {
            "`x-brokle-provider` names another provider"
        } else if !route_is_allowed && !permits_target(allowed, &target) {
            "the API key may not use this model"
        } else {
            usable.push(target);
            continue;
        };
        left_out.push(LeftOut {
            provider: target.provider.name.clone(),
            model: target.model,
            reason,
        });
    }
    // What is kept for after a failure cannot be first.
    if usable.iter().any(|target| target.only_after.is_empty()) {
        return Ok((usable, left_out));
    }
    match &overrides.provider {
        Some(provider) if targets.iter().all(|target| target.provider.name != *provider) => {
            Err(Unroutable::UnknownProvider(provider.clone()))
        }
        _ => Err(Unroutable::NotAllowed),
    }
}

/// Targets whose circuits are open go to the end; gives how many do, unless all do.
fn last_when_open(targets: &mut [Target], now_ms: i64) -> usize {
    let is_open = |target: &Target| target.load.circuit(now_ms) == Circuit::Open;
    targets.sort_by_key(|target| (!target.only_after.is_empty(), is_open(target)));
    let passed_over = targets.iter().filter(|target| is_open(target)).count();
    if passed_over == targets.len() {
        0
    } else {
        passed_over
    }
}

/// Whether one of the patterns is for the name; without patterns, everything is permitted.
pub(crate) fn permits(allowed: &[String], name: &str) -> bool {
    allowed.is_empty() || allowed.iter().any(|pattern| wildcard::matches(pattern, name))
}

/// A bare pattern is for the model wherever it is served.
fn permits_target(allowed: &[String], target: &Target) -> bool {
    permits(allowed, &target.model) || permits(allowed, &target.full_name())
}

fn permits_shadow(called: &str, target: &RouteTarget, allowed: &[String]) -> bool {
    permits(allowed, called) || permits_target(allowed, &Target::of_route(target))
}

fn at_provider(settings: &GatewaySettings, provider: &str, model: &str) -> Result<Target, Unroutable> {
    let found = settings.providers.get(provider);
    let found = found.ok_or_else(|| Unroutable::UnknownProvider(provider.to_owned()))?;
    let model = model.strip_prefix(&format!("{provider}/")).unwrap_or(model);
    Ok(Target::new(found, model))
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

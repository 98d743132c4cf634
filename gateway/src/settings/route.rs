//! Routes with their names resolved: every target is a provider that has an address and a credential.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{
    Affinity, ConditionConfig, FallbackClass, RouteConfig, ShadowConfig, Strategy, TargetConfig,
};
use crate::provider::Provider;

type Providers = HashMap<String, Arc<Provider>>;

/// A route whose targets are all active.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) strategy: Strategy,
    pub(crate) targets: Vec<RouteTarget>,
    pub(crate) affinity: Affinity,
    pub(crate) rules: Vec<Rule>,
    pub(crate) split: Option<Split>,
    pub(crate) shadow: Option<Shadow>,
    pub(crate) hedge_after: Option<Duration>,
}

/// One active target.
#[derive(Debug, Clone)]
pub(crate) struct RouteTarget {
    pub(crate) provider: Arc<Provider>,
    pub(crate) model: String,
    pub(crate) weight: u32,
    pub(crate) quality: Option<f64>,
    pub(crate) capacity: Capacity,
    pub(crate) only_after: Vec<FallbackClass>,
}

/// What a target can take in a minute, as far as is known.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Capacity {
    pub(crate) requests: Option<u64>,
    pub(crate) tokens: Option<u64>,
}

/// Other targets for calls of which something holds.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) when: ConditionConfig,
    pub(crate) strategy: Strategy,
    pub(crate) targets: Vec<RouteTarget>,
}

/// Arms, and what calls share that are in the same one.
#[derive(Debug)]
pub(crate) struct Split {
    pub(crate) by: Affinity,
    pub(crate) arms: Vec<Arm>,
}

/// One arm.
#[derive(Debug)]
pub(crate) struct Arm {
    pub(crate) name: String,
    pub(crate) percent: u8,
    pub(crate) strategy: Strategy,
    pub(crate) targets: Vec<RouteTarget>,
}

/// Another target for a share of the calls, whose answers nobody gets.
#[derive(Debug)]
pub(crate) struct Shadow {
    pub(crate) target: RouteTarget,
    pub(crate) percent: u8,
}

impl Route {
    /// The route of that name, without the targets whose providers have no credential.
    pub(super) fn active(name: &str, config: &RouteConfig, providers: &Providers) -> Self {
        let of = |targets: &[TargetConfig]| active_targets(name, targets, providers);
        let rules = config.rules.iter().map(|rule| Rule {
            name: rule.name.clone(),
            when: rule.when.clone(),
            strategy: rule.strategy.unwrap_or(config.strategy),
            targets: of(&rule.targets),
        });
        let split = config.split.as_ref().map(|split| Split {
            by: split.by,
            arms: split
                .arms
                .iter()
                .map(|arm| Arm {
                    name: arm.name.clone(),
                    percent: arm.percent,
                    strategy: arm.strategy.unwrap_or(config.strategy),
                    targets: of(&arm.targets),
                })
                .collect(),
        });
        Self {
            strategy: config.strategy,
            targets: of(&config.targets),
            affinity: config.affinity,
            rules: rules.collect(),
            split,
            shadow: config
                .shadow
                .as_ref()
                .and_then(|shadow| active_shadow(name, shadow, providers)),
            hedge_after: config.hedge_after_ms.map(Duration::from_millis),
        }
    }

    /// Every target that the route knows.
    pub(super) fn all_targets_mut(&mut self) -> impl Iterator<Item = &mut RouteTarget> {
        let rules = self.rules.iter_mut().flat_map(|rule| &mut rule.targets);
        let arms = self.split.iter_mut().flat_map(|split| &mut split.arms);
        let shadow = self.shadow.iter_mut().map(|shadow| &mut shadow.target);
        self.targets
            .iter_mut()
            .chain(rules)
            .chain(arms.flat_map(|arm| &mut arm.targets))
            .chain(shadow)
    }
}

fn active_targets(route: &str, targets: &[TargetConfig], providers: &Providers) -> Vec<RouteTarget> {
    let active = targets.iter().filter_map(|target| {
        let Some(provider) = providers.get(&target.provider) else {
            lost(route, &target.provider);
            return None;
        };
        Some(RouteTarget {
            provider: Arc::clone(provider),
            model: target.model.clone(),
            weight: target.weight,
            quality: target.quality,
            capacity: Capacity {
                requests: target.requests_per_minute,
                tokens: target.tokens_per_minute,
            },
            only_after: target.only_after.clone(),
        })
    });
    active.collect()
}

fn active_shadow(route: &str, shadow: &ShadowConfig, providers: &Providers) -> Option<Shadow> {
    let config = TargetConfig {
        provider: shadow.provider.clone(),
        model: shadow.model.clone(),
        ..TargetConfig::default()
    };
    let target = active_targets(route, &[config], providers).pop()?;
    Some(Shadow {
        target,
        percent: shadow.percent,
    })
}

fn lost(route: &str, provider: &str) {
    tracing::warn!(
        route,
        provider,
        "route {route} loses a target: provider {provider} has no credential"
    );
}

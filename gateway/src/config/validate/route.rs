//! The checks of one route, and of the names that all routes have together.

use std::collections::BTreeMap;

use super::super::{ConfigError, GatewayConfig, RouteConfig, Strategy, TargetConfig};
use super::{TIMEOUT_MS_MAX, check_name};
use crate::catalog::Catalog;

const TARGETS_MAX: usize = 32;
const RULES_MAX: usize = 64;
const ARMS_MAX: usize = 16;
const ALIASES_MAX: usize = 64;
const CONDITIONS_MAX: usize = 100;

impl GatewayConfig {
    pub(super) fn check_routes(&self, catalog: &Catalog) -> Result<(), ConfigError> {
        let mut named = BTreeMap::new();
        for (name, route) in &self.routes {
            let check = Check {
                config: self,
                catalog,
                name,
            };
            check.route(route)?;
            for name_or_alias in std::iter::once(name).chain(&route.aliases) {
                if let Some(other) = named.insert(name_or_alias.as_str(), name) {
                    return Err(ConfigError::Alias {
                        alias: name_or_alias.clone(),
                        routes: [other.clone(), name.clone()],
                    });
                }
            }
        }
        Ok(())
    }
}

struct Check<'a> {
    config: &'a GatewayConfig,
    catalog: &'a Catalog,
    name: &'a str,
}

impl Check<'_> {
    fn route(&self, route: &RouteConfig) -> Result<(), ConfigError> {
        check_name("route", self.name)?;
        self.bound(route.aliases.len() <= ALIASES_MAX, "has more than 64 aliases")?;
        for alias in &route.aliases {
            check_name("route", alias)?;
        }
        self.targets(&route.targets, route.strategy)?;
        self.rules(route)?;
        self.split(route)?;
        if let Some(shadow) = &route.shadow {
            self.provider(&shadow.provider, &shadow.model)?;
            self.bound(
                (1..=100).contains(&shadow.percent),
                "has a shadow whose `percent` is not 1 to 100",
            )?;
        }
        let hedge = route.hedge_after_ms;
        self.bound(
            hedge.is_none_or(|after_ms| (1..=TIMEOUT_MS_MAX).contains(&after_ms)),
            "has a `hedge_after_ms` that is not between 1 and a day",
        )
    }

    fn rules(&self, route: &RouteConfig) -> Result<(), ConfigError> {
        self.bound(route.rules.len() <= RULES_MAX, "has more than 64 rules")?;
        for rule in &route.rules {
            check_name("rule", &rule.name)?;
            let when = &rule.when;
            let lists = [&when.users, &when.environments, &when.models];
            let conditions = lists.iter().map(|list| list.len()).sum::<usize>()
                + when.headers.len()
                + when.metadata.len()
                + when.needs.len();
            self.bound(
                conditions <= CONDITIONS_MAX,
                "has a rule with more than 100 conditions",
            )?;
            let some = conditions > 0 || when.input_tokens_min.is_some() || when.input_tokens_max.is_some();
            self.bound(some, "has a rule whose `when` says nothing: it would always hold")?;
            self.targets(&rule.targets, rule.strategy.unwrap_or(route.strategy))?;
        }
        Ok(())
    }

    fn split(&self, route: &RouteConfig) -> Result<(), ConfigError> {
        let Some(split) = &route.split else { return Ok(()) };
        self.bound(
            (2..=ARMS_MAX).contains(&split.arms.len()),
            "has a split that needs 2 to 16 arms",
        )?;
        let percent: u32 = split.arms.iter().map(|arm| u32::from(arm.percent)).sum();
        self.bound(
            percent == 100,
            "has a split whose arms' `percent` together are not 100",
        )?;
        for arm in &split.arms {
            check_name("arm", &arm.name)?;
            self.targets(&arm.targets, arm.strategy.unwrap_or(route.strategy))?;
        }
        Ok(())
    }

    fn targets(&self, targets: &[TargetConfig], strategy: Strategy) -> Result<(), ConfigError> {
        let count = targets.len();
        if count == 0 || count > TARGETS_MAX {
            return Err(ConfigError::TargetCount {
                route: self.name.to_owned(),
                count,
                max: TARGETS_MAX,
            });
        }
        if strategy == Strategy::Weighted && targets.iter().all(|target| target.weight == 0) {
            return Err(ConfigError::Weights {
                route: self.name.to_owned(),
            });
        }
        self.bound(
            targets.iter().any(|target| target.only_after.is_empty()),
            "has only targets that are kept for after a failure (`only_after`)",
        )?;
        for target in targets {
            self.provider(&target.provider, &target.model)?;
            let quality = target.quality.unwrap_or(0.0);
            self.bound(
                (0.0..=1.0).contains(&quality),
                "has a `quality` that is not between 0 and 1",
            )?;
        }
        Ok(())
    }

    fn provider(&self, provider: &str, model: &str) -> Result<(), ConfigError> {
        if !self.config.providers.contains_key(provider) && self.catalog.find(provider).is_none() {
            return Err(ConfigError::UnknownProvider {
                route: self.name.to_owned(),
                provider: provider.to_owned(),
            });
        }
        if model.is_empty() {
            return Err(ConfigError::TargetModel {
                route: self.name.to_owned(),
                provider: provider.to_owned(),
            });
        }
        Ok(())
    }

    fn bound(&self, good: bool, reason: &'static str) -> Result<(), ConfigError> {
        if good {
            return Ok(());
        }
        Err(ConfigError::Route {
            route: self.name.to_owned(),
            reason,
        })
    }
}

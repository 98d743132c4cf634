//! The configuration with names resolved: providers that have an address and a credential, and routes that
//! lead to them. Immutable; a reload makes another one and swaps it in, so that a call sees one state from
//! its start to its end.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use secrecy::SecretString;

use crate::config::{
    BreakerConfig, CacheConfig, CaptureConfig, ConfigError, GatewayConfig, LimitConfig, ProviderConfig,
    RetryConfig, RouteConfig, Strategy, TimeoutConfig,
};
use crate::provider::Provider;
use crate::quota::Quota;

mod activate;

/// Looks an environment variable up. The server reads the environment; nobody else does.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<SecretString>;

/// A checked, resolved configuration, ready to serve.
#[derive(Debug)]
pub struct GatewaySettings {
    pub(crate) providers: HashMap<String, Arc<Provider>>,
    /// The order in which a bare model name is matched: configured providers by name, then built-in ones.
    pub(crate) match_order: Vec<Arc<Provider>>,
    pub(crate) routes: BTreeMap<String, Route>,
    pub(crate) timeouts: TimeoutConfig,
    pub(crate) retries: RetryConfig,
    pub(crate) breaker: BreakerConfig,
    pub(crate) limits: LimitConfig,
    pub(crate) capture: CaptureConfig,
    pub(crate) cache: CacheConfig,
    pub(crate) quotas: Vec<Quota>,
}

/// A route whose targets are all active.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) strategy: Strategy,
    pub(crate) targets: Vec<RouteTarget>,
}

/// One active target.
#[derive(Debug, Clone)]
pub(crate) struct RouteTarget {
    pub(crate) provider: Arc<Provider>,
    pub(crate) model: String,
    pub(crate) weight: u32,
}

impl GatewayConfig {
    /// Checks the configuration and finds each provider's credential: its own, or in the environment.
    /// Providers without one are left out, and so are targets that need them.
    pub fn resolve(&self, environment: Environment<'_>) -> Result<GatewaySettings, ConfigError> {
        self.validate()?;
        let match_order = self.active_providers(environment)?;
        let providers: HashMap<_, _> = match_order
            .iter()
            .map(|provider| (provider.name.clone(), Arc::clone(provider)))
            .collect();
        let routes = self
            .routes
            .iter()
            .map(|(name, route)| (name.clone(), active_route(name, route, &providers)))
            .collect();
        Ok(GatewaySettings {
            providers,
            match_order,
            routes,
            timeouts: self.timeouts,
            retries: self.retries,
            breaker: self.breaker,
            limits: self.limits,
            capture: self.capture,
            cache: self.cache,
            quotas: self.quotas.iter().map(Quota::new).collect(),
        })
    }

    fn active_providers(&self, environment: Environment<'_>) -> Result<Vec<Arc<Provider>>, ConfigError> {
        let catalog = self.catalog()?;
        let mut active = Vec::new();
        for (name, config) in &self.providers {
            active.extend(activate::provider(
                (name.as_str(), config),
                true,
                &catalog,
                environment,
            )?);
        }
        let unmentioned = catalog
            .all()
            .iter()
            .filter(|known| !self.providers.contains_key(&*known.name));
        let nothing = ProviderConfig::default();
        for known in unmentioned {
            active.extend(activate::provider(
                (&*known.name, &nothing),
                false,
                &catalog,
                environment,
            )?);
        }
        Ok(active.into_iter().map(Arc::new).collect())
    }
}

impl GatewaySettings {
    /// Bytes of kept answers in this process.
    pub const fn cache_bytes_max(&self) -> u64 {
        self.cache.bytes_max
    }

    /// Names of the providers that calls can go to.
    pub fn provider_names(&self) -> impl Iterator<Item = &str> {
        self.match_order.iter().map(|provider| provider.name.as_str())
    }

    /// Carries over what is known of providers that stay: their health outlives a reload.
    pub(crate) fn inherit_health(&mut self, previous: &Self) {
        let inherit = |provider: &mut Arc<Provider>| {
            if let Some(before) = previous.providers.get(&provider.name) {
                let health = Arc::clone(&before.health);
                *provider = Arc::new(Provider {
                    health,
                    ..Provider::clone(provider)
                });
            }
        };
        self.match_order.iter_mut().for_each(inherit);
        self.providers = self
            .match_order
            .iter()
            .map(|provider| (provider.name.clone(), Arc::clone(provider)))
            .collect();
        for target in self.routes.values_mut().flat_map(|route| &mut route.targets) {
            if let Some(provider) = self.providers.get(&target.provider.name) {
                target.provider = Arc::clone(provider);
            }
        }
    }
}

fn active_route(name: &str, config: &RouteConfig, providers: &HashMap<String, Arc<Provider>>) -> Route {
    let mut targets = Vec::with_capacity(config.targets.len());
    for target in &config.targets {
        let Some(provider) = providers.get(&target.provider) else {
            let provider = &target.provider;
            tracing::warn!(
                route = name,
                provider,
                "route {name} loses a target: provider {provider} has no credential"
            );
            continue;
        };
        let provider = Arc::clone(provider);
        targets.push(RouteTarget {
            provider,
            model: target.model.clone(),
            weight: target.weight,
        });
    }
    Route {
        strategy: config.strategy,
        targets,
    }
}

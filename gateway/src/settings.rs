//! The configuration with names resolved: providers that have an address and a credential, and routes that
//! lead to them. Immutable; a reload makes another one and swaps it in, so that a call sees one state from
//! its start to its end.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use secrecy::SecretString;

use crate::catalog::{self, KnownProvider};
use crate::config::{
    BreakerConfig, CacheConfig, CaptureConfig, ConfigError, Dialect, GatewayConfig, LimitConfig,
    ProviderConfig, RetryConfig, RouteConfig, Strategy, TimeoutConfig,
};
use crate::provider::{Address, Provider};
use crate::quota::Quota;

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
        let mut active = Vec::new();
        for (name, config) in &self.providers {
            active.extend(configured(name, config, environment)?);
        }
        let unmentioned = catalog::all()
            .iter()
            .filter(|known| !self.providers.contains_key(known.name));
        for known in unmentioned {
            active.extend(configured(known.name, &ProviderConfig::default(), environment)?);
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

/// The provider, or `None` when it has no credential.
fn configured(
    name: &str,
    config: &ProviderConfig,
    environment: Environment<'_>,
) -> Result<Option<Provider>, ConfigError> {
    use secrecy::ExposeSecret;
    let known = catalog::find(name);
    let overridden = known
        .and_then(|known| environment(known.base_url_env))
        .map(|address| address.expose_secret().to_owned())
        .filter(|address| !address.is_empty());
    let key = credential(config, known, environment);
    let keyless = match known {
        Some(known) => known.keyless && (overridden.is_some() || config.base_url.is_some()),
        None => config.api_key_env.is_none(),
    };
    if key.is_none() && !keyless {
        if config.api_key_env.is_some() {
            tracing::warn!(
                provider = name,
                "provider {name} is inactive: the variable of its key is not set"
            );
        }
        return Ok(None);
    }
    let base_url = config
        .base_url
        .clone()
        .or(overridden)
        .or_else(|| known.map(|known| known.base_url.to_owned()));
    let base_url = base_url.ok_or_else(|| ConfigError::BaseUrlMissing {
        provider: name.to_owned(),
        known: catalog::names(),
    })?;
    let dialect = config
        .dialect
        .or(known.map(|known| known.dialect))
        .unwrap_or(Dialect::Openai);
    let address = Address::new(name, dialect, &base_url, config.api_version.as_deref())?;
    let mut provider = Provider::new(name, dialect, address, key.as_ref())?;
    if let Some(known) = known {
        known.provider_name.clone_into(&mut provider.vendor);
        provider.models = known.models.iter().map(|&model| model.to_owned()).collect();
        provider.stream_usage = known.stream_usage;
        provider.responses = known.responses;
    }
    provider.models.extend(config.models.iter().cloned());
    provider.declared_models.clone_from(&config.models);
    if let Some(provider_name) = &config.provider_name {
        provider.vendor.clone_from(provider_name);
    }
    provider.responses = config.responses.unwrap_or(provider.responses);
    provider.stream_usage = config.stream_usage.unwrap_or(provider.stream_usage);
    Ok(Some(provider))
}

fn credential(
    config: &ProviderConfig,
    known: Option<&KnownProvider>,
    environment: Environment<'_>,
) -> Option<SecretString> {
    use secrecy::ExposeSecret;
    let variable = config
        .api_key_env
        .as_deref()
        .or(known.map(|known| known.api_key_env));
    let key = config.api_key.clone().or_else(|| environment(variable?));
    key.filter(|key| !key.expose_secret().is_empty())
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

//! The configuration with names resolved: providers that have an address and a credential, and routes that
//! lead to them. Immutable; a reload makes another one and swaps it in, so that a call sees one state from
//! its start to its end.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use secrecy::SecretString;

use crate::cache::SemanticSettings;
use crate::config::{
    BreakerConfig, CacheConfig, CaptureConfig, ConfigError, GatewayConfig, LimitConfig, ProviderConfig,
    RetryConfig, RouteConfig, TimeoutConfig,
};
use crate::guard::Guards;
use crate::provider::Provider;
use crate::quota::Quota;

mod activate;
pub(crate) mod route;
pub(crate) mod tenant;
pub(crate) mod tenants;

use route::Route;

/// Looks an environment variable up. The server reads the environment; nobody else does.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<SecretString>;

/// A checked, resolved configuration, ready to serve.
#[derive(Debug)]
pub struct GatewaySettings {
    pub(crate) providers: HashMap<String, Arc<Provider>>,
    /// The order in which a bare model name is matched: configured providers by name, then built-in ones.
    pub(crate) match_order: Vec<Arc<Provider>>,
    pub(crate) routes: BTreeMap<String, Route>,
    /// Further names of routes.
    pub(crate) aliases: BTreeMap<String, String>,
    pub(crate) timeouts: TimeoutConfig,
    pub(crate) retries: RetryConfig,
    pub(crate) breaker: BreakerConfig,
    pub(crate) limits: LimitConfig,
    pub(crate) capture: CaptureConfig,
    pub(crate) cache: CacheConfig,
    /// Answers are found by meaning, so.
    pub(crate) semantic: Option<SemanticSettings>,
    pub(crate) quotas: Vec<Quota>,
    /// What they were made of; organisations' own is laid over it.
    pub(crate) source: Arc<GatewayConfig>,
    pub(crate) guards: Arc<Guards>,
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
            .map(|(name, route)| (name.clone(), Route::active(name, route, &providers)))
            .collect();
        Ok(GatewaySettings {
            providers,
            match_order,
            routes,
            aliases: aliases(&self.routes),
            timeouts: self.timeouts,
            retries: self.retries,
            breaker: self.breaker,
            limits: self.limits,
            capture: self.capture,
            cache: self.cache,
            semantic: SemanticSettings::new(&self.semantic_cache),
            quotas: self.quotas.iter().map(Quota::new).collect(),
            source: Arc::new(self.clone()),
            guards: Arc::new(Guards::new(&self.guardrails, environment)?),
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

    /// The route of that name or alias, with its own name.
    pub(crate) fn route(&self, name: &str) -> Option<(&str, &Route)> {
        let name = self.aliases.get(name).map_or(name, String::as_str);
        let (name, route) = self.routes.get_key_value(name)?;
        Some((name, route))
    }

    /// Carries over what is known of providers that stay: their health outlives a reload.
    pub(crate) fn inherit_health(&mut self, previous: &Self) {
        let inherit = |provider: &mut Arc<Provider>| {
            if let Some(before) = previous.providers.get(&provider.name) {
                let health = Arc::clone(&before.health);
                *provider = Arc::new(provider.with_health(health));
            }
        };
        // A model that is in memory stays there.
        if let (Some(semantic), Some(before)) = (&mut self.semantic, &previous.semantic)
            && semantic.embedder.directory == before.embedder.directory
        {
            semantic.embedder = Arc::clone(&before.embedder);
        }
        self.match_order.iter_mut().for_each(inherit);
        self.providers = self
            .match_order
            .iter()
            .map(|provider| (provider.name.clone(), Arc::clone(provider)))
            .collect();
        for target in self.routes.values_mut().flat_map(Route::all_targets_mut) {
            if let Some(provider) = self.providers.get(&target.provider.name) {
                target.provider = Arc::clone(provider);
            }
        }
    }
}

/// The further names of routes.
fn aliases(routes: &BTreeMap<String, RouteConfig>) -> BTreeMap<String, String> {
    let named = routes.iter().flat_map(|(name, route)| {
        let aliases = route.aliases.iter();
        aliases.map(|alias| (alias.clone(), name.clone()))
    });
    named.collect()
}

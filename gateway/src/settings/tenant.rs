//! What one organisation configures for itself, laid over what the installation has: its own providers, routes and
//! quotas come first, its guardrails come after the installation's, and all are only ever used for its own calls.
//!
//! A tenant's word is less than the operator's. Its providers take their keys from itself and never from the
//! server's environment, and reach public addresses only, unless the operator says otherwise.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use brokle_model::id::OrganizationId;

use super::{GatewaySettings, Route, activate};
use crate::config::{ConfigError, GatewayConfig, GuardConfig, ProviderConfig, QuotaConfig, RouteConfig};
use crate::provider::Provider;
use crate::quota::Quota;
use crate::upstream::public;

/// Regular expressions that one guardrail of a tenant's may have.
const EXPRESSIONS_MAX: usize = 20;

/// What one organisation configures.
#[derive(Debug, Clone, Default)]
pub(crate) struct TenantConfig {
    pub(crate) providers: BTreeMap<String, ProviderConfig>,
    pub(crate) routes: BTreeMap<String, RouteConfig>,
    pub(crate) quotas: Vec<QuotaConfig>,
    pub(crate) guardrails: Vec<GuardConfig>,
}

impl TenantConfig {
    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.providers.is_empty()
            && self.routes.is_empty()
            && self.quotas.is_empty()
            && self.guardrails.is_empty()
    }

    /// The settings for the organisation's calls; `before` are the ones in force, whose knowledge of its providers'
    /// health stays.
    pub(crate) fn resolve(
        &self,
        organization: OrganizationId,
        settings: &GatewaySettings,
        before: Option<&GatewaySettings>,
    ) -> Result<GatewaySettings, ConfigError> {
        let config = &settings.source;
        let whole = self.over(config);
        whole.validate()?;
        self.check_guardrails()?;
        let own = self.own_providers(config, before)?;
        let inherited = settings.match_order.iter();
        let inherited = inherited.filter(|provider| !self.providers.contains_key(&provider.name));
        let match_order: Vec<Arc<Provider>> = own.into_iter().chain(inherited.cloned()).collect();
        let providers: HashMap<String, Arc<Provider>> = match_order
            .iter()
            .map(|provider| (provider.name.clone(), Arc::clone(provider)))
            .collect();
        let routes = whole.routes.iter();
        let active = routes.map(|(name, route)| (name.clone(), Route::active(name, route, &providers)));
        let of_all = config.quotas.iter().map(Quota::new);
        let of_own = self
            .quotas
            .iter()
            .map(|quota| Quota::of_tenant(quota, organization));
        Ok(GatewaySettings {
            routes: active.collect(),
            aliases: super::aliases(&whole.routes),
            quotas: of_all.chain(of_own).collect(),
            source: Arc::clone(config),
            providers,
            match_order,
            timeouts: settings.timeouts,
            retries: settings.retries,
            breaker: settings.breaker,
            limits: settings.limits,
            capture: settings.capture,
            cache: settings.cache,
            semantic: settings.semantic.clone(),
            guards: if self.guardrails.is_empty() {
                Arc::clone(&settings.guards)
            } else {
                Arc::new(settings.guards.with(&self.guardrails)?)
            },
        })
    }

    /// The configuration as a whole, for its checks.
    fn over(&self, base: &GatewayConfig) -> GatewayConfig {
        let mut whole = base.clone();
        whole.providers.extend(self.providers.clone());
        whole.routes.extend(self.routes.clone());
        whole.quotas.clone_from(&self.quotas);
        whole.guardrails.extend(self.guardrails.iter().cloned());
        whole
    }

    /// A tenant's expressions cost memory of all, and its webhooks would be asked from inside of the network.
    fn check_guardrails(&self) -> Result<(), ConfigError> {
        for guardrail in &self.guardrails {
            let wrong = |reason: &str| ConfigError::Guard {
                guardrail: guardrail.name.clone(),
                reason: reason.to_owned(),
            };
            if guardrail.webhook.is_some() {
                return Err(wrong(
                    "may not ask a webhook: that is for the operator to configure",
                ));
            }
            if guardrail.patterns.len() + guardrail.only.len() > EXPRESSIONS_MAX {
                return Err(wrong("has more than 20 expressions in `patterns` and `only`"));
            }
        }
        Ok(())
    }

    fn own_providers(
        &self,
        base: &GatewayConfig,
        before: Option<&GatewaySettings>,
    ) -> Result<Vec<Arc<Provider>>, ConfigError> {
        let catalog = base.catalog()?;
        let mut own = Vec::new();
        for (name, config) in &self.providers {
            let wrong = |reason| ConfigError::Tenant {
                provider: name.clone(),
                reason,
            };
            let keys = config.keys.iter().any(|key| key.api_key_env.is_some());
            if config.api_key_env.is_some() || keys {
                return Err(wrong(
                    "may not take its key from the server's environment: send `api_key`",
                ));
            }
            let of_clouds = config.access_key_id.is_some()
                || config.secret_access_key.is_some()
                || config.session_token.is_some()
                || config.credentials_file.is_some();
            if of_clouds {
                return Err(wrong(
                    "may not have keys that sign requests, nor read files of the server: send `api_key`",
                ));
            }
            if let Some(url) = &config.base_url
                && !base.tenants.private_addresses
                && is_private(url)
            {
                return Err(wrong(
                    "has an address that is not public; the operator may permit it with \
                     `gateway.tenants.private_addresses = true`",
                ));
            }
            let active = activate::provider((name.as_str(), config), true, &catalog, &|_| None)?;
            let mut provider = active.ok_or_else(|| wrong("needs an `api_key`"))?;
            if config.base_url.is_some() && !base.tenants.private_addresses {
                provider.be_public();
            }
            if let Some(before) = before.and_then(|before| before.providers.get(name))
                && before.address.host == provider.address.host
            {
                provider.health = Arc::clone(&before.health);
            }
            own.push(Arc::new(provider));
        }
        Ok(own)
    }
}

/// Whether an address is this machine's or this network's. Where a name leads is found out with each connection.
fn is_private(url: &str) -> bool {
    let Ok(uri) = url.parse::<http::Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    if host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost") {
        return true;
    }
    match host.parse::<IpAddr>() {
        Ok(ip) => public::is_private(ip),
        // An internal name without a dot.
        Err(_) => !host.contains('.'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(toml: &str) -> GatewaySettings {
        let config: GatewayConfig = toml::from_str(toml).unwrap();
        let environment = |name: &str| (name == "OPENAI_API_KEY").then(|| "sk-of-the-installation".into());
        config.resolve(&environment).unwrap()
    }

    fn tenant(json: &serde_json::Value) -> TenantConfig {
        let mut config = TenantConfig::default();
        for (name, provider) in json.as_object().unwrap() {
            config
                .providers
                .insert(name.clone(), serde_json::from_value(provider.clone()).unwrap());
        }
        config
    }

    fn refused(json: &serde_json::Value) -> String {
        let resolved = tenant(json).resolve(OrganizationId::from_u128(1), &base(""), None);
        resolved.unwrap_err().to_string()
    }

    #[test]
    fn a_tenants_provider_takes_the_place_of_the_installations_for_that_tenant() {
        let settings = base("[routes.fast]\ntargets = [{ provider = \"openai\", model = \"gpt-4o\" }]");
        let own = tenant(&serde_json::json!({ "openai": { "api_key": "sk-of-the-tenant" } }));
        let resolved = own
            .resolve(OrganizationId::from_u128(1), &settings, None)
            .unwrap();
        let key = |settings: &GatewaySettings| {
            let target = &settings.routes["fast"].targets[0];
            target.provider.headers["authorization"]
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(key(&resolved), "Bearer sk-of-the-tenant");
        assert_eq!(key(&settings), "Bearer sk-of-the-installation");
    }

    #[test]
    fn a_tenant_never_gets_at_the_servers_own_keys_or_network() {
        for (json, words) in [
            (
                serde_json::json!({ "openai": { "base_url": "https://evil.example/v1" } }),
                "needs an `api_key`",
            ),
            (
                serde_json::json!({ "x": { "base_url": "https://evil.example/v1", "api_key_env": "OPENAI_API_KEY" } }),
                "environment",
            ),
            (
                serde_json::json!({ "x": { "base_url": "http://169.254.169.254/v1", "api_key": "k" } }),
                "not public",
            ),
            (
                serde_json::json!({ "x": { "base_url": "http://localhost:6379/v1", "api_key": "k" } }),
                "not public",
            ),
            (
                serde_json::json!({ "x": { "base_url": "http://[::1]/v1", "api_key": "k" } }),
                "not public",
            ),
            (
                serde_json::json!({ "x": { "base_url": "http://redis/v1", "api_key": "k" } }),
                "not public",
            ),
        ] {
            let message = refused(&json);
            assert!(message.contains(words), "{message}");
        }
    }
}

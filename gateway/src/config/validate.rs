//! The checks that need no environment: names, numbers, and that routes lead somewhere.

use std::borrow::Cow;

use super::{
    CacheMode, ConfigError, Dialect, GatewayConfig, ProviderConfig, guard, provider as provider_keys, quota,
};
use crate::catalog::{self, Catalog};

mod route;

const NAME_CHARS_MAX: usize = 64;
/// A day: far beyond any call, near enough to catch a unit mistaken.
const TIMEOUT_MS_MAX: u64 = 86_400_000;
/// A year.
const CACHE_SECONDS_MAX: u64 = 366 * 86_400;

impl GatewayConfig {
    /// Checks everything that can be checked without credentials.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let catalog = self.catalog()?;
        for (name, provider) in &self.providers {
            check_provider(name, provider, &catalog)?;
        }
        self.check_routes(&catalog)?;
        quota::validate(&self.quotas)?;
        self.quality.validate()?;
        guard::validate(&self.guardrails)?;
        self.check_semantic_cache()?;
        self.check_numbers()
    }

    /// Providers and models that are known, with the user's own file over the built-in table.
    pub(crate) fn catalog(&self) -> Result<Cow<'static, Catalog>, ConfigError> {
        let Some(path) = &self.catalog_file else {
            return Ok(Cow::Borrowed(Catalog::embedded()));
        };
        let refuse = |reason| ConfigError::CatalogFile {
            path: path.display().to_string(),
            reason,
        };
        let text = std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
        let catalog = Catalog::with_file(&text).map_err(|error| refuse(error.to_string()))?;
        Ok(Cow::Owned(catalog))
    }

    fn check_semantic_cache(&self) -> Result<(), ConfigError> {
        let semantic = &self.semantic_cache;
        if self.cache.mode == CacheMode::Semantic && semantic.model.is_none() {
            return Err(ConfigError::SemanticModel);
        }
        if !(0.5..=1.0).contains(&semantic.threshold) {
            return Err(ConfigError::SemanticThreshold);
        }
        check_range("semantic_cache.patience_ms", semantic.patience_ms, 1, 60_000)?;
        for (key, value) in [
            (
                "semantic_cache.entries_per_project_max",
                semantic.entries_per_project_max,
            ),
            ("semantic_cache.entries_max", semantic.entries_max),
        ] {
            check_range(key, value as u64, 1, 1_000_000)?;
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), ConfigError> {
        let Self {
            timeouts,
            retries,
            breaker,
            limits,
            cache,
            ..
        } = self;
        for (key, value) in [
            ("timeouts.connect_ms", timeouts.connect_ms),
            ("timeouts.first_token_ms", timeouts.first_token_ms),
            ("timeouts.idle_ms", timeouts.idle_ms),
            ("timeouts.total_ms", timeouts.total_ms),
            ("timeouts.request_body_ms", timeouts.request_body_ms),
            ("timeouts.keepalive_ms", timeouts.keepalive_ms),
        ] {
            check_range(key, value, 1, TIMEOUT_MS_MAX)?;
        }
        let (usual, longest) = (cache.time_to_live_seconds, cache.time_to_live_seconds_max);
        check_range("cache.time_to_live_seconds_max", longest, 1, CACHE_SECONDS_MAX)?;
        check_range("cache.time_to_live_seconds", usual, 1, longest)?;
        check_range("retries.attempts_max", u64::from(retries.attempts_max), 1, 100)?;
        check_range("retries.per_target_max", u64::from(retries.per_target_max), 0, 10)?;
        check_range(
            "retries.backoff_max_ms",
            retries.backoff_max_ms,
            retries.backoff_ms,
            600_000,
        )?;
        check_range("breaker.failures", u64::from(breaker.failures), 0, 1_000)?;
        check_range(
            "breaker.cooldown_ms",
            breaker.cooldown_ms,
            1,
            breaker.cooldown_max_ms,
        )?;
        check_range(
            "breaker.cooldown_max_ms",
            breaker.cooldown_max_ms,
            1,
            TIMEOUT_MS_MAX,
        )?;
        for (key, value, max) in [
            ("limits.in_flight_max", limits.in_flight_max, 1 << 20),
            ("limits.request_bytes_max", limits.request_bytes_max, 1 << 30),
            ("limits.in_flight_bytes_max", limits.in_flight_bytes_max, 1 << 40),
            ("limits.response_bytes_max", limits.response_bytes_max, 1 << 30),
            ("limits.frame_bytes_max", limits.frame_bytes_max, 1 << 28),
            (
                "limits.idle_connections_max",
                limits.idle_connections_max,
                1 << 16,
            ),
        ] {
            check_range(key, value as u64, 1, max)?;
        }
        check_range(
            "capture.content_bytes_max",
            self.capture.content_bytes_max as u64,
            0,
            8 << 20,
        )
    }
}

fn check_provider(name: &str, provider: &ProviderConfig, catalog: &Catalog) -> Result<(), ConfigError> {
    check_name("provider", name)?;
    if provider.access_key_id.is_some() != provider.secret_access_key.is_some() {
        return Err(ConfigError::HalfKey {
            provider: name.to_owned(),
        });
    }
    if provider.api_key.is_some() && provider.api_key_env.is_some() {
        return Err(ConfigError::TwoKeys {
            provider: name.to_owned(),
        });
    }
    provider_keys::validate(name, &provider.keys)?;
    let has_address = matches!(provider.dialect, Some(Dialect::Bedrock | Dialect::Vertex));
    if provider.base_url.is_none() && !has_address && catalog.find(name).is_none() {
        return Err(ConfigError::BaseUrlMissing {
            provider: name.to_owned(),
            known: catalog::names(),
        });
    }
    Ok(())
}

pub(super) fn check_name(kind: &'static str, name: &str) -> Result<(), ConfigError> {
    let good = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-');
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(good) {
        return Err(ConfigError::Name {
            kind,
            name: name.to_owned(),
        });
    }
    Ok(())
}

fn check_range(key: &'static str, value: u64, min: u64, max: u64) -> Result<(), ConfigError> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(ConfigError::Range { key, value, min, max })
    }
}

//! One upstream as a call needs it: addresses made ready, the credential as a header value, and what the
//! last calls told about its health. Health is passive: no probe costs money.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};

use chrono::{DateTime, SecondsFormat, Utc};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::catalog::{KnownProvider, Traits};
use crate::config::{ConfigError, Dialect};
use crate::dialect::door::Door;
use crate::dialect::{anthropic, vertex};
use crate::route::load::Loads;

mod address;
mod keys;
mod signer;

pub(crate) use address::Address;
pub(crate) use keys::{KeyId, NamedKey};
pub(crate) use signer::{AwsKeys, ServiceAccount, SignError, Signer};

use keys::Keys;

/// Failures in a row after which a provider is reported as failing.
const FAILING_AFTER: u32 = 3;

/// A provider that calls can go to.
#[derive(Debug, Clone)]
pub(crate) struct Provider {
    /// The configuration's name.
    pub(crate) name: String,
    /// `gen_ai.provider.name`, and the price table's name.
    pub(crate) vendor: String,
    /// The wire format that it speaks.
    pub(crate) dialect: Dialect,
    pub(crate) address: Address,
    /// What every request to it carries: the credential, and the version of the API.
    pub(crate) headers: HeaderMap,
    /// Patterns of models that are recognisably its own.
    pub(crate) models: Vec<String>,
    /// The models that the user listed.
    pub(crate) declared_models: Vec<String>,
    /// What sets it apart from others of its dialect.
    pub(crate) traits: Traits,
    /// What is known of it and of its models; nothing of a provider that is only in the configuration.
    pub(crate) known: Option<Arc<KnownProvider>>,
    /// What makes a credential for each request, where a header made once will not do.
    pub(crate) signer: Option<Arc<Signer>>,
    /// Whether it is spoken to by HTTP/2 alone.
    pub(crate) http2: bool,
    /// Whether it may be at a public address only, wherever its name leads.
    pub(crate) public_only: bool,
    /// The key that this is the provider with, when it has several.
    pub(crate) key: Option<KeyId>,
    /// The provider once for each of its keys, when it has several.
    with_key: Arc<[Arc<Provider>]>,
    pub(crate) health: Arc<Health>,
}

impl Provider {
    /// Makes the headers ready, or says what is wrong with them.
    pub(crate) fn new(
        name: &str,
        dialect: Dialect,
        address: Address,
        key: Option<&SecretString>,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            name: name.to_owned(),
            vendor: name.to_owned(),
            address,
            dialect,
            headers: headers(name, dialect, key)?,
            models: Vec::new(),
            declared_models: Vec::new(),
            traits: Traits::default(),
            known: None,
            signer: None,
            http2: false,
            public_only: false,
            key: None,
            with_key: Arc::default(),
            health: Arc::default(),
        })
    }

    /// From now on it may be at a public address only.
    pub(crate) fn be_public(&mut self) {
        self.public_only = true;
        let with_key = self.with_key.iter().map(|provider| {
            Arc::new(Self {
                public_only: true,
                ..(**provider).clone()
            })
        });
        self.with_key = with_key.collect();
    }

    /// The same, with what is known of another one's health.
    pub(crate) fn with_health(&self, health: Arc<Health>) -> Self {
        Self {
            health,
            ..self.clone()
        }
    }

    /// The format in which a call of `model` that came in by `door` is sent.
    pub(crate) fn wire(&self, door: Door, model: &str) -> Dialect {
        let speaks_both = self.traits.responses && matches!(self.dialect, Dialect::Openai | Dialect::Azure);
        match self.dialect {
            _ if door == Door::Responses && speaks_both => Dialect::Responses,
            Dialect::Vertex if !matches!(door, Door::Other(_)) => vertex::format_of(model),
            dialect => dialect,
        }
    }

    /// Whether streams are asked to report their usage.
    pub(crate) fn asks_usage(&self) -> bool {
        matches!(self.dialect, Dialect::Openai | Dialect::Azure | Dialect::Vertex)
            && !self.traits.no_stream_usage
            && !self.health.refuses_usage_request.load(Ordering::Relaxed)
    }

    /// Whether `model` is recognisably this provider's.
    pub(crate) fn serves(&self, model: &str) -> bool {
        self.models.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => model.starts_with(prefix),
            None => model == pattern,
        })
    }
}

fn headers(provider: &str, dialect: Dialect, key: Option<&SecretString>) -> Result<HeaderMap, ConfigError> {
    let mut headers = HeaderMap::new();
    let (name, scheme) = match dialect {
        Dialect::Anthropic => {
            let version = HeaderValue::from_static(anthropic::VERSION);
            headers.insert(HeaderName::from_static("anthropic-version"), version);
            (HeaderName::from_static("x-api-key"), "")
        }
        Dialect::Gemini => (HeaderName::from_static("x-goog-api-key"), ""),
        Dialect::Azure => (HeaderName::from_static("api-key"), ""),
        _ => (AUTHORIZATION, "Bearer "),
    };
    if let Some(key) = key {
        let value = HeaderValue::from_str(&format!("{scheme}{}", key.expose_secret()));
        let mut value = value.map_err(|_| ConfigError::Key {
            provider: provider.to_owned(),
        })?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// What the last attempts told.
#[derive(Debug, Default)]
pub(crate) struct Health {
    failures_in_a_row: AtomicU32,
    last_success_micros: AtomicI64,
    last_failure_micros: AtomicI64,
    /// Its targets, by model.
    pub(crate) loads: Loads,
    /// It answered 400 to `stream_options`.
    refuses_usage_request: AtomicBool,
    /// Whose turn it is, and which keys are left alone.
    pub(crate) keys: Keys,
}

impl Health {
    /// Notes an attempt that the provider answered.
    pub(crate) fn succeeded(&self, now: DateTime<Utc>) {
        self.failures_in_a_row.store(0, Ordering::Relaxed);
        self.last_success_micros
            .store(now.timestamp_micros(), Ordering::Relaxed);
    }

    /// Notes an attempt that failed through the provider's doing.
    pub(crate) fn failed(&self, now: DateTime<Utc>) {
        self.failures_in_a_row.fetch_add(1, Ordering::Relaxed);
        self.last_failure_micros
            .store(now.timestamp_micros(), Ordering::Relaxed);
    }

    /// Notes that the provider does not understand `stream_options`.
    pub(crate) fn refuse_usage_request(&self) {
        self.refuses_usage_request.store(true, Ordering::Relaxed);
    }

    fn status(&self) -> ProviderStatus {
        let failures = self.failures_in_a_row.load(Ordering::Relaxed);
        if failures >= FAILING_AFTER {
            ProviderStatus::Failing
        } else if failures == 0 && self.last_success_micros.load(Ordering::Relaxed) == 0 {
            ProviderStatus::Unused
        } else {
            ProviderStatus::Up
        }
    }
}

/// How a provider's last attempts went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProviderStatus {
    /// It answers.
    Up,
    /// The last attempts, three or more, all failed.
    Failing,
    /// Nothing was asked of it yet.
    Unused,
}

/// One provider's health as the public may see it: no address, no credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ProviderHealth {
    /// The configuration's name.
    pub name: String,
    /// How the last attempts went.
    pub status: ProviderStatus,
    /// Failed attempts since the last good one.
    pub consecutive_failures: u32,
    /// RFC 3339, or nothing when there was none.
    pub last_success_at: Option<String>,
    /// RFC 3339, or nothing when there was none.
    pub last_failure_at: Option<String>,
}

impl ProviderHealth {
    pub(crate) fn of(provider: &Provider) -> Self {
        let time = |micros: &AtomicI64| {
            let micros = micros.load(Ordering::Relaxed);
            let at = DateTime::from_timestamp_micros(micros).filter(|_| micros != 0);
            at.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true))
        };
        Self {
            name: provider.name.clone(),
            status: provider.health.status(),
            consecutive_failures: provider.health.failures_in_a_row.load(Ordering::Relaxed),
            last_success_at: time(&provider.health.last_success_micros),
            last_failure_at: time(&provider.health.last_failure_micros),
        }
    }
}

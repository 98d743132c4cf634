//! The LLM gateway: the wire formats of `OpenAI` and Anthropic in, any provider's out, and one trace per call.
//!
//! The stops of a chat completion:
//! 1. `api/chat.rs`: the key, a place among the calls in progress, the body; a record is opened.
//! 2. `dialect/openai/request.rs`: the body is read once, for the few fields that decide.
//! 3. `route.rs`: the name in `model` becomes an ordered list of targets.
//! 4. `cache/lookup.rs` and `quota/reserve.rs`: an answer that was kept ends it here; a limit that is reached, too.
//!    Before both, `guard.rs` looks at what the request says, and afterwards at what the answer does.
//! 5. `call.rs` with `attempt.rs`: requests to providers, one after the other, by the table in `route/retry.rs`;
//!    `dialect.rs` translates where caller and provider speak different formats.
//! 6. `relay.rs`: a stream's frames to the caller as they came; an answer that is whole goes at once.
//! 7. `record.rs`: the record becomes spans on a task of its own, and enters the collector's log.
//!
//! Dropping the response at any point, which is what a caller's hanging up comes to, drops the provider's
//! connection with it and records the call as cancelled.
//!
//! Deliberately absent: the environment (the server reads it), and storage (spans leave through `TelemetrySink`;
//! kept answers and counts are behind traits).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use brokle_model::clock::SharedClock;
use brokle_model::id::OrganizationId;
use brokle_model::port::{KeyResolver, QualitySource, TelemetrySink};
use brokle_model::price::PriceBook;
use brokle_storage::cache::Cache;
use brokle_storage::quota::QuotaStore;
use prometheus_client::registry::Registry;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use utoipa_axum::router::OpenApiRouter;

mod api;
mod attempt;
mod cache;
mod call;
mod catalog;
pub mod config;
mod cost;
mod dialect;
mod error;
mod guard;
mod manage;
mod metrics;
mod provider;
mod quota;
mod record;
mod relay;
mod route;
mod settings;
mod shared;
pub mod sse;
mod tokens;
mod trace_context;
mod upstream;
mod wait;
mod wildcard;

pub use config::{ConfigError, GatewayConfig};
pub use manage::{Management, ManagementPorts};
pub use provider::{ProviderHealth, ProviderStatus};
pub use quota::Spent;
pub use settings::{Environment, GatewaySettings};

use cache::ResponseCache;
use metrics::Metrics;
use quota::Quotas;
use record::recorder::Recorder;
use settings::tenant::TenantConfig;
use settings::tenants::Tenants;
use shared::Shared;

/// Copies of calls that run at once for nobody to see their answers.
const SHADOWS_MAX: usize = 256;

/// What a gateway works with and does not own.
pub struct Ports {
    /// Who may call.
    pub keys: Arc<dyn KeyResolver>,
    /// Where spans go.
    pub sink: Arc<dyn TelemetrySink>,
    /// What calls cost.
    pub prices: Arc<PriceBook>,
    /// Where answers are kept, with a bound of its own.
    pub cache: Arc<dyn Cache>,
    /// Where use is counted.
    pub quotas: Arc<dyn QuotaStore>,
    /// How good answers were.
    pub quality: Arc<dyn QualitySource>,
}

/// A running gateway. Cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    shared: Arc<Shared>,
    recorder_task: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let settings = self.shared.settings.load();
        formatter
            .debug_struct("Gateway")
            .field("settings", &settings)
            .finish_non_exhaustive()
    }
}

impl Gateway {
    /// Starts a gateway. Must be called within a tokio runtime: the recorder is a task of its own.
    pub fn new(
        settings: GatewaySettings,
        ports: Ports,
        clock: SharedClock,
        registry: &mut Registry,
    ) -> Result<Self, ConfigError> {
        let client = upstream::client(&settings.timeouts, &settings.limits)?;
        let metrics = Arc::new(Metrics::register(registry));
        let slots = Arc::new(Semaphore::new(settings.limits.in_flight_max));
        let room = api::body::Room::of(settings.limits.in_flight_bytes_max);
        let (recorder, task) = Recorder::start(Arc::clone(&ports.sink), Arc::clone(&metrics));
        let shared = Shared {
            settings: ArcSwap::from_pointee(settings),
            tenants: Tenants::default(),
            client,
            keys: ports.keys,
            recorder,
            prices: ports.prices,
            quality: ports.quality,
            metrics,
            slots,
            shadows: Arc::new(Semaphore::new(SHADOWS_MAX)),
            room,
            listing: api::models::Listing::default(),
            cache: Arc::new(ResponseCache::new(ports.cache)),
            quotas: Quotas::new(ports.quotas, Arc::clone(&clock), ports.sink),
            clock,
        };
        Ok(Self {
            shared: Arc::new(shared),
            recorder_task: Arc::new(Mutex::new(Some(task))),
        })
    }

    /// The routes, as `api.rs` lists them.
    ///
    /// The server in front must not buffer or compress `text/event-stream`, and must set `TCP_NODELAY`.
    pub fn router(&self) -> OpenApiRouter {
        api::router(Arc::clone(&self.shared))
    }

    /// Replaces the configuration. Calls in progress keep the one that they began with. The bounds on
    /// calls in progress, the connect timeout and the pool's size stay as they were at the start. What organisations
    /// have of their own is laid over the new one.
    pub fn reload(&self, mut settings: GatewaySettings) {
        settings.inherit_health(&self.shared.settings.load());
        let settings = Arc::new(settings);
        self.shared.settings.store(Arc::clone(&settings));
        self.shared.tenants.rebase(&settings);
    }

    fn check_tenant(&self, organization: OrganizationId, config: &TenantConfig) -> Result<(), ConfigError> {
        config
            .resolve(organization, &self.shared.settings.load(), None)
            .map(drop)
    }

    fn set_tenant(&self, organization: OrganizationId, config: TenantConfig) -> Result<(), ConfigError> {
        let settings = self.shared.settings.load();
        self.shared.tenants.set(organization, config, &settings)
    }

    /// How each provider's last attempts went. Holds no secret.
    pub fn providers_health(&self) -> Vec<ProviderHealth> {
        let settings = self.shared.settings.load();
        settings
            .match_order
            .iter()
            .map(|provider| ProviderHealth::of(provider))
            .collect()
    }

    /// What was spent of the budgets of the periods that run, to be restored after a restart.
    pub async fn spent(&self) -> Vec<Spent> {
        self.shared.quotas.spent().await
    }

    /// Restores what was spent before a start.
    pub async fn restore_spent(&self, spent: &[Spent]) {
        self.shared.quotas.restore(spent).await;
    }

    /// Writes the spans that are still queued. Call it when no more requests come, before the sink closes.
    /// Waits for the last calls to be counted and settled, too. Returns whether all was done within `deadline`.
    pub async fn shutdown(&self, deadline: Duration) -> bool {
        let task = self
            .recorder_task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(task) = task else { return true };
        let until = tokio::time::Instant::now() + deadline;
        // First of all: a call that is being counted comes to the recorder, and is settled, only afterwards.
        let counted = tokio::time::timeout_at(until, self.shared.recorder.counted()).await;
        self.shared.recorder.close();
        let done = async {
            self.shared.quotas.settled().await;
            // A recorder that panicked has nothing left to write.
            let _ = task.await;
        };
        tokio::time::timeout_at(until, done).await.is_ok() && counted.is_ok()
    }
}

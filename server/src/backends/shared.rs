//! What the nodes of one installation share: kept answers, rates, quotas and notices. In this process, or on
//! the Redis that `REDIS_URL` names; nothing above can tell, and a Redis that is away is not an outage.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use brokle_model::clock::SharedClock;
use brokle_storage::cache::Cache;
use brokle_storage::limiter::RateLimiter;
use brokle_storage::pubsub::PubSub;
use brokle_storage::quota::QuotaStore;
use brokle_storage_cache::{MemoryCache, MemoryLimiter, MemoryPubSub, MemoryQuota};
use brokle_storage_redis::{RedisConfig, RedisShared};
use prometheus_client::registry::Registry;
use secrecy::ExposeSecret as _;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::config::StorageConfig;

/// Counters of quotas in this process; idle ones go first.
const QUOTA_COUNTERS_MAX: usize = 1_000_000;
/// Callers whose rates are remembered at once, and for how long after their last call.
const LIMITER_BUCKETS_MAX: u64 = 100_000;
const LIMITER_IDLE: Duration = Duration::from_mins(10);
/// Callers of the gateway wait for Redis: longer than this would be an outage in all but name.
const TIMEOUT_MS_MAX: u64 = 10_000;
const PREFIX_CHARS_MAX: usize = 64;
const OWED_POLL: Duration = Duration::from_millis(20);

/// What the nodes share.
#[derive(Clone)]
pub(crate) struct SharedState {
    pub(crate) cache: Arc<dyn Cache>,
    pub(crate) limiter: Arc<dyn RateLimiter>,
    pub(crate) quotas: Arc<dyn QuotaStore>,
    pub(crate) notices: Arc<dyn PubSub>,
    /// `None` when it is all in this process.
    pub(crate) redis: Option<RedisShared>,
}

impl SharedState {
    /// All of it in this process; kept answers take `cache_bytes_max` at most.
    pub(crate) fn in_process(cache_bytes_max: u64, clock: &SharedClock) -> Self {
        let limiter = MemoryLimiter::new(LIMITER_BUCKETS_MAX, LIMITER_IDLE, Arc::clone(clock));
        Self {
            cache: Arc::new(MemoryCache::new(cache_bytes_max)),
            limiter: Arc::new(limiter),
            quotas: Arc::new(MemoryQuota::new(QUOTA_COUNTERS_MAX, Arc::clone(clock))),
            notices: Arc::new(MemoryPubSub::default()),
            redis: None,
        }
    }

    /// What is configured. A Redis that does not answer now is waited for in the background.
    pub(crate) async fn open(
        storage: &StorageConfig,
        cache_bytes_max: u64,
        clock: &SharedClock,
        registry: &mut Registry,
    ) -> anyhow::Result<Self> {
        if storage.redis_url.is_none() {
            return Ok(Self::in_process(cache_bytes_max, clock));
        }
        let redis = RedisShared::new(redis_config(storage)?, clock);
        redis.register(registry);
        if let Err(error) = redis.connect().await {
            tracing::warn!(%error, "Redis does not answer; this node counts by itself until it does");
        }
        Ok(Self {
            cache: Arc::clone(&redis.cache) as _,
            limiter: Arc::clone(&redis.limiter) as _,
            quotas: Arc::clone(&redis.quota) as _,
            notices: Arc::clone(&redis.pubsub) as _,
            redis: Some(redis),
        })
    }

    /// Keeps the connection to Redis until what this gives is dropped: longer than anything is served, since
    /// calls that drain still settle.
    pub(crate) fn keep(&self) -> DropGuard {
        let stop = CancellationToken::new();
        if let Some(redis) = self.redis.clone() {
            let stop = stop.clone();
            tokio::spawn(async move { redis.run(stop).await });
        }
        stop.drop_guard()
    }

    /// Waits until Redis knows everything that this node owes it, and no longer than `patience`.
    pub(crate) async fn settle(&self, patience: Duration) {
        let Some(redis) = &self.redis else { return };
        let deadline = Instant::now() + patience;
        while redis.status().waiting > 0 {
            if Instant::now() >= deadline {
                let owed = redis.status().waiting;
                tracing::warn!(owed, "stopped before Redis was told of everything");
                return;
            }
            tokio::time::sleep(OWED_POLL).await;
        }
    }
}

/// How to reach the configured Redis. The message never holds the URL.
pub(crate) fn redis_config(storage: &StorageConfig) -> anyhow::Result<RedisConfig> {
    let url = storage.redis_url.as_ref().context("REDIS_URL is not set")?;
    let authority =
        match &storage.redis_ca_file {
            Some(path) => Some(std::fs::read(path).with_context(|| {
                format!("BROKLE_REDIS_CA_FILE (storage.redis_ca_file) {}", path.display())
            })?),
            None => None,
        };
    let mut config =
        RedisConfig::parse(url.expose_secret(), authority).context("REDIS_URL (storage.redis_url)")?;
    let prefix = &storage.redis_prefix;
    let good = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    ensure!(
        !prefix.is_empty() && prefix.len() <= PREFIX_CHARS_MAX && prefix.chars().all(good),
        "BROKLE_REDIS_PREFIX (storage.redis_prefix) must be 1 to {PREFIX_CHARS_MAX} of a-z, A-Z, 0-9, `-`, `_`, `.`"
    );
    ensure!(
        (1..=TIMEOUT_MS_MAX).contains(&storage.redis_timeout_ms),
        "BROKLE_REDIS_TIMEOUT_MS (storage.redis_timeout_ms) must be from 1 to {TIMEOUT_MS_MAX}"
    );
    config.prefix.clone_from(prefix);
    config.timeout = Duration::from_millis(storage.redis_timeout_ms);
    Ok(config)
}

//! State that the nodes of one installation share, on Redis: cache, rates, quotas and notices.
//!
//! The rule above all others: a Redis that is slow or gone is never an outage. Every call has a short
//! timeout; after a few failures the [`link`] is taken down, calls no longer wait for anything, and the
//! implementations of `brokle-storage-cache` stand in until a new connection has proven itself. What each
//! trait gives up meanwhile is said at the head of its file.
//!
//! Every key begins with `brokle:` (or the prefix that was configured). One Redis server, or a primary with
//! replicas behind one address; Redis Cluster is deliberately absent, since a reservation spans counters.

mod backlog;
mod cache;
mod config;
mod figures;
mod limiter;
mod link;
mod pubsub;
mod quota;
mod script;

use std::sync::Arc;

use brokle_model::clock::SharedClock;
use tokio_util::sync::CancellationToken;

pub use cache::RedisCache;
pub use config::{RedisConfig, RedisUrlError, Time};
pub use figures::Status;
pub use limiter::RedisLimiter;
pub use pubsub::RedisPubSub;
pub use quota::RedisQuota;

use backlog::Backlog;
use figures::Figures;
use link::Link;

/// Everything that is shared over one Redis.
#[derive(Clone)]
pub struct RedisShared {
    /// Small values with a time to live.
    pub cache: Arc<RedisCache>,
    /// Rates.
    pub limiter: Arc<RedisLimiter>,
    /// Quotas.
    pub quota: Arc<RedisQuota>,
    /// Notices between nodes.
    pub pubsub: Arc<RedisPubSub>,
    link: Link,
    figures: Figures,
}

impl RedisShared {
    /// Puts it together. Nothing is connected before [`Self::connect`] or [`Self::run`].
    pub fn new(config: RedisConfig, clock: &SharedClock) -> Self {
        let figures = Figures::default();
        let link = Link::new(config, figures.clone());
        let cache = Arc::new(RedisCache::new(link.clone()));
        let limiter = Arc::new(RedisLimiter::new(link.clone(), Arc::clone(clock)));
        let quota = Arc::new(RedisQuota::new(link.clone(), Arc::clone(clock)));
        let pubsub = Arc::new(RedisPubSub::new(link.clone()));
        Self {
            cache,
            limiter,
            quota,
            pubsub,
            link,
            figures,
        }
    }

    /// Tries once to connect, so that a process begins with shared state if there is any. The error is for
    /// the log: [`Self::run`] goes on trying.
    pub async fn connect(&self) -> Result<(), brokle_storage::shared::SharedStateError> {
        self.link.connect(&self.backlogs()).await?;
        Ok(())
    }

    /// Keeps the connections until `stop`: this is what reconnects, and pays what is owed after an outage.
    pub async fn run(&self, stop: CancellationToken) {
        let backlogs = self.backlogs();
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.link.supervise(&backlogs) => {}
            () = self.pubsub.listen() => {}
        }
    }

    /// How it is, for health checks.
    pub fn status(&self) -> Status {
        let waiting = self.backlogs().iter().map(|backlog| backlog.len()).sum();
        self.figures.status(self.link.is_up(), waiting)
    }

    /// Adds the figures to `/metrics`.
    pub fn register(&self, registry: &mut prometheus_client::registry::Registry) {
        self.figures.register(registry);
    }

    fn backlogs(&self) -> [Arc<dyn Backlog>; 3] {
        [
            Arc::clone(&self.cache) as _,
            Arc::clone(&self.quota) as _,
            Arc::clone(&self.pubsub) as _,
        ]
    }
}

impl std::fmt::Debug for RedisShared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("RedisShared")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

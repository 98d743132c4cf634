//! Nodes of one installation, over one Redis, with keys of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use brokle_model::clock::{ManualClock, SharedClock};
use brokle_storage::quota::{Demand, QuotaStore, Reservation, Verdict, Window};
use brokle_storage_redis::{RedisConfig, RedisShared, Time};
use chrono::DateTime;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Long enough for a machine that does other things, too.
const PATIENCE: Duration = Duration::from_secs(30);
const NOW_MS: i64 = 1_763_812_800_123;

/// One node; its links end with it.
pub(crate) struct Node {
    pub(crate) shared: RedisShared,
    _running: DropGuard,
}

impl std::ops::Deref for Node {
    type Target = RedisShared;

    fn deref(&self) -> &RedisShared {
        &self.shared
    }
}

/// One test's installation.
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) prefix: String,
}

impl World {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            clock: Arc::new(ManualClock::at(DateTime::from_timestamp_millis(NOW_MS).unwrap())),
            prefix: format!("brokle-test-{}-{number}", std::process::id()),
        }
    }

    pub(crate) fn config(&self, port: u16) -> RedisConfig {
        let mut config = RedisConfig::parse(&format!("redis://127.0.0.1:{port}"), None).unwrap();
        config.prefix.clone_from(&self.prefix);
        config.time = Time::Clock(Arc::clone(&self.clock) as _);
        config.heartbeat = Duration::from_millis(50);
        config
    }

    /// A node that never takes Redis for slow.
    pub(crate) async fn node(&self, port: u16) -> Node {
        let mut config = self.config(port);
        config.timeout = PATIENCE;
        let node = self.start(config);
        node.connect().await.unwrap();
        node
    }

    /// A node as it is in production.
    pub(crate) async fn hasty_node(&self, port: u16) -> Node {
        let node = self.start(self.config(port));
        until("connected", || async { node.status().connected }).await;
        node
    }

    pub(crate) fn start(&self, config: RedisConfig) -> Node {
        let clock: SharedClock = Arc::clone(&self.clock) as _;
        let shared = RedisShared::new(config, &clock);
        let stop = CancellationToken::new();
        tokio::spawn({
            let (shared, stop) = (shared.clone(), stop.clone());
            async move { shared.run(stop).await }
        });
        Node {
            shared,
            _running: stop.drop_guard(),
        }
    }
}

/// Waits for a condition.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < PATIENCE, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn money(limit: u64, amount: u64) -> Demand {
    Demand {
        key: "money".into(),
        window: Window::Until {
            until_ms: NOW_MS + 3_600_000,
        },
        limit,
        amount,
    }
}

pub(crate) fn calls(limit: u64) -> Demand {
    Demand {
        key: "calls".into(),
        window: Window::Held {
            lease: Duration::from_mins(10),
        },
        limit,
        amount: 1,
    }
}

pub(crate) fn tokens(limit: u64, amount: u64) -> Demand {
    Demand {
        key: "tokens".into(),
        window: Window::Sliding {
            period: Duration::from_mins(1),
        },
        limit,
        amount,
    }
}

pub(crate) async fn reserve(store: &dyn QuotaStore, demands: &[Demand]) -> Option<Reservation> {
    match store.reserve(demands).await.unwrap() {
        Verdict::Granted { reservation, .. } => Some(reservation),
        Verdict::Refused { .. } => None,
    }
}

pub(crate) async fn used(store: &dyn QuotaStore, demand: &Demand) -> u64 {
    store.standing(std::slice::from_ref(demand)).await.unwrap()[0].used
}

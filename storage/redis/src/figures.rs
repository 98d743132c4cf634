//! Figures about the link, for `/metrics` and `/health/cache`.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// How the shared state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Whether Redis is used. When it is not, every node counts by itself.
    pub connected: bool,
    /// Calls that Redis answered.
    pub answered: u64,
    /// Calls that it did not answer in time.
    pub timed_out: u64,
    /// Calls that failed otherwise.
    pub failed: u64,
    /// Calls that were not even tried, because the link was down.
    pub skipped: u64,
    /// Times that the link was taken down.
    pub outages: u64,
    /// What waits to be told to Redis.
    pub waiting: usize,
    /// What could not wait, because too much did.
    pub lost: u64,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    pub(crate) up: Gauge,
    pub(crate) answered: Counter,
    pub(crate) timed_out: Counter,
    pub(crate) failed: Counter,
    pub(crate) skipped: Counter,
    pub(crate) outages: Counter,
    pub(crate) lost: Counter<u64, AtomicU64>,
}

impl Figures {
    pub(crate) fn status(&self, connected: bool, waiting: usize) -> Status {
        Status {
            connected,
            answered: self.answered.get(),
            timed_out: self.timed_out.get(),
            failed: self.failed.get(),
            skipped: self.skipped.get(),
            outages: self.outages.get(),
            waiting,
            lost: self.lost.get(),
        }
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("brokle_redis");
        registry.register("up", "Whether Redis is used", self.up.clone());
        let counters = [
            ("calls_answered", "Calls that Redis answered", &self.answered),
            (
                "calls_timed_out",
                "Calls that Redis did not answer in time",
                &self.timed_out,
            ),
            ("calls_failed", "Calls that failed otherwise", &self.failed),
            (
                "calls_skipped",
                "Calls not tried because the link was down",
                &self.skipped,
            ),
            ("outages", "Times that the link was taken down", &self.outages),
            (
                "owed_lost",
                "Changes owed to Redis that could not wait",
                &self.lost,
            ),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
    }
}

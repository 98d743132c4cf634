//! The figures that ingestion shows of itself. The names are an interface: dashboards and alerts use them.
//!
//! Items obey one equation at every scrape, for each signal: accepted = stored + waiting + dead-lettered +
//! refused later. The five change together under one lock and are read together.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use brokle_model::telemetry::Signal;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::wal::tally::Tally;

/// Items (spans, log records, metric points) by what became of them, since the process started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ItemCounts {
    /// Written to the log, or found in it at the start.
    pub accepted: u64,
    /// In telemetry storage.
    pub stored: u64,
    /// In the log, on their way.
    pub waiting: u64,
    /// Refused by storage for their content, and kept as dead letters.
    pub dead_lettered: u64,
    /// Given up after they were accepted, because the log that held them is damaged.
    pub refused_later: u64,
}

/// [`ItemCounts`], by signal.
#[derive(Debug, Clone, Copy, Default)]
pub struct ItemTallies {
    accepted: Tally,
    stored: Tally,
    waiting: Tally,
    dead_lettered: Tally,
    refused_later: Tally,
}

impl ItemTallies {
    /// The counts of one signal.
    pub fn of(&self, signal: Signal) -> ItemCounts {
        self.pick(|tally| tally.get(signal))
    }

    /// The counts of all signals together.
    pub fn total(&self) -> ItemCounts {
        self.pick(Tally::total)
    }

    fn pick(&self, pick: impl Fn(&Tally) -> u64) -> ItemCounts {
        ItemCounts {
            accepted: pick(&self.accepted),
            stored: pick(&self.stored),
            waiting: pick(&self.waiting),
            dead_lettered: pick(&self.dead_lettered),
            refused_later: pick(&self.refused_later),
        }
    }
}

/// The books of [`ItemCounts`].
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<ItemTallies>>);

impl Ledger {
    /// All counts, at one moment.
    pub fn tallies(&self) -> ItemTallies {
        *self.lock()
    }

    pub(crate) fn accept(&self, items: Tally) {
        let mut tallies = self.lock();
        tallies.accepted += items;
        tallies.waiting += items;
    }

    pub(crate) fn settle(&self, stored: Tally, dead_lettered: Tally, refused_later: Tally) {
        let mut tallies = self.lock();
        tallies.waiting = tallies.waiting.without(stored + dead_lettered + refused_later);
        tallies.stored += stored;
        tallies.dead_lettered += dead_lettered;
        tallies.refused_later += refused_later;
    }

    fn lock(&self) -> MutexGuard<'_, ItemTallies> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Labels of what is counted by signal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SignalLabels {
    /// `traces`, `logs` or `metrics`.
    pub signal: &'static str,
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RefusalLabels {
    /// The error's code, such as `collector_log_full`.
    pub reason: &'static str,
}

/// Counters and histograms. Clones share their values.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Items by what became of them.
    pub items: Ledger,
    /// Requests that the log refused, by reason.
    pub refused_requests: Family<RefusalLabels, Counter>,
    /// Requests recognised as sent again after they were acknowledged, by signal.
    pub resent_requests: Family<SignalLabels, Counter>,
    /// The items in them.
    pub resent_items: Family<SignalLabels, Counter>,
    /// How long syncs of the log take.
    pub fsync_seconds: Histogram,
    /// How long inserts take, successful or not.
    pub insert_seconds: Histogram,
    /// Inserts sent again because storage was unavailable.
    pub insert_retries: Counter,
    /// Ranges cut in two to find a request that storage refuses.
    pub range_splits: Counter,
    /// Requests kept as dead letters.
    pub dead_letters: Counter,
    /// Log files given up after a failed write or sync.
    pub poisoned_segments: Counter,
    /// Unreadable parts of the log that were set aside.
    pub damaged_regions: Counter,
}

impl Metrics {
    /// Registers everything below `brokle_ingest`.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            items: Ledger::default(),
            refused_requests: Family::default(),
            resent_requests: Family::default(),
            resent_items: Family::default(),
            fsync_seconds: Histogram::new(exponential_buckets(0.000_05, 2.0, 17)),
            insert_seconds: Histogram::new(exponential_buckets(0.001, 2.0, 17)),
            insert_retries: Counter::default(),
            range_splits: Counter::default(),
            dead_letters: Counter::default(),
            poisoned_segments: Counter::default(),
            damaged_regions: Counter::default(),
        };
        let registry = sub_registry(registry);
        registry.register(
            "refused_requests",
            "Requests refused",
            metrics.refused_requests.clone(),
        );
        registry.register(
            "resent_requests",
            "Requests sent again after they were acknowledged, and not stored again",
            metrics.resent_requests.clone(),
        );
        registry.register(
            "resent_items",
            "Items of requests sent again",
            metrics.resent_items.clone(),
        );
        let seconds = Unit::Seconds;
        let fsync = metrics.fsync_seconds.clone();
        registry.register_with_unit("wal_fsync", "Time to sync the log", seconds.clone(), fsync);
        registry.register_with_unit(
            "insert",
            "Time of one insert",
            seconds,
            metrics.insert_seconds.clone(),
        );
        let counters = [
            (
                "insert_retries",
                "Inserts sent again, storage being unavailable",
                &metrics.insert_retries,
            ),
            (
                "range_splits",
                "Ranges cut in two to find a refused request",
                &metrics.range_splits,
            ),
            (
                "dead_letters",
                "Requests kept as dead letters",
                &metrics.dead_letters,
            ),
            (
                "wal_poisoned_segments",
                "Log files given up after a failed write",
                &metrics.poisoned_segments,
            ),
            (
                "wal_damaged_regions",
                "Unreadable parts of the log set aside",
                &metrics.damaged_regions,
            ),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        registry.register_collector(Box::new(ItemCollector(metrics.items.clone())));
        metrics
    }

    pub(crate) fn count_resent(&self, signal: Signal, items: u64) {
        let labels = SignalLabels {
            signal: signal.as_str(),
        };
        self.resent_requests.get_or_create(&labels).inc();
        self.resent_items.get_or_create(&labels).inc_by(items);
    }
}

/// The part of the registry that is ours.
fn sub_registry(registry: &mut Registry) -> &mut Registry {
    registry.sub_registry_with_prefix("brokle_ingest")
}

#[derive(Debug)]
struct ItemCollector(Ledger);

impl Collector for ItemCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let tallies = self.0.tallies();
        let families: [(&str, &str, bool, &Tally); 5] = [
            (
                "accepted_items",
                "Items written to the log",
                true,
                &tallies.accepted,
            ),
            (
                "stored_items",
                "Items in telemetry storage",
                true,
                &tallies.stored,
            ),
            (
                "dead_lettered_items",
                "Items kept as dead letters",
                true,
                &tallies.dead_lettered,
            ),
            (
                "refused_later_items",
                "Items given up after they were accepted: the log that held them is damaged",
                true,
                &tallies.refused_later,
            ),
            (
                "waiting_items",
                "Items in the log, not yet in storage",
                false,
                &tallies.waiting,
            ),
        ];
        for (name, help, is_counter, tally) in families {
            by_signal(&mut encoder, name, help, is_counter, tally)?;
        }
        Ok(())
    }
}

/// One family with a sample for every signal, also for those that have none yet.
fn by_signal(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    is_counter: bool,
    tally: &Tally,
) -> fmt::Result {
    let kind = if is_counter {
        MetricType::Counter
    } else {
        MetricType::Gauge
    };
    let mut family = encoder.encode_descriptor(name, help, None, kind)?;
    for signal in Signal::ALL {
        let labels = SignalLabels {
            signal: signal.as_str(),
        };
        let sample = family.encode_family(&labels)?;
        if is_counter {
            ConstCounter::new(tally.get(*signal)).encode(sample)?;
        } else {
            ConstGauge::new(tally.get(*signal) as f64).encode(sample)?;
        }
    }
    Ok(())
}

/// What the state of the log is, asked at each scrape.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LogFigures {
    /// Bytes of all log files.
    pub wal_bytes: u64,
    /// Age of the oldest request that storage does not have; zero when there is none.
    pub oldest_age_seconds: f64,
    /// Sealed ranges that are not released.
    pub waiting_ranges: u64,
    /// Requests in the committer's queue.
    pub queued_requests: u64,
    /// Request bytes in memory.
    pub memory_bytes: u64,
}

/// Whatever can tell [`LogFigures`].
pub trait LogGauge: Send + Sync + 'static {
    /// The figures now.
    fn figures(&self) -> LogFigures;
}

/// Registers the gauges of `log`.
pub fn register_log(registry: &mut Registry, log: Arc<dyn LogGauge>) {
    sub_registry(registry).register_collector(Box::new(LogCollector(log)));
}

struct LogCollector(Arc<dyn LogGauge>);

impl fmt::Debug for LogCollector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("LogCollector").finish_non_exhaustive()
    }
}

impl Collector for LogCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let figures = self.0.figures();
        let oldest = figures.oldest_age_seconds;
        gauge(
            &mut encoder,
            "wal_bytes",
            "Bytes of the log on disk",
            figures.wal_bytes as f64,
        )?;
        gauge(
            &mut encoder,
            "oldest_waiting_age_seconds",
            "Age of the oldest request not in storage",
            oldest,
        )?;
        gauge(
            &mut encoder,
            "waiting_ranges",
            "Ranges of the log not in storage",
            figures.waiting_ranges as f64,
        )?;
        gauge(
            &mut encoder,
            "queued_requests",
            "Requests waiting for the log",
            figures.queued_requests as f64,
        )?;
        gauge(
            &mut encoder,
            "memory_bytes",
            "Request bytes held in memory",
            figures.memory_bytes as f64,
        )
    }
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: f64) -> fmt::Result {
    let metric = ConstGauge::new(value);
    metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_shows_items_that_add_up() {
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        let of = |items| Tally::of(Signal::Logs, items);
        metrics.items.accept(of(10));
        metrics.items.settle(of(4), of(1), of(2));
        metrics.count_resent(Signal::Traces, 6);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "brokle_ingest_accepted_items_total{signal=\"logs\"} 10",
            "brokle_ingest_stored_items_total{signal=\"logs\"} 4",
            "brokle_ingest_dead_lettered_items_total{signal=\"logs\"} 1",
            "brokle_ingest_waiting_items{signal=\"logs\"} 3.0",
            "brokle_ingest_refused_later_items_total{signal=\"logs\"} 2",
            "brokle_ingest_accepted_items_total{signal=\"metrics\"} 0",
            "brokle_ingest_resent_requests_total{signal=\"traces\"} 1",
            "brokle_ingest_resent_items_total{signal=\"traces\"} 6",
            "brokle_ingest_wal_fsync_seconds_count 0",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }
}

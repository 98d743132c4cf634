//! Figures of each destination. Per destination, items offered to it obey: offered = sent + refused + filtered +
//! dropped + waiting.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::wal::Wal;

/// Which destination.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct DestinationLabels {
    destination: String,
}

/// Which destination, and why.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ReasonLabels {
    destination: String,
    reason: &'static str,
}

type Logs = Arc<Mutex<Vec<(DestinationLabels, Weak<Wal>)>>>;

/// The figures of all destinations.
#[derive(Debug, Clone, Default)]
pub(crate) struct ForwardMetrics {
    sent: Family<DestinationLabels, Counter>,
    filtered: Family<DestinationLabels, Counter>,
    dropped: Family<DestinationLabels, Counter>,
    refused: Family<ReasonLabels, Counter>,
    retries: Family<ReasonLabels, Counter>,
    logs: Logs,
}

/// The figures of one.
#[derive(Debug, Clone)]
pub(crate) struct DestinationMetrics {
    name: String,
    pub(crate) sent: Counter,
    pub(crate) filtered: Counter,
    pub(crate) dropped: Counter,
    refused: Family<ReasonLabels, Counter>,
    retries: Family<ReasonLabels, Counter>,
}

impl ForwardMetrics {
    /// Registers everything below `brokle_forward`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let registry = registry.sub_registry_with_prefix("brokle_forward");
        for (name, help, family) in [
            ("sent_items", "Items that a destination has taken", &metrics.sent),
            (
                "filtered_items",
                "Items that a destination's filter left out",
                &metrics.filtered,
            ),
            (
                "dropped_items",
                "Items not passed on because a destination's queue was full",
                &metrics.dropped,
            ),
        ] {
            registry.register(name, help, family.clone());
        }
        registry.register(
            "refused_items",
            "Items that a destination refused for good",
            metrics.refused.clone(),
        );
        registry.register(
            "retries",
            "Exports to be sent again, by what stood in the way",
            metrics.retries.clone(),
        );
        registry.register_collector(Box::new(QueueCollector(Arc::clone(&metrics.logs))));
        metrics
    }

    pub(crate) fn of(&self, name: &str, wal: &Arc<Wal>) -> DestinationMetrics {
        let labels = DestinationLabels {
            destination: name.to_owned(),
        };
        let counter = |family: &Family<DestinationLabels, Counter>| family.get_or_create(&labels).clone();
        let metrics = DestinationMetrics {
            name: name.to_owned(),
            sent: counter(&self.sent),
            filtered: counter(&self.filtered),
            dropped: counter(&self.dropped),
            refused: self.refused.clone(),
            retries: self.retries.clone(),
        };
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        logs.push((labels, Arc::downgrade(wal)));
        metrics
    }
}

impl DestinationMetrics {
    pub(crate) fn refuse(&self, reason: &'static str, items: u64) {
        self.refused.get_or_create(&self.labels(reason)).inc_by(items);
    }

    pub(crate) fn retry(&self, reason: &'static str) {
        self.retries.get_or_create(&self.labels(reason)).inc();
    }

    fn labels(&self, reason: &'static str) -> ReasonLabels {
        ReasonLabels {
            destination: self.name.clone(),
            reason,
        }
    }
}

/// Something that a queue says of itself.
type Figure = fn(&Wal) -> u64;

#[derive(Debug)]
struct QueueCollector(Logs);

impl Collector for QueueCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let logs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let figures: [(&str, &str, Figure); 2] = [
            ("waiting_items", "Items on their way to a destination", |wal| {
                wal.waiting().items.total()
            }),
            (
                "queue_bytes",
                "What a destination's queue takes on disk",
                Wal::disk_bytes,
            ),
        ];
        for (name, help, figure) in figures {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (labels, wal) in logs.iter() {
                let Some(wal) = wal.upgrade() else { continue };
                let value = i64::try_from(figure(&wal)).unwrap_or(i64::MAX);
                ConstGauge::new(value).encode(metric.encode_family(labels)?)?;
            }
        }
        Ok(())
    }
}

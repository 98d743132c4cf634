//! What settings have done, as figures. What is left out here was never accepted, so it has no part in the
//! equation of accepted items.

use brokle_model::telemetry::Signal;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::redact::Work;
use crate::metrics::SignalLabels;

/// Counters, by signal. Clones share their values.
#[derive(Debug, Clone, Default)]
pub struct ProcessMetrics {
    /// Items that the head sample left out.
    pub sampled: Family<SignalLabels, Counter>,
    /// Values, and parts of values, made unreadable.
    pub redactions: Family<SignalLabels, Counter>,
    /// Values that were cut.
    pub truncated: Family<SignalLabels, Counter>,
}

impl ProcessMetrics {
    /// Registers everything below `brokle_ingest`.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let registry = registry.sub_registry_with_prefix("brokle_ingest");
        for (name, help, family) in [
            (
                "head_sampled_items",
                "Items left out by head sampling, before they were accepted",
                &metrics.sampled,
            ),
            (
                "redactions",
                "Values and parts of values made unreadable",
                &metrics.redactions,
            ),
            (
                "truncated_values",
                "Values cut to their project's limit",
                &metrics.truncated,
            ),
        ] {
            registry.register(name, help, family.clone());
        }
        metrics
    }

    pub(super) fn count(&self, signal: Signal, work: &Work) {
        let labels = SignalLabels {
            signal: signal.as_str(),
        };
        for (family, count) in [
            (&self.sampled, u64::from(work.sampled)),
            (&self.redactions, work.redactions),
            (&self.truncated, work.truncated),
        ] {
            if count > 0 {
                family.get_or_create(&labels).inc_by(count);
            }
        }
    }
}

//! What the receivers show of themselves. The names are an interface: dashboards and alerts use them.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::refusal::Refusal;
use crate::otlp::rejections::Rejections;

/// How requests come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// OTLP/HTTP, of either encoding.
    Http,
    /// OTLP/gRPC.
    Grpc,
}

impl Transport {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Grpc => "grpc",
        }
    }
}

/// Labels of [`ReceiverMetrics::requests`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// `http` or `grpc`.
    pub transport: &'static str,
    /// `accepted`, `partial`, or a refusal's code.
    pub outcome: &'static str,
}

/// Labels of [`ReceiverMetrics::received_items`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ItemLabels {
    /// `http` or `grpc`.
    pub transport: &'static str,
    /// `traces`, `logs` or `metrics`.
    pub signal: &'static str,
}

/// Labels of [`ReceiverMetrics::rejected_items`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RejectionLabels {
    /// `traces`, `logs` or `metrics`.
    pub signal: &'static str,
    /// The fault's word, such as `trace_id`.
    pub reason: &'static str,
}

/// Labels of the byte counters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TransportLabels {
    /// `http` or `grpc`.
    pub transport: &'static str,
}

/// Counters. Clones share their values.
#[derive(Debug, Clone, Default)]
pub struct ReceiverMetrics {
    /// Requests by outcome.
    pub requests: Family<RequestLabels, Counter>,
    /// Spans, log records and data points that were acknowledged.
    pub received_items: Family<ItemLabels, Counter>,
    /// Those that were refused alone, by reason.
    pub rejected_items: Family<RejectionLabels, Counter>,
    /// Body bytes as sent.
    pub wire_bytes: Family<TransportLabels, Counter>,
    /// Body bytes as inflated.
    pub body_bytes: Family<TransportLabels, Counter>,
}

impl ReceiverMetrics {
    /// Registers everything below `brokle_receiver`.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let registry = registry.sub_registry_with_prefix("brokle_receiver");
        registry.register("requests", "OTLP requests by outcome", metrics.requests.clone());
        registry.register(
            "received_items",
            "Items acknowledged",
            metrics.received_items.clone(),
        );
        registry.register(
            "rejected_items",
            "Items refused alone",
            metrics.rejected_items.clone(),
        );
        registry.register("wire_bytes", "Body bytes as sent", metrics.wire_bytes.clone());
        registry.register("body_bytes", "Body bytes as inflated", metrics.body_bytes.clone());
        metrics
    }

    pub(super) fn count_body(&self, transport: Transport, wire_bytes: usize, body_bytes: usize) {
        let labels = TransportLabels {
            transport: transport.as_str(),
        };
        self.wire_bytes.get_or_create(&labels).inc_by(wire_bytes as u64);
        self.body_bytes.get_or_create(&labels).inc_by(body_bytes as u64);
    }

    pub(super) fn count_taken(&self, transport: Transport, accepted: u32, rejections: &Rejections) {
        let outcome = if rejections.total() == 0 {
            "accepted"
        } else {
            "partial"
        };
        let transport = transport.as_str();
        self.requests
            .get_or_create(&RequestLabels { transport, outcome })
            .inc();
        let signal = rejections.signal().as_str();
        self.received_items
            .get_or_create(&ItemLabels { transport, signal })
            .inc_by(u64::from(accepted));
        for (fault, items) in rejections.reasons() {
            let labels = RejectionLabels {
                signal,
                reason: fault.as_str(),
            };
            self.rejected_items
                .get_or_create(&labels)
                .inc_by(u64::from(items));
        }
    }

    pub(super) fn count_refused(&self, transport: Transport, refusal: &Refusal) {
        let labels = RequestLabels {
            transport: transport.as_str(),
            outcome: refusal.code(),
        };
        self.requests.get_or_create(&labels).inc();
    }
}

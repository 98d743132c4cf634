//! The gateway's figures. Names are part of the API; labels are of bounded cardinality, so the model, which
//! callers choose freely, is not one.

use std::fmt::Write;

use brokle_model::usage::TokenUsage;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::record::{AttemptRecord, CallRecord, Outcome};

mod gen_ai;

use gen_ai::GenAi;

const SECONDS: [f64; 15] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 600.0,
];

type Durations<L> = Family<L, Histogram, fn() -> Histogram>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    stream: Flag,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    provider: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProviderLabels {
    provider: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    provider: String,
    direction: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CacheLabels {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GuardLabels {
    /// As configured: of bounded number.
    guardrail: String,
    stage: &'static str,
    action: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Flag(bool);

impl EncodeLabelValue for Flag {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        encoder.write_str(if self.0 { "true" } else { "false" })
    }
}

/// The figures, registered once.
#[derive(Debug)]
pub(crate) struct Metrics {
    calls: Family<CallLabels, Counter>,
    call_seconds: Durations<CallLabels>,
    attempts: Family<AttemptLabels, Counter>,
    attempt_seconds: Durations<ProviderLabels>,
    first_chunk_seconds: Durations<ProviderLabels>,
    tokens: Family<TokenLabels, Counter>,
    cache: Family<CacheLabels, Counter>,
    guardrails: Family<GuardLabels, Counter>,
    quota_alerts: Counter,
    spans_lost: Counter,
    pub(crate) in_flight: Gauge,
    pub(crate) shadows_in_flight: Gauge,
    shadows_left_out: Counter,
    gen_ai: GenAi,
}

impl Metrics {
    /// Makes the figures and adds them to `registry`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            calls: Family::default(),
            call_seconds: Family::new_with_constructor(seconds),
            attempts: Family::default(),
            attempt_seconds: Family::new_with_constructor(seconds),
            first_chunk_seconds: Family::new_with_constructor(seconds),
            tokens: Family::default(),
            cache: Family::default(),
            guardrails: Family::default(),
            quota_alerts: Counter::default(),
            spans_lost: Counter::default(),
            in_flight: Gauge::default(),
            shadows_in_flight: Gauge::default(),
            shadows_left_out: Counter::default(),
            gen_ai: GenAi::register(registry),
        };
        let registry = registry.sub_registry_with_prefix("brokle_gateway");
        registry.register("calls", "Calls by how they ended", metrics.calls.clone());
        registry.register(
            "call_duration_seconds",
            "Time of a call",
            metrics.call_seconds.clone(),
        );
        registry.register(
            "attempts",
            "Requests to providers by how they ended",
            metrics.attempts.clone(),
        );
        registry.register(
            "attempt_duration_seconds",
            "Time of one request to a provider",
            metrics.attempt_seconds.clone(),
        );
        registry.register(
            "shadows_in_flight",
            "Copies of calls that run for nobody to see their answers",
            metrics.shadows_in_flight.clone(),
        );
        registry.register(
            "shadows_left_out",
            "Copies of calls that were not made because too many ran",
            metrics.shadows_left_out.clone(),
        );
        registry.register(
            "guardrail_decisions",
            "What guardrails found, by what they did then",
            metrics.guardrails.clone(),
        );
        registry.register(
            "quota_alerts",
            "Shares of quotas that were reached",
            metrics.quota_alerts.clone(),
        );
        registry.register(
            "cache_lookups",
            "Calls that had to do with the cache, by what it did",
            metrics.cache.clone(),
        );
        registry.register(
            "first_chunk_seconds",
            "Time to the first piece of a streamed answer",
            metrics.first_chunk_seconds.clone(),
        );
        registry.register("tokens", "Tokens that providers reported", metrics.tokens.clone());
        registry.register(
            "spans_lost",
            "Spans that the telemetry queue had no room for",
            metrics.spans_lost.clone(),
        );
        registry.register("calls_in_flight", "Calls in progress", metrics.in_flight.clone());
        metrics
    }

    /// Counts a copy of a call that was not made.
    pub(crate) fn shadow_left_out(&self) {
        self.shadows_left_out.inc();
    }

    /// A share of a quota was reached.
    pub(crate) fn quota_alert(&self) {
        self.quota_alerts.inc();
    }

    /// A guardrail found something.
    pub(crate) fn guardrail(&self, name: &str, stage: &'static str, action: &'static str) {
        let labels = GuardLabels {
            guardrail: name.to_owned(),
            stage,
            action,
        };
        self.guardrails.get_or_create(&labels).inc();
    }

    /// A call had to do with the cache.
    pub(crate) fn cache(&self, outcome: &'static str) {
        self.cache.get_or_create(&CacheLabels { outcome }).inc();
    }

    /// Counts a finished call and its attempts.
    pub(crate) fn observe(&self, record: &CallRecord) {
        self.gen_ai.observe(record);
        let stream = Flag(record.request.as_ref().is_some_and(|request| request.stream));
        let labels = CallLabels {
            stream,
            outcome: outcome(record.outcome, record.failure.as_ref().map(|f| f.kind)),
        };
        self.calls.get_or_create(&labels).inc();
        self.call_seconds
            .get_or_create(&labels)
            .observe(record.ended.as_secs_f64());
        for attempt in &record.attempts {
            let provider = ProviderLabels {
                provider: attempt.provider.name.clone(),
            };
            let kind = attempt.failure.as_ref().map(|failure| failure.kind);
            let ended = if attempt.decision == "cancelled" {
                Outcome::Cancelled
            } else {
                Outcome::Answered
            };
            let labels = AttemptLabels {
                provider: provider.provider.clone(),
                outcome: outcome(ended, kind),
            };
            self.attempts.get_or_create(&labels).inc();
            let took = attempt
                .ended
                .unwrap_or(record.ended)
                .saturating_sub(attempt.started);
            self.attempt_seconds
                .get_or_create(&provider)
                .observe(took.as_secs_f64());
            if let Some(first_chunk) = attempt.first_chunk {
                self.first_chunk_seconds
                    .get_or_create(&provider)
                    .observe(first_chunk.as_secs_f64());
            }
        }
    }

    /// Adds what a provider reported.
    pub(crate) fn observe_usage(&self, record: &CallRecord, attempt: &AttemptRecord, usage: &TokenUsage) {
        self.gen_ai.observe_usage(record, attempt, usage);
        for (direction, tokens) in [("input", usage.input), ("output", usage.output)] {
            let labels = TokenLabels {
                provider: attempt.provider.name.clone(),
                direction,
            };
            self.tokens.get_or_create(&labels).inc_by(tokens);
        }
    }

    /// Counts spans given up.
    pub(crate) fn lose_spans(&self, spans: u32) {
        self.spans_lost.inc_by(u64::from(spans));
    }
}

fn outcome(outcome: Outcome, failure: Option<&'static str>) -> &'static str {
    failure.unwrap_or(outcome.as_str())
}

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

//! The figures of `OpenTelemetry`'s conventions for generative AI, under the names that they have in Prometheus:
//! `gen_ai.client.*` for what providers do for the gateway, `gen_ai.server.*` for what it does for its callers.
//!
//! <https://github.com/open-telemetry/semantic-conventions-genai>: names, units and bucket boundaries.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use brokle_model::usage::TokenUsage;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::Durations;
use crate::record::{AttemptRecord, CallRecord};

const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
const OPERATION_SECONDS: [f64; 14] = [
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
const FIRST_TOKEN_SECONDS: [f64; 16] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
const PER_TOKEN_SECONDS: [f64; 13] = [
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5,
];
/// Models with a label of their own. Callers choose names freely; further ones are told as `other`.
const MODELS_MAX: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Labels {
    gen_ai_operation_name: &'static str,
    gen_ai_provider_name: String,
    gen_ai_request_model: String,
    error_type: &'static str,
}

#[expect(clippy::struct_field_names, reason = "the conventions' names")]
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TokenLabels {
    gen_ai_operation_name: &'static str,
    gen_ai_provider_name: String,
    gen_ai_request_model: String,
    gen_ai_token_type: &'static str,
}

/// The figures, registered once.
#[derive(Debug)]
pub(super) struct GenAi {
    client_duration: Durations<Labels>,
    client_tokens: Durations<TokenLabels>,
    server_duration: Durations<Labels>,
    server_first_token: Durations<Labels>,
    server_per_token: Durations<Labels>,
    models: Mutex<HashSet<String>>,
}

impl GenAi {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let figures = Self {
            client_duration: Durations::new_with_constructor(|| Histogram::new(OPERATION_SECONDS)),
            client_tokens: Durations::new_with_constructor(|| Histogram::new(TOKENS)),
            server_duration: Durations::new_with_constructor(|| Histogram::new(OPERATION_SECONDS)),
            server_first_token: Durations::new_with_constructor(|| Histogram::new(FIRST_TOKEN_SECONDS)),
            server_per_token: Durations::new_with_constructor(|| Histogram::new(PER_TOKEN_SECONDS)),
            models: Mutex::default(),
        };
        let registry = registry.sub_registry_with_prefix("gen_ai");
        registry.register(
            "client_operation_duration_seconds",
            "Time of one request to a provider (gen_ai.client.operation.duration)",
            figures.client_duration.clone(),
        );
        registry.register(
            "client_token_usage",
            "Tokens of one request to a provider (gen_ai.client.token.usage)",
            figures.client_tokens.clone(),
        );
        registry.register(
            "server_request_duration_seconds",
            "Time of a call (gen_ai.server.request.duration)",
            figures.server_duration.clone(),
        );
        registry.register(
            "server_time_to_first_token_seconds",
            "Time from a call's start to the first piece of its answer (gen_ai.server.time_to_first_token)",
            figures.server_first_token.clone(),
        );
        registry.register(
            "server_time_per_output_token_seconds",
            "Time between the tokens of an answer after the first (gen_ai.server.time_per_output_token)",
            figures.server_per_token.clone(),
        );
        figures
    }

    /// A finished call and its attempts.
    pub(super) fn observe(&self, record: &CallRecord) {
        for attempt in &record.attempts {
            let error_type = attempt.failure.as_ref().map_or("", |failure| failure.kind);
            let took = attempt
                .ended
                .unwrap_or(record.ended)
                .saturating_sub(attempt.started);
            let labels = self.labels(record, attempt, error_type);
            self.client_duration
                .get_or_create(&labels)
                .observe(took.as_secs_f64());
        }
        let Some(last) = record.attempts.last() else {
            return;
        };
        let error_type = record.failure.as_ref().map_or("", |failure| failure.kind);
        let labels = self.labels(record, last, error_type);
        self.server_duration
            .get_or_create(&labels)
            .observe(record.ended.as_secs_f64());
        if let Some(first_chunk) = last.first_chunk {
            let since_start = last.started + first_chunk;
            self.server_first_token
                .get_or_create(&labels)
                .observe(since_start.as_secs_f64());
        }
    }

    /// What an attempt used.
    pub(super) fn observe_usage(&self, record: &CallRecord, attempt: &AttemptRecord, usage: &TokenUsage) {
        let labels = self.labels(record, attempt, "");
        for (gen_ai_token_type, tokens) in [("input", usage.input), ("output", usage.output)] {
            let labels = TokenLabels {
                gen_ai_operation_name: labels.gen_ai_operation_name,
                gen_ai_provider_name: labels.gen_ai_provider_name.clone(),
                gen_ai_request_model: labels.gen_ai_request_model.clone(),
                gen_ai_token_type,
            };
            self.client_tokens
                .get_or_create(&labels)
                .observe(as_float(tokens));
        }
        if let (Some(first_chunk), Some(ended)) = (attempt.first_chunk, attempt.ended)
            && usage.output > 1
        {
            let saying = ended.saturating_sub(attempt.started + first_chunk).as_secs_f64();
            let per_token = saying / as_float(usage.output - 1);
            self.server_per_token.get_or_create(&labels).observe(per_token);
        }
    }

    fn labels(&self, record: &CallRecord, attempt: &AttemptRecord, error_type: &'static str) -> Labels {
        Labels {
            gen_ai_operation_name: record.door.operation_name(),
            gen_ai_provider_name: attempt.provider.vendor.clone(),
            gen_ai_request_model: self.model_label(&attempt.model),
            error_type,
        }
    }

    fn model_label(&self, model: &str) -> String {
        let mut models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        if !models.contains(model) {
            if models.len() >= MODELS_MAX {
                return "other".to_owned();
            }
            models.insert(model.to_owned());
        }
        model.to_owned()
    }
}

#[expect(clippy::cast_precision_loss, reason = "tokens of one call are far below 2^53")]
fn as_float(tokens: u64) -> f64 {
    tokens as f64
}

//! What the gateway recorded of its calls fills the tables of calls; what only looks like it does not.

use brokle_ingest::arrow::{REQUEST_LOGS, ROUTING_METRICS, encode_range};
use brokle_ingest::pipeline::batch::{RangeRecord, TableBatch};
use brokle_model::telemetry::CallDays;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Value, json};

use crate::arrow_support::{START, attributes, context, pick, record, request, rows};

fn named(id: u8, parent: u8, start_ms: u64, said: Value) -> Span {
    let parent_span_id = if parent == 0 { Vec::new() } else { vec![parent; 8] };
    Span {
        trace_id: vec![1; 16],
        span_id: vec![id; 8],
        parent_span_id,
        name: format!("span {id}"),
        kind: if parent == 0 { 2 } else { 3 },
        start_time_unix_nano: START + start_ms * 1_000_000,
        end_time_unix_nano: START + (start_ms + 400) * 1_000_000,
        attributes: attributes(said),
        ..Span::default()
    }
}

/// A call that fell back once.
fn call(id: u8) -> Vec<Span> {
    let server = json!({
        "http.request.method": "POST", "http.route": "/v1/chat/completions", "http.response.status_code": 200,
        "user_agent.original": "tester/1", "brokle.request.id": "request-1", "brokle.api_key.id": "key-1",
        "brokle.gateway.outcome": "answered", "brokle.gateway.attempts": 2, "brokle.gateway.route": "fast",
        "brokle.gateway.strategy": "priority", "brokle.gateway.model": "fast", "brokle.gateway.stream": true,
        "brokle.gateway.provider": "openai", "brokle.gateway.passed_over": ["groq/llama"],
        "brokle.cache.status": "miss", "user.id": "ada", "gen_ai.conversation.id": "talk-1",
        "input.value": "how are you?", "output.value": "well",
    });
    let failed = json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "mock", "gen_ai.request.model": "small",
        "brokle.gateway.provider": "mine", "brokle.gateway.attempt": 1, "brokle.gateway.outcome": "failed",
        "brokle.gateway.decision": "fell_back", "http.response.status_code": 503, "error.type": "provider_error",
    });
    let answered = json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini", "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.usage.input_tokens": 1_000_000, "gen_ai.usage.output_tokens": 20,
        "gen_ai.response.time_to_first_chunk": 0.25,
        "brokle.gateway.provider": "openai", "brokle.gateway.attempt": 2, "brokle.gateway.outcome": "answered",
        "brokle.gateway.decision": "answered", "http.response.status_code": 200, "brokle.gateway.key": "second",
    });
    vec![
        named(id, 0, 0, server),
        named(id + 1, id, 1, failed),
        named(id + 2, id, 450, answered),
    ]
}

fn encode(spans: Vec<Span>, calls: Option<CallDays>) -> Vec<TableBatch> {
    let body = request(json!({"service.name": "brokle-gateway"}), spans).encode_to_vec();
    let record = RangeRecord {
        calls,
        environment: "production",
        ..record(&body)
    };
    encode_range(&[record], &context()).unwrap()
}

const DAYS: CallDays = CallDays {
    request_logs: 61,
    routing_metrics: 366,
};

fn of_table(batches: &[TableBatch], table: &str) -> Vec<Value> {
    let batches: Vec<TableBatch> = batches
        .iter()
        .filter(|batch| batch.table == table)
        .cloned()
        .collect();
    rows(&batches)
}

#[test]
fn a_call_is_a_row_that_adds_its_attempts_up() {
    let found = of_table(&encode(call(1), Some(DAYS)), REQUEST_LOGS);
    assert_eq!(found.len(), 1);
    let expected = json!({
        "span_id": "0101010101010101", "duration_us": 400_000, "environment": "production", "method": "POST",
        "path": "/v1/chat/completions", "status": 200, "outcome": "answered", "error_type": "",
        "request_id": "request-1", "api_key_id": "key-1", "user_id": "ada", "session_id": "talk-1",
        "model_requested": "fast", "route": "fast", "strategy": "priority", "provider": "openai",
        "vendor": "openai", "model": "gpt-4o-mini-2024-07-18", "attempts": 2, "stream": true, "shadow": false,
        "cache": "miss", "input_tokens": 1_000_000, "output_tokens": 20, "total_cost": "0.150012",
        "time_to_first_token_us": 700_000, "input_preview": "how are you?", "output_preview": "well",
        "retention_days": 61,
    });
    let names: Vec<&str> = expected.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(pick(&found[0], &names), expected);
}

#[test]
fn an_attempt_is_a_row_that_says_what_was_decided() {
    let found = of_table(&encode(call(1), Some(DAYS)), ROUTING_METRICS);
    let names = [
        "kind",
        "attempt",
        "provider",
        "vendor",
        "outcome",
        "decision",
        "status",
        "error_type",
        "time_to_first_token_us",
        "total_cost",
        "provider_key",
    ];
    let told: Vec<Value> = found.iter().map(|row| pick(row, &names)).collect();
    assert_eq!(
        told,
        [
            json!({"kind": "attempt", "attempt": 1, "provider": "mine", "vendor": "mock", "outcome": "failed",
                "decision": "fell_back", "status": 503, "error_type": "provider_error",
                "time_to_first_token_us": 0, "total_cost": "0", "provider_key": ""}),
            json!({"kind": "attempt", "attempt": 2, "provider": "openai", "vendor": "openai",
                "outcome": "answered", "decision": "answered", "status": 200, "error_type": "",
                "time_to_first_token_us": 250_000, "total_cost": "0.150012", "provider_key": "second"}),
        ]
    );
    for row in &found {
        let of_call = [
            "call_span_id",
            "route",
            "strategy",
            "model_requested",
            "passed_over",
            "retention_days",
        ];
        assert_eq!(
            pick(row, &of_call),
            json!({"call_span_id": "0101010101010101", "route": "fast", "strategy": "priority",
                "model_requested": "fast", "passed_over": ["groq/llama"], "retention_days": 366})
        );
    }
}

#[test]
fn several_calls_of_one_record_are_told_apart() {
    let batches = encode([call(1), call(11)].concat(), Some(DAYS));
    let calls = of_table(&batches, REQUEST_LOGS);
    assert_eq!(calls.len(), 2);
    assert!(
        calls.iter().all(|row| row["total_cost"] == "0.150012"),
        "{calls:?}"
    );
    assert_eq!(of_table(&batches, ROUTING_METRICS).len(), 4);
}

#[test]
fn an_answer_from_the_cache_and_a_decision_are_rows_too() {
    let server = json!({
        "brokle.gateway.attempts": 0, "brokle.gateway.outcome": "answered", "brokle.gateway.model": "fast",
        "brokle.cache.status": "hit", "http.response.status_code": 200,
    });
    let hit = json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 0, "brokle.gateway.provider": "openai", "brokle.cache.age_ms": 7,
        "brokle.cache.status": "hit",
    });
    let decision = json!({
        "brokle.gateway.explained": true, "brokle.gateway.decision": "explained",
        "brokle.gateway.provider": "mine", "brokle.gateway.vendor": "mock",
        "brokle.gateway.target_model": "small", "brokle.gateway.model": "fast",
    });
    let spans = vec![
        named(1, 0, 0, server),
        named(2, 1, 0, hit),
        named(3, 0, 0, decision),
    ];
    let batches = encode(spans, Some(DAYS));
    let calls = of_table(&batches, REQUEST_LOGS);
    assert_eq!(calls.len(), 1, "a decision is no call");
    assert_eq!(
        pick(&calls[0], &["provider", "model", "cache", "total_cost"]),
        json!({"provider": "openai", "model": "gpt-4o-mini", "cache": "hit", "total_cost": "0"})
    );
    let decided = of_table(&batches, ROUTING_METRICS);
    let told: Vec<Value> = decided
        .iter()
        .map(|row| pick(row, &["kind", "provider", "vendor", "model", "model_requested"]))
        .collect();
    assert_eq!(
        told,
        [
            json!({"kind": "cache", "provider": "openai", "vendor": "openai", "model": "gpt-4o-mini",
                "model_requested": "fast"}),
            json!({"kind": "decision", "provider": "mine", "vendor": "mock", "model": "small",
                "model_requested": "fast"}),
        ]
    );
}

#[test]
fn a_span_from_outside_that_claims_to_be_a_call_is_a_span_and_no_more() {
    let batches = encode(call(1), None);
    assert_eq!(batches.len(), 1);
    assert_eq!(batches[0].rows.num_rows(), 3);
    assert_eq!(batches[0].table, "observations");
}

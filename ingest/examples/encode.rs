//! Measures encoding on one thread, from OTLP bytes to Arrow: spans a second of processor time, for small spans and for spans of
//! model calls. With a path, writes the encoded spans there as an Arrow stream instead, ready to be inserted
//! with `FORMAT ArrowStream`.
//!
//! ```sh
//! cargo run --release -p brokle-ingest --example encode
//! cargo run -p brokle-ingest --example encode -- spans.arrow
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a developer's tool"
)]

use std::sync::Arc;

use arrow_ipc::writer::StreamWriter;
use brokle_ingest::arrow::{EncodeContext, encode_range};
use brokle_ingest::normalize::AttributeMap;
use brokle_ingest::otlp::validate::{Limits, validate};
use brokle_ingest::pipeline::batch::RangeRecord;
use brokle_ingest::process::Processors;
use brokle_model::id::ProjectId;
use brokle_model::price::PriceBook;
use brokle_model::telemetry::Signal;
use brokle_model::telemetry_settings::{EffectiveSettings, TelemetrySettings};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, any_value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;

const ROUNDS: usize = 30;

fn main() {
    let context = EncodeContext {
        attributes: Arc::new(AttributeMap::embedded().unwrap()),
        prices: Arc::new(PriceBook::embedded().unwrap()),
    };
    if let Some(path) = std::env::args().nth(1) {
        return write_stream(&path, &context);
    }
    measure("small", &context, small_span, 1000, 20);
    measure("llm", &context, llm_span, 200, 8);
    for (name, settings) in SETTINGS {
        measure_settings(&format!("small, {name}"), settings, small_span, 1000, 20);
        measure_settings(&format!("llm, {name}"), settings, llm_span, 200, 8);
    }
}

/// What projects may have set, from nothing to a lot.
const SETTINGS: [(&str, &str); 4] = [
    ("no settings", "{}"),
    ("head sampling at 1", r#"{"sampling": {"head": {"rate": 1.0}}}"#),
    (
        "all patterns",
        r#"{"redaction": {"patterns": ["email", "phone", "credit_card", "iban", "ssn", "ip_address", "api_key", "jwt",
            "private_key"]}}"#,
    ),
    (
        "all patterns, two rules, a cap",
        r#"{"size_caps": {"value_bytes_max": 65536}, "redaction": {"patterns": ["email", "phone", "credit_card", "iban",
            "ssn", "ip_address", "api_key", "jwt", "private_key"], "rules": [
            {"name": "secrets", "keys": ["*password*", "*.authorization"]}, {"name": "order", "value": "order-[0-9]{6}"}]}}"#,
    ),
];

/// Prints what the settings cost a span, in a receiver, beside validation.
fn measure_settings(name: &str, settings: &str, span: fn(u64) -> Span, spans: u64, requests: usize) {
    let own: TelemetrySettings = serde_json::from_str(settings).unwrap();
    let settings = EffectiveSettings::merge(&own, &TelemetrySettings::default());
    let plans = Processors::fixed(settings);
    let body = Bytes::from(request((0..spans).map(span).collect()));
    let items = u32::try_from(spans).unwrap();
    let median = |work: &dyn Fn()| {
        let mut seconds: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let start = processor_seconds();
                for _ in 0..requests {
                    work();
                }
                processor_seconds() - start
            })
            .collect();
        seconds.sort_by(f64::total_cmp);
        seconds[ROUNDS / 2] * 1e6 / (spans * requests as u64) as f64
    };
    let limits = Limits {
        earliest_unix_nano: 0,
        latest_unix_nano: u64::MAX,
    };
    let validated = median(&|| {
        assert_eq!(validate(Signal::Traces, &body, limits).unwrap().accepted, items);
    });
    let processed = median(&|| {
        let plan = plans.plan(ProjectId::from_u128(7)).unwrap();
        let processed = plan.apply(Signal::Traces, body.clone(), items).unwrap();
        assert_eq!(processed.items, items);
    });
    println!("{name}: {processed:.3} us a span, beside {validated:.3} us of validation");
}

/// Prints the median rate over `ROUNDS` ranges of `requests` requests with `spans` spans each.
fn measure(name: &str, context: &EncodeContext, span: fn(u64) -> Span, spans: u64, requests: usize) {
    let body = request((0..spans).map(span).collect());
    let records: Vec<RangeRecord<'_>> = (0..requests).map(|_| record(&body)).collect();
    let total = spans * requests as u64;
    let mut seconds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = processor_seconds();
            let rows: usize = encode_range(&records, context)
                .unwrap()
                .iter()
                .map(|batch| batch.rows.num_rows())
                .sum();
            assert_eq!(rows as u64, total);
            processor_seconds() - start
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    let median = seconds[ROUNDS / 2];
    println!(
        "{name}: {} bytes a span, {:.0} spans/s, {:.2} us a span",
        body.len() as u64 / spans,
        total as f64 / median,
        median * 1e6 / total as f64
    );
}

/// What the process has used of the processor: on a busy machine, wall time says little. Linux only.
fn processor_seconds() -> f64 {
    let statistics = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    statistics.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

fn write_stream(path: &str, context: &EncodeContext) {
    let body = request((0..100).map(small_span).chain((100..200).map(llm_span)).collect());
    let batches = encode_range(&[record(&body)], context).unwrap();
    let mut writer =
        StreamWriter::try_new(std::fs::File::create(path).unwrap(), &batches[0].rows.schema()).unwrap();
    writer.write(&batches[0].rows).unwrap();
    writer.finish().unwrap();
    println!(
        "{} rows of partition {} to {path}",
        batches[0].rows.num_rows(),
        batches[0].partition
    );
}

fn record(body: &[u8]) -> RangeRecord<'_> {
    RangeRecord {
        project: ProjectId::from_u128(7),
        environment: "",
        signal: Signal::Traces,
        retention_days: 30,
        calls: None,
        received_at: chrono::Utc::now(),
        body,
    }
}

fn request(spans: Vec<Span>) -> Vec<u8> {
    let resource = Resource {
        attributes: vec![
            text("service.name", "checkout"),
            text("service.version", "1.4.2"),
            text("deployment.environment.name", "production"),
            text("telemetry.sdk.language", "python"),
            text("telemetry.sdk.name", "opentelemetry"),
            int("process.pid", 4711),
        ],
        ..Resource::default()
    };
    let scope = InstrumentationScope {
        name: "app".to_owned(),
        version: "1".to_owned(),
        ..InstrumentationScope::default()
    };
    let scope_spans = vec![ScopeSpans {
        scope: Some(scope),
        spans,
        ..ScopeSpans::default()
    }];
    let resource_spans = vec![ResourceSpans {
        resource: Some(resource),
        scope_spans,
        ..ResourceSpans::default()
    }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

fn base(index: u64, name: &str, kind: i32, attributes: Vec<KeyValue>) -> Span {
    let now = u64::try_from(chrono::Utc::now().timestamp_nanos_opt().unwrap()).unwrap();
    let mut trace_id = index.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes().to_vec();
    trace_id.extend((index / 10 + 1).to_be_bytes());
    Span {
        trace_id,
        span_id: (index + 1).to_be_bytes().to_vec(),
        parent_span_id: if index.is_multiple_of(10) {
            vec![]
        } else {
            (index / 10 * 10 + 1).to_be_bytes().to_vec()
        },
        name: name.to_owned(),
        kind,
        start_time_unix_nano: now,
        end_time_unix_nano: now + 12_345_678,
        attributes,
        status: Some(Status {
            code: 1,
            message: String::new(),
        }),
        flags: 0x101,
        ..Span::default()
    }
}

/// A span of an ordinary service, 412 bytes or so.
fn small_span(index: u64) -> Span {
    let attributes = vec![
        text("http.request.method", "GET"),
        text("url.path", &format!("/api/v1/orders/{}", 10_000 + index)),
        text("url.scheme", "https"),
        text("server.address", "orders.example.com"),
        text(
            "user_agent.original",
            "Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0",
        ),
        text("network.protocol.version", "1.1"),
        text("http.route", "/api/v1/orders/{id}"),
        int("http.response.status_code", 200),
        int("server.port", 443),
    ];
    base(
        index,
        ["GET /orders/{id}", "SELECT orders", "cache.get"][usize::try_from(index % 3).unwrap()],
        2,
        attributes,
    )
}

/// A span of a model call with its conversation, 5 kB or so.
fn llm_span(index: u64) -> Span {
    let prose =
        "The quick brown fox jumps over the lazy dog, again and again, as every tester knows. ".repeat(20);
    let input = format!(
        r#"[{{"role":"system","parts":[{{"type":"text","content":"You are terse."}}]}},{{"role":"user","parts":[{{"type":"text","content":"{prose}{index}"}}]}}]"#
    );
    let output = format!(
        r#"[{{"role":"assistant","parts":[{{"type":"text","content":"{prose}{prose}"}}],"finish_reason":"stop"}}]"#
    );
    let attributes = vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.provider.name", "openai"),
        text("gen_ai.request.model", "gpt-4o-mini"),
        text("gen_ai.response.model", "gpt-4o-mini-2024-07-18"),
        text("gen_ai.response.id", &format!("chatcmpl-{index:024}")),
        double("gen_ai.request.temperature", 0.7),
        int("gen_ai.request.max_tokens", 1024),
        int("gen_ai.usage.input_tokens", 900),
        int("gen_ai.usage.output_tokens", 300),
        int("gen_ai.usage.cache_read.input_tokens", 256),
        key_value("gen_ai.request.stream", any_value::Value::BoolValue(true)),
        list("gen_ai.response.finish_reasons", &["stop"]),
        text("gen_ai.conversation.id", &format!("conversation-{}", index / 10)),
        text("gen_ai.input.messages", &input),
        text("gen_ai.output.messages", &output),
    ];
    let event = Event {
        name: "first token".to_owned(),
        attributes: vec![int("index", 0)],
        ..Event::default()
    };
    Span {
        events: vec![event],
        ..base(index, "chat gpt-4o-mini", 3, attributes)
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    key_value(key, any_value::Value::StringValue(value.to_owned()))
}

fn int(key: &str, value: i64) -> KeyValue {
    key_value(key, any_value::Value::IntValue(value))
}

fn double(key: &str, value: f64) -> KeyValue {
    key_value(key, any_value::Value::DoubleValue(value))
}

fn list(key: &str, words: &[&str]) -> KeyValue {
    let value = |word: &&str| AnyValue {
        value: Some(any_value::Value::StringValue((*word).to_owned())),
    };
    key_value(
        key,
        any_value::Value::ArrayValue(ArrayValue {
            values: words.iter().map(value).collect(),
        }),
    )
}

fn key_value(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

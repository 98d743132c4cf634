//! Request bodies, and what wraps them.

use std::io::Write;

use brokle_model::telemetry::Signal;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric, number_data_point,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use serde_json::{Value, json};

/// The servers' clock: 22 November 2026.
pub(crate) const NOW_UNIX_NANO: u64 = 1_795_305_600_000_000_000;

pub(super) fn good(name: &str) -> Span {
    Span {
        trace_id: vec![0xab; 16],
        span_id: vec![0xcd; 8],
        name: name.to_owned(),
        start_time_unix_nano: NOW_UNIX_NANO - 2_000,
        end_time_unix_nano: NOW_UNIX_NANO - 1_000,
        ..Span::default()
    }
}

pub(super) fn bad() -> Span {
    Span {
        trace_id: vec![0; 16],
        ..good("bad")
    }
}

pub(super) fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope_spans = vec![ScopeSpans {
        spans,
        ..ScopeSpans::default()
    }];
    let resource_spans = vec![ResourceSpans {
        scope_spans,
        ..ResourceSpans::default()
    }];
    ExportTraceServiceRequest { resource_spans }
}

/// One good span, named "good".
pub(super) fn protobuf() -> Vec<u8> {
    of(Signal::Traces, &[true])
}

/// [`protobuf`] as JSON.
pub(super) fn json() -> Vec<u8> {
    json_of(Signal::Traces, &[true])
}

/// A request of as many items, each good or bad; the good ones are called "good".
pub(super) fn of(signal: Signal, items: &[bool]) -> Vec<u8> {
    match signal {
        Signal::Traces => {
            let spans = items
                .iter()
                .map(|is_good| if *is_good { good("good") } else { bad() });
            request(spans.collect()).encode_to_vec()
        }
        Signal::Logs => logs(items.iter().map(|is_good| log_record(*is_good)).collect()).encode_to_vec(),
        Signal::Metrics => metrics(items.iter().map(|is_good| point(*is_good)).collect()).encode_to_vec(),
        Signal::Changes => panic!("changes are not OTLP"),
    }
}

/// Too far ahead of the servers' clock.
const FUTURE_UNIX_NANO: u64 = NOW_UNIX_NANO + 90 * 24 * 3_600 * 1_000_000_000;

fn log_record(is_good: bool) -> LogRecord {
    LogRecord {
        time_unix_nano: if is_good { NOW_UNIX_NANO } else { FUTURE_UNIX_NANO },
        body: Some(AnyValue {
            value: Some(any_value::Value::StringValue("good".to_owned())),
        }),
        ..LogRecord::default()
    }
}

fn logs(log_records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    let scope_logs = vec![ScopeLogs {
        log_records,
        ..ScopeLogs::default()
    }];
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs,
            ..ResourceLogs::default()
        }],
    }
}

fn point(is_good: bool) -> NumberDataPoint {
    NumberDataPoint {
        time_unix_nano: if is_good { NOW_UNIX_NANO } else { 0 },
        value: Some(number_data_point::Value::AsInt(1)),
        ..NumberDataPoint::default()
    }
}

fn metrics(data_points: Vec<NumberDataPoint>) -> ExportMetricsServiceRequest {
    let metric = Metric {
        name: "good".to_owned(),
        data: Some(metric::Data::Gauge(Gauge { data_points })),
        ..Metric::default()
    };
    let scope_metrics = vec![ScopeMetrics {
        metrics: vec![metric],
        ..ScopeMetrics::default()
    }];
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            scope_metrics,
            ..ResourceMetrics::default()
        }],
    }
}

/// What a signal's JSON calls its resources, scopes and items.
pub(super) const fn keys(signal: Signal) -> [&'static str; 3] {
    match signal {
        Signal::Traces => ["resourceSpans", "scopeSpans", "spans"],
        Signal::Logs => ["resourceLogs", "scopeLogs", "logRecords"],
        Signal::Metrics => ["resourceMetrics", "scopeMetrics", "metrics"],
        Signal::Changes => panic!("changes are not OTLP"),
    }
}

/// [`of`] as JSON: the same request in other words.
pub(super) fn json_of(signal: Signal, items: &[bool]) -> Vec<u8> {
    let items: Vec<Value> = items.iter().map(|is_good| json_item(signal, *is_good)).collect();
    wrapped(signal, &items)
}

/// Items in the JSON of a request.
pub(super) fn wrapped(signal: Signal, items: &[Value]) -> Vec<u8> {
    let [resources, scopes, names] = keys(signal);
    json!({ (resources): [{ (scopes): [{ (names): items }] }] })
        .to_string()
        .into_bytes()
}

fn json_item(signal: Signal, is_good: bool) -> Value {
    match signal {
        Signal::Traces => json!({
            "traceId": if is_good { "ABababababababababababababababab" } else { "not hex" },
            "spanId": "cdcdcdcdcdcdcdcd", "name": "good", "kind": 1, "attributes": [],
            "startTimeUnixNano": (NOW_UNIX_NANO - 2_000).to_string(), "endTimeUnixNano": NOW_UNIX_NANO,
        }),
        Signal::Logs => json!({
            "timeUnixNano": if is_good { NOW_UNIX_NANO } else { FUTURE_UNIX_NANO },
            "observedTimeUnixNano": NOW_UNIX_NANO.to_string(), "severityNumber": 9,
            "traceId": "ABababababababababababababababab", "body": { "stringValue": "good" },
        }),
        Signal::Metrics => json!({
            "name": "good", "gauge": { "dataPoints": [
                { "timeUnixNano": if is_good { NOW_UNIX_NANO.to_string() } else { "0".to_owned() }, "asInt": "1" },
            ] },
        }),
        Signal::Changes => panic!("changes are not OTLP"),
    }
}

pub(super) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn bare_deflate(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zstd(body: &[u8]) -> Vec<u8> {
    zstd::encode_all(body, 3).unwrap()
}

/// A gRPC message.
pub(super) fn frame(flag: u8, message: &[u8]) -> Vec<u8> {
    let mut frame = vec![flag];
    frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    frame.extend(message);
    frame
}

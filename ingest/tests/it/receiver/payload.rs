//! Request bodies, and what wraps them.

use std::io::Write;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

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
    request(vec![good("good")]).encode_to_vec()
}

/// One good span and two bad ones.
pub(super) fn protobuf_partial() -> Vec<u8> {
    request(vec![bad(), good("good"), bad()]).encode_to_vec()
}

/// [`protobuf`] as JSON.
pub(super) fn json() -> Vec<u8> {
    json_of(&["ABababababababababababababababab"])
}

/// [`protobuf_partial`] as JSON.
pub(super) fn json_partial() -> Vec<u8> {
    json_of(&["", "abababababababababababababababab", "not hex"])
}

fn json_of(trace_ids: &[&str]) -> Vec<u8> {
    let span = |trace_id: &&str| {
        serde_json::json!({
            "traceId": trace_id, "spanId": "cdcdcdcdcdcdcdcd", "name": "good", "kind": 1, "attributes": [],
            "startTimeUnixNano": (NOW_UNIX_NANO - 2_000).to_string(), "endTimeUnixNano": NOW_UNIX_NANO,
        })
    };
    let spans: Vec<_> = trace_ids.iter().map(span).collect();
    let body = serde_json::json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }] });
    body.to_string().into_bytes()
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

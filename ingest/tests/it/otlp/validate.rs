//! Which spans are refused, and that nothing else goes with them.

use brokle_ingest::otlp::fault::Fault;
use brokle_ingest::otlp::validate::{self, Limits, VALUE_DEPTH_MAX, Validated};
use brokle_ingest::otlp::wire::WireError;
use brokle_model::telemetry::Signal;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

const NOW: u64 = 1_800_000_000_000_000_000;
const EARLIEST: u64 = NOW - 1_000_000;
const LIMITS: Limits = Limits {
    earliest_unix_nano: EARLIEST,
    latest_unix_nano: NOW,
};

fn span(name: &str) -> Span {
    Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        name: name.to_owned(),
        start_time_unix_nano: NOW - 2_000,
        end_time_unix_nano: NOW - 1_000,
        ..Span::default()
    }
}

fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
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

fn validate(request: &ExportTraceServiceRequest) -> Validated {
    validate::validate(Signal::Traces, &Bytes::from(request.encode_to_vec()), LIMITS).unwrap()
}

fn nested(levels: usize) -> AnyValue {
    (0..levels).fold(AnyValue::default(), |inner, _| {
        let array = ArrayValue { values: vec![inner] };
        AnyValue {
            value: Some(any_value::Value::ArrayValue(array)),
        }
    })
}

fn with_value(value: AnyValue) -> Vec<KeyValue> {
    vec![KeyValue {
        key: "k".to_owned(),
        value: Some(value),
        ..KeyValue::default()
    }]
}

/// Spans that cannot be stored, and why.
fn faulty_spans() -> Vec<(&'static str, Fault, Span)> {
    let bad = || span("bad");
    let event = Event {
        time_unix_nano: 1 << 63,
        ..Event::default()
    };
    let deep = with_value(nested(VALUE_DEPTH_MAX + 2));
    let start = |name, fault, start_time_unix_nano| {
        let span = Span {
            start_time_unix_nano,
            ..bad()
        };
        (name, fault, span)
    };
    vec![
        (
            "trace id missing",
            Fault::TraceId,
            Span {
                trace_id: vec![],
                ..bad()
            },
        ),
        (
            "trace id of 8 bytes",
            Fault::TraceId,
            Span {
                trace_id: vec![1; 8],
                ..bad()
            },
        ),
        (
            "trace id all zero",
            Fault::TraceId,
            Span {
                trace_id: vec![0; 16],
                ..bad()
            },
        ),
        (
            "span id of 16 bytes",
            Fault::SpanId,
            Span {
                span_id: vec![1; 16],
                ..bad()
            },
        ),
        (
            "span id all zero",
            Fault::SpanId,
            Span {
                span_id: vec![0; 8],
                ..bad()
            },
        ),
        (
            "parent of 7 bytes",
            Fault::ParentSpanId,
            Span {
                parent_span_id: vec![1; 7],
                ..bad()
            },
        ),
        start("start missing", Fault::StartMissing, 0),
        start("start in future", Fault::StartInFuture, NOW + 1),
        start("start expired", Fault::StartExpired, EARLIEST - 1),
        (
            "end beyond 2262",
            Fault::TimeOutOfRange,
            Span {
                end_time_unix_nano: 1 << 63,
                ..bad()
            },
        ),
        (
            "event beyond 2262",
            Fault::TimeOutOfRange,
            Span {
                events: vec![event],
                ..bad()
            },
        ),
        (
            "value too deep",
            Fault::TooDeep,
            Span {
                attributes: deep,
                ..bad()
            },
        ),
    ]
}

#[test]
fn each_fault_costs_its_span_and_no_other() {
    for (name, fault, bad) in faulty_spans() {
        let validated = validate(&request(vec![span("before"), bad, span("after")]));
        assert_eq!(validated.accepted, 2, "{name}");
        assert_eq!(
            validated.rejections.reasons().collect::<Vec<_>>(),
            [(fault, 1)],
            "{name}"
        );
        let rest = ExportTraceServiceRequest::decode(validated.body).unwrap();
        assert_eq!(rest, request(vec![span("before"), span("after")]), "{name}");
    }
}

#[test]
fn text_that_is_not_utf8_costs_its_span() {
    let mut body = request(vec![span("good"), span("@@@@")]).encode_to_vec();
    let at = body.windows(4).position(|window| window == b"@@@@").unwrap();
    body[at] = 0xff;
    let validated = validate::validate(Signal::Traces, &Bytes::from(body), LIMITS).unwrap();
    assert_eq!(
        validated.rejections.reasons().collect::<Vec<_>>(),
        [(Fault::NotUtf8, 1)]
    );
    assert_eq!(
        ExportTraceServiceRequest::decode(validated.body).unwrap(),
        request(vec![span("good")])
    );
}

#[test]
fn a_resource_that_cannot_be_stored_takes_its_spans_with_it() {
    let mut bad = request(vec![span("one"), span("two")]);
    let attributes = with_value(nested(VALUE_DEPTH_MAX + 2));
    bad.resource_spans[0].resource = Some(Resource {
        attributes,
        ..Resource::default()
    });
    let mut both = request(vec![span("kept")]);
    both.resource_spans.extend(bad.resource_spans);
    let validated = validate(&both);
    assert_eq!((validated.accepted, validated.rejections.total()), (1, 2));
    assert_eq!(
        ExportTraceServiceRequest::decode(validated.body).unwrap(),
        request(vec![span("kept")])
    );
}

#[test]
fn odd_but_storable_spans_are_kept() {
    let cases = [
        (
            "root with a zero parent",
            Span {
                parent_span_id: vec![0; 8],
                ..span("s")
            },
        ),
        (
            "end before start",
            Span {
                end_time_unix_nano: 1,
                ..span("s")
            },
        ),
        (
            "no end",
            Span {
                end_time_unix_nano: 0,
                ..span("s")
            },
        ),
        (
            "unknown kind",
            Span {
                kind: 99,
                ..span("s")
            },
        ),
        (
            "link without ids",
            Span {
                links: vec![Link::default()],
                ..span("s")
            },
        ),
        (
            "deepest value",
            Span {
                attributes: with_value(nested(VALUE_DEPTH_MAX)),
                ..span("s")
            },
        ),
    ];
    for (name, odd) in cases {
        let validated = validate(&request(vec![odd]));
        assert_eq!(
            (validated.accepted, validated.rejections.total()),
            (1, 0),
            "{name}"
        );
    }
}

#[test]
fn a_request_of_nothing_but_bad_spans_leaves_an_empty_body() {
    let validated = validate(&request(vec![Span::default(), Span::default()]));
    assert_eq!((validated.accepted, validated.rejections.total()), (0, 2));
    assert!(validated.body.is_empty());
}

#[test]
fn empty_envelopes_are_fine_and_kept() {
    let envelope = ExportTraceServiceRequest {
        resource_spans: vec![
            ResourceSpans::default(),
            ResourceSpans {
                scope_spans: vec![ScopeSpans::default()],
                ..ResourceSpans::default()
            },
        ],
    };
    let validated = validate(&envelope);
    assert_eq!((validated.accepted, validated.rejections.total()), (0, 0));
    assert_eq!(
        validate::validate(Signal::Traces, &Bytes::new(), LIMITS)
            .unwrap()
            .accepted,
        0
    );
}

#[test]
fn another_signal_is_malformed_and_not_an_empty_success() {
    let log_records = vec![LogRecord {
        time_unix_nano: 1,
        ..LogRecord::default()
    }];
    let scope_logs = vec![ScopeLogs {
        log_records,
        ..ScopeLogs::default()
    }];
    let resource_logs = vec![ResourceLogs {
        scope_logs,
        ..ResourceLogs::default()
    }];
    let logs = Bytes::from(ExportLogsServiceRequest { resource_logs }.encode_to_vec());
    assert_eq!(
        validate::validate(Signal::Traces, &logs, LIMITS).unwrap_err(),
        WireError::Mismatch
    );
}

#[test]
fn the_message_says_how_many_why_and_which() {
    let bad = Span {
        trace_id: vec![],
        ..span("bad")
    };
    let late = Span {
        start_time_unix_nano: NOW + 1,
        ..span("late")
    };
    let validated = validate(&request(vec![span("good"), bad.clone(), late, bad]));
    assert_eq!(
        validated.rejections.message(),
        "3 spans rejected: 2 because trace_id is not 16 bytes or is all zero, \
         1 because start_time_unix_nano is too far in the future; the first is span 1 of the request"
    );
}

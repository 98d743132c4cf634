//! What a project's settings do to requests of every signal.

use brokle_ingest::otlp::encode::Encoder;
use brokle_ingest::process::{HashKey, ProcessMetrics, Processed, Processors};
use brokle_model::id::ProjectId;
use brokle_model::telemetry::Signal;
use brokle_model::telemetry_settings::{EffectiveSettings, TelemetrySettings, TraceFate};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span};
use prost::Message;
use serde_json::{Value as Json, json};

const PROJECT: ProjectId = ProjectId::from_u128(7);

fn settings(json: Json) -> EffectiveSettings {
    let own: TelemetrySettings = serde_json::from_value(json).unwrap();
    brokle_model::telemetry_settings::validate(&own).unwrap();
    EffectiveSettings::merge(&own, &TelemetrySettings::default())
}

fn apply(settings_json: Json, signal: Signal, body: Vec<u8>, items: u32) -> Processed {
    let plan = Processors::fixed(settings(settings_json)).plan(PROJECT).unwrap();
    plan.apply(signal, Bytes::from(body), items).unwrap()
}

fn value(value: impl Into<Json>) -> AnyValue {
    let value = match value.into() {
        Json::String(text) => Value::StringValue(text),
        Json::Number(number) => number
            .as_i64()
            .map_or_else(|| Value::DoubleValue(number.as_f64().unwrap()), Value::IntValue),
        Json::Bool(bit) => Value::BoolValue(bit),
        Json::Array(values) => Value::ArrayValue(ArrayValue {
            values: values.into_iter().map(self::value).collect(),
        }),
        Json::Object(members) => Value::KvlistValue(KeyValueList {
            values: members
                .into_iter()
                .map(|(key, value)| attribute(&key, value))
                .collect(),
        }),
        Json::Null => return AnyValue { value: None },
    };
    AnyValue { value: Some(value) }
}

fn attribute(key: &str, of: impl Into<Json>) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(value(of)),
        ..KeyValue::default()
    }
}

fn span(number: u128, attributes: Vec<KeyValue>) -> Span {
    Span {
        trace_id: number.to_be_bytes().to_vec(),
        span_id: vec![7; 8],
        name: "call".to_owned(),
        start_time_unix_nano: 1_790_000_000_000_000_000,
        end_time_unix_nano: 1_790_000_001_000_000_000,
        attributes,
        ..Span::default()
    }
}

fn traces(spans: Vec<Span>) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![attribute("service.name", "shop")],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope::default()),
                spans,
                schema_url: "https://example.org/schema".to_owned(),
            }],
            ..ResourceSpans::default()
        }],
    }
}

fn spans_of(processed: &Processed) -> Vec<Span> {
    let request = ExportTraceServiceRequest::decode(processed.body.clone()).unwrap();
    let resources = request.resource_spans.into_iter();
    resources
        .flat_map(|resource| resource.scope_spans)
        .flat_map(|scope| scope.spans)
        .collect()
}

/// The only span after the settings, as JSON of its attributes.
fn attributes_after(settings: Json, attributes: Vec<KeyValue>) -> Vec<(String, Option<Value>)> {
    let body = traces(vec![span(1, attributes)]).encode_to_vec();
    let processed = apply(settings, Signal::Traces, body, 1);
    let attributes = spans_of(&processed).remove(0).attributes;
    attributes
        .into_iter()
        .map(|attribute| (attribute.key, attribute.value.and_then(|value| value.value)))
        .collect()
}

fn is_text(found: Option<&Value>, text: &str) -> bool {
    matches!(found, Some(Value::StringValue(value)) if value == text)
}

#[test]
fn a_project_without_settings_has_its_bodies_left_alone() {
    let body = Bytes::from(traces(vec![span(1, vec![attribute("a", "ada@example.com")])]).encode_to_vec());
    let plan = Processors::fixed(EffectiveSettings::default())
        .plan(PROJECT)
        .unwrap();
    let processed = plan.apply(Signal::Traces, body.clone(), 1).unwrap();
    assert_eq!((processed.body.as_ptr(), processed.items), (body.as_ptr(), 1));
    let rules =
        settings(json!({"redaction": {"patterns": ["ssn", "jwt"]}, "size_caps": {"value_bytes_max": 1000}}));
    let plan = Processors::fixed(rules).plan(PROJECT).unwrap();
    let processed = plan.apply(Signal::Traces, body.clone(), 1).unwrap();
    assert_eq!(
        processed.body.as_ptr(),
        body.as_ptr(),
        "nothing was found, so nothing is written again"
    );
}

#[test]
fn a_sampled_trace_is_kept_whole_in_every_request_and_signal() {
    let sampling = json!({"sampling": {"head": {"rate": 0.3, "logs": true}}});
    let is_kept = |number: u128| TraceFate::of(number.to_be_bytes()).is_within(0.3);
    let numbers: Vec<u128> = (1..=400).collect();
    let expected: Vec<u128> = numbers
        .iter()
        .copied()
        .filter(|number| is_kept(*number))
        .collect();
    assert!((80..160).contains(&expected.len()));
    for _ in 0..2 {
        let body = traces(numbers.iter().map(|number| span(*number, vec![])).collect());
        let processed = apply(sampling.clone(), Signal::Traces, body.encode_to_vec(), 400);
        let kept: Vec<u128> = spans_of(&processed)
            .iter()
            .map(|span| u128::from_be_bytes(span.trace_id.clone().try_into().unwrap()))
            .collect();
        assert_eq!(kept, expected);
        assert_eq!(processed.items as usize, expected.len());
    }
    let records = |numbers: &[u128]| ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs {
                log_records: numbers
                    .iter()
                    .map(|number| LogRecord {
                        trace_id: if *number == 0 {
                            vec![]
                        } else {
                            number.to_be_bytes().to_vec()
                        },
                        ..LogRecord::default()
                    })
                    .collect(),
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    };
    let mut with_none = numbers.clone();
    with_none.push(0);
    let body = records(&with_none).encode_to_vec();
    let processed = apply(sampling, Signal::Logs, body.clone(), 401);
    assert_eq!(
        processed.items as usize,
        expected.len() + 1,
        "a record without a trace stays"
    );
    let alone = json!({"sampling": {"head": {"rate": 0.3}}});
    assert_eq!(apply(alone, Signal::Logs, body, 401).items, 401);
}

#[test]
fn a_request_of_which_nothing_is_kept_is_empty() {
    let body = traces(vec![span(1, vec![]), span(2, vec![])]).encode_to_vec();
    let processed = apply(
        json!({"sampling": {"head": {"rate": 0.0}}}),
        Signal::Traces,
        body,
        2,
    );
    assert_eq!((processed.body.len(), processed.items), (0, 0));
}

#[test]
fn values_are_redacted_wherever_a_span_has_them() {
    let secret = "ada@example.com";
    let mut full = span(
        1,
        vec![
            attribute("a", secret),
            attribute("n", 5),
            attribute("list", json!([1, secret])),
        ],
    );
    full.name = format!("mail to {secret}");
    full.status = Some(Status {
        message: secret.to_owned(),
        code: 2,
    });
    full.events = vec![span::Event {
        name: secret.to_owned(),
        attributes: vec![attribute("e", json!({"deep": {"er": secret}}))],
        ..span::Event::default()
    }];
    full.links = vec![span::Link {
        attributes: vec![attribute("l", secret)],
        ..span::Link::default()
    }];
    let mut request = traces(vec![full]);
    let resource = request.resource_spans[0].resource.as_mut().unwrap();
    resource.attributes.push(attribute("r", secret));
    let scope = request.resource_spans[0].scope_spans[0].scope.as_mut().unwrap();
    scope.attributes.push(attribute("s", secret));
    let body = request.encode_to_vec();
    let processed = apply(
        json!({"redaction": {"patterns": ["email"]}}),
        Signal::Traces,
        body,
        1,
    );
    let expected = format!("{request:?}").replace(secret, "[REDACTED:email]");
    let after = ExportTraceServiceRequest::decode(processed.body).unwrap();
    assert_eq!(format!("{after:?}"), expected, "and nothing else has changed");
}

#[test]
fn fields_that_nobody_knows_do_not_hide_a_value_from_redaction() {
    let secret = b"ada@example.com";
    let wrap = |number: u32, content: Vec<u8>| {
        let mut out = Encoder::default();
        out.bytes(number, &content);
        out.into_bytes()
    };
    let mut any_value = Encoder::default();
    any_value.bytes(1, secret);
    any_value.varint(100, 1);
    let attribute = [wrap(1, b"k".to_vec()), wrap(2, any_value.into_bytes())].concat();
    let span = [span(1, vec![]).encode_to_vec(), wrap(9, attribute)].concat();
    let body = wrap(1, wrap(2, wrap(2, span)));
    let processed = apply(
        json!({"redaction": {"patterns": ["email"]}}),
        Signal::Traces,
        body,
        1,
    );
    let attributes = spans_of(&processed).remove(0).attributes;
    let found = attributes[0]
        .value
        .as_ref()
        .and_then(|value| value.value.as_ref());
    assert!(is_text(found, "[REDACTED:email]"), "{found:?}");
}

#[test]
fn bodies_of_logs_and_attributes_of_points_are_redacted() {
    let record = LogRecord {
        body: Some(value("from 10.1.2.3")),
        attributes: vec![attribute("peer", "10.1.2.3")],
        ..LogRecord::default()
    };
    let logs = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs {
                log_records: vec![record],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    };
    let point = NumberDataPoint {
        attributes: vec![attribute("peer", "10.1.2.3")],
        ..NumberDataPoint::default()
    };
    let metrics = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            scope_metrics: vec![ScopeMetrics {
                metrics: vec![Metric {
                    name: "requests".to_owned(),
                    data: Some(metric::Data::Gauge(Gauge {
                        data_points: vec![point],
                    })),
                    ..Metric::default()
                }],
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    };
    let rules = json!({"redaction": {"patterns": ["ip_address"]}});
    let after = apply(rules.clone(), Signal::Logs, logs.encode_to_vec(), 1);
    let after = ExportLogsServiceRequest::decode(after.body).unwrap();
    assert_eq!(
        format!("{after:?}"),
        format!("{logs:?}").replace("10.1.2.3", "[REDACTED:ip_address]")
    );
    let after = apply(rules, Signal::Metrics, metrics.encode_to_vec(), 1);
    let after = ExportMetricsServiceRequest::decode(after.body).unwrap();
    assert_eq!(
        format!("{after:?}"),
        format!("{metrics:?}").replace("10.1.2.3", "[REDACTED:ip_address]")
    );
}

#[test]
fn rules_replace_hash_and_drop_by_key_and_by_value() {
    let rules = json!({"redaction": {"rules": [
        {"name": "secrets", "keys": ["*password*", "authorization"], "replacement": "***"},
        {"name": "people", "keys": ["user.*"], "action": "hash"},
        {"name": "noise", "keys": ["debug.*"], "action": "drop"},
        {"name": "orders", "value": "order-[0-9]+"},
        {"name": "codes", "keys": ["code"], "value": "[A-Z]{3}", "action": "hash"}
    ]}});
    let after = attributes_after(
        rules,
        vec![
            attribute("db.Password", "hunter2"),
            attribute("user.id", 17),
            attribute("user.name", "ada"),
            attribute("debug.dump", json!({"a": 1})),
            attribute("note", "see order-17 and order-18"),
            attribute("code", "ABC or abc"),
            attribute("other", "ABC"),
        ],
    );
    let keys: Vec<&str> = after.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(
        keys,
        ["db.Password", "user.id", "user.name", "note", "code", "other"]
    );
    assert!(is_text(after[0].1.as_ref(), "***"), "{after:?}");
    for (_, hashed) in &after[1..3] {
        let Some(Value::StringValue(hashed)) = hashed else {
            panic!("no text")
        };
        assert!(hashed.starts_with("hash:") && hashed.len() == 21, "{hashed}");
    }
    assert_ne!(after[1].1, after[2].1);
    assert!(
        is_text(after[3].1.as_ref(), "see [REDACTED:orders] and [REDACTED:orders]"),
        "{after:?}"
    );
    let Some(Value::StringValue(code)) = &after[4].1 else {
        panic!("no text")
    };
    assert!(code.starts_with("hash:") && code.ends_with(" or abc"), "{code}");
    assert!(is_text(after[5].1.as_ref(), "ABC"), "{after:?}");
}

#[test]
fn a_hash_is_the_same_within_a_project_and_another_elsewhere() {
    let rules = settings(json!({"redaction": {"rules": [{"name": "u", "keys": ["u"], "action": "hash"}]}}));
    let hashed = |key: &[u8], project: u128| {
        let policies = std::sync::Arc::new(std::sync::Arc::new(rules.clone()));
        let processors = Processors::new(policies, HashKey::new(key), ProcessMetrics::default());
        let plan = processors.plan(ProjectId::from_u128(project)).unwrap();
        let body = traces(vec![span(1, vec![attribute("u", "ada")])]).encode_to_vec();
        let processed = plan.apply(Signal::Traces, Bytes::from(body), 1).unwrap();
        format!("{:?}", spans_of(&processed)[0].attributes)
    };
    assert_eq!(hashed(b"k", 1), hashed(b"k", 1));
    assert_ne!(hashed(b"k", 1), hashed(b"k", 2));
    assert_ne!(hashed(b"k", 1), hashed(b"l", 1));
}

/// A text attribute after the settings, read as JSON.
fn json_after(settings: Json, document: &Json) -> Json {
    let after = attributes_after(settings, vec![attribute("messages", document.to_string())]);
    let Some(Value::StringValue(after)) = &after[0].1 else {
        panic!("no text")
    };
    serde_json::from_str(after).unwrap()
}

#[test]
fn messages_in_json_stay_json() {
    let rules = json!({"redaction": {
        "patterns": ["email", "credit_card", "api_key"],
        "rules": [{"name": "tokens", "keys": ["token"]}, {"name": "gone", "keys": ["gone"], "action": "drop"}]
    }});
    let nested = json!({"mail": "ada@example.com", "n": 1}).to_string();
    let document = json!([
        {"role": "user", "content": "my mail:\nada@example.com \"quoted\" \\ end"},
        {"card": 4_111_111_111_111_111_u64, "count": 12, "ratio": 0.5, "ok": true, "none": null},
        {"token": {"a": [1, 2]}, "gone": "x", "arguments": nested},
        {"ada@example.com": "\nAKIAIOSFODNN7EXAMPLE"}
    ]);
    let after = json_after(rules, &document);
    assert_eq!(
        after,
        json!([
            {"role": "user", "content": "my mail:\n[REDACTED:email] \"quoted\" \\ end"},
            {"card": "[REDACTED:credit_card]", "count": 12, "ratio": 0.5, "ok": true, "none": null},
            {"token": "[REDACTED:tokens]", "gone": null, "arguments": "{\"mail\":\"[REDACTED:email]\",\"n\":1}"},
            {"[REDACTED:email]": "\n[REDACTED:api_key]"}
        ])
    );
}

#[test]
fn escapes_do_not_hide_anything_in_json() {
    let rules = json!({"redaction": {"patterns": ["email"]}});
    let escaped = r#"{"a":"ada\u0040example.com"}"#;
    let after = attributes_after(rules, vec![attribute("m", escaped)]);
    assert!(
        is_text(after[0].1.as_ref(), r#"{"a":"[REDACTED:email]"}"#),
        "{after:?}"
    );
}

#[test]
fn long_values_are_cut_and_their_true_length_is_noted() {
    let caps = json!({"size_caps": {"value_bytes_max": 256}});
    let long = "é".repeat(500);
    let after = attributes_after(
        caps.clone(),
        vec![attribute("long", long.clone()), attribute("short", "x")],
    );
    let keys: Vec<&str> = after.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["long", "brokle.truncated_bytes.long", "short"]);
    let Some(Value::StringValue(cut)) = &after[0].1 else {
        panic!("no text")
    };
    assert!(cut.len() <= 256 && cut.ends_with("…[truncated]"), "{cut}");
    assert_eq!(after[1].1, Some(Value::IntValue(1000)));
    let messages = json!([{"role": "user", "content": long}]);
    let read = json_after(caps, &messages);
    assert_eq!(read[0]["role"], "user");
}

proptest::proptest! {
    #[test]
    fn any_json_stays_json_of_the_same_form(document in documents()) {
        let rules = json!({"redaction": {
            "patterns": ["email", "phone", "credit_card", "iban", "ssn", "ip_address", "api_key", "jwt", "private_key"],
            "rules": [{"name": "k", "keys": ["*1*"]}, {"name": "v", "value": "[a-c]{2}|\"|:"}]
        }});
        let after = json_after(rules, &document);
        proptest::prop_assert_eq!(form(&after).0, form(&document).0);
    }
}

/// How many values there are: members whose key is meant as a whole count as one.
fn form(document: &Json) -> (usize, ()) {
    let count = match document {
        Json::Array(values) => values.iter().map(|value| form(value).0).sum::<usize>() + 1,
        Json::Object(members) => {
            let values = members.iter();
            values
                .map(|(key, value)| if key.contains('1') { 1 } else { form(value).0 })
                .sum::<usize>()
                + 1
        }
        _ => 1,
    };
    (count, ())
}

fn documents() -> impl proptest::strategy::Strategy<Value = Json> {
    use proptest::prelude::*;
    let words = prop_oneof![
        "[ -~\\n\\té]{0,20}",
        Just("ada@example.com".to_owned()),
        Just("4111 1111 1111 1111".to_owned()),
        Just("\\\"ab\\u0041".to_owned()),
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        words.prop_map(Json::from),
    ];
    let tree = leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            proptest::collection::btree_map("[a-z][0-9]?", inner, 0..5)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    });
    proptest::collection::vec(tree, 0..5).prop_map(Json::from)
}

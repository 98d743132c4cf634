//! OTLP/JSON by hand, case by case: what the generated decoders get wrong is what senders send.

use brokle_ingest::otlp::json::{has_resource_spans, to_protobuf};
use brokle_model::telemetry::Signal;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValueList};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

fn transcode(text: &str) -> Result<ExportTraceServiceRequest, String> {
    let body = to_protobuf(Signal::Traces, text.as_bytes()).map_err(|error| error.to_string())?;
    Ok(ExportTraceServiceRequest::decode(&*body).unwrap())
}

/// The span that an object of these fields stands for.
fn span(fields: &str) -> Result<Span, String> {
    let text = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{fields}}}]}}]}}]}}"#);
    let mut request = transcode(&text)?;
    Ok(request
        .resource_spans
        .remove(0)
        .scope_spans
        .remove(0)
        .spans
        .remove(0))
}

/// The attribute value that an `AnyValue` object stands for.
fn value(object: &str) -> Result<Option<Value>, String> {
    let span = span(&format!(r#""attributes":[{{"key":"k","value":{object}}}]"#))?;
    Ok(span.attributes[0].value.clone().and_then(|value| value.value))
}

#[test]
fn attribute_values_of_every_spelling_are_read() {
    let text = |text: &str| Some(Value::StringValue(text.to_owned()));
    let array = |values: Vec<Option<Value>>| {
        let values = values.into_iter().map(|value| AnyValue { value }).collect();
        Some(Value::ArrayValue(ArrayValue { values }))
    };
    let cases = [
        (r#"{"stringValue":"é\n"}"#, text("é\n")),
        (r#"{"stringValue":""}"#, text("")),
        (r#"{"stringValue":"cut \ud83d"}"#, text("cut \u{fffd}")),
        (r#"{"boolValue":false}"#, Some(Value::BoolValue(false))),
        (
            r#"{"intValue":"9223372036854775807"}"#,
            Some(Value::IntValue(i64::MAX)),
        ),
        (r#"{"intValue":-5}"#, Some(Value::IntValue(-5))),
        (
            r#"{"intValue":1.5e18}"#,
            Some(Value::IntValue(1_500_000_000_000_000_000)),
        ),
        (r#"{"intValue":"0"}"#, Some(Value::IntValue(0))),
        (r#"{"doubleValue":1}"#, Some(Value::DoubleValue(1.0))),
        (r#"{"doubleValue":"1.5"}"#, Some(Value::DoubleValue(1.5))),
        (
            r#"{"doubleValue":"-Infinity"}"#,
            Some(Value::DoubleValue(f64::NEG_INFINITY)),
        ),
        (r#"{"bytesValue":"AP8="}"#, Some(Value::BytesValue(vec![0, 255]))),
        (r#"{"bytesValue":"AP8"}"#, Some(Value::BytesValue(vec![0, 255]))),
        (
            r#"{"bytesValue":"-_-_"}"#,
            Some(Value::BytesValue(vec![0xfb, 0xff, 0xbf])),
        ),
        (r#"{"arrayValue":{}}"#, array(vec![])),
        (r#"{"arrayValue":{"values":[]}}"#, array(vec![])),
        (
            r#"{"arrayValue":{"values":[{"intValue":1},null,{}]}}"#,
            array(vec![Some(Value::IntValue(1)), None, None]),
        ),
        (
            r#"{"kvlistValue":{}}"#,
            Some(Value::KvlistValue(KeyValueList::default())),
        ),
        (r"{}", None),
        ("null", None),
        (r#"{"stringValue":null}"#, None),
        (r#"{"stringValue":"a","intValue":null}"#, text("a")),
        (r#"{"stringValue":"a","stringValue":"b"}"#, text("b")),
        (
            r#"{"somethingNew":[{"a":[1,{}]}],"boolValue":true}"#,
            Some(Value::BoolValue(true)),
        ),
        (r#"{"string_value":"snake"}"#, None),
    ];
    for (object, expected) in cases {
        assert_eq!(value(object), Ok(expected), "{object}");
    }
    assert!(matches!(value(r#"{"doubleValue":"NaN"}"#), Ok(Some(Value::DoubleValue(nan))) if nan.is_nan()));
}

#[test]
fn ids_are_hex_of_either_case() {
    let span =
        span(r#""traceId":"5B8EFFF798038103d269b633813fc60c","spanId":"EEE19b7ec3c1b174","parentSpanId":"""#);
    let span = span.unwrap();
    assert_eq!(hex::encode(&span.trace_id), "5b8efff798038103d269b633813fc60c");
    assert_eq!(hex::encode(&span.span_id), "eee19b7ec3c1b174");
    assert!(span.parent_span_id.is_empty());
}

#[test]
fn an_id_that_is_not_hex_is_left_for_validation_to_refuse() {
    for id in ["W47/95gDgQPSabYzgT/GDA==", "zz", "123"] {
        let span = span(&format!(r#""traceId":"{id}","spanId":"eee19b7ec3c1b174""#)).unwrap();
        assert_eq!(span.trace_id, [0], "{id}");
    }
}

#[test]
fn span_fields_of_every_spelling_are_read() {
    let expected = Span {
        kind: 3,
        start_time_unix_nano: 1_544_712_660_000_000_000,
        end_time_unix_nano: 1_544_712_661_000_000_000,
        flags: 257,
        dropped_links_count: 4_294_967_295,
        ..Span::default()
    };
    let spellings = [
        r#""kind":3,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":1544712661000000000,"flags":257,"droppedLinksCount":4294967295"#,
        r#""kind":3.0,"startTimeUnixNano":1.54471266e18,"endTimeUnixNano":"1.544712661e18","flags":"257","droppedLinksCount":"4294967295""#,
        r#" "kind" : 3 , "startTimeUnixNano" : 1544712660000000000 , "endTimeUnixNano":1544712661000000000,"flags":257,"droppedLinksCount":4294967295,"traceId":null,"attributes":null,"events":[],"links":[null],"status":null "#,
    ];
    for spelling in spellings {
        assert_eq!(span(spelling).unwrap(), expected, "{spelling}");
    }
}

#[test]
fn of_a_key_that_comes_twice_the_last_counts() {
    let twice = span(
        r#""name":"a","attributes":[{"key":"x"},{"key":"y"}],"status":{"code":2,"message":"m"},"kind":1,
           "attributes":[{"key":"z"}],"name":"b","status":{"code":1},"kind":null"#,
    )
    .unwrap();
    assert_eq!(twice.name, "b");
    assert_eq!(
        twice
            .attributes
            .iter()
            .map(|attribute| &attribute.key)
            .collect::<Vec<_>>(),
        ["z"]
    );
    let status = twice.status.unwrap();
    assert_eq!((status.code, status.message.as_str()), (1, ""));
    assert_eq!(twice.kind, 0);
    let list =
        transcode(r#"{"resourceSpans":[{"schemaUrl":"a"}],"resourceSpans":[{"schemaUrl":"b"}]}"#).unwrap();
    assert_eq!(list.resource_spans.len(), 1);
    assert_eq!(list.resource_spans[0].schema_url, "b");
}

#[test]
fn values_of_the_wrong_type_are_refused() {
    let fields = [
        r#""kind":"SPAN_KIND_SERVER""#,
        r#""kind":"2""#,
        r#""kind":1.5"#,
        r#""name":5"#,
        r#""name":{}"#,
        r#""attributes":{}"#,
        r#""attributes":[5]"#,
        r#""status":[]"#,
        r#""startTimeUnixNano":-1"#,
        r#""startTimeUnixNano":"soon""#,
        r#""startTimeUnixNano":18446744073709551616"#,
        r#""flags":4294967296"#,
        r#""attributes":[{"key":"k","value":{"boolValue":"true"}}]"#,
        r#""attributes":[{"key":"k","value":{"intValue":1.5}}]"#,
        r#""attributes":[{"key":"k","value":{"intValue":"9223372036854775808"}}]"#,
        r#""attributes":[{"key":"k","value":{"doubleValue":"nan"}}]"#,
        r#""attributes":[{"key":"k","value":{"doubleValue":1e999}}]"#,
        r#""attributes":[{"key":"k","value":{"bytesValue":"***"}}]"#,
        r#""attributes":[{"key":"k","value":"plain"}]"#,
    ];
    for field in fields {
        assert!(span(field).is_err(), "{field} was read");
    }
}

#[test]
fn what_is_not_one_json_object_is_refused_with_its_place() {
    for text in [
        "",
        " ",
        "null",
        "[]",
        "5",
        "{",
        "{}{}",
        "{\"resourceSpans\":[}",
        "{\"resourceSpans\":[{]}",
        "{'a':1}",
    ] {
        assert!(transcode(text).is_err(), "{text:?} was read");
    }
    assert!(to_protobuf(Signal::Traces, b"{\"a\":\"\xff\"}").is_err());
    assert_eq!(
        transcode("{\"resourceSpans\": 5}").unwrap_err(),
        "no array where one is expected at byte 18"
    );
}

#[test]
fn an_empty_object_is_an_empty_request() {
    for text in [
        "{}",
        " { } ",
        "\u{feff}{}",
        "{\"resourceSpans\":[]}",
        "{\"resourceSpans\":null}",
    ] {
        assert_eq!(transcode(text).unwrap().resource_spans.len(), 0, "{text:?}");
    }
}

#[test]
fn only_the_key_resource_spans_marks_otlp() {
    assert!(has_resource_spans(br#" {"a":{"b":[1]},"resourceSpans":[]}"#));
    for text in [
        r#"{"name":"sdk"}"#,
        r#"{"a":{"resourceSpans":[]}}"#,
        "{}",
        "[]",
        "resourceSpans",
        r#"{"a":"#,
    ] {
        assert!(!has_resource_spans(text.as_bytes()), "{text}");
    }
}

#[test]
fn nesting_is_bounded_whatever_is_nested() {
    let deep = |open: &str, close: &str, levels: usize| {
        let value = format!("{}{{}}{}", open.repeat(levels), close.repeat(levels));
        format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"attributes":[{{"key":"k","value":{value}}}]}}]}}]}}]}}"#
        )
    };
    let arrays = (r#"{"arrayValue":{"values":["#, "]}}");
    let maps = (r#"{"kvlistValue":{"values":[{"key":"k","value":"#, "}]}}");
    for (open, close) in [arrays, maps] {
        // Deep enough to be passed over rather than written: the span is still there to be refused.
        assert!(to_protobuf(Signal::Traces, deep(open, close, 60).as_bytes()).is_ok());
        assert!(to_protobuf(Signal::Traces, deep(open, close, 100_000).as_bytes()).is_err());
    }
    assert!(transcode(&format!("{{\"unknown\":{}", "[".repeat(1_000_000))).is_err());
}

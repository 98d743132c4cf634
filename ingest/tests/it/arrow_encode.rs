//! Encoding keeps what OTLP brought, whatever it was, and is a pure function.

use brokle_ingest::arrow::{encode_range, schema};
use brokle_model::telemetry::{ORIGINAL_END, ORIGINAL_START};
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use proptest::prelude::*;
use prost::Message;
use serde_json::{Value, json};

use crate::arrow_support::{START, attributes, encode, observe, observe_span, record, request, rows, span};

#[test]
fn every_attribute_keeps_its_type() {
    let mut span = span(json!({
        "text": "a", "empty": "", "int": 9_007_199_254_740_993_i64, "double": 1.5, "bool": true, "null": null,
        "list": [1, "two", [true]], "map": {"k": {"deep": 1.5}},
    }));
    let bytes = AnyValue {
        value: Some(any_value::Value::BytesValue(vec![0, 255])),
    };
    span.attributes.push(KeyValue {
        key: "bytes".to_owned(),
        value: Some(bytes),
        ..KeyValue::default()
    });
    let row = observe_span(span);
    assert_eq!(row["attributes_string"], json!({"text": "a", "empty": ""}));
    assert_eq!(row["attributes_int"], json!({"int": 9_007_199_254_740_993_i64}));
    assert_eq!(row["attributes_double"], json!({"double": 1.5}));
    assert_eq!(row["attributes_bool"], json!({"bool": true}));
    assert_eq!(
        row["attributes_other"],
        json!({
            "null": "{}",
            "list": r#"{"arrayValue":{"values":[{"intValue":"1"},{"stringValue":"two"},{"arrayValue":{"values":[{"boolValue":true}]}}]}}"#,
            "map": r#"{"kvlistValue":{"values":[{"key":"k","value":{"kvlistValue":{"values":[{"key":"deep","value":{"doubleValue":1.5}}]}}}]}}"#,
            "bytes": r#"{"bytesValue":"AP8="}"#,
        })
    );
}

#[test]
fn what_surrounds_the_attributes_is_kept() {
    let mut span = span(json!({}));
    span.parent_span_id = vec![9; 8];
    span.trace_state = "a=b,c=d".to_owned();
    span.flags = 0x101;
    (
        span.dropped_attributes_count,
        span.dropped_events_count,
        span.dropped_links_count,
    ) = (1, 2, 3);
    span.events = vec![Event {
        time_unix_nano: START + 5,
        name: "exception".to_owned(),
        attributes: attributes(json!({"exception.type": "Oops"})),
        dropped_attributes_count: 4,
    }];
    span.links = vec![Link {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        flags: 1,
        ..Link::default()
    }];
    let mut request = request(json!({"service.name": "shop", "process.pid": 7}), vec![span]);
    let spans = &mut request.resource_spans[0];
    spans.schema_url = "https://example.com/r".to_owned();
    spans.resource.as_mut().unwrap().dropped_attributes_count = 5;
    spans.scope_spans[0].schema_url = "https://example.com/s".to_owned();
    spans.scope_spans[0].scope = Some(InstrumentationScope {
        name: "scope".to_owned(),
        version: "1.2".to_owned(),
        attributes: attributes(json!({"k": true})),
        dropped_attributes_count: 6,
    });
    let row = rows(&encode(&request.encode_to_vec())).remove(0);
    let expected = json!({
        "trace_id": "ab".repeat(16), "span_id": "cd".repeat(8), "parent_span_id": "09".repeat(8),
        "start_time": START, "end_time": START + 1_500_000_000, "kind": 3, "flags": 0x101,
        "trace_state": "a=b,c=d", "dropped_attributes_count": 1, "dropped_events_count": 2,
        "dropped_links_count": 3, "resource_dropped_attributes_count": 5, "scope_dropped_attributes_count": 6,
        "resource_schema_url": "https://example.com/r", "scope_schema_url": "https://example.com/s",
        "scope_name": "scope", "scope_version": "1.2",
        "scope_attributes": r#"[{"key":"k","value":{"boolValue":true}}]"#,
        "resource_string": {"service.name": "shop"}, "resource_other": {"process.pid": r#"{"intValue":"7"}"#},
        "project_id": "00000000000000000000000007", "received_at": (START + 2_000_000_000) / 1_000_000,
        "version": START + 2_000_000_000, "is_deleted": 0,
    });
    for (column, value) in expected.as_object().unwrap() {
        assert_eq!(&row[column], value, "{column}");
    }
    let parsed = |column: &str| serde_json::from_str::<Value>(row[column].as_str().unwrap()).unwrap();
    assert_eq!(parsed("events")[0]["droppedAttributesCount"], 4);
    assert_eq!(parsed("events")[0]["timeUnixNano"], (START + 5).to_string());
    assert_eq!(parsed("links")[0]["traceId"], "01".repeat(16));
}

#[test]
fn rows_of_one_resource_share_its_attributes_and_no_others_do() {
    let plain = |id: u8| Span {
        span_id: vec![id; 8],
        ..span(json!({"n": i64::from(id)}))
    };
    let mut body = request(
        json!({"service.name": "a", "only": "a"}),
        vec![plain(1), plain(2)],
    )
    .encode_to_vec();
    body.extend(request(json!({}), vec![plain(3)]).encode_to_vec());
    body.extend(request(json!({"service.name": "b"}), vec![plain(4)]).encode_to_vec());
    let rows = rows(&encode(&body));
    let services: Vec<&Value> = rows.iter().map(|row| &row["resource_string"]).collect();
    let a = json!({"service.name": "a", "only": "a"});
    assert_eq!(services, [&a, &a, &json!({}), &json!({"service.name": "b"})]);
    assert_eq!(
        rows.iter()
            .map(|row| row["attributes_int"]["n"].clone())
            .collect::<Value>(),
        json!([1, 2, 3, 4])
    );
    assert_eq!(rows[2]["service_name"], "");
}

#[test]
fn repeated_keys_are_all_kept() {
    let mut repeated = span(json!({}));
    for text in ["first", "last"] {
        repeated
            .attributes
            .extend(attributes(json!({"input.value": text, "k": text})));
    }
    let batches = encode(&request(json!({}), vec![repeated]).encode_to_vec());
    let row = &rows(&batches)[0];
    assert_eq!(
        (&row["input"], &row["input_source"]),
        (&json!("last"), &json!("input.value"))
    );
    assert_eq!(
        row["attributes_string"]["input.value"], "first",
        "what the last one displaced"
    );
    let column = batches[0].rows.column_by_name("attributes_string").unwrap();
    let entries = arrow_array::cast::AsArray::as_map(column).value(0);
    assert_eq!(arrow_array::Array::len(&entries), 3, "input.value once, k twice");
}

#[test]
fn rows_are_split_by_the_month_of_their_start() {
    let at = |time: &str| {
        let nanos = time
            .parse::<chrono::DateTime<chrono::Utc>>()
            .unwrap()
            .timestamp_nanos_opt()
            .unwrap();
        Span {
            start_time_unix_nano: u64::try_from(nanos).unwrap(),
            end_time_unix_nano: u64::MAX >> 2,
            ..span(json!({}))
        }
    };
    let spans = vec![
        at("2026-12-01T00:00:00Z"),
        at("2026-11-30T23:59:59.999999999Z"),
        at("2026-12-31T23:59:59Z"),
        at("1999-01-01T00:00:00Z"),
    ];
    let batches = encode(&request(json!({}), spans).encode_to_vec());
    let found: Vec<_> = batches
        .iter()
        .map(|batch| (batch.table, batch.partition.as_str(), batch.rows.num_rows()))
        .collect();
    assert_eq!(
        found,
        [
            ("observations", "199901", 1),
            ("observations", "202611", 1),
            ("observations", "202612", 2)
        ]
    );
}

#[test]
fn impossible_times_land_where_they_arrived_and_are_remembered() {
    let unknown = Span {
        start_time_unix_nano: 0,
        end_time_unix_nano: 0,
        ..span(json!({}))
    };
    let row = observe_span(unknown);
    assert_eq!(
        (&row["start_time"], &row["end_time"]),
        (&row["version"], &row["version"])
    );
    assert_eq!(
        row["attributes_string"],
        json!({ORIGINAL_START: "0", ORIGINAL_END: "0"})
    );
    let backwards = Span {
        end_time_unix_nano: START - 1,
        ..span(json!({}))
    };
    let row = observe_span(backwards);
    assert_eq!(row["end_time"], START);
    assert_eq!(
        row["attributes_string"],
        json!({ORIGINAL_END: (START - 1).to_string()})
    );
}

#[test]
fn a_broken_clock_cannot_cause_endless_inserts() {
    let month = 31 * 24 * 3600 * 1_000_000_000_u64;
    let spans: Vec<Span> = (1..400)
        .map(|index| Span {
            start_time_unix_nano: index * month,
            end_time_unix_nano: index * month + 1,
            ..span(json!({}))
        })
        .collect();
    let batches = encode(&request(json!({}), spans).encode_to_vec());
    assert!(batches.len() <= 101, "{}", batches.len());
    let found = rows(&batches);
    assert_eq!(found.len(), 399);
    let moved = found
        .iter()
        .filter(|row| row["attributes_string"].get(ORIGINAL_START).is_some())
        .count();
    assert!(moved > 250, "{moved} rows went to the month of their arrival");
}

#[test]
fn encoding_twice_gives_the_same_bytes() {
    let span = |index: u64| Span {
        start_time_unix_nano: START + index * 86_400_000_000_000,
        ..span(json!({"k": index, "gen_ai.request.model": format!("m{index}")}))
    };
    let body = request(json!({"service.name": "a"}), (0..60).map(span).collect()).encode_to_vec();
    let (once, again) = (encode(&body), encode(&body));
    assert_eq!(once.len(), 3);
    for (first, second) in once.iter().zip(&again) {
        assert_eq!(
            (first.table, &first.partition, &first.rows),
            (second.table, &second.partition, &second.rows)
        );
    }
}

#[test]
fn batches_have_the_published_schema() {
    let body = request(json!({}), vec![span(json!({}))]).encode_to_vec();
    assert_eq!(encode(&body)[0].rows.schema(), schema::observations());
    assert!(encode(&[]).is_empty());
}

#[test]
fn text_that_is_not_utf_8_is_repaired_and_costs_no_row() {
    // A span whose name is the byte 0xff, inside a resource and a scope.
    let span = [0x2a, 1, 0xff];
    let scope = [&[0x12, 3][..], &span].concat();
    let resource = [&[0x12, 5][..], &scope].concat();
    let body = [&[0x0a, 7][..], &resource].concat();
    assert_eq!(rows(&encode(&body))[0]["name"], "\u{fffd}");
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(".{0,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Names that normalisation knows, and names that look like them.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            "gen_ai.operation.name",
            "gen_ai.system",
            "gen_ai.request.model",
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.cost",
            "gen_ai.input.messages",
            "gen_ai.prompt",
            "gen_ai.prompt.0.content",
            "gen_ai.prompt.x",
            "llm.input_messages.4294967295.message.tool_calls.0.tool_call.function.name",
            "langfuse.observation.usage_details",
            "langfuse.observation.completion_start_time",
            "metadata",
            "langfuse.trace.metadata.",
            "langfuse.trace.tags",
            "output.value",
            "ai.response.providerMetadata",
            "ai.response.msToFirstChunk",
            "brokle.usage.counted",
            "user.id",
        ])
        .prop_map(str::to_owned),
        ".{0,10}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_bytes_make_encoding_fail(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let batches = encode_range(&[record(&body)], &small_context()).unwrap();
        prop_assert!(batches.iter().all(|batch| batch.rows.num_rows() > 0));
    }

    #[test]
    fn every_span_is_one_row(
        spans in proptest::collection::vec(
            (proptest::collection::vec((key(), value()), 0..12), any::<u64>(), any::<u64>(), any::<i32>()), 1..6),
        cut in proptest::option::of(0_usize..400),
    ) {
        let count = spans.len();
        let spans = spans.into_iter().map(|(pairs, start, end, kind)| Span {
            attributes: pairs.into_iter().flat_map(|(key, value)| attributes(json!({ key: value }))).collect(),
            start_time_unix_nano: start,
            end_time_unix_nano: end,
            kind,
            ..span(json!({}))
        });
        let mut body = request(json!({"service.name": "p"}), spans.collect()).encode_to_vec();
        if let Some(cut) = cut {
            body.truncate(cut.min(body.len()));
        }
        let batches = encode_range(&[record(&body)], &small_context()).unwrap();
        let found: usize = batches.iter().map(|batch| batch.rows.num_rows()).sum();
        prop_assert!(if cut.is_some() { found <= count } else { found == count }, "{} of {}", found, count);
        prop_assert_eq!(rows(&batches).len(), found);
    }
}

/// Without the price table, which takes longer to read than these cases to encode.
fn small_context() -> brokle_ingest::arrow::EncodeContext {
    brokle_ingest::arrow::EncodeContext {
        attributes: std::sync::Arc::new(brokle_ingest::normalize::AttributeMap::embedded().unwrap()),
        prices: std::sync::Arc::new(brokle_model::price::PriceBook::default()),
    }
}

#[test]
fn an_ordinary_row_leaves_what_it_does_not_use_at_its_default() {
    let row = observe(json!({}));
    for (column, default) in [
        ("events", json!("[]")),
        ("links", json!("[]")),
        ("scope_attributes", json!("[]")),
        ("tags", json!([])),
        ("metadata", json!({})),
        ("attributes_other", json!({})),
        ("total_cost", json!("0")),
        ("cost_source", json!(0)),
        ("type", json!("span")),
        ("session_id", json!("")),
        ("trace_state", json!("")),
    ] {
        assert_eq!(row[column], default, "{column}");
    }
}

//! A trace given back as OTLP.

use serde_json::json;

use crate::rows::{Row, span_id, trace_id};
use crate::stage::{Stage, with_parameters};

const ENTITIES: &str = r#"[{"type":"service"}]"#;

#[tokio::test]
async fn the_export_is_what_was_received() {
    let stage = Stage::new().await;
    let resource = |row: Row| {
        row.sql("resource_string", "map('service.name', 'api')")
            .sql("resource_other", r#"map('pid', '{"intValue":"42"}')"#)
            .text("resource_schema_url", "https://schemas/1")
            .sql("resource_dropped_attributes_count", "1")
            .text("resource_entity_refs", ENTITIES)
    };
    let (first, second) = (stage.ago(2_000), stage.ago(1_000));
    let full = resource(Row::new(1, 11, first))
        .sql("parent_span_id", &format!("unhex('{}')", span_id(10)))
        .sql("kind", "3")
        .sql("status_code", "2")
        .text("status_message", "no")
        .sql("attributes_string", "map('s', 'text')")
        .sql("attributes_int", "map('i', toInt64(-9223372036854775808))")
        .sql("attributes_double", "map('d', 0.5, 'inf', -inf)")
        .sql("attributes_bool", "map('b', false)")
        .sql(
            "attributes_other",
            r#"map('bytes', '{"bytesValue":"AP8="}', 'none', '{}')"#,
        )
        .text("input", "[1]")
        .text("input_source", "gen_ai.input.messages")
        .text("output", "composed")
        .text("output_source", "+gen_ai.completion.")
        .text("events", r#"[{"timeUnixNano":"7","name":"e"}]"#)
        .text("links", r#"[{"traceId":"aa","spanId":"bb","flags":257}]"#)
        .text("scope_name", "lib")
        .text("scope_version", "2")
        .text("scope_attributes", r#"[{"key":"a","value":{"stringValue":"b"}}]"#)
        .text("scope_schema_url", "https://schemas/2")
        .sql("scope_dropped_attributes_count", "2")
        .sql("flags", "257")
        .text("trace_state", "k=v")
        .sql("dropped_attributes_count", "3")
        .sql("dropped_events_count", "4")
        .sql("dropped_links_count", "5");
    stage
        .insert([
            full,
            resource(Row::new(1, 12, second)).text("scope_name", "other").sql(
                "attributes_string",
                "map('brokle.otlp.start_time_unix_nano', '0', 'brokle.otlp.end_time_unix_nano', '18446744073709551615')",
            ),
        ])
        .await;

    let nanos = |instant: chrono::DateTime<chrono::Utc>, ms: i64| {
        (instant.timestamp_nanos_opt().unwrap() + ms * 1_000_000).to_string()
    };
    let expected = json!({"resourceSpans": [{
        "resource": {
            "attributes": [
                {"key": "service.name", "value": {"stringValue": "api"}},
                {"key": "pid", "value": {"intValue": "42"}},
            ],
            "entityRefs": [{"type": "service"}], "droppedAttributesCount": 1,
        },
        "scopeSpans": [
            {
                "scope": {
                    "name": "lib", "version": "2", "attributes": [{"key": "a", "value": {"stringValue": "b"}}],
                    "droppedAttributesCount": 2,
                },
                "spans": [{
                    "traceId": trace_id(1), "spanId": span_id(11), "traceState": "k=v",
                    "parentSpanId": span_id(10), "flags": 257, "name": "span-11", "kind": 3,
                    "startTimeUnixNano": nanos(first, 0), "endTimeUnixNano": nanos(first, 100),
                    "attributes": [
                        {"key": "s", "value": {"stringValue": "text"}},
                        {"key": "i", "value": {"intValue": "-9223372036854775808"}},
                        {"key": "d", "value": {"doubleValue": 0.5}},
                        {"key": "inf", "value": {"doubleValue": "-Infinity"}},
                        {"key": "b", "value": {"boolValue": false}},
                        {"key": "bytes", "value": {"bytesValue": "AP8="}},
                        {"key": "none", "value": {}},
                        {"key": "gen_ai.input.messages", "value": {"stringValue": "[1]"}},
                    ],
                    "droppedAttributesCount": 3,
                    "events": [{"timeUnixNano": "7", "name": "e"}], "droppedEventsCount": 4,
                    "links": [{"traceId": "aa", "spanId": "bb", "flags": 257}], "droppedLinksCount": 5,
                    "status": {"message": "no", "code": 2},
                }],
                "schemaUrl": "https://schemas/2",
            },
            {
                "scope": {"name": "other"},
                "spans": [{
                    "traceId": trace_id(1), "spanId": span_id(12), "name": "span-12",
                    "endTimeUnixNano": "18446744073709551615",
                }],
            },
        ],
        "schemaUrl": "https://schemas/1",
    }]});
    let answer = stage
        .get(&with_parameters(&format!("/traces/{}/otlp", trace_id(1)), &[]))
        .await;
    assert_eq!(answer.body, expected);
}

#[tokio::test]
async fn a_trace_larger_than_a_page_is_exported_whole() {
    let stage = Stage::new().await;
    let start = crate::rows::time_sql(stage.ago(600_000));
    let trace = trace_id(1);
    let project = crate::rows::PROJECT;
    stage
        .execute(&format!(
            "INSERT INTO observations (project_id, trace_id, span_id, start_time, end_time, version, name) \
             SELECT '{project}', unhex('{trace}'), unhex(leftPad(lower(hex(number + 1)), 16, '0')), \
             {start} + toIntervalMillisecond(number), {start} + toIntervalMillisecond(number + 1), 1, 'n' \
             FROM numbers(2500)"
        ))
        .await;
    let body = stage
        .get(&with_parameters(&format!("/traces/{trace}/otlp"), &[]))
        .await
        .body;
    let groups = body["resourceSpans"].as_array().unwrap();
    let spans: Vec<&str> = groups
        .iter()
        .flat_map(|group| group["scopeSpans"][0]["spans"].as_array().unwrap())
        .map(|span| span["spanId"].as_str().unwrap())
        .collect();
    assert_eq!((groups.len(), spans.len()), (3, 2_500));
    assert_eq!(spans[2_499], span_id(2_500));
}

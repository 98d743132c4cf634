//! A trace's observations: their shape, their order, their pages.

use serde_json::json;

use crate::rows::{Row, span_id, trace_id};
use crate::stage::{Stage, with_parameters};

#[tokio::test]
async fn an_observation_is_shown_in_full() {
    let stage = Stage::new().await;
    let start = stage.ago(1_000);
    let row = Row::new(1, 11, start)
        .generation("gpt-4o-2024", "0.0042")
        .text("model_requested", "gpt-4o")
        .sql("parent_span_id", &format!("unhex('{}')", span_id(10)))
        .sql("kind", "3")
        .sql("status_code", "2")
        .text("status_message", "rate limited")
        .sql("time_to_first_token_us", "123456")
        .sql("attributes_string", "map('gen_ai.system_instructions', '[{\"type\":\"text\",\"content\":\"be brief\"}]')")
        .sql("attributes_int", "map('n', toInt64(-5))")
        .sql("attributes_double", "map('t', 0.5, 'nan', nan)")
        .sql("attributes_bool", "map('stream', true)")
        .sql("attributes_other", r#"map('stop', '{"arrayValue":{"values":[{"stringValue":"a"},{"intValue":"7"}]}}')"#)
        .sql("resource_string", "map('service.name', 'api')")
        .sql("resource_other", r#"map('pid', '{"intValue":"42"}')"#)
        .sql("metadata", "map('k', 'v')")
        .text("input", r#"[{"role":"user","content":"hi"}]"#)
        .text("input_source", "gen_ai.input.messages")
        .text("output", "plain words")
        .text("output_source", "output.value")
        .text("events", r#"[{"timeUnixNano":"1795000000000000001","name":"e","attributes":[{"key":"x","value":{"boolValue":true}}]}]"#)
        .text("links", r#"[{"traceId":"aa","spanId":"bb"}]"#)
        .text("scope_name", "openai")
        .text("environment", "production");
    stage.insert([row]).await;
    let path = format!("/traces/{}/observations", trace_id(1));
    let said =
        |role: &str, content: &str| json!({"role": role, "parts": [{"type": "text", "content": content}]});
    assert_eq!(
        stage.data(&with_parameters(&path, &[])).await,
        json!([{
            "trace_id": trace_id(1), "observation_id": span_id(11), "parent_observation_id": span_id(10),
            "type": "generation", "name": "span-11", "kind": "client", "start_time": start,
            "end_time": start + chrono::Duration::milliseconds(100), "duration_ms": 100.0, "status": "error",
            "level": "default", "status_message": "rate limited", "environment": "production",
            "service_name": null, "provider": "openai", "model": "gpt-4o-2024", "model_requested": "gpt-4o",
            "input": [said("system", "be brief"), said("user", "hi")], "output": "plain words",
            "usage": {
                "input_tokens": 100, "output_tokens": 50, "cache_read_tokens": 0, "cache_write_tokens": 0,
                "reasoning_tokens": 0, "total_tokens": 150, "buckets": {"input": 100, "output": 50},
            },
            "cost": {"total": "0.0042", "input": "0.0042"}, "cost_source": "priced",
            "time_to_first_token_ms": 123.456, "metadata": {"k": "v"},
            "attributes": {
                "gen_ai.system_instructions": "[{\"type\":\"text\",\"content\":\"be brief\"}]",
                "n": -5, "t": 0.5, "nan": "NaN", "stream": true, "stop": ["a", 7],
            },
            "resource": {"service.name": "api", "pid": 42},
            "scope": {"name": "openai", "version": null},
            "events": [{"name": "e", "time": "2026-11-18T11:06:40.000000001Z", "attributes": {"x": true}}],
            "links": [{"trace_id": "aa", "observation_id": "bb", "attributes": {}}],
            "scores": [],
        }])
    );
}

#[tokio::test]
async fn what_is_absent_is_null() {
    let stage = Stage::new().await;
    stage.insert([Row::new(1, 11, stage.ago(1_000))]).await;
    let path = format!("/traces/{}/observations", trace_id(1));
    let row = stage.data(&with_parameters(&path, &[])).await[0].clone();
    for field in [
        "parent_observation_id",
        "model",
        "provider",
        "input",
        "output",
        "usage",
        "cost",
        "cost_source",
        "time_to_first_token_ms",
        "status_message",
    ] {
        assert_eq!(row[field], json!(null), "{field}");
    }
    assert_eq!(row["attributes"], json!({}));
}

#[tokio::test]
async fn observations_come_oldest_first_in_stable_pages() {
    let stage = Stage::new().await;
    let instant = stage.ago(60_000);
    stage
        .insert((10..=30).map(|span| Row::new(1, span, instant)))
        .await;
    stage
        .insert([
            Row::entry(1, stage.ago(61_000)),
            Row::new(1, 99, stage.ago(59_000)),
        ])
        .await;
    stage
        .insert((10..=30).map(|span| Row::new(1, span, instant).sql("version", "2")))
        .await;
    let path = format!("/traces/{}/observations", trace_id(1));
    let mut names = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut parameters = vec![("limit", "4")];
        parameters.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let answer = stage.get(&with_parameters(&path, &parameters)).await.body;
        names.extend(
            answer["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["name"].as_str().unwrap().to_owned()),
        );
        cursor = answer["meta"]["pagination"]["next_cursor"]
            .as_str()
            .map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    let expected: Vec<String> = std::iter::once("trace-1".to_owned())
        .chain((10..=30).map(|span| format!("span-{span}")))
        .chain(["span-99".to_owned()])
        .collect();
    assert_eq!(names, expected);
}

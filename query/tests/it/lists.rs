//! Lists: sums, order, pages, and everything once.

use std::collections::BTreeSet;

use serde_json::json;

use crate::rows::{Row, time_sql, trace_id};
use crate::stage::{Stage, traces_path, with_parameters};

#[tokio::test]
async fn a_trace_is_listed_with_the_sums_of_its_observations() {
    let stage = Stage::new().await;
    let start = stage.ago(10_000);
    let later = |ms| start + chrono::Duration::milliseconds(ms);
    stage
        .insert([
            Row::entry(1, start)
                .text("type", "agent")
                .text("environment", "production")
                .text("service_name", "api")
                .text("input", "what is the weather?")
                .sql("input_tokens", "240")
                .sql("status_code", "1")
                .sql("end_time", &time_sql(later(2_000))),
            Row::new(1, 11, later(10))
                .generation("gpt-4o", "0.0042")
                .sql("cache_read_tokens", "30"),
            Row::new(1, 12, later(500))
                .generation("claude", "0.01")
                .text("user_id", "ada")
                .sql("tags", "['b', 'a']")
                .sql("metadata", "map('plan', 'pro', 'shape', '{\"a\":1}')"),
            Row::new(1, 13, later(600))
                .text("session_id", "s1")
                .sql("tags", "['c']")
                .sql("status_code", "2")
                .sql("metadata", "map('plan', 'late')"),
        ])
        .await;

    let listed = stage.data(&traces_path(&[])).await;
    let expected = json!({
        "trace_id": trace_id(1), "name": "trace-1", "start_time": start, "duration_ms": 2000.0, "status": "ok",
        "user_id": "ada", "session_id": "s1", "tags": ["a", "b", "c"], "environment": "production",
        "observation_count": 4, "error_count": 1,
        "usage": {
            "input_tokens": 200, "output_tokens": 100, "cache_read_tokens": 30, "cache_write_tokens": 0,
            "reasoning_tokens": 0, "total_tokens": 300,
        },
        "total_cost": "0.0142", "models": ["claude", "gpt-4o"], "metadata": null, "scores": null, "root_type": "agent",
        "root_observation_id": "0000000000000064", "service_name": "api",
        "input_preview": "what is the weather?", "output_preview": null,
    });
    assert_eq!(listed, json!([expected]));
    let mut with_metadata = expected;
    with_metadata["metadata"] = json!({"plan": "pro", "shape": {"a": 1}});
    with_metadata["scores"] = json!([]);
    assert_eq!(
        stage
            .data(&with_parameters(&format!("/traces/{}", trace_id(1)), &[]))
            .await,
        with_metadata
    );
}

#[tokio::test]
async fn rows_sent_again_count_once_and_the_latest_version_wins() {
    let stage = Stage::new().await;
    let (start, call) = (stage.ago(5_000), stage.ago(4_900));
    stage.execute("SYSTEM STOP MERGES observations").await;
    stage.execute("SYSTEM STOP MERGES observations_core").await;
    for _ in 0..3 {
        stage
            .insert([
                Row::entry(1, start),
                Row::new(1, 11, call).generation("gpt-4o", "0.5"),
            ])
            .await;
    }
    let completed = Row::new(1, 11, call)
        .generation("gpt-4o", "0.7")
        .sql("version", "2")
        .text("output", "done");
    stage.insert([completed.clone(), completed]).await;
    stage
        .insert([Row::entry(1, start)
            .sql("version", "3")
            .sql("status_code", "2")
            .text("name", "renamed")])
        .await;
    stage
        .insert([
            Row::entry(2, stage.ago(100)),
            Row::entry(2, stage.ago(100))
                .sql("version", "2")
                .sql("is_deleted", "1"),
        ])
        .await;

    let listed = stage.data(&traces_path(&[])).await;
    let fields = |trace: &serde_json::Value| {
        ["name", "status", "observation_count", "total_cost", "error_count"].map(|name| trace[name].clone())
    };
    let traces: Vec<_> = listed.as_array().unwrap().iter().map(fields).collect();
    assert_eq!(
        traces,
        [[json!("renamed"), json!("error"), json!(2), json!("0.7"), json!(1)]]
    );

    let path = format!("/traces/{}/observations", trace_id(1));
    let observations = stage.data(&with_parameters(&path, &[])).await;
    let outputs: Vec<_> = observations
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["output"].clone())
        .collect();
    assert_eq!(outputs, [json!(null), json!("done")]);

    let histogram = stage
        .data(&with_parameters(
            "/traces/histogram",
            &[("filter", "name:renamed")],
        ))
        .await;
    let counts: u64 = histogram["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| b["count"].as_u64().unwrap())
        .sum();
    assert_eq!(counts, 1);
    // The first version still says otherwise; the latest decides.
    assert_eq!(
        stage.names(&[("filter", "name:trace-1")]).await,
        Vec::<String>::new()
    );
    assert_eq!(stage.names(&[("filter", "status:error")]).await, ["renamed"]);
    assert_eq!(stage.names(&[("filter", "cost:0.7")]).await, ["renamed"]);
    assert_eq!(
        stage.names(&[("filter", "cost:>0.7")]).await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn pages_hold_every_trace_once_even_at_one_instant_and_while_new_ones_arrive() {
    let stage = Stage::new().await;
    let instant = stage.ago(60_000);
    stage
        .insert((1..=23).map(|trace| Row::entry(trace, instant)))
        .await;
    stage
        .insert((1..=23).map(|trace| Row::entry(trace, instant)))
        .await;

    let mut seen = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut parameters = vec![("limit", "5")];
        parameters.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let answer = stage.get(&traces_path(&parameters)).await.body;
        let page = answer["data"].as_array().unwrap();
        assert!(page.len() <= 5);
        seen.extend(
            page.iter()
                .map(|trace| trace["name"].as_str().unwrap().to_owned()),
        );
        stage
            .insert([Row::entry(1_000 + seen.len() as u64, stage.ago(1_000))])
            .await;
        cursor = answer["meta"]["pagination"]["next_cursor"]
            .as_str()
            .map(str::to_owned);
        assert_eq!(answer["meta"]["pagination"]["has_next"], cursor.is_some());
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 23);
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>().len(), 23);
}

#[tokio::test]
async fn a_trace_with_several_entries_stands_at_its_earliest() {
    let stage = Stage::new().await;
    let many = (0..40).map(|index| {
        Row::new(1, 500 + index, stage.ago(1_000 - i64::try_from(index).unwrap())).sql("is_entry", "true")
    });
    stage.insert(many).await;
    stage
        .insert([
            Row::entry(1, stage.ago(50_000)),
            Row::entry(2, stage.ago(20_000)),
            Row::entry(3, stage.ago(80_000)),
        ])
        .await;
    assert_eq!(stage.names(&[("limit", "1")]).await, ["trace-2"]);
    // A small page takes several rounds past the forty.
    assert_eq!(
        stage.names(&[("limit", "3")]).await,
        ["trace-2", "trace-1", "trace-3"]
    );
    assert_eq!(stage.names(&[]).await, ["trace-2", "trace-1", "trace-3"]);
}

#[tokio::test]
async fn the_range_holds_its_first_instant_and_not_its_last() {
    let stage = Stage::new().await;
    let (from, to) = (stage.ago(20_000), stage.ago(10_000));
    stage
        .insert([
            Row::entry(1, from),
            Row::entry(2, to),
            Row::entry(3, stage.ago(30_000)),
        ])
        .await;
    // A client's clock runs ahead.
    stage
        .insert([Row::entry(4, stage.now + chrono::Duration::minutes(2))])
        .await;
    let (from, to) = (from.to_rfc3339(), to.to_rfc3339());
    assert_eq!(stage.names(&[("from", &from), ("to", &to)]).await, ["trace-1"]);
    assert_eq!(
        stage.names(&[("from", &from)]).await,
        ["trace-4", "trace-2", "trace-1"]
    );
}

#[tokio::test]
async fn a_trace_whose_root_has_not_arrived_is_found_by_its_id() {
    let stage = Stage::new().await;
    stage
        .insert([Row::new(1, 11, stage.ago(2_000)).text("name", "child")])
        .await;
    assert_eq!(stage.names(&[]).await, Vec::<String>::new());
    let trace = stage
        .data(&with_parameters(&format!("/traces/{}", trace_id(1)), &[]))
        .await;
    assert_eq!(
        (&trace["name"], &trace["observation_count"]),
        (&json!("child"), &json!(1))
    );
}

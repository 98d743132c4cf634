//! Events: the list, what narrows it, and its cost.

use http::StatusCode;
use serde_json::{Value, json};

use crate::rows::{FOREIGN, PROJECT, time_sql, trace_id};
use crate::stage::{Stage, with_parameters};

async fn insert(stage: &Stage, project: &str, ms: i64, id: &str, columns: &[(&str, &str)]) {
    let mut all = vec![
        ("project_id", format!("'{project}'")),
        ("event_id", format!("'{id}'")),
        ("start_time", time_sql(stage.ago(ms))),
        ("received_at", time_sql(stage.ago(ms))),
    ];
    all.extend(columns.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let (names, values): (Vec<&str>, Vec<String>) = all.into_iter().unzip();
    let statement = format!(
        "INSERT INTO events ({}) SELECT {}",
        names.join(", "),
        values.join(", ")
    );
    stage.execute(&statement).await;
}

async fn ids(stage: &Stage, parameters: &[(&str, &str)]) -> Vec<String> {
    let data = stage.data(&with_parameters("/events", parameters)).await;
    let events = data.as_array().unwrap().iter();
    events
        .map(|event| event["event_id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn events_are_listed_newest_first_and_narrowed() {
    let stage = Stage::new().await;
    let (project, foreign) = (PROJECT.to_string(), FOREIGN.to_string());
    let budget = [
        ("name", "'budget.threshold_reached'"),
        ("level", "'WARNING'"),
        ("payload", "'{\"percent\":50}'"),
    ];
    let trace = format!("unhex('{}')", trace_id(7));
    insert(&stage, &project, 4_000, "a", &budget).await;
    // Another node has told the same, a little later.
    insert(&stage, &project, 3_900, "a", &budget).await;
    insert(
        &stage,
        &project,
        3_000,
        "b",
        &[
            ("name", "'order.placed'"),
            ("trace_id", &trace),
            ("user_id", "'ada'"),
        ],
    )
    .await;
    insert(
        &stage,
        &project,
        2_000,
        "c",
        &[("name", "'order.paid'"), ("environment", "'staging'")],
    )
    .await;
    insert(&stage, &foreign, 1_000, "d", &budget).await;
    assert_eq!(ids(&stage, &[]).await, ["c", "b", "a"]);
    for (parameters, expected) in [
        (("name", "order.placed"), vec!["b"]),
        (("name", "order.*"), vec!["c", "b"]),
        (("level", "warning"), vec!["a"]),
        (("trace_id", &*trace_id(7)), vec!["b"]),
        (("user_id", "ada"), vec!["b"]),
        (("environment", "staging"), vec!["c"]),
    ] {
        assert_eq!(ids(&stage, &[parameters]).await, expected, "{parameters:?}");
    }
    let one = stage
        .data(&with_parameters("/events", &[("name", "budget.*")]))
        .await;
    assert_eq!(one[0]["payload"], json!({"percent": 50}));
    assert_eq!(one[0]["trace_id"], Value::Null);
    let page = stage.get(&with_parameters("/events", &[("limit", "2")])).await;
    assert_eq!(page.status, StatusCode::OK);
    let cursor = page.body["meta"]["pagination"]["next_cursor"].as_str().unwrap();
    assert_eq!(ids(&stage, &[("limit", "2"), ("cursor", cursor)]).await, ["a"]);
    let wrong = stage.get(&with_parameters("/events", &[("cursor", "x")])).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_page_of_events_reads_little_however_many_there_are() {
    let stage = Stage::new().await;
    stage
        .execute(&format!(
            "INSERT INTO events (project_id, event_id, start_time, name, received_at)
             SELECT '{PROJECT}', toString(number), {} + toIntervalMillisecond(number * 40), 'tick', now64(3)
             FROM numbers(200000)",
            time_sql(stage.ago(8_100_000))
        ))
        .await;
    stage.meter.take();
    assert_eq!(ids(&stage, &[("limit", "50")]).await.len(), 50);
    let (rows, queries) = stage.meter.take();
    assert_eq!(queries, 1);
    assert!(rows <= 3 * 8192, "{rows} rows for a page of 50");
}

//! Figures over time, and lists of what has the highest.

use http::StatusCode;
use serde_json::{Value, json};

use crate::rows::{PROJECT, Row};
use crate::stage::{Stage, with_parameters};

const MINUTE: i64 = 60_000;

/// Calls of two models by three users, spread over an hour that lies two hours back; every other call fails.
async fn spread() -> Stage {
    let stage = Stage::new().await;
    for number in 0..12_u64 {
        let start = stage.ago((120 + i64::try_from(number).unwrap() * 5) * MINUTE);
        let model = if number % 3 == 0 { "claude" } else { "gpt-4o" };
        let call = Row::new(number + 1, 9_000 + number, start)
            .generation(model, "0.5")
            .text("provider", if number % 3 == 0 { "anthropic" } else { "openai" })
            .sql("time_to_first_token_us", "20000");
        let call = if number % 2 == 0 {
            call.sql("status_code", "2")
        } else {
            call
        };
        stage
            .insert([
                Row::entry(number + 1, start)
                    .text("name", if number < 6 { "chat" } else { "search" })
                    .text("environment", if number < 4 { "staging" } else { "production" })
                    .text(
                        "user_id",
                        ["ada", "bob", ""][usize::try_from(number % 3).unwrap()],
                    ),
                call,
            ])
            .await;
    }
    stage
}

fn path(stage: &Stage, what: &str, more: &[(&str, &str)]) -> String {
    let from = stage.ago(4 * 60 * MINUTE).to_rfc3339();
    let mut parameters = vec![("from", from.as_str())];
    parameters.extend_from_slice(more);
    with_parameters(what, &parameters)
}

#[tokio::test]
async fn an_overview_counts_and_compares_with_the_period_before() {
    let stage = spread().await;
    stage
        .insert([
            Row::entry(99, stage.ago(5 * 60 * MINUTE)),
            Row::new(99, 1, stage.ago(5 * 60 * MINUTE)).generation("o3", "7"),
        ])
        .await;
    for is_rolled_up in [false, true] {
        if is_rolled_up {
            stage.roll_up().await;
        }
        let overview = stage
            .data(&path(&stage, "/overview", &[("interval_ms", "900000")]))
            .await;
        let totals = &overview["totals"];
        assert_eq!(totals["requests"], 12);
        assert_eq!(totals["request_errors"], 6);
        assert_eq!(totals["traces"], 12);
        assert_eq!(totals["observations"], 24);
        assert_eq!((&totals["users"], &totals["sessions"]), (&json!(2), &json!(0)));
        assert_eq!(totals["total_cost"], "6");
        assert_eq!(totals["usage"]["total_tokens"], 12 * 150);
        let p50 = totals["latency"]["p50_ms"].as_f64().unwrap();
        assert!((p50 / 100.0 - 1.0).abs() < 0.045, "{p50}");
        let first = totals["time_to_first_token"]["p99_ms"].as_f64().unwrap();
        assert!((first / 20.0 - 1.0).abs() < 0.045, "{first}");
        assert_eq!(
            (
                &overview["previous"]["requests"],
                &overview["previous"]["total_cost"]
            ),
            (&json!(1), &json!("7"))
        );
        let points = overview["points"].as_array().unwrap();
        assert_eq!(points.len(), 16);
        let empty = points.iter().filter(|point| point["requests"] == 0);
        assert!(
            empty
                .clone()
                .all(|point| point["latency"].is_null() && point["total_cost"] == "0")
        );
        assert_eq!(empty.count(), 11);
    }
}

#[tokio::test]
async fn charts_have_a_line_per_value_and_one_for_the_rest() {
    let stage = spread().await;
    stage.roll_up().await;
    let lines = async |what: &str, more: &[(&str, &str)], field: &str| -> Vec<(Value, Value)> {
        let chart = stage.data(&path(&stage, what, more)).await;
        let series = chart["series"].as_array().unwrap().iter();
        series
            .map(|line| (line["key"].clone(), line["total"][field].clone()))
            .collect()
    };
    let line = |key: &str, value: Value| (json!(key), value);
    assert_eq!(
        lines("/costs", &[("group_by", "model")], "total_cost").await,
        [line("gpt-4o", json!("4")), line("claude", json!("2"))]
    );
    assert_eq!(
        lines("/requests", &[("group_by", "name")], "requests").await,
        [line("chat", json!(6)), line("search", json!(6))]
    );
    assert_eq!(
        lines("/requests", &[("group_by", "environment")], "traces").await,
        [line("production", json!(8)), line("staging", json!(4))]
    );
    assert_eq!(
        lines("/costs", &[("group_by", "user")], "total_cost").await,
        [
            line("ada", json!("2")),
            line("bob", json!("2")),
            (Value::Null, json!("2"))
        ]
    );
    // What no roll-up keeps apart is read from the observations.
    assert_eq!(
        lines("/costs", &[("group_by", "model"), ("user", "ada")], "total_cost").await,
        [line("claude", json!("2"))]
    );
    assert_eq!(
        lines(
            "/costs",
            &[("environment", "staging"), ("provider", "openai")],
            "total_cost"
        )
        .await,
        [(Value::Null, json!("1"))],
        "the calls name no environment of their own, but their traces do"
    );
    let latency = stage
        .data(&path(&stage, "/latency", &[("group_by", "provider")]))
        .await;
    assert_eq!(latency["series"][0]["key"], "openai");
    assert_eq!(latency["series"][0]["total"]["requests"], 8);
}

#[tokio::test]
async fn steps_may_be_narrower_than_what_is_rolled_up() {
    let stage = spread().await;
    stage.roll_up().await;
    let chart = stage
        .data(&path(&stage, "/requests", &[("interval_ms", "300000")]))
        .await;
    let points = chart["series"][0]["points"].as_array().unwrap();
    assert_eq!(points.len(), 48);
    assert_eq!(points.iter().filter(|point| point["requests"] == 1).count(), 12);
    let refused = stage
        .get(&path(&stage, "/requests", &[("interval_ms", "7000")]))
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.body["error"]["code"], "invalid_interval");
}

#[tokio::test]
async fn lists_are_paged_by_place() {
    let stage = spread().await;
    for _ in 0..2 {
        let models = stage.data(&path(&stage, "/models", &[])).await;
        let names: Vec<_> = models
            .as_array()
            .unwrap()
            .iter()
            .map(|model| &model["model"])
            .collect();
        assert_eq!(names, ["gpt-4o", "claude"]);
        assert_eq!(models[1]["provider"], "anthropic");
        assert_eq!(models[1]["total_cost"], "2");

        let answer = stage.get(&path(&stage, "/users", &[("limit", "1")])).await;
        assert_eq!(answer.body["data"][0]["user_id"], "ada");
        let pagination = &answer.body["meta"]["pagination"];
        assert_eq!(pagination["has_next"], true);
        let cursor = pagination["next_cursor"].as_str().unwrap();
        let answer = stage
            .get(&path(&stage, "/users", &[("limit", "1"), ("cursor", cursor)]))
            .await;
        assert_eq!(
            answer.body["data"][0]["user_id"], "bob",
            "the same cost, and next by name"
        );
        assert_eq!(answer.body["meta"]["pagination"]["has_next"], false);
        let providers = stage
            .data(&path(&stage, "/providers", &[("sort", "requests")]))
            .await;
        assert_eq!(providers[0]["requests"], 8);
        stage.roll_up().await;
    }
    let refused = stage
        .get(&path(&stage, "/models", &[("cursor", "nonsense")]))
        .await;
    assert_eq!(refused.body["error"]["code"], "invalid_cursor");
}

#[tokio::test]
async fn figures_are_for_members_only() {
    let stage = Stage::new().await;
    for route in [
        "overview",
        "requests",
        "costs",
        "latency",
        "models",
        "providers",
        "users",
        "sessions",
    ] {
        let path = format!("/{route}?project_id={PROJECT}");
        assert_eq!(
            stage.get_as(None, &path).await.status,
            StatusCode::UNAUTHORIZED,
            "{route}"
        );
        let foreign = format!("/{route}?project_id={}", crate::rows::FOREIGN);
        assert_eq!(stage.get(&foreign).await.status, StatusCode::NOT_FOUND, "{route}");
        assert_eq!(stage.get(&path).await.status, StatusCode::OK, "{route}");
    }
}

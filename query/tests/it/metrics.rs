//! Metrics: names, charts by kind, tenants, cost.

use http::StatusCode;
use serde_json::{Value, json};

use crate::rows::{FOREIGN, PROJECT, time_sql};
use crate::stage::{Stage, with_parameters};

/// Inserts a point of `metric`, `ms` milliseconds before the present; `columns` are SQL.
async fn point(stage: &Stage, metric: &str, series: u64, ms: i64, columns: &[(&str, &str)]) {
    let (names, values): (Vec<&str>, Vec<&str>) = columns.iter().copied().unzip();
    stage
        .execute(&format!(
            "INSERT INTO metrics (project_id, name, series, timestamp, request_hash, request_row, {}) \
             SELECT '{PROJECT}', '{metric}', {series}, {}, {ms}, 0, {}",
            names.join(", "),
            time_sql(stage.ago(ms)),
            values.join(", ")
        ))
        .await;
}

/// A chart's lines, as pairs of attributes and values.
async fn chart(stage: &Stage, metric: &str, parameters: &[(&str, &str)]) -> Vec<(Value, Vec<f64>)> {
    let data = stage
        .data(&with_parameters(&format!("/metrics/{metric}/series"), parameters))
        .await;
    let lines = data["series"].as_array().unwrap().iter();
    let values = |line: &Value| {
        let points = line["points"].as_array().unwrap().iter();
        points.map(|point| point["value"].as_f64().unwrap()).collect()
    };
    lines
        .map(|line| (line["attributes"].clone(), values(line)))
        .collect()
}

const MINUTE: (&str, &str) = ("interval_ms", "60000");

#[tokio::test]
async fn a_counter_shows_how_fast_it_grows_and_survives_restarts() {
    let stage = Stage::new().await;
    let counter = |start: &'static str, value: &'static str, route: &'static str| {
        vec![
            ("kind", "'sum'"),
            ("temporality", "2"),
            ("is_monotonic", "true"),
            ("start_time_unix_nano", start),
            ("number_kind", "'int'"),
            ("number", value),
            ("attributes_string", route),
        ]
    };
    let (a, b) = ("map('route', '/a')", "map('route', '/b')");
    // The stage's present is a full hour, so that each of these is in a minute of its own.
    for (series, ms, start, value, route) in [
        (1, 239_000, "1", "100", a),
        (1, 179_000, "1", "160", a),
        (1, 119_000, "1", "190", a),
        // It began anew.
        (1, 59_000, "2", "12", a),
        (2, 179_000, "1", "5", b),
        (2, 119_000, "1", "11", b),
    ] {
        point(&stage, "requests", series, ms, &counter(start, value, route)).await;
        // Sent again.
        point(&stage, "requests", series, ms, &counter(start, value, route)).await;
    }
    let increase = ("aggregation", "increase");
    assert_eq!(
        chart(&stage, "requests", &[MINUTE, increase, ("group_by", "route")]).await,
        [
            (json!({"route": "/a"}), vec![60.0, 30.0]),
            (json!({"route": "/b"}), vec![6.0]),
        ]
    );
    assert_eq!(
        chart(&stage, "requests", &[MINUTE]).await,
        [(json!({}), vec![1.0, 0.6])]
    );
    let only_b = ("attributes", "{\"route\":\"/b\"}");
    assert_eq!(
        chart(&stage, "requests", &[MINUTE, increase, only_b]).await,
        [(json!({}), vec![6.0])]
    );
}

#[tokio::test]
async fn changes_are_added_up_and_levels_are_not() {
    let stage = Stage::new().await;
    for (series, ms, value) in [(1, 59_000, "2"), (1, 58_000, "3"), (2, 57_000, "10")] {
        let fields = |kind, temporality, monotonic| {
            [
                ("kind", kind),
                ("temporality", temporality),
                ("is_monotonic", monotonic),
                ("number", value),
            ]
        };
        point(&stage, "delta", series, ms, &fields("'sum'", "1", "true")).await;
        point(&stage, "level", series, ms, &fields("'sum'", "2", "false")).await;
        point(&stage, "gauge", series, ms, &fields("'gauge'", "0", "false")).await;
    }
    let of = async |metric, aggregation| {
        let lines = chart(&stage, metric, &[MINUTE, ("aggregation", aggregation)]).await;
        json!(lines[0].1[0])
    };
    assert_eq!(of("delta", "increase").await, json!(15.0));
    assert_eq!(of("level", "sum").await, json!(13.0));
    assert_eq!(of("gauge", "avg").await, json!(5.0));
    assert_eq!(of("gauge", "min").await, json!(2.0));
    assert_eq!(of("gauge", "max").await, json!(10.0));
    let answer = stage
        .get(&with_parameters(
            "/metrics/gauge/series",
            &[("aggregation", "rate")],
        ))
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.body["error"]["details"]["field"], "aggregation");
}

#[tokio::test]
async fn histograms_of_both_kinds_have_percentiles() {
    let stage = Stage::new().await;
    let explicit = [
        ("kind", "'histogram'"),
        ("temporality", "1"),
        ("count", "20"),
        ("sum", "200"),
        ("bucket_counts", "[10, 10, 0]"),
        ("explicit_bounds", "[10, 20]"),
    ];
    point(&stage, "latency", 1, 59_000, &explicit).await;
    point(&stage, "latency", 2, 58_000, &explicit).await;
    let of = async |metric, aggregation| {
        let lines = chart(&stage, metric, &[MINUTE, ("aggregation", aggregation)]).await;
        json!(lines[0].1)
    };
    assert_eq!(of("latency", "count").await, json!([40.0]));
    assert_eq!(of("latency", "avg").await, json!([10.0]));
    assert_eq!(of("latency", "p50").await, json!([10.0]));
    assert_eq!(of("latency", "p75").await, json!([15.0]));

    let exponential = |count: &'static str, counts: &'static str| {
        [
            ("kind", "'exponential_histogram'"),
            ("temporality", "2"),
            ("start_time_unix_nano", "1"),
            ("count", count),
            ("scale", "0"),
            ("positive_offset", "1"),
            ("positive_counts", counts),
        ]
    };
    // From 2 to 4, and from 4 to 8. What had been counted before does not count.
    point(&stage, "spread", 1, 119_000, &exponential("7", "[7, 0]")).await;
    point(&stage, "spread", 1, 59_000, &exponential("17", "[12, 5]")).await;
    assert_eq!(of("spread", "count").await, json!([10.0]));
    assert_eq!(of("spread", "p50").await, json!([4.0]));
}

#[tokio::test]
async fn names_are_listed_page_by_page_and_tenants_see_their_own() {
    let stage = Stage::new().await;
    for name in ["c", "a", "b"] {
        point(
            &stage,
            name,
            1,
            5_000,
            &[("kind", "'gauge'"), ("unit", "'s'"), ("service_name", "'shop'")],
        )
        .await;
    }
    stage
        .execute(&format!(
            "INSERT INTO metrics (project_id, name, series, timestamp, kind) \
             SELECT '{FOREIGN}', 'secret', 1, {}, 'gauge'",
            time_sql(stage.ago(5_000))
        ))
        .await;
    let first = stage
        .get(&with_parameters("/metrics", &[("limit", "2")]))
        .await
        .body;
    let names = |body: &Value| -> Vec<String> {
        let entries = body["data"].as_array().unwrap().iter();
        entries
            .map(|entry| entry["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&first), ["a", "b"]);
    assert_eq!(first["data"][0]["services"], json!(["shop"]));
    let cursor = first["meta"]["pagination"]["next_cursor"].as_str().unwrap();
    let second = stage
        .get(&with_parameters("/metrics", &[("cursor", cursor)]))
        .await
        .body;
    assert_eq!(names(&second), ["c"]);
    assert_eq!(second["meta"]["pagination"]["has_next"], false);
    for path in ["/metrics/secret/series", "/metrics/secret/otlp"] {
        let answer = stage.get(&with_parameters(path, &[])).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.body["error"]["code"], "metric_not_found");
    }
    let none = stage
        .get(&with_parameters("/metrics", &[("service", "other")]))
        .await
        .body;
    assert_eq!(names(&none), [""; 0]);
}

#[tokio::test]
async fn reads_stay_within_their_budgets() {
    let stage = Stage::new().await;
    let now = time_sql(stage.now);
    // 20 metrics of 20 series for ten days, a point every ten minutes.
    for project in [PROJECT, FOREIGN] {
        stage
            .execute(&format!(
                "INSERT INTO metrics (project_id, name, series, timestamp, request_hash, request_row, kind, number) \
                 SELECT '{project}', concat('metric.', toString(number % 20)), intDiv(number, 20) % 20, \
                 {now} - toIntervalSecond(intDiv(number, 400) * 600), number, 0, 'gauge', number \
                 FROM numbers(576000)"
            ))
            .await;
    }
    for table in ["metrics", "metric_names"] {
        stage.execute(&format!("OPTIMIZE TABLE {table} FINAL")).await;
    }
    let from = (stage.now - chrono::Duration::days(10)).to_rfc3339();
    let days = ("from", from.as_str());
    let cases = [
        (
            "an hour's chart",
            "/metrics/metric.7/series",
            vec![("interval_ms", "60000")],
            40_000,
        ),
        ("ten days' chart", "/metrics/metric.7/series", vec![days], 80_000),
        ("all names", "/metrics", vec![days], 20_000),
    ];
    let mut report = Vec::new();
    for (what, path, parameters, budget) in cases {
        stage.meter.take();
        stage.data(&with_parameters(path, &parameters)).await;
        let (rows, queries) = stage.meter.take();
        report.push(format!(
            "{what}: {rows} rows, {queries} queries (budget {budget})"
        ));
        assert!(rows <= budget, "{what}\n{}", report.join("\n"));
    }
    println!("{}", report.join("\n"));
    let answer = stage
        .get(&with_parameters(
            "/metrics/metric.7/series",
            &[days, ("interval_ms", "1000")],
        ))
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "too many steps");
}

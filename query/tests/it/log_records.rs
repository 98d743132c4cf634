//! Log records: lists, filters, pages, tenants, cost.

use http::StatusCode;
use serde_json::{Value, json};

use crate::rows::{FOREIGN, PROJECT, span_id, time_sql, trace_id};
use crate::stage::{Stage, with_parameters};

/// A log record, as SQL, `ms` milliseconds before the present.
fn insert(stage: &Stage, project: &str, ms: i64, row: u32, columns: &[(&str, String)]) -> String {
    let (names, values): (Vec<&str>, Vec<&str>) =
        columns.iter().map(|(name, value)| (*name, &**value)).unzip();
    let separator = if columns.is_empty() { "" } else { ", " };
    format!(
        "INSERT INTO logs (project_id, timestamp, request_hash, request_row{separator}{}) \
         SELECT '{project}', {}, 7, {row}{separator}{}",
        names.join(", "),
        time_sql(stage.ago(ms)),
        values.join(", ")
    )
}

fn body(text: &str) -> [(&'static str, String); 2] {
    [
        ("body", format!("'{text}'")),
        ("body_kind", "'string'".to_owned()),
    ]
}

fn bodies(data: &Value) -> Vec<String> {
    let records = data.as_array().unwrap().iter();
    records
        .map(|record| record["body"].as_str().unwrap_or_default().to_owned())
        .collect()
}

async fn a_few(stage: &Stage) {
    let project = PROJECT.to_string();
    let severe = |number: u8, service: &str| {
        vec![
            ("severity_number", number.to_string()),
            ("service_name", format!("'{service}'")),
        ]
    };
    let with = |text: &str, more: Vec<(&'static str, String)>| {
        let mut columns = body(text).to_vec();
        columns.extend(more);
        columns
    };
    let in_trace = |span: u64| {
        vec![
            ("trace_id", format!("unhex('{}')", trace_id(5))),
            ("span_id", format!("unhex('{}')", span_id(span))),
        ]
    };
    let rows = [
        (5_000, 0, with("oldest of shop", severe(9, "shop"))),
        (4_000, 1, with("the shop is on fire", severe(21, "shop"))),
        (3_000, 2, with("a mail was late", severe(13, "mail"))),
        (2_000, 3, with("in the trace", in_trace(1))),
        (1_000, 4, with("in the trace, elsewhere", in_trace(2))),
    ];
    for (ms, row, columns) in rows {
        stage.execute(&insert(stage, &project, ms, row, &columns)).await;
    }
    // One that was sent again, and one of somebody else.
    stage
        .execute(&insert(
            stage,
            &project,
            4_000,
            1,
            &with("the shop is on fire", severe(21, "shop")),
        ))
        .await;
    let mut foreign = body("secret").to_vec();
    foreign.extend(in_trace(1));
    stage
        .execute(&insert(stage, &FOREIGN.to_string(), 2_500, 0, &foreign))
        .await;
}

#[tokio::test]
async fn the_list_is_newest_first_and_filters_narrow_it() {
    let stage = Stage::new().await;
    a_few(&stage).await;
    let list = async |parameters: &[(&str, &str)]| {
        bodies(&stage.data(&with_parameters("/log-records", parameters)).await)
    };
    let all = [
        "in the trace, elsewhere",
        "in the trace",
        "a mail was late",
        "the shop is on fire",
        "oldest of shop",
    ];
    assert_eq!(list(&[]).await, all);
    assert_eq!(list(&[("severity", "warn")]).await, all[2..4]);
    assert_eq!(list(&[("severity", "21")]).await, all[3..4]);
    assert_eq!(list(&[("service", "shop")]).await, all[3..]);
    assert_eq!(list(&[("text", "FIRE")]).await, all[3..4]);
    assert_eq!(list(&[("text", "on fire")]).await, all[3..4]);
    assert_eq!(list(&[("text", "fire on")]).await, [""; 0]);
    assert_eq!(list(&[("trace_id", &trace_id(5))]).await, all[..2]);
    assert_eq!(
        list(&[("trace_id", &trace_id(5)), ("observation_id", &span_id(1))]).await,
        all[1..2]
    );
    assert_eq!(list(&[("trace_id", &trace_id(6))]).await, [""; 0]);
    let path = with_parameters(&format!("/traces/{}/log-records", trace_id(5)), &[]);
    assert_eq!(
        bodies(&stage.data(&path).await),
        ["in the trace", "in the trace, elsewhere"]
    );
}

#[tokio::test]
async fn pages_neither_repeat_nor_miss() {
    let stage = Stage::new().await;
    let project = PROJECT.to_string();
    // Groups of seven share their time, and every tenth was sent twice.
    stage
        .execute(&format!(
            "INSERT INTO logs (project_id, timestamp, request_hash, request_row, body, body_kind) \
             SELECT '{project}', {now} - toIntervalSecond(1 + intDiv(number % 100, 7)), 3, number % 100, \
             toString(number % 100), 'string' FROM numbers(110)",
            now = time_sql(stage.now)
        ))
        .await;
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let mut parameters = vec![("limit", "9")];
        if !cursor.is_empty() {
            parameters.push(("cursor", &cursor));
        }
        let answer = stage.get(&with_parameters("/log-records", &parameters)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        seen.extend(bodies(&answer.body["data"]));
        let pagination = &answer.body["meta"]["pagination"];
        if pagination["has_next"] != true {
            break;
        }
        pagination["next_cursor"]
            .as_str()
            .unwrap()
            .clone_into(&mut cursor);
    }
    let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (100, 100));
    let path = with_parameters("/log-records/otlp", &[]);
    let exported = stage.get(&path).await.body;
    let records = exported["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
        .as_array()
        .unwrap();
    assert_eq!(records.len(), 100);
    assert_eq!(records[99]["body"], json!({"stringValue": "6"}));
}

#[tokio::test]
async fn a_wrong_parameter_is_named() {
    let stage = Stage::new().await;
    for (name, value) in [
        ("severity", "loud"),
        ("cursor", "x"),
        ("limit", "1001"),
        ("from", "now"),
    ] {
        let answer = stage
            .get(&with_parameters("/log-records", &[(name, value)]))
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}");
        assert_eq!(answer.body["error"]["details"]["field"], name);
    }
    let empty = stage.get(&with_parameters("/log-records/otlp", &[])).await.body;
    assert_eq!(empty, json!({"resourceLogs": []}));
}

#[tokio::test]
async fn reads_stay_within_their_budgets() {
    let stage = Stage::new().await;
    let now = time_sql(stage.now);
    // 400,000 records over 28 days of two projects; a trace of five records every thousand.
    for project in [PROJECT, FOREIGN] {
        stage
            .execute(&format!(
                "INSERT INTO logs (project_id, timestamp, request_hash, request_row, severity_number, service_name, \
                 body, body_kind, trace_id) \
                 SELECT '{project}', {now} - toIntervalMillisecond(number * 6000), number, 0, \
                 if(number % 50 = 0, 17, 9), if(intDiv(number, 40000) = 3, 'rare', 'shop'), \
                 concat('request ', toString(number), if(number = 300000, ' xylophone', '')), 'string', \
                 if(number % 1000 < 5, unhex(leftPad(lower(hex(intDiv(number, 1000) + 1)), 32, '0')), \
                 toFixedString('', 16)) FROM numbers(400000)"
            ))
            .await;
    }
    for table in ["logs", "log_trace_index"] {
        stage.execute(&format!("OPTIMIZE TABLE {table} FINAL")).await;
    }
    let from = (stage.now - chrono::Duration::days(28)).to_rfc3339();
    let month = ("from", from.as_str());
    let cases = [
        ("the last day", vec![], 100, 40_000),
        ("the last month", vec![month], 100, 40_000),
        (
            "errors of the month",
            vec![month, ("severity", "error")],
            100,
            60_000,
        ),
        ("a rare word", vec![month, ("text", "xylophone")], 1, 60_000),
        ("a rare service", vec![month, ("service", "rare")], 100, 60_000),
        (
            "a trace",
            vec![month, ("trace_id", "000000000000000000000000000000c8")],
            5,
            60_000,
        ),
    ];
    let mut report = Vec::new();
    for (what, parameters, count, budget) in cases {
        stage.meter.take();
        let data = stage.data(&with_parameters("/log-records", &parameters)).await;
        let (rows, queries) = stage.meter.take();
        report.push(format!(
            "{what}: {rows} rows, {queries} queries (budget {budget})"
        ));
        assert_eq!(data.as_array().unwrap().len(), count, "{what}");
        assert!(rows <= budget, "{what}\n{}", report.join("\n"));
    }
    println!("{}", report.join("\n"));
}

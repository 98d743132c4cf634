//! The log of the gateway's calls: lists, one, files, cost; and how attempts went.

use http::StatusCode;
use serde_json::{Value, json};

use crate::rows::{FOREIGN, PROJECT, span_id, time_sql, trace_id};
use crate::stage::{Stage, with_parameters};

/// Names and values.
type Columns<'a> = &'a [(&'a str, &'a str)];

/// A row of a table of calls, `ms` milliseconds before the present.
async fn insert(stage: &Stage, table: &str, project: &str, (ms, span): (i64, u64), columns: &[(&str, &str)]) {
    let mut all = vec![
        ("project_id", format!("'{project}'")),
        ("start_time", time_sql(stage.ago(ms))),
        ("trace_id", format!("unhex('{}')", trace_id(span / 10))),
        ("span_id", format!("unhex('{}')", span_id(span))),
        ("version", "1".to_owned()),
    ];
    all.extend(columns.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let (names, values): (Vec<&str>, Vec<String>) = all.into_iter().unzip();
    let statement = format!(
        "INSERT INTO {table} ({}) SELECT {}",
        names.join(", "),
        values.join(", ")
    );
    stage.execute(&statement).await;
}

const ANSWERED: [(&str, &str); 12] = [
    ("method", "'POST'"),
    ("path", "'/v1/chat/completions'"),
    ("status", "200"),
    ("outcome", "'answered'"),
    ("route", "'fast'"),
    ("provider", "'openai'"),
    ("model", "'gpt-4o-mini'"),
    ("attempts", "2"),
    ("duration_us", "1500000"),
    ("total_cost", "toDecimal64('0.0042', 12)"),
    ("input_preview", "'=1+1, is it \"two\"?'"),
    ("user_id", "'ada'"),
];

const FAILED: [(&str, &str); 6] = [
    ("method", "'POST'"),
    ("status", "503"),
    ("outcome", "'failed'"),
    ("error_type", "'provider_error'"),
    ("provider", "'mine'"),
    ("request_id", "'request-7'"),
];

async fn a_few(stage: &Stage) {
    let (project, foreign) = (PROJECT.to_string(), FOREIGN.to_string());
    insert(stage, "request_logs", &project, (5_000, 10), &ANSWERED).await;
    insert(stage, "request_logs", &project, (4_000, 20), &FAILED).await;
    insert(stage, "request_logs", &project, (3_000, 30), &ANSWERED).await;
    // One that came twice, a copy that nobody got, and somebody else's.
    insert(stage, "request_logs", &project, (3_000, 30), &ANSWERED).await;
    insert(
        stage,
        "request_logs",
        &project,
        (2_000, 40),
        &[("shadow", "true")],
    )
    .await;
    insert(stage, "request_logs", &foreign, (1_000, 50), &ANSWERED).await;
    let attempts: [(i64, u64, u64, Columns<'_>); 4] = [
        (
            4_990,
            11,
            10,
            &[
                ("kind", "'attempt'"),
                ("provider", "'mine'"),
                ("model", "'small'"),
                ("attempt", "1"),
                ("outcome", "'failed'"),
                ("decision", "'fell_back'"),
                ("error_type", "'provider_error'"),
                ("status", "503"),
                ("duration_us", "20000"),
                ("route", "'fast'"),
            ],
        ),
        (
            4_900,
            12,
            10,
            &[
                ("kind", "'attempt'"),
                ("provider", "'openai'"),
                ("model", "'gpt-4o-mini'"),
                ("attempt", "2"),
                ("outcome", "'answered'"),
                ("decision", "'answered'"),
                ("status", "200"),
                ("duration_us", "900000"),
                ("time_to_first_token_us", "250000"),
                ("input_tokens", "100"),
                ("output_tokens", "20"),
                ("total_cost", "toDecimal64('0.0042', 12)"),
                ("route", "'fast'"),
            ],
        ),
        (
            3_990,
            21,
            20,
            &[
                ("kind", "'attempt'"),
                ("provider", "'mine'"),
                ("model", "'small'"),
                ("attempt", "1"),
                ("outcome", "'failed'"),
                ("decision", "'gave_up'"),
                ("error_type", "'timeout'"),
            ],
        ),
        (
            2_990,
            31,
            30,
            &[
                ("kind", "'cache'"),
                ("provider", "'openai'"),
                ("model", "'gpt-4o-mini'"),
                ("route", "'fast'"),
            ],
        ),
    ];
    for (ms, span, call, columns) in attempts {
        let call = format!("unhex('{}')", span_id(call));
        let mut columns = columns.to_vec();
        columns.push(("call_span_id", &call));
        insert(stage, "ai_routing_metrics", &project, (ms, span), &columns).await;
    }
}

fn ids(answer: &Value) -> Vec<String> {
    let calls = answer["data"].as_array().unwrap().iter();
    calls
        .map(|call| call["id"].as_str().unwrap().to_owned())
        .collect()
}

const LIST: &str = "/api/v1/logs/requests";

async fn list(stage: &Stage, parameters: &[(&str, &str)]) -> Value {
    let answer = stage.get_at(&with_parameters(LIST, parameters)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.body
}

#[tokio::test]
async fn calls_are_listed_newest_first_and_each_once() {
    let stage = Stage::new().await;
    a_few(&stage).await;
    let all = list(&stage, &[]).await;
    assert_eq!(ids(&all), [span_id(30), span_id(20), span_id(10)]);
    let answered = &all["data"][2];
    assert_eq!(answered["duration_ms"], 1500.0);
    assert_eq!(answered["total_cost"], "0.0042");
    assert_eq!(answered["route"], "fast");
    assert_eq!(answered["error_type"], Value::Null);
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let mut parameters = vec![("limit", "1")];
        if !cursor.is_empty() {
            parameters.push(("cursor", &cursor));
        }
        let page = list(&stage, &parameters).await;
        seen.extend(ids(&page));
        let pagination = &page["meta"]["pagination"];
        if pagination["has_next"] != true {
            break;
        }
        cursor = pagination["next_cursor"].as_str().unwrap().to_owned();
    }
    assert_eq!(seen, ids(&all));
}

#[tokio::test]
async fn calls_are_narrowed_by_how_they_went_and_who_made_them() {
    let stage = Stage::new().await;
    a_few(&stage).await;
    let cases: [(Columns<'_>, &[u64]); 8] = [
        (&[("failed", "true")], &[20]),
        (&[("status", "503")], &[20]),
        (&[("provider", "openai")], &[30, 10]),
        (&[("user_id", "ada"), ("duration_ms_min", "1500")], &[30, 10]),
        (&[("duration_ms_min", "1501")], &[]),
        (&[("request_id", "request-7")], &[20]),
        (&[("trace_id", &trace_id(1))], &[10]),
        (&[("shadows", "true")], &[40, 30, 20, 10]),
    ];
    for (parameters, expected) in cases {
        let expected: Vec<String> = expected.iter().copied().map(span_id).collect();
        assert_eq!(ids(&list(&stage, parameters).await), expected, "{parameters:?}");
    }
    let wrong = stage.get_at(&with_parameters(LIST, &[("limit", "0")])).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn one_call_has_its_attempts() {
    let stage = Stage::new().await;
    a_few(&stage).await;
    let one = |id: u64| with_parameters(&format!("{LIST}/{}", span_id(id)), &[]);
    let answer = stage.get_at(&one(10)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let made = answer.body["data"]["attempts_made"].as_array().unwrap();
    let told: Vec<Value> = made
        .iter()
        .map(|attempt| {
            json!([
                attempt["provider"],
                attempt["decision"],
                attempt["time_to_first_token_ms"]
            ])
        })
        .collect();
    assert_eq!(
        told,
        [
            json!(["mine", "fell_back", null]),
            json!(["openai", "answered", 250.0])
        ]
    );
    for id in [99, 50] {
        let answer = stage.get_at(&one(id)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{id}");
        assert_eq!(answer.body["error"]["code"], "request_not_found");
    }
}

#[tokio::test]
async fn calls_are_exported_as_lines_of_json_or_as_a_table() {
    let stage = Stage::new().await;
    a_few(&stage).await;
    let lines = stage
        .text_at(&with_parameters(&format!("{LIST}/export"), &[]))
        .await;
    let calls: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(calls.len(), 3);
    assert_eq!(calls[1]["error_type"], "provider_error");
    let table = stage
        .text_at(&with_parameters(
            &format!("{LIST}/export"),
            &[("format", "csv"), ("user_id", "ada")],
        ))
        .await;
    let rows: Vec<&str> = table.split_terminator("\r\n").collect();
    assert_eq!(rows.len(), 3, "{table}");
    assert!(rows[0].starts_with("id,trace_id,start_time,"));
    assert!(rows[1].contains("\"'=1+1, is it \"\"two\"\"?\""), "{}", rows[1]);
}

#[tokio::test]
async fn attempts_are_added_up_by_provider_and_model() {
    let stage = Stage::new().await;
    a_few(&stage).await;
    let data = stage.data(&with_parameters("/routing", &[])).await;
    let lines = data.as_array().unwrap();
    assert_eq!(lines.len(), 2);
    let mine = &lines[0];
    assert_eq!(mine["group"], json!({"provider": "mine", "model": "small"}));
    assert_eq!(
        json!([
            mine["attempts"],
            mine["failed"],
            mine["fallbacks"],
            mine["time_to_first_token"]
        ]),
        json!([2, 2, 1, null])
    );
    assert_eq!(mine["errors"], json!({"provider_error": 1, "timeout": 1}));
    let openai = &lines[1];
    assert_eq!(
        json!([
            openai["attempts"],
            openai["answered"],
            openai["resent"],
            openai["cache_hits"],
            openai["total_cost"]
        ]),
        json!([1, 1, 1, 1, "0.0042"])
    );
    assert_eq!(openai["time_to_first_token"]["p95_ms"], 250.0);
    let by_route = stage
        .data(&with_parameters(
            "/routing",
            &[("group_by", "route"), ("route", "fast")],
        ))
        .await;
    assert_eq!(by_route.as_array().unwrap().len(), 1);
    assert_eq!(by_route[0]["attempts"], 2);
    let wrong = stage
        .get(&with_parameters("/routing", &[("group_by", "user")]))
        .await;
    assert_eq!(wrong.body["error"]["details"]["field"], "group_by");
}

#[tokio::test]
async fn a_page_of_calls_reads_little_however_many_there_are() {
    let stage = Stage::new().await;
    stage
        .execute(&format!(
            "INSERT INTO request_logs (project_id, start_time, trace_id, span_id, version, route)
             SELECT '{PROJECT}', {} + toIntervalMillisecond(number * 40), unhex(hex(toFixedString(toString(number), 16))),
                 reinterpretAsFixedString(toUInt64(number)), 1, 'fast'
             FROM numbers(200000)",
            time_sql(stage.ago(8_100_000))
        ))
        .await;
    stage.meter.take();
    let page = list(&stage, &[("limit", "50")]).await;
    assert_eq!(ids(&page).len(), 50);
    let (rows, queries) = stage.meter.take();
    assert_eq!(queries, 1);
    assert!(rows <= 4 * 2048, "{rows} rows for a page of 50");
    let cursor = page["meta"]["pagination"]["next_cursor"].as_str().unwrap();
    list(&stage, &[("limit", "50"), ("cursor", cursor)]).await;
    let (rows, _) = stage.meter.take();
    assert!(rows <= 4 * 2048, "{rows} rows for the next page");
    let id = page["data"][0]["id"].as_str().unwrap();
    let one = stage.get_at(&with_parameters(&format!("{LIST}/{id}"), &[])).await;
    assert_eq!(one.status, StatusCode::OK);
    let (rows, _) = stage.meter.take();
    assert!(rows <= 8 * 2048, "{rows} rows for one call");
}

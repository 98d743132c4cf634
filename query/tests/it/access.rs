//! Who may read what, and what a wrong request is told.

use http::StatusCode;

use crate::rows::{FOREIGN, PROJECT, Row, trace_id};
use crate::stage::{Stage, traces_path, with_parameters};

#[tokio::test]
async fn another_tenants_rows_are_never_seen() {
    let stage = Stage::new().await;
    let foreign = |row: Row| row.text("project_id", &FOREIGN.to_string());
    stage
        .insert([
            foreign(Row::entry(1, stage.ago(1_000)).generation("gpt-4o", "0.5")),
            Row::entry(2, stage.ago(500)),
        ])
        .await;
    // The same trace id in both projects: each sees its own half.
    stage
        .insert([
            foreign(Row::entry(3, stage.ago(300))),
            Row::entry(3, stage.ago(200)).text("name", "mine"),
        ])
        .await;

    assert_eq!(stage.names(&[]).await, ["mine", "trace-2"]);
    assert_eq!(
        stage
            .data(&with_parameters(&format!("/traces/{}", trace_id(3)), &[]))
            .await["observation_count"],
        1
    );
    for path in ["", "/observations", "/otlp"] {
        let answer = stage
            .get(&with_parameters(&format!("/traces/{}{path}", trace_id(1)), &[]))
            .await;
        assert_eq!(
            (answer.status, &answer.body["error"]["code"]),
            (StatusCode::NOT_FOUND, &"trace_not_found".into())
        );
    }
    let facets = stage.data(&with_parameters("/traces/facets", &[])).await;
    assert!(!facets.to_string().contains("gpt-4o"), "{facets}");
    let histogram = stage.data(&with_parameters("/traces/histogram", &[])).await;
    let total: u64 = histogram["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| b["count"].as_u64().unwrap())
        .sum();
    assert_eq!(total, 2);
}

#[tokio::test]
async fn every_route_asks_who_is_calling_and_hides_foreign_projects() {
    let stage = Stage::new().await;
    let trace = trace_id(1);
    let paths = [
        "/traces".to_owned(),
        "/traces/histogram".to_owned(),
        "/traces/facets".to_owned(),
        format!("/traces/{trace}"),
        format!("/traces/{trace}/observations"),
        format!("/traces/{trace}/otlp"),
        format!("/traces/{trace}/log-records"),
        "/log-records".to_owned(),
        "/log-records/otlp".to_owned(),
        "/metrics".to_owned(),
        "/metrics/m/series".to_owned(),
        "/metrics/m/otlp".to_owned(),
    ];
    for path in paths {
        let own = format!("{path}?project_id={PROJECT}");
        assert_eq!(
            stage.get_as(None, &own).await.status,
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
        assert_eq!(
            stage.get_as(Some("bad"), &own).await.status,
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
        let foreign = stage.get(&format!("{path}?project_id={FOREIGN}")).await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(foreign.body["error"]["code"], "project_not_found", "{path}");
        assert_eq!(stage.get(&path).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
    assert_eq!(
        stage.meter.take(),
        (0, 0),
        "storage was asked on behalf of nobody"
    );
}

#[tokio::test]
async fn a_wrong_request_is_told_what_is_wrong_and_where() {
    let stage = Stage::new().await;
    let cases = [
        (vec![("cursor", "nonsense")], "invalid_cursor", "cursor"),
        (vec![("limit", "0")], "invalid_limit", "limit"),
        (vec![("limit", "201")], "invalid_limit", "limit"),
        (vec![("limit", "many")], "invalid_request", "limit"),
        (vec![("from", "yesterday")], "invalid_time_range", "from"),
        (
            vec![("from", "2020-01-01T00:00:00Z")],
            "invalid_time_range",
            "from",
        ),
        (vec![("filter", "status:ok foo:1")], "invalid_filter", "filter"),
    ];
    for (parameters, code, field) in cases {
        let answer = stage.get(&traces_path(&parameters)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{parameters:?}");
        let error = &answer.body["error"];
        assert_eq!(
            (&error["code"], &error["details"]["field"]),
            (&code.into(), &field.into()),
            "{error}"
        );
    }
    let answer = stage.get(&traces_path(&[("filter", "status:ok foo:1")])).await;
    let details = &answer.body["error"]["details"];
    assert_eq!(
        (details["start"].as_u64(), details["end"].as_u64()),
        (Some(10), Some(13))
    );
    assert_eq!(
        stage
            .get("/traces/xyz?project_id=00000000000000000000000081")
            .await
            .status,
        StatusCode::BAD_REQUEST
    );
}

//! The stock SDKs of Brokle and of Langfuse, unmodified, with only their environment set.

use brokle_testkit::tenant::Tenant;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Client, named, observations, run_client, server_and_tenant};
use crate::sdk::trace_when;

/// The scores of a trace and its observations, by name.
async fn scores(tenant: &Tenant, trace_id: &str, count: usize) -> Vec<Value> {
    let path = format!("/api/v1/analytics/quality-scores?trace_id={trace_id}");
    brokle_testkit::wait::until("the scores are there", crate::harness::VISIBLE_WITHIN, || async {
        let found = tenant.data(&path).await.ok()?;
        found.as_array().filter(|found| found.len() >= count).cloned()
    })
    .await
    .unwrap()
}

fn score<'a>(scores: &'a [Value], name: &str) -> &'a Value {
    scores.iter().find(|score| score["name"] == name).unwrap()
}

async fn assert_trace(tenant: &Tenant, sent: &Value) -> String {
    assert_eq!(sent["auth"], true);
    let trace_id = sent["trace_id"].as_str().unwrap().to_owned();
    let rows = observations(tenant, &trace_id, 2).await;
    assert_eq!(rows.len(), 2);
    let call = rows
        .iter()
        .find(|row| row["observation_id"] == sent["span_id"])
        .unwrap();
    assert_eq!(
        (&call["type"], &call["model"]),
        (&json!("generation"), &json!("gpt-4o-mini"))
    );
    assert_eq!(
        call["parent_observation_id"],
        named(&rows, "answer")["observation_id"]
    );
    assert_eq!(
        (&call["usage"]["input_tokens"], &call["usage"]["output_tokens"]),
        (&json!(1000), &json!(100))
    );
    assert_eq!(call["cost"]["total"], "0.00021");
    assert_eq!(
        call["input"][0]["parts"][0]["content"],
        "What is the capital of France?"
    );
    let trace = trace_when(tenant, &trace_id, "the trace is there", |_| true).await;
    assert_eq!(
        (&trace["user_id"], &trace["session_id"]),
        (&json!("u-7"), &json!("s-9"))
    );
    assert_eq!(
        (&trace["name"], &trace["tags"]),
        (&json!("answer"), &json!(["beta"]))
    );
    trace_id
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stock_brokle_sdk_comes_back_as_sent() {
    let (server, tenant) = server_and_tenant().await;
    // Some SDKs take no other form of key.
    let path = format!("/api/v1/projects/{}/api-keys", tenant.project_id);
    let body = json!({"name": "short", "format": "short"});
    let created = tenant
        .request(Method::POST, &path)
        .json(&body)
        .send()
        .await
        .unwrap();
    let created: Value = created.json().await.unwrap();
    let short = created["data"]["key"].as_str().unwrap().to_owned();
    assert!(
        short.len() == 43 && !short.contains("proj"),
        "{}",
        created["data"]["preview"]
    );
    for key in [tenant.key.clone(), short] {
        let sent = run_client(
            Client::Sdk("send_brokle.py"),
            vec![
                ("BROKLE_API_KEY", key),
                ("BROKLE_BASE_URL", server.url()),
                ("BROKLE_ENVIRONMENT", "staging".to_owned()),
            ],
        )
        .await;
        let trace_id = assert_trace(&tenant, &sent).await;
        let found = scores(&tenant, &trace_id, 5).await;
        assert_eq!(found.len(), 5);
        let accuracy = score(&found, "accuracy");
        assert_eq!(accuracy["score_id"], sent["score"]);
        assert_eq!(
            (&accuracy["value"], &accuracy["source"]),
            (&json!(0.9), &json!("code"))
        );
        assert_eq!(
            (&accuracy["comment"], &accuracy["metadata"]),
            (&json!("close"), &json!({"run": "r1"}))
        );
        let polite = score(&found, "polite");
        assert_eq!(
            (&polite["data_type"], &polite["value"]),
            (&json!("BOOLEAN"), &json!(1.0))
        );
        assert_eq!(
            (&polite["observation_id"], &polite["source"]),
            (&sent["span_id"], &json!("human"))
        );
        let verdict = score(&found, "verdict");
        assert_eq!(
            (&verdict["string_value"], &verdict["source"]),
            (&json!("right"), &json!("llm"))
        );
        let trace = tenant.trace(&trace_id).await.unwrap();
        assert_eq!(
            (&trace["environment"], trace["scores"].as_array().unwrap().len()),
            (&json!("staging"), 4)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stock_langfuse_sdk_works_when_its_host_and_keys_are_changed() {
    let (server, tenant) = server_and_tenant().await;
    let sent = run_client(
        Client::Sdk("send_langfuse.py"),
        vec![
            ("LANGFUSE_HOST", server.url()),
            ("LANGFUSE_PUBLIC_KEY", "pk-lf-any".to_owned()),
            ("LANGFUSE_SECRET_KEY", tenant.key.clone()),
        ],
    )
    .await;
    let trace_id = assert_trace(&tenant, &sent).await;
    let found = scores(&tenant, &trace_id, 3).await;
    assert_eq!(found.len(), 3, "a score that is sent again under its id is one");
    let accuracy = score(&found, "accuracy");
    assert_eq!(
        (&accuracy["score_id"], &accuracy["value"]),
        (&json!("acc-1"), &json!(0.95))
    );
    assert_eq!(score(&found, "polite")["observation_id"], sent["span_id"]);
    assert_eq!(score(&found, "verdict")["string_value"], "right");
    let happy = tenant
        .data("/api/v1/analytics/quality-scores?session_id=s-9")
        .await
        .unwrap();
    assert_eq!(
        (&happy[0]["name"], &happy[0]["value"]),
        (&json!("happy"), &json!(1.0))
    );
    let trace = tenant.trace(&trace_id).await.unwrap();
    assert_eq!(trace["metadata"]["plan"], "pro");

    // What older SDKs call.
    let batch = json!({"batch": [
        {"id": "e1", "type": "score-create", "timestamp": "2026-01-01T00:00:00Z", "body": {"id": "old", "name": "old", "value": 1}},
        {"id": "e2", "type": "score-create", "body": {"traceId": trace_id, "name": "late", "value": 0.5}},
        {"id": "e3", "type": "trace-create", "body": {}},
    ]});
    let request = reqwest::Client::new()
        .post(format!("{}/api/public/ingestion", server.url()))
        .basic_auth("pk-lf-any", Some(&tenant.key))
        .json(&batch);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 207);
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["successes"], json!([{"id": "e2", "status": 201}]));
    assert_eq!(answer["errors"].as_array().unwrap().len(), 2);
    scores(&tenant, &trace_id, 4).await;
    let refused = reqwest::Client::new()
        .post(format!("{}/api/public/scores", server.url()))
        .basic_auth("pk-lf-any", Some("sk-lf-wrong"))
        .json(&json!({"name": "n", "value": 1, "traceId": trace_id}));
    assert_eq!(refused.send().await.unwrap().status(), 401);
}

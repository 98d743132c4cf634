//! Stock OpenTelemetry SDKs, unmodified, configured by environment only: what they send comes back through the API.
//! The clients of the gateway are in `gateway_clients.rs`.

use brokle_testkit::tenant::Tenant;
use serde_json::{Value, json};

use crate::harness::{Client, named, observations, run_client, server_and_tenant};

fn exporter(endpoint: String, tenant: &Tenant, protocol: &str) -> Vec<(&'static str, String)> {
    vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_EXPORTER_OTLP_HEADERS", format!("x-api-key={}", tenant.key)),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol.to_owned()),
        ("OTEL_SERVICE_NAME", "shop".to_owned()),
        ("OTEL_EXPORTER_OTLP_INSECURE", "true".to_owned()),
    ]
}

async fn assert_python_trace(tenant: &Tenant, sent: &Value) {
    let trace_id = sent["trace_id"].as_str().unwrap();
    let observations = observations(tenant, trace_id, 3).await;
    assert_eq!(observations.len(), 3);

    let root = named(&observations, "answer question");
    assert_eq!(root["parent_observation_id"], Value::Null);
    assert_eq!(root["service_name"], "shop");
    let attributes = &root["attributes"];
    assert_eq!(
        (&attributes["retries"], &attributes["ratio"]),
        (&json!(3), &json!(0.25))
    );
    assert_eq!(
        (&attributes["cached"], &attributes["steps"]),
        (&json!(false), &json!(["plan", "call"]))
    );

    let call = named(&observations, "chat gpt-4o-mini");
    assert_eq!(
        (&call["type"], &call["provider"]),
        (&json!("generation"), &json!("openai"))
    );
    assert_eq!(call["model"], "gpt-4o-mini-2024-07-18");
    assert_eq!(call["parent_observation_id"], root["observation_id"]);
    assert_eq!(call["usage"]["input_tokens"], 1000);
    assert_eq!(call["usage"]["cache_read_tokens"], 400);
    assert_eq!(
        call["input"][0]["parts"][0]["content"],
        "What is the capital of France?"
    );
    assert_eq!(call["output"][0]["parts"][0]["content"], "Paris.");
    assert_eq!(call["events"][0]["name"], "first chunk");
    // 600 fresh tokens at 0.15, 400 cached at 0.075 and 100 output tokens at 0.60 USD per million.
    assert_eq!(call["cost"]["total"], "0.00018");

    let failing = named(&observations, "store answer");
    assert_eq!(
        (&failing["status"], &failing["status_message"]),
        (&json!("error"), &json!("disk is full"))
    );

    let trace = tenant.trace(trace_id).await.unwrap();
    assert_eq!(trace["name"], "answer question");
    assert_eq!(
        (&trace["user_id"], &trace["session_id"]),
        (&json!("u-7"), &json!("s-9"))
    );
    assert_eq!(
        (&trace["observation_count"], &trace["error_count"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(trace["total_cost"], "0.00018");
    let listed = tenant.data("/api/v1/analytics/traces").await.unwrap();
    assert_eq!(listed[0]["trace_id"], trace_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn python_sdk_over_http_protobuf_comes_back_as_sent() {
    let (server, tenant) = server_and_tenant().await;
    let sent = run_client(
        Client::Python("send_spans.py"),
        exporter(server.url(), &tenant, "http/protobuf"),
    )
    .await;
    assert_python_trace(&tenant, &sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_sdk_over_the_otlp_http_port_comes_back_as_sent() {
    let (server, tenant) = server_and_tenant().await;
    let mut variables = exporter(server.otlp_http_url(), &tenant, "http/protobuf");
    variables.push(("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip".into()));
    let sent = run_client(Client::Python("send_spans.py"), variables).await;
    assert_python_trace(&tenant, &sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_sdk_over_grpc_comes_back_as_sent() {
    let (server, tenant) = server_and_tenant().await;
    let sent = run_client(
        Client::Python("send_spans.py"),
        exporter(server.otlp_grpc_url(), &tenant, "grpc"),
    )
    .await;
    assert_python_trace(&tenant, &sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn javascript_sdk_over_http_json_comes_back_as_sent() {
    let (server, tenant) = server_and_tenant().await;
    let sent = run_client(
        Client::Node("send_spans.mjs"),
        exporter(server.url(), &tenant, "http/json"),
    )
    .await;
    let observations = observations(&tenant, sent["trace_id"].as_str().unwrap(), 2).await;
    let root = named(&observations, "GET /answer");
    assert_eq!(
        (&root["status"], &root["attributes"]["retries"]),
        (&json!("ok"), &json!(3))
    );
    let call = named(&observations, "chat gpt-4o-mini");
    assert_eq!(call["parent_observation_id"], root["observation_id"]);
    assert_eq!(
        (&call["usage"]["input_tokens"], &call["cost"]["total"]),
        (&json!(1000), &json!("0.00021"))
    );
}

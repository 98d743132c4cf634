//! Stock OpenTelemetry SDKs, unmodified, configured by environment only: what they send comes back through the API.
//! The clients of the gateway are in `gateway_clients.rs`.

use brokle_testkit::tenant::Tenant;
use brokle_testkit::wait;
use serde_json::{Value, json};

use crate::harness::{Client, VISIBLE_WITHIN, named, observations, run_client, server_and_tenant};

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

/// The log records of a trace, once there are `count`.
async fn log_records(tenant: &Tenant, trace_id: &str, count: usize) -> Vec<Value> {
    let path = format!("/api/v1/analytics/traces/{trace_id}/log-records");
    wait::until("the log records are visible", VISIBLE_WITHIN, || async {
        let found = tenant.data(&path).await.ok()?.as_array().cloned()?;
        (found.len() >= count).then_some(found)
    })
    .await
    .unwrap()
}

/// The kinds of the metrics, by name, once there are `count`.
async fn metric_kinds(tenant: &Tenant, count: usize) -> Vec<(String, String)> {
    wait::until("the metrics are visible", VISIBLE_WITHIN, || async {
        let found = tenant.data("/api/v1/analytics/metrics").await.ok()?;
        let word = |metric: &Value, field: &str| metric[field].as_str().unwrap().to_owned();
        let kinds = found.as_array()?.iter();
        let kinds: Vec<_> = kinds
            .map(|metric| (word(metric, "name"), word(metric, "kind")))
            .collect();
        (kinds.len() >= count).then_some(kinds)
    })
    .await
    .unwrap()
}

/// The points of a metric, as OTLP gives them back.
async fn points(tenant: &Tenant, name: &str, data: &str) -> Vec<Value> {
    let path = format!("/api/v1/analytics/metrics/{name}/otlp");
    let (_, body) = tenant.get(&path).await.unwrap();
    let metric = &body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0];
    metric[data]["dataPoints"]
        .as_array()
        .cloned()
        .unwrap_or_else(|| panic!("no {data} in {body}"))
}

async fn assert_python_signals(tenant: &Tenant, sent: &Value) {
    let (trace_id, span_id) = (sent["trace_id"].as_str().unwrap(), &sent["span_id"]);
    let spans = observations(tenant, trace_id, 1).await;
    assert_eq!(
        (&spans[0]["name"], &spans[0]["observation_id"]),
        (&json!("pay"), span_id)
    );

    let records = log_records(tenant, trace_id, 2).await;
    assert!(records.iter().all(|record| record["observation_id"] == *span_id));
    let find = |severity: &str| {
        records
            .iter()
            .find(|record| record["severity"] == severity)
            .unwrap()
    };
    let warning = find("warn");
    assert_eq!(warning["body"], "card of u-7 declined");
    assert_eq!(warning["attributes"]["attempt"], 2);
    assert_eq!(warning["service_name"], "shop");
    let event = find("info");
    assert_eq!(event["event_name"], "order.placed");
    assert_eq!(
        event["body"],
        json!({"order": 7, "items": ["a", "b"], "total": 12.5})
    );
    assert_eq!(event["attributes"], json!({"region": "eu", "express": true}));

    let kinds = metric_kinds(tenant, 6).await;
    let kinds: Vec<(&str, &str)> = kinds.iter().map(|(name, kind)| (&**name, &**kind)).collect();
    assert_eq!(
        kinds,
        [
            ("carts", "sum"),
            ("latency", "histogram"),
            ("orders", "sum"),
            ("pressure", "gauge"),
            ("spread", "exponential_histogram"),
            ("temperature", "gauge"),
        ]
    );
    let latency = &points(tenant, "latency", "histogram").await[0];
    assert_eq!((&latency["count"], &latency["sum"]), (&json!("3"), &json!(333.0)));
    let spread = &points(tenant, "spread", "exponentialHistogram").await[0];
    assert_eq!((&spread["count"], &spread["max"]), (&json!("3"), &json!(300.0)));
    let orders = &points(tenant, "orders", "sum").await[0];
    assert_eq!(orders["asInt"], "5");
    assert_eq!(
        orders["attributes"],
        json!([{"key": "region", "value": {"stringValue": "eu"}}])
    );
    let chart = tenant
        .data("/api/v1/analytics/metrics/orders/series?aggregation=increase&group_by=region")
        .await
        .unwrap();
    assert_eq!(chart["series"][0]["attributes"], json!({"region": "eu"}));
    assert_eq!(chart["series"][0]["points"][0]["value"], json!(5.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn python_sdk_sends_all_three_signals_over_http() {
    let (server, tenant) = server_and_tenant().await;
    let variables = exporter(server.url(), &tenant, "http/protobuf");
    let sent = run_client(Client::Python("send_signals.py"), variables).await;
    assert_python_signals(&tenant, &sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_sdk_sends_all_three_signals_over_grpc() {
    let (server, tenant) = server_and_tenant().await;
    let variables = exporter(server.otlp_grpc_url(), &tenant, "grpc");
    let sent = run_client(Client::Python("send_signals.py"), variables).await;
    assert_python_signals(&tenant, &sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn javascript_sdk_sends_logs_and_metrics_as_json() {
    let (server, tenant) = server_and_tenant().await;
    let variables = exporter(server.otlp_http_url(), &tenant, "http/json");
    let sent = run_client(Client::Node("send_signals.mjs"), variables).await;
    let records = log_records(&tenant, sent["trace_id"].as_str().unwrap(), 1).await;
    let record = &records[0];
    assert_eq!(record["observation_id"], sent["span_id"]);
    assert_eq!(
        (&record["severity"], &record["event_name"]),
        (&json!("error"), &json!("order.failed"))
    );
    assert_eq!(record["body"], json!({"order": 7, "items": ["a", "b"]}));
    assert_eq!(record["attributes"], json!({"retries": 3, "cached": false}));
    assert_eq!(record["service_name"], "storefront");
    let kinds = metric_kinds(&tenant, 4).await;
    let kinds: Vec<(&str, &str)> = kinds.iter().map(|(name, kind)| (&**name, &**kind)).collect();
    assert_eq!(
        kinds,
        [
            ("carts", "sum"),
            ("latency", "histogram"),
            ("orders", "sum"),
            ("temperature", "gauge")
        ]
    );
    let temperature = &points(&tenant, "temperature", "gauge").await[0];
    assert_eq!(temperature["asDouble"], json!(21.5));
    let latency = &points(&tenant, "latency", "histogram").await[0];
    assert_eq!((&latency["count"], &latency["max"]), (&json!("3"), &json!(300.0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stock_collector_forwards_all_three_signals_over_grpc() {
    let (server, tenant) = server_and_tenant().await;
    let variables = exporter(server.otlp_grpc_url(), &tenant, "grpc");
    let sent = run_client(Client::Rotel("forward_rotel.py"), variables).await;
    assert_python_signals(&tenant, &sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stock_collector_forwards_all_three_signals_over_http() {
    let (server, tenant) = server_and_tenant().await;
    let variables = exporter(server.otlp_http_url(), &tenant, "http/protobuf");
    let sent = run_client(Client::Rotel("forward_rotel.py"), variables).await;
    assert_python_signals(&tenant, &sent).await;
}

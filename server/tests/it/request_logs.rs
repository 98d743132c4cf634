//! The log of the gateway's calls on the real binary: what a call leaves besides its trace, how long, and that nobody
//! else can write there.

use brokle_storage_clickhouse::{ClickHouse, ClickHouseConfig};
use brokle_testkit::provider::FakeProvider;
use brokle_testkit::server::{Server, ServerOptions};
use brokle_testkit::tenant::Tenant;
use brokle_testkit::wait;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{VISIBLE_WITHIN, binary, observations};

/// One that fails, and one that answers.
async fn gateway() -> (Server, Tenant, FakeProvider) {
    let provider = FakeProvider::start().await;
    let config = format!(
        "[gateway.providers.bad]\nbase_url = \"{url}\"\napi_key = \"k\"\n\
         [gateway.providers.good]\nbase_url = \"{url}\"\napi_key = \"k\"\nprovider_name = \"openai\"\n\
         [gateway.retries]\nattempts_max = 3\n\
         [gateway.routes.fast]\nstrategy = \"priority\"\ntargets = [\
            {{ provider = \"bad\", model = \"mock-503\" }}, {{ provider = \"good\", model = \"gpt-4o-mini\" }}]\n",
        url = provider.base_url()
    );
    let options = ServerOptions {
        config,
        ..ServerOptions::default()
    };
    let server = Server::start(binary(), options).await.unwrap();
    let tenant = Tenant::sign_up(&server.url()).await.unwrap();
    (server, tenant, provider)
}

async fn post(server: &Server, tenant: &Tenant, path: &str) -> StatusCode {
    let body = json!({ "model": "fast", "messages": [{ "role": "user", "content": "hello" }] });
    let request = Client::new()
        .post(format!("{}{path}", server.url()))
        .bearer_auth(&tenant.key)
        .header("x-user-id", "ada");
    request.json(&body).send().await.unwrap().status()
}

/// The calls that are logged, once there are `count`.
async fn logged(tenant: &Tenant, count: usize) -> Vec<Value> {
    wait::until(&format!("{count} calls are logged"), VISIBLE_WITHIN, || async {
        let calls = tenant.data("/api/v1/logs/requests").await.ok()?;
        calls.as_array().cloned().filter(|calls| calls.len() >= count)
    })
    .await
    .unwrap()
}

async fn fetch(server: &Server, query: &str) -> String {
    let config = ClickHouseConfig::parse(&server.clickhouse_url()).unwrap();
    let client = ClickHouse::new(&config);
    let text = client.fetch(query, "TabSeparated", VISIBLE_WITHIN).await;
    text.unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_logged_with_its_attempts_and_adds_to_the_figures_of_providers() {
    let (server, tenant, _provider) = gateway().await;
    assert_eq!(post(&server, &tenant, "/v1/chat/completions").await, 200);
    let calls = logged(&tenant, 1).await;
    let call = &calls[0];
    for (field, expected) in [
        ("status", json!(200)),
        ("outcome", json!("answered")),
        ("route", json!("fast")),
        ("strategy", json!("priority")),
        ("provider", json!("good")),
        ("vendor", json!("openai")),
        ("model_requested", json!("fast")),
        ("user_id", json!("ada")),
        ("api_key_id", json!(tenant.key_id)),
        ("input_preview", json!("hello")),
    ] {
        assert_eq!(call[field], expected, "{field} of {call}");
    }
    let id = call["id"].as_str().unwrap();
    let detail = tenant.data(&format!("/api/v1/logs/requests/{id}")).await.unwrap();
    let made = detail["attempts_made"].as_array().unwrap();
    assert_eq!(
        made.len(),
        usize::try_from(call["attempts"].as_u64().unwrap()).unwrap()
    );
    assert_eq!(made.last().unwrap()["decision"], "answered");
    // What the trace says is what the log says.
    let trace = call["trace_id"].as_str().unwrap();
    let spans = observations(&tenant, trace, made.len() + 1).await;
    let cost = spans
        .iter()
        .find(|span| span["observation_id"] == made.last().unwrap()["observation_id"])
        .unwrap();
    assert_eq!(cost["cost"]["total"], call["total_cost"]);
    assert_ne!(call["total_cost"], "0");

    let lines = tenant
        .data("/api/v1/analytics/routing?group_by=provider")
        .await
        .unwrap();
    let of = |provider: &str| {
        let mut lines = lines.as_array().unwrap().iter();
        lines.find(|line| line["group"]["provider"] == provider).unwrap()
    };
    assert_eq!(
        (&of("bad")["answered"], &of("bad")["fallbacks"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(
        (&of("good")["answered"], &of("good")["failed"]),
        (&json!(1), &json!(0))
    );
    assert!(of("bad")["errors"].as_object().unwrap().len() == 1, "{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_is_asked_for_is_recorded_and_is_no_call() {
    let (server, tenant, provider) = gateway().await;
    assert_eq!(post(&server, &tenant, "/v1/route").await, 200);
    let line = wait::until("the decision is recorded", VISIBLE_WITHIN, || async {
        let lines = tenant.data("/api/v1/analytics/routing").await.ok()?;
        lines.as_array()?.first().cloned()
    })
    .await
    .unwrap();
    assert_eq!(line["group"], json!({ "provider": "bad", "model": "mock-503" }));
    assert_eq!((&line["decisions"], &line["attempts"]), (&json!(1), &json!(0)));
    assert_eq!(provider.requests().len(), 0);
    assert_eq!(tenant.data("/api/v1/logs/requests").await.unwrap(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_that_only_claim_to_be_a_call_are_not_logged() {
    let (server, tenant, _provider) = gateway().await;
    assert_eq!(post(&server, &tenant, "/v1/chat/completions").await, 200);
    let calls = logged(&tenant, 1).await;
    let trace = calls[0]["trace_id"].as_str().unwrap();
    observations(&tenant, trace, 2).await;
    // The gateway's own trace, given back as it was exported, under another id.
    let (_, exported) = tenant
        .get(&format!("/api/v1/analytics/traces/{trace}/otlp"))
        .await
        .unwrap();
    let forged = "00000000000000000000000000000bad";
    let body = exported.to_string().replace(trace, forged);
    let request = Client::new()
        .post(format!("{}/v1/traces", server.url()))
        .header("x-api-key", &tenant.key)
        .header("content-type", "application/json")
        .body(body);
    assert_eq!(request.send().await.unwrap().status(), 200);
    observations(&tenant, forged, 2).await;
    // The forged spans are stored, so a row of theirs would be.
    assert_eq!(post(&server, &tenant, "/v1/chat/completions").await, 200);
    let calls = logged(&tenant, 2).await;
    assert_eq!(calls.len(), 2);
    assert!(calls.iter().all(|call| call["trace_id"] != forged), "{calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_says_how_long_its_calls_are_kept() {
    let (server, tenant, _provider) = gateway().await;
    let path = format!("/api/v1/projects/{}/telemetry-settings", tenant.project_id);
    let settings = json!({ "version": 0, "settings": {
        "retention_days": { "request_logs": 7, "routing_metrics": 40 }
    }});
    let saved = tenant
        .request(Method::PUT, &path)
        .json(&settings)
        .send()
        .await
        .unwrap();
    assert_eq!(saved.status(), 200, "{:?}", saved.text().await);
    assert_eq!(post(&server, &tenant, "/v1/chat/completions").await, 200);
    logged(&tenant, 1).await;
    for (table, days) in [
        ("request_logs", "7"),
        ("ai_routing_metrics", "40"),
        ("observations", "30"),
    ] {
        let kept = fetch(&server, &format!("SELECT DISTINCT retention_days FROM {table}")).await;
        assert_eq!(kept, days, "{table}");
    }
}

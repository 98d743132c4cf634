//! Budgets on the real binary: what was spent is not forgotten when the server stops or dies.

use brokle_testkit::provider::FakeProvider;
use brokle_testkit::server::{Server, ServerOptions};
use brokle_testkit::tenant::Tenant;
use brokle_testkit::wait;
use serde_json::{Value, json};

use crate::harness::{VISIBLE_WITHIN, binary};

/// A call reserves 500 tokens of output at 0.60 USD per million: one fits, and what is left of it keeps out the next.
const BUDGET: &str = "[[gateway.quotas]]\nname = \"month\"\nper = [\"project\"]\ncost_per_month = \"0.00031\"\nalert_at_percent = [1]\n";

async fn call(server: &Server, key: &str) -> (u16, Value) {
    let body = json!({ "model": "mock/gpt-4o-mini", "messages": [{ "role": "user", "content": "hello" }] });
    let request = reqwest::Client::new().post(format!("{}/v1/chat/completions", server.url()));
    let response = request.bearer_auth(key).json(&body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_is_used_up_stays_so_over_stops_and_kills() {
    let provider = FakeProvider::start().await;
    let config = format!(
        "[gateway.providers.mock]\nbase_url = \"{}\"\napi_key = \"k\"\n{BUDGET}",
        provider.base_url()
    );
    let options = ServerOptions {
        config,
        ..ServerOptions::default()
    };
    let mut server = Server::start(binary(), options).await.unwrap();
    let tenant = Tenant::sign_up(&server.url()).await.unwrap();
    assert_eq!(call(&server, &tenant.key).await.0, 200);

    server.stop().await.unwrap();
    server.restart().await.unwrap();
    let (status, body) = call(&server, &tenant.key).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (429, &json!("insufficient_quota"))
    );

    let file = server.data_dir().join("gateway-budgets.json");
    wait::until("what was spent is written down", VISIBLE_WITHIN, || async {
        std::fs::read_to_string(&file)
            .is_ok_and(|text| text.contains("month"))
            .then_some(())
    })
    .await
    .unwrap();
    server.kill().unwrap();
    server.restart().await.unwrap();
    assert_eq!(call(&server, &tenant.key).await.0, 429);

    // What was told before the stop is not told again after it.
    let mut tenant = tenant.clone();
    tenant.url = server.url();
    let names = wait::until("both events are visible", VISIBLE_WITHIN, || async {
        let events = tenant.data("/api/v1/analytics/events?name=budget.*").await.ok()?;
        let names = events.as_array()?.iter().map(|event| event["name"].clone());
        Some(names.collect::<Vec<Value>>()).filter(|names| names.len() >= 2)
    })
    .await
    .unwrap();
    assert_eq!(
        names,
        [json!("budget.used_up"), json!("budget.threshold_reached")]
    );
    let stored = tenant.data("/api/v1/analytics/events").await.unwrap();
    assert_eq!(stored.as_array().unwrap().len(), 2, "{stored}");
}

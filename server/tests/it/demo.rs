//! `brokle demo`, as somebody without any provider's key meets it.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use brokle_testkit::server::{Server, ServerOptions};
use brokle_testkit::tenant::Tenant;
use brokle_testkit::wait;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::harness::{VISIBLE_WITHIN, binary};

const EMAIL: &str = "demo@example.com";
const HISTORY: usize = 150;
/// Newest traces that are left out of a count: live ones come and go among them, hours after the others.
const RECENT: usize = 60;

async fn demo() -> Server {
    let options = ServerOptions {
        demo: true,
        ..ServerOptions::default()
    };
    Server::start(binary(), options).await.unwrap()
}

/// What the demo remembers, once its history is sent.
async fn remembered(server: &Server) -> Value {
    let path = server.data_dir().join("demo.json");
    let state = wait::until("the history is sent", VISIBLE_WITHIN, || async {
        let text = std::fs::read(&path).ok()?;
        let state: Value = serde_json::from_slice(&text).ok()?;
        (state["history"]["complete"] == true).then_some(state)
    });
    state
        .await
        .unwrap_or_else(|error| panic!("{error}; the log:\n{}", server.log()))
}

async fn sign_in(server: &Server, state: &Value) -> Tenant {
    let password = state["password"].as_str().unwrap();
    Tenant::sign_in(&server.url(), EMAIL, password).await.unwrap()
}

/// Every trace of the day, or of its part before `to`.
async fn traces(tenant: &Tenant, to: Option<&str>) -> Vec<Value> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    let to = to.map_or_else(String::new, |to| format!("&to={to}"));
    loop {
        let path = format!("/api/v1/analytics/traces?limit=200{to}{cursor}");
        let (status, mut page) = tenant.get(&path).await.unwrap();
        assert_eq!(status, StatusCode::OK, "{page}");
        let Value::Array(data) = page["data"].take() else {
            panic!("not a list: {page}")
        };
        found.extend(data);
        let pagination = &page["meta"]["pagination"];
        if pagination["has_next"] != true {
            return found;
        }
        cursor = format!("&cursor={}", pagination["next_cursor"].as_str().unwrap());
    }
}

async fn wait_for_history(tenant: &Tenant) -> Vec<Value> {
    let listed = wait::until("the history is listed", VISIBLE_WITHIN, || async {
        let listed = traces(tenant, None).await;
        (listed.len() >= HISTORY).then_some(listed)
    });
    listed.await.unwrap()
}

fn generations(observations: &[Value]) -> Vec<&Value> {
    let generation = |observation: &&Value| observation["type"] == "generation";
    observations.iter().filter(generation).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_shows_a_day_of_priced_traces_and_a_fallback_with_both_attempts() {
    let mut server = demo().await;
    let state = remembered(&server).await;
    let tenant = sign_in(&server, &state).await;
    let listed = wait_for_history(&tenant).await;

    let priced = listed.iter().filter(|trace| trace["total_cost"].is_string());
    assert!(priced.count() > HISTORY * 4 / 5, "nearly every trace has a cost");
    let failed = listed.iter().filter(|trace| trace["status"] == "error").count();
    assert!((1..HISTORY / 4).contains(&failed), "{failed} failed");
    for environment in ["production", "staging"] {
        assert!(listed.iter().any(|trace| trace["environment"] == environment));
    }

    // The opening calls go through a route whose first target is over its limit.
    let trace_id = wait::until("a fallback is listed", VISIBLE_WITHIN, || async {
        let path = "/api/v1/analytics/traces?filter=model:mock-429";
        let found = tenant.data(path).await.unwrap();
        found[0]["trace_id"].as_str().map(str::to_owned)
    });
    let trace_id = trace_id.await.unwrap();
    let observations = crate::harness::observations(&tenant, &trace_id, 3).await;
    let attempts = generations(&observations);
    let models: Vec<&Value> = attempts.iter().map(|attempt| &attempt["model"]).collect();
    assert_eq!(models, [&json!("mock-429"), &json!("gpt-4o-mini")]);
    assert_eq!(attempts[0]["status"], "error");
    assert_ne!(attempts[1]["status"], "error");
    assert!(attempts[1]["cost"]["total"].is_string());

    let status = server.stop().await.unwrap();
    assert!(status.success(), "{status}; {}", server.log());
    let log = server.log();
    for shown in [EMAIL, state["password"].as_str().unwrap(), "curl http://"] {
        assert!(log.contains(shown), "the start says {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_of_the_demo_repeats_nothing_and_keeps_its_key() {
    let mut server = demo().await;
    let first = remembered(&server).await;
    let file = server.data_dir().join("demo.json");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "the password is in it");
    let tenant = sign_in(&server, &first).await;
    let listed = wait_for_history(&tenant).await;
    let hours_ago = listed[RECENT]["start_time"].as_str().unwrap();
    let count = traces(&tenant, Some(hours_ago)).await.len();
    assert!(
        (HISTORY / 2..HISTORY).contains(&count),
        "{count} of the history are older"
    );
    server.stop().await.unwrap();

    server.restart().await.unwrap();
    let live = wait::until("the feed goes on", Duration::from_secs(40), || async {
        server.log().matches("The demo is up").nth(1).map(|_| ())
    });
    live.await.unwrap();
    let second = remembered(&server).await;
    assert_eq!(second, first, "key, password and history are the same");
    let tenant = sign_in(&server, &second).await;
    assert_eq!(traces(&tenant, Some(hours_ago)).await.len(), count);
    let check = Client::new()
        .get(format!("{}/v1/auth/validate-key", server.url()))
        .header("x-api-key", second["key"].as_str().unwrap());
    assert_eq!(check.send().await.unwrap().status(), StatusCode::OK);
}

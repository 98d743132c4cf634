//! The gateway's configuration by API and by file: whose it is, what is refused, and who follows.

use std::time::Duration;

use brokle_testkit::provider::FakeProvider;
use brokle_testkit::server::{Server, ServerOptions};
use brokle_testkit::tenant::Tenant;
use brokle_testkit::wait;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{binary, on_both_stores};
use crate::shared_state::Installation;

const DEADLINE: Duration = Duration::from_secs(20);

on_both_stores!(
    an_organizations_own_configuration_is_in_force_for_it_alone => its_own,
    a_bad_configuration_is_refused_and_changes_nothing => refused,
    an_organizations_quotas_count_for_it_alone => quotas,
    an_organizations_guardrails_are_for_its_calls_and_add_to_the_installations => guardrails,
);

fn options() -> ServerOptions {
    ServerOptions {
        config: "[gateway.tenants]\nprivate_addresses = true\n".to_owned(),
        ..ServerOptions::default()
    }
}

async fn configure(tenant: &Tenant, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let path = format!("/api/v1/organizations/{}/gateway{path}", tenant.organization_id);
    let mut request = tenant.request(method, &path);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or_default())
}

async fn put(tenant: &Tenant, path: &str, body: Value) -> (u16, Value) {
    configure(tenant, Method::PUT, path, Some(body)).await
}

async fn call(url: &str, key: &str, model: &str) -> u16 {
    let body = json!({ "model": model, "messages": [{ "role": "user", "content": "hello" }] });
    let request = reqwest::Client::new().post(format!("{url}/v1/chat/completions"));
    let response = request.bearer_auth(key).json(&body).send().await.unwrap();
    response.status().as_u16()
}

async fn its_own(server: Server, tenant: Tenant) {
    let provider = FakeProvider::start().await;
    let other = Tenant::sign_up(&server.url()).await.unwrap();
    let own = json!({ "base_url": provider.base_url(), "api_key": "sk-of-the-tenant" });
    let (status, body) = put(&tenant, "/providers/mine", own).await;
    assert_eq!((status, &body["data"]["has_key"]), (200, &json!(true)), "{body}");
    assert!(!body.to_string().contains("sk-of-the-tenant"));
    assert!(body["data"]["updated_by"].is_string() && body["data"]["updated_at"].is_string());
    let route = json!({ "targets": [{ "provider": "mine", "model": "mock-a" }], "aliases": ["quick"] });
    assert_eq!(put(&tenant, "/routes/fast", route).await.0, 200);
    for model in ["fast", "quick", "mine/mock-b"] {
        assert_eq!(call(&server.url(), &tenant.key, model).await, 200, "{model}");
        assert_eq!(call(&server.url(), &other.key, model).await, 404, "{model}");
    }
    assert_eq!(
        provider.requests()[0].header("authorization"),
        "Bearer sk-of-the-tenant"
    );
    // Another organisation's member learns nothing, and changes nothing.
    let mut as_other = other.clone();
    as_other.organization_id.clone_from(&tenant.organization_id);
    assert_eq!(configure(&as_other, Method::GET, "", None).await.0, 404);
    assert_eq!(
        configure(&as_other, Method::DELETE, "/routes/fast", None).await.0,
        404
    );
    // A provider is changed without sending its key again; the key itself is nowhere in the clear.
    let changed = json!({ "base_url": provider.base_url(), "models": ["tiny-*"] });
    assert_eq!(
        put(&tenant, "/providers/mine", changed).await.1["data"]["has_key"],
        true
    );
    assert_eq!(call(&server.url(), &tenant.key, "mine/mock-c").await, 200);
    let (_, listed) = configure(&tenant, Method::GET, "", None).await;
    assert_eq!(
        listed["data"]["providers"][0]["config"]["models"],
        json!(["tiny-*"])
    );
    assert!(!listed.to_string().contains("sk-of-the-tenant"));
    for file in ["brokle.sqlite", "brokle.sqlite-wal"] {
        let stored = std::fs::read(server.data_dir().join(file)).unwrap_or_default();
        assert!(
            !stored.windows(16).any(|bytes| bytes == b"sk-of-the-tenant"),
            "{file}"
        );
    }
    assert_eq!(
        configure(&tenant, Method::DELETE, "/routes/fast", None).await.0,
        204
    );
    assert_eq!(call(&server.url(), &tenant.key, "quick").await, 404);
}

async fn refused(server: Server, tenant: Tenant) {
    let provider = FakeProvider::start().await;
    let own = json!({ "base_url": provider.base_url(), "api_key": "k" });
    assert_eq!(put(&tenant, "/providers/mine", own).await.0, 200);
    let route = json!({ "targets": [{ "provider": "mine", "model": "mock-a" }] });
    assert_eq!(put(&tenant, "/routes/fast", route).await.0, 200);
    for (path, body, words) in [
        (
            "/routes/fast",
            json!({ "targets": [{ "provider": "nowhere", "model": "m" }] }),
            "nowhere",
        ),
        ("/routes/fast", json!({ "target": [] }), "target"),
        ("/routes/sl/ash", json!({}), ""),
        (
            "/providers/openai",
            json!({ "base_url": "https://a.example/v1" }),
            "api_key",
        ),
        (
            "/providers/new",
            json!({ "base_url": "https://a.example/v1", "api_key_env": "JWT_SECRET" }),
            "environment",
        ),
        ("/quotas/none", json!({}), "limits nothing"),
    ] {
        let (status, body) = put(&tenant, path, body).await;
        assert!((400..500).contains(&status), "{path}: {status}");
        let message = body["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(words), "{path}: {body}");
    }
    // What a route leads to cannot be taken away from under it.
    let (status, body) = configure(&tenant, Method::DELETE, "/providers/mine", None).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (400, &json!("gateway_config_invalid")),
        "{body}"
    );
    assert_eq!(call(&server.url(), &tenant.key, "fast").await, 200);
}

async fn quotas(server: Server, tenant: Tenant) {
    let provider = FakeProvider::start().await;
    let other = Tenant::sign_up(&server.url()).await.unwrap();
    for (tenant, limit) in [(&tenant, 1), (&other, 2)] {
        let own = json!({ "base_url": provider.base_url(), "api_key": "k" });
        assert_eq!(put(tenant, "/providers/mine", own).await.0, 200);
        assert_eq!(
            put(tenant, "/quotas/all", json!({ "requests_per_minute": limit }))
                .await
                .0,
            200
        );
    }
    let answers = async |tenant: &Tenant| {
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(call(&server.url(), &tenant.key, "mine/mock-a").await);
        }
        statuses
    };
    assert_eq!(answers(&tenant).await, [200, 429, 429]);
    assert_eq!(answers(&other).await, [200, 200, 429]);
}

async fn guardrails(server: Server, tenant: Tenant) {
    let provider = FakeProvider::start().await;
    let other = Tenant::sign_up(&server.url()).await.unwrap();
    for tenant in [&tenant, &other] {
        let own = json!({ "base_url": provider.base_url(), "api_key": "k" });
        assert_eq!(put(tenant, "/providers/mine", own).await.0, 200);
    }
    let own = json!({ "words": ["hello"], "stage": "input" });
    let (status, body) = put(&tenant, "/guardrails/no-greetings", own).await;
    assert_eq!(
        (status, &body["data"]["name"]),
        (200, &json!("no-greetings")),
        "{body}"
    );
    assert_eq!(call(&server.url(), &tenant.key, "mine/mock-a").await, 400);
    assert_eq!(call(&server.url(), &other.key, "mine/mock-a").await, 200);
    for (rule, words) in [
        (json!({}), "looks for nothing"),
        (json!({ "patterns": { "p": "(" } }), "p"),
        (json!({ "webhook": { "url": "https://a.example/" } }), "webhook"),
        (json!({ "word": ["x"] }), "word"),
    ] {
        let (status, body) = put(&tenant, "/guardrails/other", rule).await;
        let message = body["error"]["message"].as_str().unwrap_or_default();
        assert!(status == 400 && message.contains(words), "{status} {body}");
    }
    let (_, listed) = configure(&tenant, Method::GET, "", None).await;
    assert_eq!(
        listed["data"]["guardrails"][0]["config"]["words"],
        json!(["hello"])
    );
    let removed = configure(&tenant, Method::DELETE, "/guardrails/no-greetings", None).await;
    assert_eq!(removed.0, 204);
    assert_eq!(call(&server.url(), &tenant.key, "mine/mock-a").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_node_follows_within_five_seconds_without_redis() {
    let installation = Installation::start(2, None, 50).await;
    let (tenant, other) = (&installation.tenant, installation.servers[1].url());
    let own = json!({ "targets": [{ "provider": "mock", "model": "mock-a" }] });
    assert_eq!(put(tenant, "/routes/ours", own).await.0, 200);
    wait::until("the other node follows", Duration::from_secs(5), || async {
        (call(&other, &tenant.key, "ours").await == 200).then_some(())
    })
    .await
    .unwrap();
    installation.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_serves_what_was_configured_and_a_hangup_reads_the_file_again() {
    let provider = FakeProvider::start().await;
    let mut server = Server::start(binary(), options()).await.unwrap();
    let tenant = Tenant::sign_up(&server.url()).await.unwrap();
    let own = json!({ "base_url": provider.base_url(), "api_key": "k" });
    assert_eq!(put(&tenant, "/providers/mine", own).await.0, 200);
    server.stop().await.unwrap();
    server.restart().await.unwrap();
    assert_eq!(call(&server.url(), &tenant.key, "mine/mock-a").await, 200);

    let file = server.config_file();
    let with_route = "[gateway.tenants]\nprivate_addresses = true\n[gateway.providers.base]\n\
        base_url = \"BASE\"\napi_key = \"k\"\n[gateway.routes.filed]\n\
        targets = [{ provider = \"base\", model = \"mock-a\" }]\n";
    std::fs::write(&file, with_route.replace("BASE", &provider.base_url())).unwrap();
    server.signal("HUP").unwrap();
    let works = async |model: &str| {
        wait::until("the file is in force", DEADLINE, || async {
            (call(&server.url(), &tenant.key, model).await == 200).then_some(())
        })
        .await
        .unwrap();
    };
    works("filed").await;
    works("mine/mock-a").await;
    std::fs::write(&file, "[gateway.routes.filed]\ntargets = []\n").unwrap();
    server.signal("HUP").unwrap();
    wait::until("the file is refused", DEADLINE, || async {
        server.log().contains("what was in force stays").then_some(())
    })
    .await
    .unwrap();
    assert_eq!(call(&server.url(), &tenant.key, "filed").await, 200);
}

//! What nodes share, on the real binary: limits and budgets that are exact under many callers at once, on one
//! node and on two over one Redis; a Redis that is silent or gone; and a key that is revoked elsewhere.

use std::time::Duration;

use brokle_storage_sql::Database;
use brokle_storage_sql::testing::{Engine, TestDatabase};
use brokle_testkit::faults::proxy::{Mode, Proxy};
use brokle_testkit::provider::{Behaviour, FakeProvider};
use brokle_testkit::server::{Server, ServerOptions};
use brokle_testkit::tenant::Tenant;
use brokle_testkit::wait;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::harness::binary;

const CALLERS: usize = 64;
/// Longer than anything here takes; only a failing test waits for it.
const DEADLINE: Duration = Duration::from_secs(30);
/// What no caller may wait, however Redis is: far above what one takes, far below a caller's patience.
const PATIENCE: Duration = Duration::from_secs(5);

/// One quota for each measure, each for a model of its own. No measure's limit is a multiple of what two nodes
/// would grant if each counted alone.
const QUOTAS: &str = r#"
    [[gateway.quotas]]
    name = "requests"
    per = ["key"]
    models = ["mock/mock-requests"]
    requests_per_minute = 21
    [[gateway.quotas]]
    name = "tokens"
    per = ["key"]
    models = ["mock/mock-tokens"]
    tokens_per_minute = 9500
    [[gateway.quotas]]
    name = "places"
    per = ["key"]
    models = ["mock/mock-places"]
    concurrent_requests = 7
    [[gateway.quotas]]
    name = "money"
    per = ["project"]
    models = ["mock/gpt-4o-mini"]
    cost_per_day = "0.0056"
"#;

/// What is asked for, and how many of it fit. A call reserves 1,000 tokens of output and less than 50 of input: nine
/// fit into 9,500; at 0.60 USD per million, nine into 0.0056.
const MEASURES: [(&str, usize, &str); 4] = [
    ("mock/mock-requests", 21, "rate_limit_exceeded"),
    ("mock/mock-tokens", 9, "rate_limit_exceeded"),
    ("mock/mock-places", 7, "rate_limit_exceeded"),
    ("mock/gpt-4o-mini", 9, "insufficient_quota"),
];

#[expect(
    clippy::disallowed_methods,
    reason = "scripts/with-services tells by environment where its Redis is"
)]
fn redis_url() -> String {
    std::env::var("BROKLE_TEST_REDIS_URL").unwrap()
}

/// Servers of one installation over one Postgres, and over one Redis at `redis` when there is one.
pub(crate) struct Installation {
    pub(crate) servers: Vec<Server>,
    pub(crate) provider: FakeProvider,
    pub(crate) tenant: Tenant,
    database: TestDatabase,
}

impl Installation {
    pub(crate) async fn start(nodes: usize, redis: Option<&str>, timeout_ms: u64) -> Self {
        let provider = FakeProvider::start().await;
        let database = TestDatabase::create(Engine::Postgres).await;
        let mut environment = vec![
            ("JWT_SECRET".to_owned(), "x".repeat(40)),
            ("BROKLE_REDIS_TIMEOUT_MS".to_owned(), timeout_ms.to_string()),
        ];
        if let Database::Postgres(url) = database.database() {
            environment.push(("DATABASE_URL".into(), url.expose_secret().into()));
        }
        if let Some(url) = redis {
            environment.push(("REDIS_URL".into(), url.into()));
            let prefix = format!("test-{:016x}", rand::random::<u64>());
            environment.push(("BROKLE_REDIS_PREFIX".into(), prefix));
        }
        let options = ServerOptions {
            config: format!(
                "[gateway.providers.mock]\nbase_url = \"{}\"\napi_key = \"k\"\n[gateway.tenants]\nprivate_addresses = true\n{QUOTAS}",
                provider.base_url()
            ),
            environment,
            ..ServerOptions::default()
        };
        let mut servers = Vec::new();
        for _ in 0..nodes {
            servers.push(Server::start(binary(), options.clone()).await.unwrap());
        }
        let tenant = Tenant::sign_up(&servers[0].url()).await.unwrap();
        Self {
            servers,
            provider,
            tenant,
            database,
        }
    }

    /// Calls at once, over all nodes in turn.
    async fn call_all(&self, model: &str) -> Vec<reqwest::Response> {
        let client = reqwest::Client::new();
        let calls = (0..CALLERS).map(|number| {
            let server = &self.servers[number % self.servers.len()];
            ask(&client, server, &self.tenant.key, model).send()
        });
        let answers = futures::future::join_all(calls).await;
        answers.into_iter().map(Result::unwrap).collect()
    }

    pub(crate) async fn end(self) {
        drop(self.servers);
        self.database.remove().await;
    }
}

fn ask(client: &reqwest::Client, server: &Server, key: &str, model: &str) -> reqwest::RequestBuilder {
    let body = json!({ "model": model, "stream": true, "max_tokens": 1000,
        "messages": [{ "role": "user", "content": "hello" }] });
    let request = client.post(format!("{}/v1/chat/completions", server.url()));
    request.bearer_auth(key).timeout(DEADLINE).json(&body)
}

/// Every measure: exactly as many calls go through as fit, whatever node they come to. None ends before all have
/// asked.
async fn every_limit_is_exact(installation: &Installation) {
    for (model, fit, code) in MEASURES {
        let calls = std::iter::repeat_n(Behaviour::Stall, fit);
        installation.provider.script(calls);
        let answers = installation.call_all(model).await;
        let (answered, refused): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|answer| answer.status() == 200);
        assert_eq!((answered.len(), refused.len()), (fit, CALLERS - fit), "{model}");
        for answer in refused {
            assert_eq!(answer.status(), 429, "{model}");
            let body: Value = answer.json().await.unwrap();
            assert_eq!(body["error"]["code"], code, "{model}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_budgets_are_exact_under_many_callers_in_process() {
    let installation = Installation::start(1, None, 50).await;
    every_limit_is_exact(&installation).await;
    installation.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_budgets_are_exact_under_many_callers_over_two_nodes_and_one_redis() {
    // A machine that does other things must not make Redis seem slow here.
    let installation = Installation::start(2, Some(&redis_url()), 10_000).await;
    for server in &installation.servers {
        assert_eq!(cache_health(server).await["connected"], true);
    }
    every_limit_is_exact(&installation).await;
    // What was not used comes back, on whichever node: the places of the calls that hung up.
    let client = reqwest::Client::new();
    for server in &installation.servers {
        wait::until("a place is free again", DEADLINE, || async {
            let answer = ask(&client, server, &installation.tenant.key, "mock/mock-places")
                .send()
                .await;
            (answer.ok()?.status() == 200).then_some(())
        })
        .await
        .unwrap();
    }
    installation.end().await;
}

async fn cache_health(server: &Server) -> Value {
    let answer = reqwest::get(format!("{}/health/cache", server.url()))
        .await
        .unwrap();
    let mut body: Value = answer.json().await.unwrap();
    body["parts"]["cache"].take()
}

async fn redis_is(server: &Server, connected: bool) {
    wait::until("the node has noticed how Redis is", DEADLINE, || async {
        (cache_health(server).await["connected"] == connected).then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_silent_or_gone_is_no_outage_and_forgives_no_debt() {
    let upstream = redis_url();
    let address = upstream.trim_start_matches("redis://");
    let proxy = Proxy::start(address).await.unwrap();
    let redis = format!("redis://127.0.0.1:{}", proxy.port());
    let installation = Installation::start(1, Some(&redis), 2_000).await;
    let server = &installation.servers[0];
    let client = reqwest::Client::new();
    let call = async |model: &str| {
        let request = ask(&client, server, &installation.tenant.key, model).timeout(PATIENCE);
        request.send().await.unwrap().status().as_u16()
    };
    redis_is(server, true).await;
    // The budget is used up, by calls that hold what they reserved.
    installation
        .provider
        .script(std::iter::repeat_n(Behaviour::Stall, 9));
    let held = installation.call_all("mock/gpt-4o-mini").await;
    assert_eq!(held.iter().filter(|answer| answer.status() == 200).count(), 9);
    for mode in [Mode::Silent, Mode::Away] {
        proxy.set(mode);
        // The first of these find out; all are answered, and what is used up stays used up.
        for _ in 0..5 {
            assert_eq!(call("mock/mock-requests").await, 200, "{mode:?}");
            assert_eq!(call("mock/gpt-4o-mini").await, 429, "{mode:?}");
        }
        redis_is(server, false).await;
        let ready = reqwest::get(format!("{}/health/ready", server.url()))
            .await
            .unwrap();
        assert_eq!(ready.status(), 200, "{mode:?}");
        proxy.set(Mode::Pass);
        redis_is(server, true).await;
    }
    drop(held);
    // What the calls had reserved and did not use is there again, after the outages as without them.
    wait::until("the calls are settled", DEADLINE, || async {
        (call("mock/gpt-4o-mini").await == 200).then_some(())
    })
    .await
    .unwrap();
    installation.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_starts_while_redis_is_away_and_finds_it_later() {
    let upstream = redis_url();
    let proxy = Proxy::start(upstream.trim_start_matches("redis://"))
        .await
        .unwrap();
    proxy.set(Mode::Away);
    let redis = format!("redis://127.0.0.1:{}", proxy.port());
    let installation = Installation::start(1, Some(&redis), 50).await;
    let server = &installation.servers[0];
    assert_eq!(cache_health(server).await["connected"], false);
    let client = reqwest::Client::new();
    let answer = ask(&client, server, &installation.tenant.key, "mock/mock-requests")
        .send()
        .await;
    assert_eq!(answer.unwrap().status(), 200);
    proxy.set(Mode::Pass);
    redis_is(server, true).await;
    installation.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_revoked_on_one_node_stops_on_the_other() {
    let installation = Installation::start(2, Some(&redis_url()), 10_000).await;
    let tenant = &installation.tenant;
    let other = &installation.servers[1];
    let client = reqwest::Client::new();
    let status = async || {
        let answer = ask(&client, other, &tenant.key, "mock/mock-free").send().await;
        answer.unwrap().status()
    };
    assert_eq!(status().await, 200);
    let path = format!(
        "/api/v1/projects/{}/api-keys/{}",
        tenant.project_id, tenant.key_id
    );
    let revoked = tenant.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(revoked.status(), 204);
    // Contract: five seconds. Answers age in four, and the notice comes sooner.
    wait::until("the key has stopped", Duration::from_secs(5), || async {
        (status().await == 401).then_some(())
    })
    .await
    .unwrap();
    installation.end().await;
}

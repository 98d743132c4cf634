//! What a soak works with: the server, its tenants, and the providers behind it.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use super::books::Books;
use super::caller::Door;
use super::export::Collector;
use super::mix::FAULTS;
use super::sample::Ports;
use crate::faults::ledger::sql;
use crate::faults::proxy::Proxy;
use crate::provider::FakeProvider;
use crate::server::{Server, ServerOptions, free_port};
use crate::tenant::Tenant;

/// Calls a minute of the tenant with a small quota.
const LIMIT: u64 = 60;
/// What the server gives calls that run when it is stopped is half of this.
const SHUTDOWN_TIMEOUT_S: &str = "10";

/// Rows as they are inserted, before any of them is merged with another: what is stored twice shows.
const LEDGER: [&str; 4] = [
    "CREATE TABLE soak_spans (trace_id FixedString(16), span_id FixedString(8), kind UInt8, status UInt16, \
     outcome LowCardinality(String), attempts UInt16, is_hit Bool, passed_over Bool, estimated Bool, \
     cost Decimal(18, 12), error LowCardinality(String)) ENGINE = MergeTree ORDER BY trace_id \
     SETTINGS non_replicated_deduplication_window = 10000",
    "CREATE MATERIALIZED VIEW soak_spans_view TO soak_spans AS SELECT trace_id, span_id, kind, \
     toUInt16(attributes_int['http.response.status_code']) AS status, \
     attributes_string['brokle.gateway.outcome'] AS outcome, \
     toUInt16(attributes_int['brokle.gateway.attempts']) AS attempts, \
     attributes_string['brokle.cache.status'] = 'hit' AS is_hit, \
     mapContains(attributes_other, 'brokle.gateway.passed_over') AS passed_over, \
     attributes_bool['brokle.usage.estimated'] AS estimated, total_cost AS cost, \
     attributes_string['error.type'] AS error FROM observations",
    "CREATE TABLE soak_logs (request UInt64) ENGINE = MergeTree ORDER BY request \
     SETTINGS non_replicated_deduplication_window = 10000",
    "CREATE MATERIALIZED VIEW soak_logs_view TO soak_logs AS \
     SELECT toUInt64OrZero(attributes_string['soak.request']) AS request FROM logs",
];

/// All of it.
#[derive(Debug)]
pub(super) struct World {
    pub(super) server: Server,
    pub(super) books: Arc<Books>,
    pub(super) tenant: Tenant,
    pub(super) limited: Tenant,
    /// In front of the provider that is away at times.
    pub(super) shaky: Proxy,
    revoked_key: String,
    provider: FakeProvider,
}

impl World {
    /// Starts everything.
    pub(super) async fn start(binary: &Path) -> Result<Self> {
        let books = Arc::new(Books::default());
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let provider = FakeProvider::start_observed(anywhere, Arc::clone(&books) as _).await?;
        let shaky = Proxy::start(&provider.address().to_string()).await?;
        let config = config(&provider, &shaky, "first");
        let options = ServerOptions {
            config: format!("[prices]\nfile = \"prices.toml\"\n{config}"),
            files: vec![("prices.toml".to_owned(), prices())],
            environment: vec![(
                "BROKLE_SHUTDOWN_TIMEOUT_S".to_owned(),
                SHUTDOWN_TIMEOUT_S.to_owned(),
            )],
            embedded_engine: true,
            ..ServerOptions::default()
        };
        let server = Server::start(binary, options).await?;
        for statement in LEDGER {
            sql(&server.clickhouse_url(), statement).await?;
        }
        let tenant = Tenant::sign_up(&server.url()).await?;
        let limited = Tenant::sign_up(&server.url()).await?;
        limit(&limited).await?;
        let revoked_key = revoked_key(&tenant).await?;
        Ok(Self {
            server,
            books,
            tenant,
            limited,
            shaky,
            revoked_key,
            provider,
        })
    }

    /// The contents of `brokle.toml`, with a route of this name more.
    pub(super) fn config(&self, route: &str) -> String {
        let config = config(&self.provider, &self.shaky, route);
        format!("[prices]\nfile = \"prices.toml\"\n{config}")
    }

    /// How to call.
    pub(super) fn door(&self) -> Door {
        Door {
            url: self.server.url(),
            key: self.tenant.key.clone(),
            revoked_key: self.revoked_key.clone(),
            limited_key: self.limited.key.clone(),
        }
    }

    /// Where to export.
    pub(super) fn collector(&self) -> Collector {
        Collector {
            http: self.server.otlp_http_url(),
            grpc: self.server.otlp_grpc_url(),
            key: self.tenant.key.clone(),
        }
    }

    /// Whose ports are which.
    pub(super) fn ports(&self) -> Result<Ports> {
        let port = |url: String| -> Result<u16> {
            let address = url.trim_start_matches("http://");
            let address = address.split('/').next().unwrap_or_default();
            let (_, port) = address.rsplit_once(':').context("a port")?;
            Ok(port.parse()?)
        };
        Ok(Ports {
            server: vec![
                port(self.server.url())?,
                port(self.server.otlp_http_url())?,
                port(self.server.otlp_grpc_url())?,
            ],
            providers: vec![self.provider.address().port(), self.shaky.port()],
            engine: port(self.server.clickhouse_url())?,
        })
    }

    /// Says something to whoever watches.
    #[expect(clippy::print_stderr, clippy::unused_self, reason = "a tool for developers")]
    pub(super) fn note(&self, text: &str) {
        eprintln!("  {text}");
    }
}

/// Two dialects, one provider that is away at times, and a route behind each fault.
fn config(provider: &FakeProvider, shaky: &Proxy, route: &str) -> String {
    let base = provider.base_url();
    let shaky = format!("http://127.0.0.1:{}/v1", shaky.port());
    let mut text = format!(
        r#"
[gateway.tenants]
private_addresses = true
[gateway.timeouts]
connect_ms = 1000
first_token_ms = 2000
idle_ms = 2000
total_ms = 30000
[gateway.retries]
backoff_ms = 20
backoff_max_ms = 200
[gateway.breaker]
failures = 5
cooldown_ms = 1000
cooldown_max_ms = 4000
[gateway.providers.steady]
base_url = "{base}"
api_key = "sk-steady"
provider_name = "openai"
[gateway.providers.native]
base_url = "{base}"
api_key = "sk-native"
provider_name = "openai"
responses = true
[gateway.providers.shaky]
base_url = "{shaky}"
api_key = "sk-shaky"
provider_name = "openai"
[gateway.providers.claude]
dialect = "anthropic"
base_url = "{base}"
api_key = "sk-claude"
provider_name = "anthropic"
[gateway.routes.pair]
targets = [{{ provider = "shaky", model = "gpt-4o-mini" }}, {{ provider = "steady", model = "gpt-4o-mini" }}]
[gateway.routes.{route}]
targets = [{{ provider = "steady", model = "gpt-4o-mini" }}]
"#
    );
    for fault in FAULTS {
        let name = fault.trim_start_matches("mock-");
        let _ = writeln!(
            text,
            "[gateway.routes.after-{name}]\ntargets = [{{ provider = \"steady\", model = \"{fault}\" }}, \
             {{ provider = \"claude\", model = \"mock-a\" }}]"
        );
    }
    text
}

/// What the misbehaving models cost, so that a call that was cancelled has a price.
fn prices() -> String {
    let mut text = "name = \"soak\"\n".to_owned();
    for (provider, model) in [
        ("openai", "mock-hang"),
        ("openai", "mock-stall"),
        ("openai", "mock-endless"),
        ("anthropic", "mock-stall"),
    ] {
        let _ = writeln!(
            text,
            "[[price]]\nprovider = \"{provider}\"\nmodel = \"{model}\"\ninput = \"1\"\noutput = \"4\""
        );
    }
    text
}

async fn limit(tenant: &Tenant) -> Result<()> {
    let path = format!(
        "/api/v1/organizations/{}/gateway/quotas/small",
        tenant.organization_id
    );
    let quota = json!({ "requests_per_minute": LIMIT });
    let response = tenant.request(Method::PUT, &path).json(&quota).send().await?;
    ensure!(response.status().is_success(), "{}", response.text().await?);
    Ok(())
}

/// A key that was good once.
async fn revoked_key(tenant: &Tenant) -> Result<String> {
    let path = format!("/api/v1/projects/{}/api-keys", tenant.project_id);
    let request = tenant
        .request(Method::POST, &path)
        .json(&json!({ "name": "to be revoked" }));
    let answer: Value = request.send().await?.error_for_status()?.json().await?;
    let text = |field: &str| {
        let value = answer["data"][field].as_str();
        value.map(str::to_owned).context("a key")
    };
    let path = format!("{path}/{}", text("id")?);
    tenant
        .request(Method::DELETE, &path)
        .send()
        .await?
        .error_for_status()?;
    text("key")
}

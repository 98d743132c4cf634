//! A gateway on a loopback port, a fake provider behind it, and a sink that remembers.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::serve::ListenerExt as _;
use brokle_gateway::{Gateway, GatewayConfig, GatewaySettings, Ports};
use brokle_model::clock::{Clock, ManualClock};
use brokle_model::id::{ApiKeyId, OrganizationId, ProjectId};
use brokle_model::port::{AuthError, KeyGrant, KeyResolver, SinkFull, TelemetrySink};
use brokle_model::price::PriceBook;
use brokle_model::principal::Scope;
use brokle_model::telemetry::{Signal, Submission, SystemEvent};
use brokle_storage_cache::{MemoryCache, MemoryQuota};
use brokle_testkit::provider::FakeProvider;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prometheus_client::registry::Registry;
use prost::Message;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Longer than anything here takes; only a failing test waits for it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);
pub(crate) const GOOD_KEY: &str = "good-key";
pub(crate) const OTHER_KEY: &str = "key-of-another-project";
/// Of a key that may use `mock-b` only.
pub(crate) const LIMITED_KEY: &str = "limited-key";
pub(crate) const INGEST_KEY: &str = "ingest-only-key";
pub(crate) const PROJECT: ProjectId = ProjectId::from_u128(7);
const PROVIDER_KEY: &str = "sk-provider-secret";

/// Everything that a test needs.
pub(crate) struct Stage {
    pub(crate) gateway: Gateway,
    pub(crate) provider: FakeProvider,
    pub(crate) sink: Arc<MemorySink>,
    pub(crate) url: String,
    pub(crate) client: reqwest::Client,
    pub(crate) registry: Registry,
    pub(crate) clock: Arc<ManualClock>,
}

impl Stage {
    /// A gateway with the provider `mock` and quick timeouts.
    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    /// The same, with more configuration.
    pub(crate) async fn with(extra: &str) -> Self {
        Self::with_sink(extra, MemorySink::new()).await
    }

    /// The same, with the provider a second time under the name `name`, by its door for another dialect.
    pub(crate) async fn with_second_dialect(name: &str, dialect: &str, extra: &str) -> Self {
        let provider = FakeProvider::start().await;
        let second = format!(
            "[providers.{name}]\ndialect = \"{dialect}\"\nbase_url = \"{}\"\napi_key = \"sk-second\"\n{extra}",
            provider.base_url()
        );
        Self::over(provider, &second, MemorySink::new()).await
    }

    /// The same, with configuration in which `BASE` is the provider's address.
    pub(crate) async fn with_base(extra: &str) -> Self {
        let provider = FakeProvider::start().await;
        let extra = extra.replace("BASE", &provider.base_url());
        Self::over(provider, &extra, MemorySink::new()).await
    }

    /// The same, with a sink of the test's own.
    pub(crate) async fn with_sink(extra: &str, sink: Arc<MemorySink>) -> Self {
        Self::over(FakeProvider::start().await, extra, sink).await
    }

    pub(crate) async fn over(provider: FakeProvider, extra: &str, sink: Arc<MemorySink>) -> Self {
        let settings = config(&provider, extra).resolve(&|_| None).unwrap();
        Self::of(provider, settings, sink).await
    }

    /// With `config` alone, and nothing of ours.
    pub(crate) async fn over_plain(provider: FakeProvider, config: &str, sink: Arc<MemorySink>) -> Self {
        let config: GatewayConfig = toml::from_str(config).unwrap();
        let settings = config.resolve(&|_| None).unwrap();
        Self::of(provider, settings, sink).await
    }

    /// The same as [`Self::over`] in an environment, with what must stand at the beginning of a configuration.
    pub(crate) async fn over_environment(
        provider: FakeProvider,
        top: &str,
        environment: &dyn Fn(&str) -> Option<SecretString>,
    ) -> Self {
        let base = format!(
            "{top}[providers.mock]\nbase_url = \"{}\"\napi_key = \"{PROVIDER_KEY}\"\n",
            provider.base_url()
        );
        let config: GatewayConfig = toml::from_str(&base).unwrap();
        let settings = config.resolve(environment).unwrap();
        Self::of(provider, settings, MemorySink::new()).await
    }

    async fn of(provider: FakeProvider, settings: GatewaySettings, sink: Arc<MemorySink>) -> Self {
        let now = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let clock = Arc::new(ManualClock::at(now));
        let mut registry = Registry::default();
        let prices = Arc::new(PriceBook::embedded().unwrap());
        let gateway = Gateway::new(
            settings,
            Ports {
                keys: Arc::new(Keys),
                sink: Arc::clone(&sink) as _,
                prices,
                cache: Arc::new(MemoryCache::new(1 << 20)),
                quality: Arc::new(()),
                quotas: Arc::new(MemoryQuota::new(1_000, Arc::clone(&clock) as Arc<dyn Clock>)),
            },
            Arc::clone(&clock) as Arc<dyn Clock>,
            &mut registry,
        )
        .unwrap();
        let url = serve(&gateway).await;
        let client = reqwest::Client::builder()
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        Self {
            gateway,
            provider,
            sink,
            url,
            client,
            registry,
            clock,
        }
    }

    /// A request with the good key.
    pub(crate) fn post(&self, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        let request = self.client.post(format!("{}/v1/chat/completions", self.url));
        request
            .header("authorization", format!("Bearer {GOOD_KEY}"))
            .body(body)
    }

    pub(crate) async fn send(&self, body: &Value) -> reqwest::Response {
        self.post(body.to_string()).send().await.unwrap()
    }

    /// Asks `model` without streaming.
    pub(crate) async fn ask(&self, model: &str) -> reqwest::Response {
        self.send(&question(model)).await
    }

    /// Asks `model` for a stream; gives the whole of it.
    pub(crate) async fn stream(&self, model: &str) -> Streamed {
        Streamed::read(self.send(&streamed(model)).await).await
    }

    /// The spans of the trace that an answer belongs to, in the order in which they were recorded.
    pub(crate) async fn trace_of(&self, response: &reqwest::Response) -> Vec<Span> {
        self.sink
            .trace(header(response.headers(), "x-brokle-trace-id"))
            .await
    }
}

fn config(provider: &FakeProvider, extra: &str) -> GatewayConfig {
    let base = format!(
        "[providers.mock]\nbase_url = \"{}\"\napi_key = \"{PROVIDER_KEY}\"\n\
         [retries]\nbackoff_ms = 1\nbackoff_max_ms = 200\n{extra}",
        provider.base_url()
    );
    toml::from_str(&base).unwrap()
}

async fn serve(gateway: &Gateway) -> String {
    let (router, _) = gateway.router().split_for_parts();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

pub(crate) fn question(model: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": "hello" }] })
}

pub(crate) fn streamed(model: &str) -> Value {
    let mut body = question(model);
    body["stream"] = json!(true);
    body
}

pub(crate) fn header<'a>(headers: &'a reqwest::header::HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// A stream, read to its end.
pub(crate) struct Streamed {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) raw: String,
}

impl Streamed {
    pub(crate) async fn read(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self {
            status,
            headers,
            raw: response.text().await.unwrap(),
        }
    }

    pub(crate) fn trace_id(&self) -> &str {
        header(&self.headers, "x-brokle-trace-id")
    }

    /// The `data:` of each frame.
    pub(crate) fn data(&self) -> Vec<&str> {
        let lines = self.raw.lines().map(|line| line.trim_start_matches('\u{feff}'));
        lines
            .filter_map(|line| line.strip_prefix("data:"))
            .map(str::trim)
            .collect()
    }

    /// The chunks, without the end mark.
    pub(crate) fn chunks(&self) -> Vec<Value> {
        let data = self.data().into_iter().filter(|data| *data != "[DONE]");
        data.map(|data| serde_json::from_str(data).unwrap()).collect()
    }

    /// The text of the first choice.
    pub(crate) fn text(&self) -> String {
        let chunks = self.chunks();
        let first = chunks.iter().filter(|chunk| chunk["choices"][0]["index"] == 0);
        first
            .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
            .collect()
    }

    pub(crate) fn done_marks(&self) -> usize {
        self.data().iter().filter(|data| **data == "[DONE]").count()
    }

    /// The error that ended the stream, `null` when none did.
    pub(crate) fn error(&self) -> Value {
        self.chunks()
            .last()
            .map(|chunk| chunk["error"].clone())
            .unwrap_or_default()
    }
}

/// Knows three keys.
struct Keys;

#[async_trait]
impl KeyResolver for Keys {
    async fn resolve(&self, presented: &str) -> Result<Arc<KeyGrant>, AuthError> {
        let models = if presented == LIMITED_KEY {
            vec!["mock-b".to_owned()]
        } else {
            Vec::new()
        };
        let (project, scope) = match presented {
            GOOD_KEY | LIMITED_KEY => (PROJECT, Scope::Gateway),
            OTHER_KEY => (ProjectId::from_u128(8), Scope::Gateway),
            INGEST_KEY => (PROJECT, Scope::Ingest),
            "unavailable" => return Err(AuthError::Unavailable("the store is away".into())),
            _ => return Err(AuthError::Refused),
        };
        Ok(Arc::new(KeyGrant {
            // One key for each project.
            key: ApiKeyId::from_u128(project.as_u128()),
            project,
            organization: OrganizationId::from_u128(2),
            scopes: BTreeSet::from([scope]),
            models: models.into(),
        }))
    }
}

/// Remembers what it was given, and refuses as often as it is told to.
pub(crate) struct MemorySink {
    taken: Mutex<Vec<Submission>>,
    told: Mutex<Vec<SystemEvent>>,
    refusals: Mutex<u32>,
    changed: watch::Sender<()>,
}

impl MemorySink {
    pub(crate) fn new() -> Arc<Self> {
        Self::refusing(0)
    }

    pub(crate) fn refusing(times: u32) -> Arc<Self> {
        Arc::new(Self {
            taken: Mutex::default(),
            told: Mutex::default(),
            refusals: Mutex::new(times),
            changed: watch::channel(()).0,
        })
    }

    pub(crate) fn submissions(&self) -> Vec<Submission> {
        self.taken.lock().unwrap().clone()
    }

    /// The events that were told.
    pub(crate) fn told(&self) -> Vec<SystemEvent> {
        self.told.lock().unwrap().clone()
    }

    /// Waits for the spans of a trace.
    pub(crate) async fn trace(&self, trace_id: &str) -> Vec<Span> {
        self.find(|submission| {
            let spans = spans(submission);
            (hex::encode(&spans.first()?.trace_id) == trace_id).then_some(spans)
        })
        .await
    }

    /// Waits for the first submission.
    pub(crate) async fn first(&self) -> Submission {
        self.find(|submission| Some(submission.clone())).await
    }

    async fn find<T>(&self, mut pick: impl FnMut(&Submission) -> Option<T>) -> T {
        let mut changed = self.changed.subscribe();
        let search = async {
            loop {
                if let Some(found) = self.submissions().iter().find_map(&mut pick) {
                    return found;
                }
                changed.changed().await.unwrap();
            }
        };
        tokio::time::timeout(DEADLINE, search)
            .await
            .expect("the spans were submitted")
    }
}

impl TelemetrySink for MemorySink {
    fn submit(&self, submission: Submission) -> Result<(), SinkFull> {
        let mut refusals = self.refusals.lock().unwrap();
        if *refusals > 0 {
            *refusals -= 1;
            return Err(SinkFull);
        }
        self.taken.lock().unwrap().push(submission);
        self.changed.send_replace(());
        Ok(())
    }

    fn tell(&self, event: SystemEvent) -> Result<(), SinkFull> {
        self.told.lock().unwrap().push(event);
        Ok(())
    }
}

/// The spans of a submission.
pub(crate) fn spans(submission: &Submission) -> Vec<Span> {
    assert_eq!(submission.signal, Signal::Traces);
    let mut request = ExportTraceServiceRequest::decode(submission.body.clone()).unwrap();
    let spans = request.resource_spans.remove(0).scope_spans.remove(0).spans;
    assert_eq!(spans.len(), submission.items as usize);
    spans
}

/// A span's attribute as JSON, `null` when it has none of that name.
pub(crate) fn attribute(span: &Span, key: &str) -> Value {
    let found = span.attributes.iter().find(|attribute| attribute.key == key);
    found
        .and_then(|attribute| attribute.value.clone()?.value)
        .map(json_of)
        .unwrap_or_default()
}

fn json_of(value: Any) -> Value {
    match value {
        Any::StringValue(text) => json!(text),
        Any::BoolValue(flag) => json!(flag),
        Any::IntValue(integer) => json!(integer),
        Any::DoubleValue(float) => json!(float),
        Any::ArrayValue(array) => array
            .values
            .into_iter()
            .filter_map(|item| item.value)
            .map(json_of)
            .collect(),
        other => panic!("unexpected attribute {other:?}"),
    }
}

/// An attribute that holds JSON as text.
pub(crate) fn parsed(span: &Span, key: &str) -> Value {
    serde_json::from_str(attribute(span, key).as_str().unwrap_or("null")).unwrap()
}

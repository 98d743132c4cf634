//! Stand-ins for what is behind the receivers, and the servers in front.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use brokle_ingest::process::Processors;
use brokle_ingest::receiver::grpc::serve_grpc;
use brokle_ingest::receiver::http::{router, shared_port};
use brokle_ingest::receiver::{AcceptError, Acceptor, Receiver, ReceiverConfig, ReceiverMetrics};
use brokle_ingest::wal::{AppendError, MemoryBudget, Reservation};
use brokle_model::clock::ManualClock;
use brokle_model::id::{ApiKeyId, OrganizationId, ProjectId};
use brokle_model::port::{AuthError, KeyGrant, KeyResolver};
use brokle_model::principal::Scope;
use brokle_model::telemetry::{Signal, Submission};
use brokle_model::telemetry_settings::EffectiveSettings;
use chrono::DateTime;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric};
use prometheus_client::registry::Registry;
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::payload::NOW_UNIX_NANO;

pub(crate) const GOOD_KEY: &str = "good";
pub(crate) const READ_ONLY_KEY: &str = "read-only";
pub(crate) const UNCHECKABLE_KEY: &str = "uncheckable";
pub(crate) const PROJECT: ProjectId = ProjectId::from_u128(42);

/// Knows three keys.
struct FakeKeys;

#[async_trait]
impl KeyResolver for FakeKeys {
    async fn resolve(&self, presented: &str) -> Result<Arc<KeyGrant>, AuthError> {
        let scope = match presented {
            GOOD_KEY => Scope::Ingest,
            READ_ONLY_KEY => Scope::Read,
            UNCHECKABLE_KEY => return Err(AuthError::Unavailable("the database is away".into())),
            _ => return Err(AuthError::Refused),
        };
        Ok(Arc::new(KeyGrant {
            key: ApiKeyId::from_u128(1),
            project: PROJECT,
            organization: OrganizationId::from_u128(2),
            scopes: BTreeSet::from([scope]),
            models: Arc::default(),
        }))
    }
}

/// What the log does with the next bodies.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mood {
    Accept,
    Refuse(AppendError),
    /// Never answers; tells when it was asked.
    Hang,
}

/// A log in memory.
pub(crate) struct FakeLog {
    mood: Mutex<Mood>,
    taken: Mutex<Vec<Submission>>,
    memory: Arc<MemoryBudget>,
    pub(crate) asked: Notify,
}

#[async_trait]
impl Acceptor for FakeLog {
    fn memory(&self) -> Arc<MemoryBudget> {
        Arc::clone(&self.memory)
    }

    async fn accept(&self, submission: Submission, held: Reservation) -> Result<(), AcceptError> {
        assert_eq!(
            held.bytes(),
            submission.body.len() as u64,
            "the reservation covers the body"
        );
        let mood = *self.mood.lock().unwrap();
        self.asked.notify_one();
        match mood {
            Mood::Accept => self.taken.lock().unwrap().push(submission),
            Mood::Refuse(error) => return Err(AcceptError::new(error)),
            Mood::Hang => std::future::pending().await,
        }
        Ok(())
    }
}

impl FakeLog {
    pub(crate) fn set_mood(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// What has been taken since the last call.
    pub(crate) fn take(&self) -> Vec<Submission> {
        std::mem::take(&mut *self.taken.lock().unwrap())
    }

    /// Names of the spans, bodies of the log records and names of the points' metrics that have been taken since the
    /// last call.
    pub(crate) fn take_names(&self) -> Vec<String> {
        self.take()
            .into_iter()
            .filter(|submission| submission.signal != Signal::Changes)
            .flat_map(|submission| {
                let names = names(&submission);
                assert_eq!(names.len(), submission.items as usize, "what is counted is there");
                names
            })
            .collect()
    }

    pub(crate) fn memory_used(&self) -> u64 {
        self.memory.used()
    }
}

fn names(submission: &Submission) -> Vec<String> {
    let body = submission.body.clone();
    match submission.signal {
        Signal::Traces => {
            let request = ExportTraceServiceRequest::decode(body).unwrap();
            let scopes = request
                .resource_spans
                .into_iter()
                .flat_map(|group| group.scope_spans);
            scopes
                .flat_map(|scope| scope.spans)
                .map(|span| span.name)
                .collect()
        }
        Signal::Logs => {
            let request = ExportLogsServiceRequest::decode(body).unwrap();
            let scopes = request
                .resource_logs
                .into_iter()
                .flat_map(|group| group.scope_logs);
            let records = scopes.flat_map(|scope| scope.log_records);
            records.map(|record| text(record.body)).collect()
        }
        Signal::Metrics => {
            let request = ExportMetricsServiceRequest::decode(body).unwrap();
            let scopes = request
                .resource_metrics
                .into_iter()
                .flat_map(|group| group.scope_metrics);
            let metrics = scopes.flat_map(|scope| scope.metrics);
            metrics
                .flat_map(|metric| vec![metric.name.clone(); points(&metric)])
                .collect()
        }
        Signal::Changes => Vec::new(),
    }
}

fn text(body: Option<AnyValue>) -> String {
    match body.and_then(|body| body.value) {
        Some(any_value::Value::StringValue(text)) => text,
        other => format!("{other:?}"),
    }
}

fn points(metric: &Metric) -> usize {
    match &metric.data {
        None => 0,
        Some(metric::Data::Gauge(data)) => data.data_points.len(),
        Some(metric::Data::Sum(data)) => data.data_points.len(),
        Some(metric::Data::Histogram(data)) => data.data_points.len(),
        Some(metric::Data::ExponentialHistogram(data)) => data.data_points.len(),
        Some(metric::Data::Summary(data)) => data.data_points.len(),
    }
}

/// All receivers on free ports.
pub(crate) struct Servers {
    pub(crate) http: SocketAddr,
    pub(crate) shared: SocketAddr,
    pub(crate) grpc: SocketAddr,
    pub(crate) log: Arc<FakeLog>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) grpc_task: JoinHandle<()>,
    registry: Registry,
}

impl Servers {
    pub(crate) async fn start() -> Self {
        Self::with(ReceiverConfig::default(), 256 * 1024 * 1024).await
    }

    pub(crate) async fn with(config: ReceiverConfig, memory_bytes_max: u64) -> Self {
        Self::of(config, memory_bytes_max, EffectiveSettings::default()).await
    }

    /// Servers of projects that have these settings.
    pub(crate) async fn of(
        config: ReceiverConfig,
        memory_bytes_max: u64,
        settings: EffectiveSettings,
    ) -> Self {
        let log = Arc::new(FakeLog {
            mood: Mutex::new(Mood::Accept),
            taken: Mutex::default(),
            memory: MemoryBudget::new(memory_bytes_max),
            asked: Notify::new(),
        });
        let mut registry = Registry::default();
        let metrics = ReceiverMetrics::register(&mut registry);
        let clock = ManualClock::at(DateTime::from_timestamp_nanos(NOW_UNIX_NANO.cast_signed()));
        let acceptor: Arc<dyn Acceptor> = log.clone();
        let processors = Processors::fixed(settings);
        let receiver = Receiver::new(
            acceptor,
            Arc::new(FakeKeys),
            processors,
            Arc::new(clock),
            config,
            metrics,
        );
        let shutdown = CancellationToken::new();
        let (grpc_listener, grpc) = listen().await;
        let serving = serve_grpc(grpc_listener, None, Arc::clone(&receiver), shutdown.clone());
        let grpc_task = tokio::spawn(async move { serving.await.unwrap() });
        let http = serve(router(Arc::clone(&receiver))).await;
        let shared = serve(shared_port::router(receiver).into()).await;
        Self {
            http,
            shared,
            grpc,
            log,
            shutdown,
            grpc_task,
            registry,
        }
    }

    /// What a scrape shows.
    pub(crate) fn scrape(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        text
    }

    /// Waits until all memory has been given back.
    pub(crate) async fn until_idle(&self) {
        let idle = async {
            while self.log.memory_used() > 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), idle).await.unwrap();
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn serve(router: axum::Router) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

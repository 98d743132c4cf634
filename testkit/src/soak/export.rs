//! OTLP exporters: spans and log records, over HTTP and gRPC, each request sent again, byte for byte, until it is
//! acknowledged.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use prost::Message as _;
use reqwest::{Client, StatusCode};
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};

use super::books::EXPORT_TAG;
use crate::otlp;

/// Items of one request.
pub(super) const ITEMS: u64 = 10;
const TIMEOUT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(200);
/// Times that a request is sent before it counts as refused.
const TRIES: usize = 200;

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Spans,
    Logs,
}

/// How it travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Http,
    Grpc,
}

/// What exporters know.
#[derive(Debug, Default)]
pub(super) struct Exported {
    next: AtomicU64,
    acknowledged: Mutex<Vec<(Signal, u64)>>,
    /// Requests that were sent again.
    pub(super) resent: AtomicU64,
    /// Requests that were never acknowledged.
    pub(super) given_up: AtomicU64,
}

impl Exported {
    /// The numbers of acknowledged requests of a signal.
    pub(super) fn acknowledged(&self, signal: Signal) -> Vec<u64> {
        let acknowledged = self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
        let of_signal = acknowledged.iter().filter(|(of, _)| *of == signal);
        of_signal.map(|(_, number)| *number).collect()
    }
}

/// Where to send.
#[derive(Debug, Clone)]
pub(super) struct Collector {
    pub(super) http: String,
    pub(super) grpc: String,
    pub(super) key: String,
}

/// Starts four exporters that send `per_second` requests in all, until told to stop.
pub(super) fn start(
    collector: &Collector,
    exported: &Arc<Exported>,
    stop: &Arc<AtomicBool>,
    per_second: f64,
) -> JoinSet<Result<()>> {
    let mut tasks = JoinSet::new();
    for (signal, transport, share) in [
        (Signal::Spans, Transport::Http, 0.35),
        (Signal::Spans, Transport::Grpc, 0.35),
        (Signal::Logs, Transport::Http, 0.15),
        (Signal::Logs, Transport::Grpc, 0.15),
    ] {
        let every = Duration::from_secs_f64(1.0 / (per_second * share).max(0.1));
        let (collector, exported, stop) = (collector.clone(), Arc::clone(exported), Arc::clone(stop));
        tasks.spawn(async move {
            let sender = Exporter::new(collector, signal, transport)?;
            let mut ticks = tokio::time::interval(every);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            while !stop.load(Ordering::SeqCst) {
                ticks.tick().await;
                sender.deliver(&exported).await;
            }
            Ok(())
        });
    }
    tasks
}

struct Exporter {
    collector: Collector,
    signal: Signal,
    transport: Transport,
    client: Client,
    channel: Channel,
}

impl Exporter {
    fn new(collector: Collector, signal: Signal, transport: Transport) -> Result<Self> {
        let channel = Endpoint::from_shared(collector.grpc.clone())?
            .timeout(TIMEOUT)
            .connect_lazy();
        Ok(Self {
            client: Client::builder().timeout(TIMEOUT).build()?,
            collector,
            signal,
            transport,
            channel,
        })
    }

    /// Sends one request until it is acknowledged.
    async fn deliver(&self, exported: &Exported) {
        let number = exported.next.fetch_add(1, Ordering::SeqCst) + 1;
        let body = match self.signal {
            Signal::Spans => spans(number),
            Signal::Logs => logs(number),
        };
        for _ in 0..TRIES {
            let sent = match self.transport {
                Transport::Http => self.by_http(body.clone()).await,
                Transport::Grpc => self.by_grpc(&body).await,
            };
            if sent.is_ok() {
                let mut acknowledged = exported
                    .acknowledged
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                acknowledged.push((self.signal, number));
                return;
            }
            exported.resent.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(PAUSE).await;
        }
        exported.given_up.fetch_add(1, Ordering::SeqCst);
    }

    async fn by_http(&self, body: Vec<u8>) -> Result<()> {
        let path = match self.signal {
            Signal::Spans => "traces",
            Signal::Logs => "logs",
        };
        let request = self
            .client
            .post(format!("{}/v1/{path}", self.collector.http))
            .header("x-api-key", &self.collector.key)
            .header("content-type", "application/x-protobuf");
        let answer = request.body(body).send().await?;
        ensure!(answer.status() == StatusCode::OK, "{}", answer.status());
        answer.bytes().await?;
        Ok(())
    }

    async fn by_grpc(&self, body: &[u8]) -> Result<()> {
        match self.signal {
            Signal::Spans => {
                let request = self.request(ExportTraceServiceRequest::decode(body)?)?;
                let mut client = TraceServiceClient::new(self.channel.clone());
                let answer = client.export(request).await?.into_inner();
                let refused = answer.partial_success.map_or(0, |partial| partial.rejected_spans);
                ensure!(refused == 0, "{refused} spans were refused");
            }
            Signal::Logs => {
                let request = self.request(ExportLogsServiceRequest::decode(body)?)?;
                let mut client = LogsServiceClient::new(self.channel.clone());
                let answer = client.export(request).await?.into_inner();
                let refused = answer
                    .partial_success
                    .map_or(0, |partial| partial.rejected_log_records);
                ensure!(refused == 0, "{refused} log records were refused");
            }
        }
        Ok(())
    }

    fn request<T>(&self, message: T) -> Result<tonic::Request<T>> {
        let mut request = tonic::Request::new(message);
        let key = self.collector.key.parse().context("a key for metadata")?;
        request.metadata_mut().insert("x-api-key", key);
        Ok(request)
    }
}

fn now_ns() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or_default()
}

/// A trace of its own, whose id says which request it is.
fn spans(number: u64) -> Vec<u8> {
    let mut trace_id = [0; 16];
    trace_id[..8].copy_from_slice(&EXPORT_TAG.to_be_bytes());
    trace_id[8..].copy_from_slice(&number.to_be_bytes());
    let start_ns = now_ns();
    let span = |item: u64| {
        let id = (number << 8 | (item + 1)).to_be_bytes();
        let mut span = otlp::root_span(trace_id, id, "work", start_ns + item * 1_000);
        if item > 0 {
            span.parent_span_id = (number << 8 | 1).to_be_bytes().to_vec();
        }
        span.attributes = vec![
            otlp::attribute("http.route", "/orders/{id}"),
            otlp::attribute("note", "a step of an order, as an application would describe it"),
        ];
        span
    };
    otlp::request((0..ITEMS).map(span).collect())
}

fn logs(number: u64) -> Vec<u8> {
    let time_unix_nano = now_ns();
    let record = |item: u64| LogRecord {
        time_unix_nano: time_unix_nano + item,
        severity_number: 9,
        body: Some(AnyValue {
            value: Some(Value::StringValue(format!("order {item} was looked at"))),
        }),
        attributes: vec![otlp::attribute("soak.request", &number.to_string())],
        ..LogRecord::default()
    };
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs {
                log_records: (0..ITEMS).map(record).collect(),
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    }
    .encode_to_vec()
}

//! OTLP/gRPC: with the generated client, and frame by frame.

use std::time::Duration;

use brokle_ingest::wal::AppendError;
use brokle_model::telemetry::Signal;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use tonic::codec::CompressionEncoding;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::cases::{Retry, WireStatus};
use super::fakes::{GOOD_KEY, Mood, READ_ONLY_KEY, Servers, UNCHECKABLE_KEY};
use super::payload::{self, bad, good, request};

async fn channel(servers: &Servers) -> Channel {
    Channel::from_shared(format!("http://{}", servers.grpc))
        .unwrap()
        .connect()
        .await
        .unwrap()
}

fn with_key<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("x-api-key", GOOD_KEY.parse().unwrap());
    request
}

pub(super) fn detail(status: &Status) -> WireStatus {
    let detail = WireStatus::decode(status.details()).unwrap();
    assert_eq!(
        (detail.code, detail.message.as_str()),
        (status.code() as i32, status.message())
    );
    detail
}

#[tokio::test]
async fn the_generated_client_is_served_with_every_compression() {
    let servers = Servers::start().await;
    let channel = channel(&servers).await;
    let plain = TraceServiceClient::new(channel.clone());
    let clients = [
        plain.clone(),
        plain.clone().send_compressed(CompressionEncoding::Gzip),
        plain.send_compressed(CompressionEncoding::Zstd),
        TraceServiceClient::new(channel).accept_compressed(CompressionEncoding::Gzip),
    ];
    for mut client in clients {
        let answer = client
            .export(with_key(request(vec![good("a"), good("b")])))
            .await
            .unwrap();
        assert_eq!(
            answer.into_inner(),
            ExportTraceServiceResponse {
                partial_success: None
            }
        );
        assert_eq!(servers.log.take_names(), ["a", "b"]);
    }
    servers.until_idle().await;
}

#[tokio::test]
async fn an_empty_request_succeeds_and_stores_nothing() {
    let servers = Servers::start().await;
    let mut client = TraceServiceClient::new(channel(&servers).await);
    let answer = client
        .export(with_key(ExportTraceServiceRequest::default()))
        .await
        .unwrap();
    assert_eq!(answer.into_inner().partial_success, None);
    assert!(servers.log.take().is_empty());
}

#[tokio::test]
async fn a_bad_span_is_a_partial_success() {
    let servers = Servers::start().await;
    let mut client = TraceServiceClient::new(channel(&servers).await);
    let answer = client
        .export(with_key(request(vec![bad(), good("kept")])))
        .await
        .unwrap();
    let error_message = "1 spans rejected: 1 because trace_id is not 16 bytes or is all zero; \
                         the first is span 0 of the request"
        .to_owned();
    let partial = ExportTracePartialSuccess {
        rejected_spans: 1,
        error_message,
    };
    assert_eq!(answer.into_inner().partial_success, Some(partial));
    assert_eq!(servers.log.take_names(), ["kept"]);
}

#[tokio::test]
async fn credentials_come_in_metadata() {
    let servers = Servers::start().await;
    let mut client = TraceServiceClient::new(channel(&servers).await);
    let cases = [
        ("authorization", "Bearer good", None),
        ("x-api-key", "good", None),
        ("x-other", "good", Some((Code::Unauthenticated, Retry::Never))),
        (
            "x-api-key",
            "unknown",
            Some((Code::Unauthenticated, Retry::Never)),
        ),
        (
            "authorization",
            "Bearer unknown",
            Some((Code::Unauthenticated, Retry::Never)),
        ),
        (
            "x-api-key",
            READ_ONLY_KEY,
            Some((Code::PermissionDenied, Retry::Never)),
        ),
        (
            "x-api-key",
            UNCHECKABLE_KEY,
            Some((Code::Unavailable, Retry::After)),
        ),
    ];
    for (name, value, expected) in cases {
        let mut request = Request::new(request(vec![good("a")]));
        request.metadata_mut().insert(name, value.parse().unwrap());
        request
            .metadata_mut()
            .insert("x-environment", "production".parse().unwrap());
        let failure = client.export(request).await.err();
        let actual = failure.map(|status| (status.code(), detail(&status).retry()));
        assert_eq!(actual, expected, "{name}: {value}");
        let environments: Vec<_> = servers
            .log
            .take()
            .into_iter()
            .map(|taken| taken.environment)
            .collect();
        assert_eq!(
            environments.len(),
            usize::from(expected.is_none()),
            "{name}: {value}"
        );
        assert!(environments.iter().all(|environment| environment == "production"));
    }
}

#[tokio::test]
async fn the_generated_clients_of_logs_and_metrics_are_served_too() {
    let servers = Servers::start().await;
    let channel = channel(&servers).await;
    let mut logs = LogsServiceClient::new(channel.clone()).send_compressed(CompressionEncoding::Zstd);
    let mut metrics = MetricsServiceClient::new(channel.clone()).send_compressed(CompressionEncoding::Gzip);

    let answer = logs.export(with_key(ExportLogsServiceRequest::default())).await;
    assert_eq!(answer.unwrap().into_inner().partial_success, None);
    let answer = metrics
        .export(with_key(ExportMetricsServiceRequest::default()))
        .await;
    assert_eq!(answer.unwrap().into_inner().partial_success, None);
    assert!(servers.log.take().is_empty());

    let items = [false, true, true];
    let body = payload::of(Signal::Logs, &items);
    let answer = logs
        .export(with_key(ExportLogsServiceRequest::decode(&*body).unwrap()))
        .await
        .unwrap()
        .into_inner();
    let partial = answer.partial_success.unwrap();
    assert_eq!(partial.rejected_log_records, 1);
    assert_eq!(
        partial.error_message,
        "1 log records rejected: 1 because the time is too far in the future; the first is log record 0 of the request"
    );
    let body = payload::of(Signal::Metrics, &items);
    let answer = metrics
        .export(with_key(ExportMetricsServiceRequest::decode(&*body).unwrap()))
        .await
        .unwrap()
        .into_inner();
    let partial = answer.partial_success.unwrap();
    assert_eq!(partial.rejected_data_points, 1);
    assert_eq!(
        partial.error_message,
        "1 data points rejected: 1 because time_unix_nano is missing; the first is data point 0 of the request"
    );
    assert_eq!(servers.log.take_names(), ["good"; 4]);

    let anonymous = LogsServiceClient::new(channel)
        .export(ExportLogsServiceRequest::default())
        .await;
    assert_eq!(anonymous.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn what_the_log_says_becomes_what_the_sender_should_do() {
    let servers = Servers::start().await;
    let mut client = TraceServiceClient::new(channel(&servers).await);
    let retry_after = Duration::from_millis(1_500);
    let moods = [
        (
            AppendError::Overloaded { retry_after },
            Code::Unavailable,
            Retry::After,
        ),
        (AppendError::Full { retry_after }, Code::Unavailable, Retry::After),
        (AppendError::Closed, Code::Unavailable, Retry::After),
        (AppendError::Failed, Code::Unavailable, Retry::After),
        (
            AppendError::TooLarge { limit_bytes: 1 },
            Code::ResourceExhausted,
            Retry::Never,
        ),
    ];
    for (error, code, retry) in moods {
        servers.log.set_mood(Mood::Refuse(error));
        let status = client
            .export(with_key(request(vec![good("a")])))
            .await
            .unwrap_err();
        assert_eq!(
            (status.code(), detail(&status).retry()),
            (code, retry),
            "{error:?}"
        );
    }
    servers.log.set_mood(Mood::Accept);
    assert!(client.export(with_key(request(vec![good("a")]))).await.is_ok());
}

#[tokio::test]
async fn health_tells_what_is_served() {
    let servers = Servers::start().await;
    let mut client = HealthClient::new(channel(&servers).await);
    let services = [
        ("", ServingStatus::Serving),
        (
            "opentelemetry.proto.collector.trace.v1.TraceService",
            ServingStatus::Serving,
        ),
        (
            "opentelemetry.proto.collector.logs.v1.LogsService",
            ServingStatus::Serving,
        ),
        (
            "opentelemetry.proto.collector.metrics.v1.MetricsService",
            ServingStatus::Serving,
        ),
    ];
    for (service, expected) in services {
        let answer = client
            .check(HealthCheckRequest {
                service: service.to_owned(),
            })
            .await
            .unwrap();
        assert_eq!(answer.into_inner().status(), expected, "{service}");
    }
    let unknown = client
        .check(HealthCheckRequest {
            service: "other".to_owned(),
        })
        .await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_callers_deadline_is_honoured() {
    let servers = Servers::start().await;
    servers.log.set_mood(Mood::Hang);
    let mut client = TraceServiceClient::new(channel(&servers).await);
    let mut request = with_key(request(vec![good("a")]));
    request.set_timeout(Duration::from_millis(50));
    let code = client.export(request).await.unwrap_err().code();
    assert!(
        matches!(code, Code::DeadlineExceeded | Code::Cancelled),
        "{code:?}"
    );
    servers.until_idle().await;
}

#[tokio::test]
async fn shutdown_lets_an_open_request_finish() {
    let servers = Servers::start().await;
    servers.log.set_mood(Mood::Hang);
    let mut client = TraceServiceClient::new(channel(&servers).await);
    let mut request = with_key(request(vec![good("a")]));
    request.set_timeout(Duration::from_millis(300));
    let exporting = tokio::spawn(async move { client.export(request).await });
    servers.log.asked.notified().await;
    servers.shutdown.cancel();
    let outcome = exporting.await.unwrap().unwrap_err();
    assert!(
        matches!(outcome.code(), Code::DeadlineExceeded | Code::Cancelled),
        "{outcome:?}"
    );
    tokio::time::timeout(Duration::from_secs(10), servers.grpc_task)
        .await
        .unwrap()
        .unwrap();
    assert!(
        tokio::net::TcpStream::connect(servers.grpc).await.is_err(),
        "the port is closed"
    );
}

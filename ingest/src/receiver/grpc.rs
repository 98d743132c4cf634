//! OTLP/gRPC: the `Export` method of the three collector services, on bytes.
//!
//! The services are plain HTTP/2 handlers inside tonic's server rather than generated ones: a generated
//! service would decode each request into messages that nobody needs, inflate bodies outside of the memory
//! budget, and answer a body that is too large with `OUT_OF_RANGE`, which OTLP exporters try again.

pub mod connection;
mod unary;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::post;
use brokle_http::request_log::{RequestLog, identify_and_log};
use brokle_model::telemetry::Signal;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use super::answer;
use super::body::{Announced, PREFIX_BYTES};
use super::config::ReceiverConfig;
use super::intake::{Encoding, Receiver};
use super::metrics::Transport;
use super::refusal::Refusal;
use super::tls::Tls;
use crate::otlp::rejections::Rejections;

const SERVICES: [&str; 3] = [
    "opentelemetry.proto.collector.trace.v1.TraceService",
    "opentelemetry.proto.collector.logs.v1.LogsService",
    "opentelemetry.proto.collector.metrics.v1.MetricsService",
];

/// Serves OTLP/gRPC and gRPC's health service on `listener` until `shutdown`, then lets open requests
/// finish. To bound that, drop the future.
pub async fn serve_grpc(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    receiver: Arc<Receiver>,
    shutdown: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    let config = receiver.config.clone();
    let health = HealthReporter::new();
    // The empty name stands for the server as a whole.
    for name in [""].into_iter().chain(SERVICES) {
        health.set_service_status(name, ServingStatus::Serving).await;
    }
    let stopping = {
        let shutdown = shutdown.clone();
        let health = health.clone();
        async move {
            shutdown.cancelled().await;
            for name in [""].into_iter().chain(SERVICES) {
                health.set_service_status(name, ServingStatus::NotServing).await;
            }
        }
    };
    let incoming = connection::incoming(listener, tls, &config);
    let routes = Routes::from(router(receiver, health));
    builder(&config)
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, stopping)
        .await
}

fn builder(config: &ReceiverConfig) -> Server {
    Server::builder()
        .http2_keepalive_interval(Some(config.grpc_keepalive_interval))
        .http2_keepalive_timeout(Some(config.grpc_keepalive_timeout))
        .max_concurrent_streams(config.grpc_streams_max)
        .max_connection_age(config.grpc_connection_age_max)
        .max_connection_age_grace(config.grpc_connection_age_grace)
        // Several times the largest sane request head, and all that a connection may make us keep.
        .http2_max_header_list_size(64 * 1024)
        // A batch of a thousand spans goes through without waiting for the window, and in few frames.
        .initial_stream_window_size(1024 * 1024)
        .initial_connection_window_size(4 * 1024 * 1024)
        .max_frame_size(Some(256 * 1024))
}

fn router(receiver: Arc<Receiver>, health: HealthReporter) -> Router {
    let health = tonic_health::pb::health_server::HealthServer::new(
        tonic_health::server::HealthService::from_health_reporter(health),
    );
    let mut export = Router::new();
    for (signal, service) in [Signal::Traces, Signal::Logs, Signal::Metrics]
        .into_iter()
        .zip(SERVICES)
    {
        let handler = move |state, request| self::export(signal, state, request);
        export = export.route(&format!("/{service}/Export"), post(handler));
    }
    let export = export.with_state(receiver);
    Routes::new(health)
        .into_axum_router()
        .merge(export)
        .layer(from_fn_with_state(RequestLog::FailuresOnly, identify_and_log))
}

async fn export(signal: Signal, State(receiver): State<Arc<Receiver>>, request: Request) -> Response {
    let outcome = take(signal, &receiver, request).await;
    respond(&receiver, outcome)
}

async fn take(signal: Signal, receiver: &Receiver, request: Request) -> Result<Rejections, Refusal> {
    let (parts, mut body) = request.into_parts();
    unary::check_content_type(&parts.headers)?;
    let admission = receiver.admit(&parts.headers).await?;
    let bytes_max = receiver.config.body_bytes_max;
    let held = receiver
        .read(&mut body, Announced::InPrefix, bytes_max + PREFIX_BYTES)
        .await?;
    let (held, compression) = unary::unframe(held, &parts.headers, bytes_max)?;
    let held = receiver.inflate(held, compression, Transport::Grpc).await?;
    receiver
        .take(signal, &admission, held, Encoding::Protobuf, Transport::Grpc)
        .await
}

fn respond(receiver: &Receiver, outcome: Result<Rejections, Refusal>) -> Response {
    match outcome {
        Ok(rejections) => unary::message(&answer::to_protobuf(&rejections)),
        Err(refusal) => {
            receiver.metrics.count_refused(Transport::Grpc, &refusal);
            unary::failure(&refusal)
        }
    }
}

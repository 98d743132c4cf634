//! The OTLP routes on the port that everything else is on too. There `POST /v1/traces` has two kinds of
//! callers, told apart by [`traces_post`] and nowhere else: OTLP exporters, and SDKs that create one trace.
//!
//! A request that is refused before its body is read is answered as OTLP, since nothing else is known of it.

use std::sync::Arc;

use ::http::HeaderMap;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use brokle_model::telemetry::Signal;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::media::Media;
use crate::changes::Entity;
use crate::otlp::json::has_resource_spans;
use crate::otlp::rejections::Rejections;
use crate::receiver::intake::{Admission, Encoding, Held, Receiver};
use crate::receiver::metrics::Transport;
use crate::receiver::refusal::Refusal;
use crate::sdk;

/// What a `POST /v1/traces` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TracesPost {
    /// An OTLP export.
    Otlp(Encoding),
    /// An SDK that creates one trace.
    Sdk,
}

/// The one place that tells OTLP from SDK calls: protobuf, and JSON with `resourceSpans`, is OTLP.
pub fn traces_post(media: &mut Media, body: &[u8]) -> TracesPost {
    match media.settle(body) {
        Encoding::Json if !has_resource_spans(body) => TracesPost::Sdk,
        encoding => TracesPost::Otlp(encoding),
    }
}

/// `POST` on `/v1/traces`, `/v1/logs` and `/v1/metrics`, without layers: the server has its own.
pub fn router(receiver: Arc<Receiver>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(post_traces))
        .routes(routes!(post_logs))
        .routes(routes!(post_metrics))
        .with_state(receiver)
}

/// Takes an OTLP export of logs.
///
/// Log records that cannot be stored are refused alone and counted in `partialSuccess`. Failures are
/// `google.rpc.Status`, in the encoding of the request.
#[utoipa::path(
    post, path = "/v1/logs", tag = "telemetry", operation_id = "export_logs", security(("api_key" = [])),
    params(("X-Environment" = Option<String>, Header, description = "Tags what the body holds.")),
    request_body(
        content((Vec<u8> = "application/x-protobuf"), (serde_json::Value = "application/json")),
        description = "An `ExportLogsServiceRequest`; plain, gzip, deflate or zstd.",
    ),
    responses(
        (status = 200, description = "On disk. An `ExportLogsServiceResponse`."),
        (status = 400, description = "Malformed; not to be sent again."),
        (status = 401, description = "No API key, or one that is not good."),
        (status = 403, description = "The key lacks the scope `ingest`."),
        (status = 413, description = "Too large, as sent or as inflated."),
        (status = 415, description = "An unknown content type or encoding."),
        (status = 503, description = "Overloaded; to be sent again after `Retry-After`."),
    ),
)]
async fn post_logs(state: State<Arc<Receiver>>, request: Request) -> Response {
    super::export(Signal::Logs, state, request).await
}

/// Takes an OTLP export of metrics.
///
/// Data points that cannot be stored are refused alone and counted in `partialSuccess`. Failures are
/// `google.rpc.Status`, in the encoding of the request.
#[utoipa::path(
    post, path = "/v1/metrics", tag = "telemetry", operation_id = "export_metrics", security(("api_key" = [])),
    params(("X-Environment" = Option<String>, Header, description = "Tags what the body holds.")),
    request_body(
        content((Vec<u8> = "application/x-protobuf"), (serde_json::Value = "application/json")),
        description = "An `ExportMetricsServiceRequest`; plain, gzip, deflate or zstd.",
    ),
    responses(
        (status = 200, description = "On disk. An `ExportMetricsServiceResponse`."),
        (status = 400, description = "Malformed; not to be sent again."),
        (status = 401, description = "No API key, or one that is not good."),
        (status = 403, description = "The key lacks the scope `ingest`."),
        (status = 413, description = "Too large, as sent or as inflated."),
        (status = 415, description = "An unknown content type or encoding."),
        (status = 503, description = "Overloaded; to be sent again after `Retry-After`."),
    ),
)]
async fn post_metrics(state: State<Arc<Receiver>>, request: Request) -> Response {
    super::export(Signal::Metrics, state, request).await
}

enum Taken {
    Otlp(Rejections),
    Sdk(Admission, Held),
}

/// Takes an OTLP export of traces: protobuf, or JSON with `resourceSpans`. Any other JSON creates one trace.
///
/// Spans that cannot be stored are refused alone and counted in `partialSuccess`. Failures are
/// `google.rpc.Status`, in the encoding of the request.
#[utoipa::path(
    post, path = "/v1/traces", tag = "telemetry", operation_id = "export_traces", security(("api_key" = [])),
    params(("X-Environment" = Option<String>, Header, description = "Tags what the body holds.")),
    request_body(
        content((Vec<u8> = "application/x-protobuf"), (serde_json::Value = "application/json")),
        description = "An `ExportTraceServiceRequest`; plain, gzip, deflate or zstd.",
    ),
    responses(
        (status = 200, description = "On disk. An `ExportTraceServiceResponse`."),
        (status = 400, description = "Malformed; not to be sent again."),
        (status = 401, description = "No API key, or one that is not good."),
        (status = 403, description = "The key lacks the scope `ingest`."),
        (status = 413, description = "Too large, as sent or as inflated."),
        (status = 415, description = "An unknown content type or encoding."),
        (status = 201, description = "A trace was created: JSON without `resourceSpans`. In the envelope."),
        (status = 503, description = "Overloaded; to be sent again after `Retry-After`."),
    ),
)]
async fn post_traces(State(receiver): State<Arc<Receiver>>, request: Request) -> Response {
    let (parts, mut body) = request.into_parts();
    let mut media = Media::declared(&parts.headers);
    let outcome = match take(&receiver, &parts.headers, &mut body, &mut media).await {
        Ok(Taken::Sdk(admission, held)) => {
            let prepared = sdk::Prepared::parse(&receiver, admission, &parts.headers, held);
            let created = match prepared {
                Ok(prepared) => sdk::create_one(prepared, Entity::Trace).await,
                Err(error) => Err(error),
            };
            return created.into_response();
        }
        Ok(Taken::Otlp(rejections)) => Ok(rejections),
        Err(refusal) => Err(refusal),
    };
    super::respond(&receiver, outcome, &media, super::Rest::of(&parts.headers, body)).await
}

async fn take(
    receiver: &Receiver,
    headers: &HeaderMap,
    body: &mut Body,
    media: &mut Media,
) -> Result<Taken, Refusal> {
    let (admission, held) = super::read(receiver, headers, body, media).await?;
    match traces_post(media, &held.body) {
        TracesPost::Sdk => Ok(Taken::Sdk(admission, held)),
        TracesPost::Otlp(encoding) => receiver
            .take(Signal::Traces, &admission, held, encoding, Transport::Http)
            .await
            .map(Taken::Otlp),
    }
}

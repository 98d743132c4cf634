//! The OTLP routes on the port that everything else is on too. There `POST /v1/traces` has two kinds of
//! callers, told apart by [`traces_post`] and nowhere else: OTLP exporters, and SDKs that create one trace.
//!
//! A request that is refused before its body is read is answered as OTLP, since nothing else is known of it.

use std::sync::Arc;

use ::http::{HeaderMap, StatusCode};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use brokle_http::envelope::{ErrorBody, ErrorEnvelope};
use brokle_http::request_id::RequestId;

use super::media::{Media, content_encoding};
use crate::otlp::json::has_resource_spans;
use crate::otlp::validate::Rejections;
use crate::receiver::intake::{Encoding, Receiver};
use crate::receiver::metrics::Transport;
use crate::receiver::refusal::Refusal;

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
pub fn routes(receiver: Arc<Receiver>) -> Router {
    Router::new()
        .route("/v1/traces", post(post_traces))
        .route("/v1/logs", post(super::export_logs))
        .route("/v1/metrics", post(super::export_metrics))
        .with_state(receiver)
}

enum Taken {
    Otlp(Rejections),
    Sdk,
}

async fn post_traces(State(receiver): State<Arc<Receiver>>, request: Request) -> Response {
    let (parts, mut body) = request.into_parts();
    let mut media = Media::declared(&parts.headers);
    let outcome = match take(&receiver, &parts.headers, &mut body, &mut media).await {
        Ok(Taken::Sdk) => return refuse_sdk(),
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
    let admission = receiver.admit(headers).await?;
    media.supported()?;
    let compression = content_encoding(headers)?;
    super::refuse_announced_excess(receiver, headers)?;
    let held = receiver.read(body, receiver.config.body_bytes_max).await?;
    let held = receiver.inflate(held, compression, Transport::Http).await?;
    match traces_post(media, &held.body) {
        TracesPost::Sdk => Ok(Taken::Sdk),
        TracesPost::Otlp(encoding) => receiver
            .take_traces(&admission, held, encoding, Transport::Http)
            .await
            .map(Taken::Otlp),
    }
}

fn refuse_sdk() -> Response {
    let error = ErrorBody {
        code: "sdk_traces_not_available".to_owned(),
        message: "this version takes traces as OTLP only: send protobuf, or JSON with `resourceSpans`"
            .to_owned(),
        details: None,
        request_id: RequestId::current().to_string(),
    };
    (
        StatusCode::NOT_IMPLEMENTED,
        Json(ErrorEnvelope {
            success: false,
            error,
        }),
    )
        .into_response()
}

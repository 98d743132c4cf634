//! OTLP/HTTP: `POST /v1/traces`, `/v1/logs` and `/v1/metrics`, protobuf or JSON.
//!
//! [`router`] is the whole of port 4318. [`shared_port`] has the same routes for a port where other callers
//! use `/v1/traces` too.

pub mod media;
pub mod shared_port;

use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use brokle_http::request_id::X_REQUEST_ID;
use brokle_http::request_log::{RequestLog, identify_and_log};
use brokle_model::telemetry::Signal;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

use self::media::{Media, content_encoding};
use super::answer;
use super::body::{self, Announced};
use super::intake::{Admission, Encoding, Held, Receiver};
use super::metrics::Transport;
use super::refusal::Refusal;
use crate::otlp::rejections::Rejections;

/// Everything that port 4318 serves: the three signals, cross-origin access for browser SDKs, request ids.
pub fn router(receiver: Arc<Receiver>) -> Router {
    let log_policy = RequestLog::FailuresOnly;
    let mut router = Router::new();
    for signal in Signal::OTLP.iter().copied() {
        let handler = move |state, request| export(signal, state, request);
        let path = format!("/v1/{}", signal.as_str());
        router = router.route(&path, post(handler).fallback(refuse_method));
    }
    router
        .fallback(refuse_path)
        .with_state(receiver)
        .layer(cors())
        .layer(from_fn_with_state(log_policy, identify_and_log))
}

/// Any page may send: what authorises is the key in a header, never a cookie.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([X_REQUEST_ID, header::RETRY_AFTER])
        .max_age(Duration::from_hours(2))
}

/// Takes an OTLP export of traces, for whoever has another path for it.
pub(crate) async fn export_traces(state: State<Arc<Receiver>>, request: Request) -> Response {
    export(Signal::Traces, state, request).await
}

async fn export(signal: Signal, State(receiver): State<Arc<Receiver>>, request: Request) -> Response {
    let (parts, mut body) = request.into_parts();
    let mut media = Media::declared(&parts.headers);
    let outcome = take(signal, &receiver, &parts.headers, &mut body, &mut media).await;
    respond(&receiver, outcome, &media, Rest::of(&parts.headers, body)).await
}

async fn take(
    signal: Signal,
    receiver: &Receiver,
    headers: &HeaderMap,
    body: &mut Body,
    media: &mut Media,
) -> Result<Rejections, Refusal> {
    let (admission, held) = read(receiver, headers, body, media).await?;
    let encoding = media.settle(&held.body);
    receiver
        .take(signal, &admission, held, encoding, Transport::Http)
        .await
}

/// Admits a request and reads its body, uncompressed.
async fn read(
    receiver: &Receiver,
    headers: &HeaderMap,
    body: &mut Body,
    media: &Media,
) -> Result<(Admission, Held), Refusal> {
    let admission = receiver.admit(headers).await?;
    media.supported()?;
    let compression = content_encoding(headers)?;
    refuse_announced_excess(receiver, headers)?;
    let held = receiver
        .read(body, Announced::InHead, receiver.config.body_bytes_max)
        .await?;
    let held = receiver.inflate(held, compression, Transport::Http).await?;
    Ok((admission, held))
}

async fn refuse_method(State(receiver): State<Arc<Receiver>>, request: Request) -> Response {
    let mut response = refuse_head(&receiver, Refusal::Method, request).await;
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
    response
}

async fn refuse_path(State(receiver): State<Arc<Receiver>>, request: Request) -> Response {
    refuse_head(&receiver, Refusal::Path, request).await
}

async fn refuse_head(receiver: &Receiver, refusal: Refusal, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let media = Media::declared(&parts.headers);
    respond(receiver, Err(refusal), &media, Rest::of(&parts.headers, body)).await
}

/// A body that says by itself that it is too large need not be read.
fn refuse_announced_excess(receiver: &Receiver, headers: &HeaderMap) -> Result<(), Refusal> {
    let bytes_max = receiver.config.body_bytes_max;
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    match announced.and_then(|text| text.parse::<u64>().ok()) {
        Some(length) if length > bytes_max as u64 => Err(Refusal::TooLarge(bytes_max)),
        _ => Ok(()),
    }
}

/// What a refused request may still have to say.
struct Rest(Option<Body>);

impl Rest {
    /// Reading the body of a sender that waits to be asked for it would be asking.
    fn of(headers: &HeaderMap, body: Body) -> Self {
        Self((!headers.contains_key(header::EXPECT)).then_some(body))
    }
}

async fn respond(
    receiver: &Receiver,
    outcome: Result<Rejections, Refusal>,
    media: &Media,
    rest: Rest,
) -> Response {
    match outcome {
        Ok(rejections) => accepted(&rejections, media.answer()),
        Err(refusal) => {
            receiver.metrics.count_refused(Transport::Http, &refusal);
            if let Rest(Some(body)) = rest {
                body::drain(body).await;
            }
            refused(&refusal, media.answer())
        }
    }
}

fn accepted(rejections: &Rejections, encoding: Encoding) -> Response {
    let body = match encoding {
        Encoding::Protobuf => answer::to_protobuf(rejections),
        Encoding::Json => answer::to_json(rejections),
    };
    (StatusCode::OK, content_type(encoding), body).into_response()
}

fn refused(refusal: &Refusal, encoding: Encoding) -> Response {
    let verdict = refusal.verdict();
    let body = match encoding {
        Encoding::Protobuf => verdict.status.to_protobuf(),
        Encoding::Json => verdict.status.to_json(),
    };
    let mut response = (verdict.http, content_type(encoding), body).into_response();
    let headers = response.headers_mut();
    if let Some(delay) = verdict.retry_after {
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    match refusal {
        Refusal::ContentEncoding(_) => {
            let known = HeaderValue::from_static("identity, gzip, deflate, zstd");
            headers.insert(header::ACCEPT_ENCODING, known);
        }
        _ if verdict.http == StatusCode::UNAUTHORIZED => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        _ => {}
    }
    response
}

const fn content_type(encoding: Encoding) -> [(HeaderName, HeaderValue); 1] {
    let value = match encoding {
        Encoding::Protobuf => HeaderValue::from_static("application/x-protobuf"),
        Encoding::Json => HeaderValue::from_static("application/json"),
    };
    [(header::CONTENT_TYPE, value)]
}

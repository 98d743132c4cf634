//! `POST /v1/chat/completions`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use brokle_model::id::SpanId;
use brokle_model::port::KeyGrant;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, USER_AGENT};
use http::request::Parts;
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::authorize;
use crate::call;
use crate::dialect::openai::request::ChatRequest;
use crate::error::GatewayError;
use crate::record::{CallGuard, CallRecord, Caller, Failure, Outcome, RequestRecord, Slot};
use crate::route::{self, Candidates};
use crate::settings::GatewaySettings;
use crate::shared::Shared;
use crate::trace_context::TraceContext;

const HEADER_CHARS_MAX: usize = 200;

/// Creates a chat completion: the answer of the model, route or `provider/model` that the body names.
///
/// The body is `OpenAI`'s and reaches the provider byte for byte, but for `model`; so does the answer.
#[utoipa::path(
    post,
    path = "/v1/chat/completions",
    tag = "gateway",
    request_body(content = serde_json::Value, content_type = "application/json",
        description = "OpenAI's chat completion request"),
    responses(
        (status = 200, description = "The completion, or a stream of chunks when `stream` is true",
            content((serde_json::Value = "application/json"), (String = "text/event-stream"))),
        (status = 400, description = "The request is wrong", body = serde_json::Value),
        (status = 401, description = "The key is not good", body = serde_json::Value),
        (status = 404, description = "Nothing has that model's name", body = serde_json::Value),
        (status = 413, description = "The request is too large", body = serde_json::Value),
        (status = 429, description = "The provider is out of capacity for us", body = serde_json::Value),
        (status = 502, description = "The provider failed", body = serde_json::Value),
        (status = 504, description = "The provider did not answer in time", body = serde_json::Value),
    ),
    security(("api_key" = []))
)]
pub(super) async fn chat_completions(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let arrived = Instant::now();
    let settings = shared.settings.load_full();
    let (parts, body) = request.into_parts();
    let call = match admit(&shared, &settings, &parts, arrived).await {
        Ok(call) => call,
        Err(error) => return error.into_response(),
    };
    serve(&shared, &settings, call, parts, body).await
}

/// The key, and a place among the calls in progress. Before this, nothing is recorded: there is no project.
async fn admit(
    shared: &Shared,
    settings: &GatewaySettings,
    parts: &Parts,
    arrived: Instant,
) -> Result<CallGuard, GatewayError> {
    let grant = authorize(shared, &parts.headers).await?;
    let permit = Arc::clone(&shared.slots)
        .try_acquire_owned()
        .map_err(|_| GatewayError::Busy)?;
    let slot = Slot::new(permit, &shared.metrics.in_flight);
    let record = open_record(shared, settings, &grant, &parts.headers, arrived);
    Ok(CallGuard::new(record, Arc::clone(&shared.recorder), slot))
}

fn open_record(
    shared: &Shared,
    settings: &GatewaySettings,
    grant: &KeyGrant,
    headers: &HeaderMap,
    arrived: Instant,
) -> CallRecord {
    CallRecord {
        project: grant.project,
        environment: header(headers, "x-environment").unwrap_or_default(),
        trace: TraceContext::from_headers(headers),
        span: SpanId::generate(),
        started_at: shared.clock.now(),
        started: arrived,
        ended: Duration::ZERO,
        caller: Caller {
            user: header(headers, "x-user-id"),
            session: header(headers, "x-session-id"),
            request_id: header(headers, "x-request-id"),
            user_agent: header(headers, USER_AGENT.as_str()),
        },
        capture: settings.capture,
        request: None,
        route: None,
        strategy: "",
        attempts: Vec::new(),
        status: 0,
        failure: None,
        outcome: Outcome::Answered,
    }
}

async fn serve(
    shared: &Shared,
    settings: &Arc<GatewaySettings>,
    mut call: CallGuard,
    parts: Parts,
    body: axum::body::Body,
) -> Response {
    match prepare(settings, &mut call, &parts.headers, body).await {
        Ok((request, candidates)) => {
            call::run(shared, settings, call, request, candidates, &parts.headers).await
        }
        Err(error) => refuse(call, error),
    }
}

/// Reads the body and finds where it is to go.
async fn prepare(
    settings: &GatewaySettings,
    call: &mut CallRecord,
    headers: &HeaderMap,
    body: axum::body::Body,
) -> Result<(ChatRequest, Candidates), GatewayError> {
    let body = read_body(settings, headers, body).await?;
    let request = ChatRequest::parse(body)?;
    call.request = Some(RequestRecord {
        body: request.body.clone(),
        model: request.model.clone(),
        stream: request.stream,
    });
    let mut chance = |below: u64| rand::random_range(0..below);
    let candidates = route::candidates(settings, &request.model, &mut chance).map_err(|reason| {
        GatewayError::Unroutable {
            model: request.model.clone(),
            reason,
        }
    })?;
    call.route.clone_from(&candidates.route);
    call.strategy = candidates.strategy;
    Ok((request, candidates))
}

async fn read_body(
    settings: &GatewaySettings,
    headers: &HeaderMap,
    body: axum::body::Body,
) -> Result<Bytes, GatewayError> {
    let bytes_max = settings.limits.request_bytes_max;
    if headers
        .get(CONTENT_ENCODING)
        .is_some_and(|encoding| encoding != "identity")
    {
        return Err(GatewayError::BodyEncoded);
    }
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(GatewayError::BodyTooLarge(bytes_max));
    }
    let patience = Duration::from_millis(settings.timeouts.request_body_ms);
    let read = tokio::time::timeout(patience, Limited::new(body, bytes_max).collect()).await;
    match read.map_err(|_| GatewayError::BodyTimeout)? {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(GatewayError::BodyTooLarge(bytes_max)),
        Err(_) => Err(GatewayError::BodyBroken),
    }
}

fn refuse(call: CallGuard, error: GatewayError) -> Response {
    use brokle_model::error::Classify;
    let failure = Failure {
        kind: error.code(),
        message: error.public_message(),
    };
    let status = error.status().as_u16();
    let mut response = error.into_response();
    call::describe(response.headers_mut(), &call);
    call.finish(status, Some(failure));
    response
}

/// A header's text, bounded; nothing when it is absent or empty.
fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    (!text.is_empty()).then(|| text.chars().take(HEADER_CHARS_MAX).collect())
}

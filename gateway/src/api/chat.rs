//! `POST /v1/chat/completions` and `POST /v1/messages`: one call by two doors.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::response::Response;
use brokle_model::id::SpanId;
use brokle_model::port::KeyGrant;
use brokle_model::price::Mode;
use brokle_model::telemetry::is_environment;
use brokle_model::usage::TokenUsage;
use http::HeaderMap;
use http::header::USER_AGENT;
use http::request::Parts;
use rust_decimal::Decimal;

use super::{authorize, body, count};
use crate::cache::lookup;
use crate::call::{self, Plan};
use crate::cost;
use crate::dialect::door::Door;
use crate::dialect::openai::request::ChatRequest;
use crate::error::GatewayError;
use crate::guard;
use crate::quota::{self, QuotaRecord};
use crate::record::{CallGuard, CallRecord, Caller, Failure, Outcome, RequestRecord, Slot};
use crate::route::facts::Facts;
use crate::route::overrides::Overrides;
use crate::route::{self, Candidates, Circumstances, Target};
use crate::settings::GatewaySettings;
use crate::shared::Shared;
use crate::trace_context::TraceContext;

const HEADER_CHARS_MAX: usize = 200;
const ENVIRONMENT_HEADERS: [&str; 2] = ["x-environment", "x-brokle-environment"];

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
    complete(shared, Door::Chat, request).await
}

/// Creates a message: Anthropic's Messages API, for any model, route or `provider/model` that the body names.
///
/// A provider of the same format gets the body byte for byte, but for `model`; to any other it is translated,
/// and so is the answer. What cannot be translated is refused, or named in `x-brokle-adapted`.
#[utoipa::path(
    post,
    path = "/v1/messages",
    tag = "gateway",
    request_body(content = serde_json::Value, content_type = "application/json",
        description = "Anthropic's Messages request"),
    responses(
        (status = 200, description = "The message, or a stream of events when `stream` is true",
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
pub(super) async fn messages(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    complete(shared, Door::Messages, request).await
}

/// Creates a response: `OpenAI`'s Responses API, for any model, route or `provider/model` that the body names.
///
/// A provider that speaks it gets the body byte for byte, but for `model`; to any other it is translated, and so
/// is the answer. What lives at the provider (`previous_response_id`, built-in tools) is refused for others.
#[utoipa::path(
    post,
    path = "/v1/responses",
    tag = "gateway",
    request_body(content = serde_json::Value, content_type = "application/json",
        description = "OpenAI's Responses request"),
    responses(
        (status = 200, description = "The response, or a stream of events when `stream` is true",
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
pub(super) async fn responses(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    complete(shared, Door::Responses, request).await
}

/// Any call that is made of one body and answered by one, or by a stream.
pub(super) async fn complete(shared: Arc<Shared>, door: Door, request: Request) -> Response {
    let arrived = Instant::now();
    let (parts, body) = request.into_parts();
    let (call, settings) = match admit(&shared, door, &parts, arrived).await {
        Ok(admitted) => admitted,
        Err(error) => return error.into_response_at(door),
    };
    serve(&shared, &settings, call, parts, body).await
}

/// The key, and a place among the calls in progress. Before this, nothing is recorded: there is no project.
pub(super) async fn admit(
    shared: &Shared,
    door: Door,
    parts: &Parts,
    arrived: Instant,
) -> Result<(CallGuard, Arc<GatewaySettings>), GatewayError> {
    let grant = authorize(shared, &parts.headers).await?;
    let settings = shared.settings_of(&grant);
    let environment = environment(&parts.headers)?;
    let permit = Arc::clone(&shared.slots)
        .try_acquire_owned()
        .map_err(|_| GatewayError::Busy)?;
    let slot = Slot::new(permit, &shared.metrics.in_flight);
    let record = CallRecord {
        door,
        environment,
        ..open_record(shared, &settings, &grant, &parts.headers, arrived)
    };
    let guard = CallGuard::new(record, Arc::clone(&shared.recorder), slot);
    Ok((guard, settings))
}

pub(super) fn open_record(
    shared: &Shared,
    settings: &GatewaySettings,
    grant: &KeyGrant,
    headers: &HeaderMap,
    arrived: Instant,
) -> CallRecord {
    CallRecord {
        door: Door::Chat,
        project: grant.project,
        key: grant.key,
        models: grant.models.clone(),
        environment: String::new(),
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
        rule: None,
        arm: None,
        overrides: Vec::new(),
        shadow: false,
        explained: None,
        passed_over: Vec::new(),
        cache: None,
        guard: None,
        quota: None,
        attempts: Vec::new(),
        attempts_before: 0,
        status: 0,
        failure: None,
        outcome: Outcome::Answered,
    }
}

async fn serve(
    shared: &Arc<Shared>,
    settings: &Arc<GatewaySettings>,
    mut call: CallGuard,
    parts: Parts,
    body: axum::body::Body,
) -> Response {
    match prepare(shared, settings, &mut call, &parts.headers, body).await {
        Ok((request, plan)) => {
            let targets = &plan.candidates.targets;
            let looked = guard::input(shared, settings, &mut call, request, targets).await;
            let request = match looked {
                Ok(request) => request,
                Err(error) => return refuse(call, error),
            };
            let asked = (&request, &**targets);
            match lookup::find(shared, settings, &mut call, asked, &parts.headers).await {
                Ok(Some(kept)) => return lookup::answer(call, kept),
                Ok(None) => {}
                Err(error) => return refuse(call, error),
            }
            match quota::reserve(shared, settings, &mut call, &request, targets).await {
                Ok(()) if count::is_ours(call.door, &plan.candidates) => count::answer(call, request).await,
                Ok(()) => call::run(shared, settings, call, request, plan, &parts.headers).await,
                Err(error) => refuse(call, error),
            }
        }
        Err(error) => refuse(call, error),
    }
}

/// Reads the body and finds where it is to go.
async fn prepare(
    shared: &Shared,
    settings: &GatewaySettings,
    call: &mut CallRecord,
    headers: &HeaderMap,
    body: axum::body::Body,
) -> Result<(ChatRequest, Plan), GatewayError> {
    let body = body::read(shared, settings, headers, body).await?;
    let request = ChatRequest::read(call.door, headers, body)?;
    call.request = Some(RequestRecord {
        body: request.body.clone(),
        messages_at: request.messages_at.clone(),
        model: request.model.clone(),
        stream: request.stream,
    });
    let overrides = Overrides::read(headers, &settings.timeouts, &settings.retries)?;
    call.overrides.clone_from(&overrides.sent);
    let facts = Facts::of_call(call, headers, &request);
    let candidates = decide(shared, settings, &request, (&facts, &overrides, &call.models))?;
    note_decision(call, &candidates);
    let plan = Plan {
        timeouts: overrides.timeouts(&settings.timeouts),
        retries: overrides.retries(&settings.retries),
        candidates,
    };
    Ok((request, plan))
}

/// Writes down how the order of targets came about.
pub(super) fn note_decision(call: &mut CallRecord, candidates: &Candidates) {
    call.route.clone_from(&candidates.route);
    call.rule.clone_from(&candidates.rule);
    call.arm.clone_from(&candidates.arm);
    call.strategy = candidates.strategy;
    let passed_over = candidates.targets.iter().rev().take(candidates.passed_over);
    call.passed_over = passed_over.map(Target::full_name).collect();
}

/// Where a request is to go, as things are.
pub(super) fn decide(
    shared: &Shared,
    settings: &GatewaySettings,
    request: &ChatRequest,
    (facts, overrides, allowed): (&Facts<'_>, &Overrides, &[String]),
) -> Result<Candidates, GatewayError> {
    let now = shared.clock.now();
    let cost = |target: &Target| estimate(shared, request, target, now.timestamp_nanos_opt()?);
    let quality = |target: &Target| {
        let source = &shared.quality;
        source.of(facts.project, &target.provider.name, &target.model)
    };
    let mut circumstances = Circumstances {
        now_ms: now.timestamp_millis(),
        chance: &mut |below| rand::random_range(0..below),
        cost: &cost,
        quality: &quality,
        facts,
        overrides,
        allowed,
    };
    let candidates = route::candidates(settings, &request.model, &mut circumstances);
    candidates.map_err(|reason| GatewayError::Unroutable {
        model: request.model.clone(),
        reason,
    })
}

/// What the call would cost at a target: four bytes a token, and an answer of middling length. Good enough to
/// put targets in order, and for nothing else.
pub(super) fn estimate(
    shared: &Shared,
    request: &ChatRequest,
    target: &Target,
    now_ns: i64,
) -> Option<Decimal> {
    let usage = TokenUsage {
        input: cost::assumed_tokens(request.body.len()),
        output: cost::OUTPUT_TOKENS_ASSUMED,
        ..TokenUsage::default()
    };
    let (vendor, mode) = (&target.provider.vendor, Mode::default());
    let cost = shared.prices.price(vendor, &target.model, &usage, mode, now_ns)?;
    Some(cost.total)
}

pub(super) fn refuse(mut call: CallGuard, error: GatewayError) -> Response {
    use brokle_model::error::Classify;
    if let GatewayError::Quota(exceeded) = &error {
        call.quota = Some(QuotaRecord::refused(exceeded.which()));
    }
    let failure = Failure {
        kind: error.code(),
        message: error.public_message(),
    };
    let status = error.status().as_u16();
    let mut response = error.into_response_at(call.door);
    call::describe(response.headers_mut(), &call);
    call.finish(status, Some(failure));
    response
}

/// The tag of what this call records; empty when the caller sent none. A tag that cannot be one is refused, as
/// the collector does: a call under a wrong tag would be looked for in vain.
pub(super) fn environment(headers: &HeaderMap) -> Result<String, GatewayError> {
    let Some(value) = ENVIRONMENT_HEADERS.iter().find_map(|name| headers.get(*name)) else {
        return Ok(String::new());
    };
    let text = value.to_str().map_err(|_| GatewayError::Environment)?.trim();
    if text.is_empty() || is_environment(text) {
        Ok(text.to_owned())
    } else {
        Err(GatewayError::Environment)
    }
}

/// A header's text, bounded; nothing when it is absent or empty.
fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    (!text.is_empty()).then(|| text.chars().take(HEADER_CHARS_MAX).collect())
}

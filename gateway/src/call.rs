//! The life of one admitted call: attempts in the order of its candidates until one answers or none is left,
//! then the answer with the headers that say how it came about.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use brokle_model::usage::TokenUsage;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use rust_decimal::Decimal;

use crate::attempt::{Failed, Opened, Outgoing, Success, Whole};
use crate::cache::{Brought, Tape};
use crate::config::{RetryConfig, TimeoutConfig};
use crate::cost;
use crate::dialect::door::{Door, ErrorWords};
use crate::dialect::openai::chunk;
use crate::dialect::openai::request::ChatRequest;
use crate::error::error_response;
use crate::guard::{self, Asker, Blocked};
use crate::record::{Answer, CacheRecord, CallGuard, CallRecord};
use crate::relay::{Context, Relay};
use crate::route::Candidates;
use crate::route::retry::FailureClass;
use crate::settings::GatewaySettings;
use crate::shared::Shared;

mod attempts;
mod hedge;
mod shadow;

use attempts::Work;

const CREDENTIAL_REFUSED: &str =
    "the provider does not accept the gateway's credential, or its account cannot pay";

/// Where a call goes, how long that may take, and how often it may be tried.
pub(crate) struct Plan {
    pub(crate) candidates: Candidates,
    pub(crate) timeouts: TimeoutConfig,
    pub(crate) retries: RetryConfig,
}

/// Runs the call. Dropping the future, as the server does when the caller hangs up, closes the provider's
/// connection and records the call as cancelled.
pub(crate) async fn run(
    shared: &Arc<Shared>,
    settings: &Arc<GatewaySettings>,
    mut call: CallGuard,
    request: ChatRequest,
    plan: Plan,
    caller: &HeaderMap,
) -> Response {
    shadow::send((shared, settings), &call, &request, &plan, caller);
    let outgoing = Outgoing {
        request: &request,
        headers: caller,
        timeouts: plan.timeouts,
    };
    let work = Work {
        shared,
        settings,
        outgoing: &outgoing,
        plan: &plan,
    };
    match attempts::run(work, &mut call).await {
        Ok(Success::Whole(mut whole)) => {
            let body = std::mem::take(&mut whole.body);
            match guard::output(shared, &mut call, body).await {
                Ok(body) => answer_whole(shared, call, Whole { body, ..*whole }),
                Err(blocked) => answer_blocked(request.door, call, &blocked),
            }
        }
        Ok(Success::Stream(opened)) => answer_stream(shared, settings, call, *opened, &request),
        Err(failed) => answer_failure(request.door, call, failed),
    }
}

/// The provider's answer was good, and is not the caller's to see. It was used all the same.
fn answer_blocked(door: Door, mut call: CallGuard, blocked: &Blocked) -> Response {
    let words = ErrorWords {
        status: 400,
        message: &blocked.to_string(),
        param: None,
        code: Blocked::CODE,
    };
    let mut response = error_response(door, words);
    describe(response.headers_mut(), &call);
    call.end_attempt(None, "blocked");
    call.finish(400, Some(blocked.record()));
    response
}

fn answer_whole(shared: &Shared, mut call: CallGuard, whole: Whole) -> Response {
    let kept = whole.body.clone();
    let mut response = Response::new(Body::from(whole.body));
    *response.status_mut() = whole.status;
    let headers = response.headers_mut();
    *headers = whole.headers;
    let content_type = whole
        .content_type
        .unwrap_or(HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_TYPE, content_type);
    describe(headers, &call);
    let now = shared.clock.now();
    let now_ns = now.timestamp_nanos_opt().unwrap_or(i64::MAX);
    let attempt = call.attempts.last();
    let cost = attempt.zip(whole.usage.as_ref()).and_then(|(attempt, usage)| {
        cost::of_answer(
            &shared.prices,
            attempt,
            whole.model.as_deref(),
            usage,
            whole.mode,
            now_ns,
        )
    });
    if let Some(cost) = cost {
        insert(headers, "x-brokle-cost", &cost.normalize().to_string());
    }
    keep_whole(
        &mut call,
        &response,
        (whole.model, whole.usage, cost),
        kept,
        now.timestamp_millis(),
    );
    call.end_attempt(None, "answered");
    call.finish(whole.status.as_u16(), None);
    response
}

/// Keeps an answer that may be given again.
fn keep_whole(
    call: &mut CallGuard,
    response: &Response,
    (model, usage, cost): (Option<String>, Option<TokenUsage>, Option<Decimal>),
    body: Bytes,
    now_ms: i64,
) {
    if response.status() != StatusCode::OK {
        return;
    }
    let content_type = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let Some((keeping, content_type)) = call.take_keeping().zip(content_type) else {
        return;
    };
    let budget = call.capture.budget();
    let Some(attempt) = call.attempts.last() else {
        return;
    };
    let said = match &attempt.answer {
        Answer::Body(whole) if budget > 0 => chunk::whole(&whole.body, budget).output_messages(),
        _ => None,
    };
    let brought = Brought {
        content_type,
        model,
        usage,
        cost,
        output_messages: call.hidden(said),
    };
    keeping.keep(brought.by(attempt, now_ms), body);
}

fn answer_stream(
    shared: &Shared,
    settings: &GatewaySettings,
    mut call: CallGuard,
    opened: Opened,
    request: &ChatRequest,
) -> Response {
    let tape = call.take_keeping().map(Tape::new);
    let mut headers = opened.headers.clone();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    describe(&mut headers, &call);
    let relay = relay(shared, settings, call, (opened, request), tape);
    let mut response = Response::new(Body::new(relay));
    *response.headers_mut() = headers;
    response
}

fn relay(
    shared: &Shared,
    settings: &GatewaySettings,
    call: CallGuard,
    (opened, request): (Opened, &ChatRequest),
    tape: Option<Tape>,
) -> Relay {
    let outlet = request.door.outlet(opened.dialect, request.wants_usage);
    let context = Context {
        clock: Arc::clone(&shared.clock),
        prices: Arc::clone(&shared.prices),
        asker: Asker::new(shared),
    };
    Relay::new(opened, call, (outlet, tape), settings, context)
}

/// The provider's own words where the caller understands them, ours where not. A refused credential
/// is the gateway's and not the caller's, who would go looking for a fault in its own key: that becomes 502.
fn answer_failure(door: Door, call: CallGuard, failed: Failed) -> Response {
    let ours = failed.class == FailureClass::Credential;
    let status = if ours { 502 } else { failed.status };
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let record = failed.record();
    let mut response = match failed.body {
        Some(body) if !ours => {
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = code;
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        _ => error_response(
            door,
            ErrorWords {
                status,
                message: if ours { CREDENTIAL_REFUSED } else { &failed.message },
                param: None,
                code: if ours {
                    "provider_credential_refused"
                } else {
                    &failed.code
                },
            },
        ),
    };
    response.headers_mut().extend(failed.headers);
    describe(response.headers_mut(), &call);
    call.finish(status, Some(record));
    response
}

/// The headers that say how the answer came about.
pub(crate) fn describe(headers: &mut HeaderMap, call: &CallRecord) {
    insert(headers, "x-brokle-trace-id", &call.trace.trace.to_string());
    headers.insert(
        HeaderName::from_static("x-brokle-attempts"),
        HeaderValue::from(call.attempts.len()),
    );
    for (name, value) in [("x-brokle-route", &call.route), ("x-brokle-arm", &call.arm)] {
        if let Some(value) = value {
            insert(headers, name, value);
        }
    }
    if let Some(quota) = &call.quota {
        quota.describe(headers, call.door, call.started_at);
    }
    if let Some(cache) = &call.cache {
        insert(headers, "x-brokle-cache", cache.outcome.as_str());
        if let Some(key) = &cache.key {
            insert(headers, "x-brokle-cache-key", key);
        }
    }
    if let Some(hit) = call.cache.as_ref().and_then(CacheRecord::hit) {
        insert(headers, "x-brokle-provider", &hit.origin.provider);
        insert(headers, "x-brokle-model", &hit.origin.model);
    }
    if let Some(attempt) = call.attempts.last() {
        insert(headers, "x-brokle-provider", &attempt.provider.name);
        insert(headers, "x-brokle-model", &attempt.model);
        if !attempt.adapted.is_empty() {
            insert(headers, "x-brokle-adapted", &attempt.adapted.join(","));
        }
    }
}

/// A value that a header cannot carry is left out.
fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

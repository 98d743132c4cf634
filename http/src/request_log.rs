//! The outermost layer: gives the request its id, opens the span that every log line below inherits, and
//! logs one event when the response head is ready. Bodies, query strings and credentials never get in.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument, Span, field};

use crate::request_id::{RequestId, X_REQUEST_ID};

/// Which requests get an event of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestLog {
    /// Each request: `info`, or `warn` from status 500 on.
    Each,
    /// Only answers from status 500 on. For machine traffic, where a line per request costs more than it
    /// tells.
    FailuresOnly,
}

/// The middleware function, for `axum::middleware::from_fn_with_state(RequestLog::Each, identify_and_log)`.
pub async fn identify_and_log(State(policy): State<RequestLog>, request: Request, next: Next) -> Response {
    let id = RequestId::accept_or_generate(request.headers());
    let started = Instant::now();
    let span = open_span(&request, &id);
    let mut response = id.clone().scope(next.run(request)).instrument(span.clone()).await;
    if let Some(value) = id.header_value() {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    span.in_scope(|| log_answer(policy, &span, response.status().as_u16(), started));
    response
}

fn open_span(request: &Request, id: &RequestId) -> Span {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str);
    tracing::info_span!(
        "http_request",
        request_id = %id,
        method = %request.method(),
        route,
        status = field::Empty,
        duration_ms = field::Empty,
    )
}

fn log_answer(policy: RequestLog, span: &Span, status: u16, started: Instant) {
    // Nothing more is logged of it, so there is nothing to tell the span.
    if status < 500 && policy == RequestLog::FailuresOnly {
        return;
    }
    let duration_ms = started.elapsed().as_secs_f64() * 1000.0;
    span.record("status", status);
    span.record("duration_ms", duration_ms);
    if status >= 500 {
        tracing::warn!(status, duration_ms, "answered a request with a failure of ours");
    } else {
        tracing::info!(status, duration_ms, "answered a request");
    }
}

//! Bounds on what one request may cost: time until the response head, bytes of body, and that a panic ends
//! one request only. The timeout belongs on dashboard routes; streams set their own.

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use brokle_model::error::ErrorKind;
use tower_http::catch_panic::CatchPanicLayer;

use crate::error::ApiError;

/// What a request to the dashboard API may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From the request's head to the response's.
    pub timeout: Duration,
    /// Of the request's body.
    pub body_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            body_bytes_max: 1024 * 1024,
        }
    }
}

/// Applies `limits` to every route of `router`.
pub fn with_limits<S: Clone + Send + Sync + 'static>(router: Router<S>, limits: Limits) -> Router<S> {
    router
        .layer(DefaultBodyLimit::max(limits.body_bytes_max))
        .layer(from_fn_with_state(limits.timeout, answer_in_time))
}

async fn answer_in_time(State(timeout): State<Duration>, request: Request, next: Next) -> Response {
    tokio::time::timeout(timeout, next.run(request))
        .await
        .unwrap_or_else(|_| {
            ApiError::new(
                ErrorKind::Timeout,
                "request_timeout",
                "the request took too long; try a smaller one",
            )
            .into_response()
        })
}

/// Turns a panic into a 500 in the envelope. The panic's text goes to the log through the panic hook.
pub fn catch_panics<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.layer(CatchPanicLayer::custom(answer_panic))
}

fn answer_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    drop(panic);
    let message = "an internal error occurred; the request id leads to its cause in the log";
    ApiError::new(ErrorKind::Internal, "internal", message).into_response()
}

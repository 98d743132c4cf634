//! Answers for requests that no route takes, in the envelope.

use axum::Router;
use brokle_model::error::ErrorKind;
use http::{Method, StatusCode, Uri};

use crate::error::ApiError;

/// Gives `router` the envelope's 404 and 405. Call it after all routes are in.
pub fn with_fallbacks<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
}

/// No such route.
pub async fn not_found(uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(200).collect();
    ApiError::new(
        ErrorKind::NotFound,
        "route_not_found",
        format!("there is nothing at `{path}`"),
    )
}

/// The route exists, for another method.
pub async fn method_not_allowed(method: Method) -> ApiError {
    let message =
        format!("the method {method} is not supported here; the header `Allow` lists those that are");
    ApiError::with_status(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}

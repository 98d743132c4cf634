//! The dashboard, as files inside the binary. A path that names no file is the app's own route and gets
//! the entry page; hashed assets may be cached for good, the entry page never.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "../dashboards/dist"]
#[allow_missing = true]
struct Dashboard;

const ENTRY: &str = "index.html";
const NOT_BUILT: &str = "<!doctype html><title>Brokle</title><p>The API is up. The dashboard is not part of this build: run <code>npm ci && npm run build</code> in <code>dashboards/</code> and build again, or <code>make run</code>, which does both.";

/// Serves the dashboard; the router's fallback.
pub(crate) async fn dashboard(request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    if is_api(path) {
        return brokle_http::fallback::not_found(request.uri().clone())
            .await
            .into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return brokle_http::fallback::method_not_allowed(request.method().clone())
            .await
            .into_response();
    }
    match Dashboard::get(path).filter(|_| !path.is_empty()) {
        Some(file) => respond(path, &file, request.headers()),
        None if path.starts_with("assets/") => StatusCode::NOT_FOUND.into_response(),
        None => match Dashboard::get(ENTRY) {
            Some(file) => respond(ENTRY, &file, request.headers()),
            None => (StatusCode::OK, Html(NOT_BUILT)).into_response(),
        },
    }
}

fn is_api(path: &str) -> bool {
    ["api/", "v1/", "health/", "ws/"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
}

fn respond(path: &str, file: &EmbeddedFile, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..16]));
    let cache = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let common = [
        (header::CONTENT_TYPE, file.metadata.mimetype().to_owned()),
        (header::CACHE_CONTROL, cache.to_owned()),
        (header::ETAG, tag.clone()),
    ];
    let unchanged = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|value| value.as_bytes() == tag.as_bytes());
    if unchanged {
        (StatusCode::NOT_MODIFIED, common).into_response()
    } else {
        (common, file.data.to_vec()).into_response()
    }
}

//! Headers that protect browsers: a strict policy on every answer, and cross-origin access: with a session
//! for the origins that an operator lists, with a key from anywhere. The dashboard is served from the same
//! origin, so the list is empty by default.

use std::future::ready;
use std::time::Duration;

use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

use crate::extract::X_API_KEY;
use crate::request_id::X_REQUEST_ID;

const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
const PAGE_POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; \
                           font-src 'self' data:; connect-src 'self' ws: wss:; object-src 'none'; \
                           base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

/// Sets the security headers that a handler of `router` did not set itself.
pub fn with_security_headers<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.layer(map_response(|response| ready(secure(response))))
}

fn secure(mut response: Response) -> Response {
    let policy = if has_type(&response, "text/html") {
        PAGE_POLICY
    } else {
        API_POLICY
    };
    let defaults = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    let is_json = has_type(&response, "application/json");
    let headers = response.headers_mut();
    if is_json {
        // Answers of the API hold tokens and other people's data; no cache on the way may keep them.
        headers
            .entry(header::CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
    }
    for (name, value) in defaults {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn has_type(response: &Response, media_type: &str) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(media_type.as_bytes()))
}

/// A configured origin that is not a header value.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an origin such as `https://app.example.com`")]
pub struct InvalidOrigin(String);

/// Cross-origin access, with cookies, for exactly these origins.
pub fn cors(allowed_origins: &[String]) -> Result<CorsLayer, InvalidOrigin> {
    let origins = allowed_origins
        .iter()
        .map(|origin| parse_origin(origin))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(CorsLayer::new()
        .allow_origin(origins)
        .allow_credentials(true)
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            X_API_KEY,
            X_REQUEST_ID,
            HeaderName::from_static("x-environment"),
            HeaderName::from_static("traceparent"),
        ])
        .expose_headers([X_REQUEST_ID, header::RETRY_AFTER])
        .max_age(Duration::from_hours(1)))
}

/// Cross-origin access for routes that a key in a header opens, for any page. Cookies are not let through,
/// so a page can do no more here than what its own key permits.
pub fn cors_for_keys() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([X_REQUEST_ID, header::RETRY_AFTER])
        .max_age(Duration::from_hours(2))
}

fn parse_origin(text: &str) -> Result<HeaderValue, InvalidOrigin> {
    let well_formed = (text.starts_with("https://") || text.starts_with("http://")) && !text.ends_with('/');
    let value = well_formed.then(|| HeaderValue::from_str(text).ok()).flatten();
    value.ok_or_else(|| InvalidOrigin(text.to_owned()))
}

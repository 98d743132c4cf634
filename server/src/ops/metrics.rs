//! `/metrics` in the Prometheus text format: open on loopback, elsewhere with a token.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// What `/metrics` needs.
#[derive(Clone)]
pub(crate) struct MetricsState {
    pub(crate) registry: Arc<Registry>,
    pub(crate) token: Option<SecretString>,
}

/// Renders every metric.
pub(crate) async fn metrics(
    State(state): State<MetricsState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    if !may_read(&state, peer, &headers) {
        return (
            StatusCode::FORBIDDEN,
            "metrics are served to loopback, or with the metrics token\n",
        )
            .into_response();
    }
    let mut text = String::new();
    match encode(&mut text, &state.registry) {
        Ok(()) => {
            let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, content_type)], text).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

/// A proxy on this machine makes every caller look local, so a forwarded request needs the token.
fn may_read(state: &MetricsState, peer: SocketAddr, headers: &HeaderMap) -> bool {
    let forwarded = headers.contains_key("forwarded") || headers.contains_key("x-forwarded-for");
    if peer.ip().to_canonical().is_loopback() && !forwarded {
        return true;
    }
    match (&state.token, brokle_http::extract::bearer_token(headers)) {
        (Some(token), Some(presented)) => token
            .expose_secret()
            .as_bytes()
            .ct_eq(presented.as_bytes())
            .into(),
        _ => false,
    }
}

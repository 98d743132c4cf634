//! `/metrics` in the Prometheus text format: open on loopback, elsewhere with a token. The figures are the planes' own;
//! here are those of the runtime that they share.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tokio::runtime::RuntimeMetrics;

/// What `/metrics` needs.
#[derive(Clone)]
pub(crate) struct MetricsState {
    pub(crate) registry: Arc<Registry>,
    pub(crate) token: Option<SecretString>,
}

/// What the runtime knows of itself, asked when it is scraped.
#[derive(Debug)]
pub(crate) struct RuntimeFigures(RuntimeMetrics);

impl RuntimeFigures {
    /// Adds the figures of the runtime that this is called in.
    pub(crate) fn register(registry: &mut Registry) {
        let metrics = tokio::runtime::Handle::current().metrics();
        registry.register_collector(Box::new(Self(metrics)));
    }
}

impl Collector for RuntimeFigures {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        for (name, help, value) in [
            (
                "brokle_runtime_alive_tasks",
                "Tasks that have begun and not ended: one or two for each open connection, and a fixed number besides",
                self.0.num_alive_tasks(),
            ),
            (
                "brokle_runtime_global_queue_depth",
                "Tasks that are ready and wait for a worker",
                self.0.global_queue_depth(),
            ),
            (
                "brokle_runtime_workers",
                "Threads that run tasks",
                self.0.num_workers(),
            ),
        ] {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            let metric = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            gauge.encode(metric)?;
        }
        Ok(())
    }
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

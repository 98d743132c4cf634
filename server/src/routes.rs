//! Every route of the process on one page: which plane answers it, and who may call. A plane exports its
//! own router over its own state; only prefixes, layers and order are decided here.
//!
//! | route | plane | caller |
//! |---|---|---|
//! | `/v1/chat/completions`, `/v1/responses`, `/v1/messages`, `/v1/completions`, `/v1/embeddings`, `/v1/moderations`, `/v1/images/generations`, `/v1/audio/speech`, `/v1/rerank` | gateway | API key |
//! | `/v1/models`, `/v1/models/{model}`, `/v1/route`, `/v1/cache/status`, `/v1/cache/invalidate` | gateway | API key |
//! | `POST /v1/traces`, `/v1/logs`, `/v1/metrics` (also on the OTLP/HTTP port) | ingest | API key |
//! | `/v1/traces/{id}`, `/v1/traces/batch`, `/v1/observations/...`, `/v1/quality-scores/...`, `/v1/scores/...`, `/v1/events` | ingest | API key |
//! | `/api/public/otel/v1/traces`, `/api/public/scores`, `/api/public/ingestion`, `/api/public/projects` | ingest | API key as the password |
//! | `/v1/auth/validate-key` | accounts | public, limited by address |
//! | `/api/v1/auth`, `/users`, `/organizations`, `/projects` | accounts | session (sign-up and sign-in public) |
//! | `/api/v1/organizations/{organization_id}/gateway` | gateway | session and membership |
//! | `/api/v1/analytics`, `/api/v1/logs` | query | session and membership |
//! | `/api/v1/projects/{project_id}/prices` | query | session and membership |
//! | `/health`, `/health/{part}` | server | public |
//! | `/metrics` | server | loopback or token |
//! | `/openapi.json`, `/docs` | server | public |
//! | everything else | server | the dashboard's files |

use std::sync::Arc;

use axum::middleware::from_fn_with_state;
use axum::response::Html;
use axum::{Json, Router, routing};
use brokle_http::limits::{Limits, catch_panics, with_limits};
use brokle_http::peer::{TrustedProxies, identify_peer};
use brokle_http::request_log::{RequestLog, identify_and_log};
use brokle_http::{fallback, headers};
use brokle_ingest::receiver::http::shared_port;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::app::Planes;
use crate::ops::health::Health;
use crate::ops::metrics::MetricsState;
use crate::ops::{assets, docs, health, metrics};

/// What the routes that belong to no plane need.
pub(crate) struct Operations {
    pub(crate) health: Health,
    pub(crate) metrics: MetricsState,
    pub(crate) trusted_proxies: u8,
}

/// The planes' routers, with their descriptions.
pub(crate) struct Described {
    pub(crate) dashboard: OpenApiRouter,
    pub(crate) gateway: OpenApiRouter,
    pub(crate) otlp: OpenApiRouter,
}

/// The router of the main port.
pub(crate) fn main_port(planes: &Planes, operations: Operations) -> Router {
    let described = Described {
        dashboard: planes
            .accounts
            .router()
            .merge(planes.query.clone().router())
            .merge(planes.prices.clone().router())
            .merge(planes.management.router()),
        gateway: planes.gateway.router(),
        otlp: shared_port::router(Arc::clone(&planes.receiver)).merge(planes.sdk.clone().router()),
    };
    let (people, gateway, otlp, openapi) = described.split();
    let people = with_limits(people, Limits::default()).merge(description(openapi));
    // Browsers' exporters send from pages of any origin: what authorises is the key, never a cookie. Their
    // preflight is a method that no route has, so the answer to those must lie inside of the layer.
    let otlp = otlp
        .method_not_allowed_fallback(fallback::method_not_allowed)
        .layer(headers::cors_for_keys());
    let machines = gateway.merge(otlp);
    let operators = health::router(operations.health)
        .route(
            "/metrics",
            routing::get(metrics::metrics).with_state(operations.metrics),
        )
        .fallback(assets::dashboard);
    let router = guarded(people, RequestLog::Each)
        .merge(guarded(machines, RequestLog::FailuresOnly))
        .merge(guarded(operators, RequestLog::FailuresOnly));
    let router = router.layer(from_fn_with_state(
        TrustedProxies(operations.trusted_proxies),
        identify_peer,
    ));
    headers::with_security_headers(router)
}

/// What surrounds every route, from the inside out: an answer to a wrong method, the end of panics, and the
/// request's id, which is outermost so that both of the others carry it.
fn guarded(router: Router, log: RequestLog) -> Router {
    catch_panics(router.method_not_allowed_fallback(fallback::method_not_allowed))
        .layer(from_fn_with_state(log, identify_and_log))
}

/// The API's description, for programs and for people.
fn description(openapi: OpenApi) -> Router {
    let page = docs::render(&openapi);
    Router::new()
        .route("/openapi.json", routing::get(|| async move { Json(openapi) }))
        .route("/docs", routing::get(|| async move { Html(page) }))
}

impl Described {
    /// The description of the whole API.
    pub(crate) fn openapi(self) -> OpenApi {
        self.split().3
    }

    /// The routers of people, gateway and OTLP, and their descriptions as one.
    fn split(self) -> (Router, Router, Router, OpenApi) {
        let mut openapi = brokle_http::openapi::base(env!("CARGO_PKG_VERSION"));
        let (dashboard, described) = self.dashboard.split_for_parts();
        openapi.merge(described);
        let (gateway, described) = self.gateway.split_for_parts();
        openapi.merge(described);
        let (otlp, described) = self.otlp.split_for_parts();
        openapi.merge(described);
        (dashboard, gateway, otlp, openapi)
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::{Request, StatusCode};
    use serde_json::Value;
    use tower::ServiceExt as _;

    use super::*;

    async fn defect() {
        panic!("a secret detail");
    }

    #[tokio::test]
    async fn refused_methods_and_panics_carry_the_id_that_their_header_says() {
        let plain = Router::new().route("/defect", routing::get(defect));
        let router = guarded(plain, RequestLog::FailuresOnly);
        for (method, status) in [
            ("GET", StatusCode::INTERNAL_SERVER_ERROR),
            ("POST", StatusCode::METHOD_NOT_ALLOWED),
        ] {
            let request = Request::builder().method(method).uri("/defect");
            let response = router
                .clone()
                .oneshot(request.body(Body::empty()).unwrap())
                .await
                .unwrap();
            assert_eq!(response.status(), status);
            let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
            let body = to_bytes(response.into_body(), 10_000).await.unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["error"]["request_id"], id, "{method}");
            assert!(!body.to_string().contains("secret"), "{body}");
        }
    }
}

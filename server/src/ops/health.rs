//! Health: whether the process lives, whether it should be sent work, and how each of its parts is.
//!
//! Public, so it says states and durations and nothing that a stranger could use: no address, no error
//! text. Probes are shared by all callers of one second, so that asking often costs nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use futures::future::{BoxFuture, join_all};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
const FRESH_FOR: Duration = Duration::from_secs(1);

/// How one part is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PartHealth {
    pub(crate) ok: bool,
    /// Harmless facts, such as a count of restarts.
    pub(crate) details: Value,
}

impl PartHealth {
    pub(crate) fn of(ok: bool, details: Value) -> Self {
        Self { ok, details }
    }
}

type Probe = Box<dyn Fn() -> BoxFuture<'static, PartHealth> + Send + Sync>;

/// One part of the process that can be asked how it is.
pub(crate) struct Part {
    name: &'static str,
    /// Whether the process is of no use without it.
    needed_for_ready: bool,
    probe: Probe,
}

impl Part {
    pub(crate) fn new<F>(
        name: &'static str,
        needed_for_ready: bool,
        probe: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = PartHealth> + Send + 'static,
    {
        Self {
            name,
            needed_for_ready,
            probe: Box::new(move || Box::pin(probe())),
        }
    }
}

/// The parts, and what they said last.
#[derive(Clone)]
pub(crate) struct Health(Arc<Inner>);

struct Inner {
    parts: Vec<Part>,
    started: Instant,
    last: Mutex<Option<(Instant, BTreeMap<&'static str, PartReport>)>>,
}

#[derive(Debug, Clone, Serialize)]
struct PartReport {
    status: &'static str,
    latency_ms: u64,
    #[serde(flatten)]
    details: Value,
}

impl Health {
    pub(crate) fn new(parts: Vec<Part>) -> Self {
        Self(Arc::new(Inner {
            parts,
            started: Instant::now(),
            last: Mutex::new(None),
        }))
    }

    async fn reports(&self) -> BTreeMap<&'static str, PartReport> {
        let mut last = self.0.last.lock().await;
        if let Some((at, reports)) = last.as_ref()
            && at.elapsed() < FRESH_FOR
        {
            return reports.clone();
        }
        let reports: BTreeMap<_, _> = join_all(self.0.parts.iter().map(ask)).await.into_iter().collect();
        *last = Some((Instant::now(), reports.clone()));
        reports
    }

    fn is_ready(&self, reports: &BTreeMap<&'static str, PartReport>) -> bool {
        self.0
            .parts
            .iter()
            .filter(|part| part.needed_for_ready)
            .all(|part| reports[part.name].status == "ok")
    }
}

async fn ask(part: &Part) -> (&'static str, PartReport) {
    let started = Instant::now();
    let answer = tokio::time::timeout(PROBE_TIMEOUT, (part.probe)()).await;
    let health = answer.unwrap_or_else(|_| PartHealth::of(false, json!({"timed_out": true})));
    let latency_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    (
        part.name,
        PartReport {
            status: if health.ok { "ok" } else { "failing" },
            latency_ms,
            details: health.details,
        },
    )
}

/// `/health` and its parts.
pub(crate) fn router(health: Health) -> Router {
    Router::new()
        .route("/health", routing::get(overall))
        .route("/health/live", routing::get(live))
        .route("/health/ready", routing::get(ready))
        .route("/health/{part}", routing::get(one))
        .with_state(health)
}

async fn live() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

async fn ready(State(health): State<Health>) -> Response {
    let reports = health.reports().await;
    let ready = health.is_ready(&reports);
    respond(ready, json!({"status": if ready { "ok" } else { "failing" }}))
}

async fn overall(State(health): State<Health>) -> Response {
    let reports = health.reports().await;
    let ready = health.is_ready(&reports);
    let status = match (ready, reports.values().all(|report| report.status == "ok")) {
        (false, _) => "failing",
        (true, false) => "degraded",
        (true, true) => "ok",
    };
    let uptime_s = health.0.started.elapsed().as_secs();
    let version = env!("CARGO_PKG_VERSION");
    respond(
        ready,
        json!({"status": status, "version": version, "uptime_s": uptime_s, "parts": reports}),
    )
}

/// `/health/db` covers both databases; the other names are the parts' own.
async fn one(State(health): State<Health>, Path(name): Path<String>) -> Response {
    let reports = health.reports().await;
    let wanted: Vec<&str> = if name == "db" {
        vec!["relational", "clickhouse"]
    } else {
        vec![name.as_str()]
    };
    let found: BTreeMap<_, _> = reports
        .into_iter()
        .filter(|(part, _)| wanted.contains(part))
        .collect();
    if found.is_empty() {
        return (StatusCode::NOT_FOUND, Json(json!({"status": "unknown"}))).into_response();
    }
    let ok = found.values().all(|report| report.status == "ok");
    respond(
        ok,
        json!({"status": if ok { "ok" } else { "failing" }, "parts": found}),
    )
}

fn respond(ok: bool, body: Value) -> Response {
    let status = if ok {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt as _;

    use super::*;

    fn health() -> Health {
        Health::new(vec![
            Part::new("relational", true, || async { PartHealth::of(true, json!({})) }),
            Part::new("clickhouse", false, || async {
                PartHealth::of(false, json!({"restarts": 3}))
            }),
        ])
    }

    async fn get(path: &str) -> (StatusCode, Value) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router(health()).oneshot(request).await.unwrap();
        let status = response.status();
        (
            status,
            serde_json::from_slice(&to_bytes(response.into_body(), 10_000).await.unwrap()).unwrap(),
        )
    }

    #[tokio::test]
    async fn a_failing_part_that_is_not_needed_degrades_but_stays_ready() {
        let (status, body) = get("/health").await;
        assert_eq!((status, &body["status"]), (StatusCode::OK, &json!("degraded")));
        assert_eq!(body["parts"]["clickhouse"]["restarts"], 3);
        assert_eq!(get("/health/ready").await.0, StatusCode::OK);
        assert_eq!(get("/health/live").await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn the_db_page_covers_both_databases_and_an_unknown_part_is_not_found() {
        assert_eq!(get("/health/db").await.0, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(get("/health/relational").await.0, StatusCode::OK);
        assert_eq!(get("/health/nothing").await.0, StatusCode::NOT_FOUND);
    }
}

//! The parts that `/health` asks: each plane's and each store's own idea of being well.

use std::sync::Arc;

use brokle_engine::supervisor::State;
use brokle_storage::repo::Store;
use brokle_storage_redis::RedisShared;
use serde_json::json;

use super::health::{Health, Part, PartHealth};
use crate::app::Planes;
use crate::backends::TelemetryEndpoint;

/// Asks ClickHouse; shorter than the probe's own limit, so that its answer is told from silence.
const CLICKHOUSE_TIMEOUT: std::time::Duration = std::time::Duration::from_millis(1_500);

pub(crate) fn health(planes: &Planes, relational: Arc<dyn Store>, telemetry: &TelemetryEndpoint) -> Health {
    Health::new(vec![
        relational_part(relational),
        clickhouse_part(telemetry),
        ingest_part(planes),
        cache_part(planes),
        providers_part(planes),
    ])
}

fn relational_part(store: Arc<dyn Store>) -> Part {
    Part::new("relational", true, move || {
        let store = Arc::clone(&store);
        async move { PartHealth::of(store.ping().await.is_ok(), json!({})) }
    })
}

/// Not needed for readiness: while ClickHouse is away, telemetry waits in the log and the gateway serves.
fn clickhouse_part(telemetry: &TelemetryEndpoint) -> Part {
    let (client, engine) = (telemetry.client.clone(), telemetry.engine.clone());
    Part::new("clickhouse", false, move || {
        let (client, engine) = (client.clone(), engine.clone());
        async move {
            let answers = client.version(CLICKHOUSE_TIMEOUT).await.is_ok();
            let details = match engine.map(|supervisor| supervisor.status()) {
                Some(status) => json!({
                    "kind": "embedded",
                    "running": status.state == State::Running,
                    "restarts": status.restarts,
                }),
                None => json!({"kind": "server"}),
            };
            PartHealth::of(answers, details)
        }
    })
}

/// What the nodes share. Not needed for readiness: while Redis is away, each node counts by itself.
fn cache_part(planes: &Planes) -> Part {
    let redis = planes.shared.redis.clone();
    Part::new("cache", false, move || {
        let status = redis.as_ref().map(RedisShared::status);
        async move {
            match status {
                // There is nothing that could be away.
                None => PartHealth::of(true, json!({"kind": "in_process"})),
                Some(status) => PartHealth::of(
                    status.connected,
                    json!({
                        "kind": "redis",
                        "connected": status.connected,
                        "outages": status.outages,
                        "calls_answered": status.answered,
                        "calls_timed_out": status.timed_out,
                        "calls_failed": status.failed,
                        "calls_skipped": status.skipped,
                        "waiting": status.waiting,
                        "lost": status.lost,
                    }),
                ),
            }
        }
    })
}

fn ingest_part(planes: &Planes) -> Part {
    let ingest = planes.ingest.clone();
    Part::new("ingest", true, move || {
        let items = ingest.items();
        async move {
            PartHealth::of(
                true,
                json!({"waiting_items": items.waiting, "dead_lettered_items": items.dead_lettered}),
            )
        }
    })
}

fn providers_part(planes: &Planes) -> Part {
    let gateway = planes.gateway.clone();
    Part::new("providers", false, move || {
        let providers = gateway.providers_health();
        async move { PartHealth::of(true, json!({"providers": providers})) }
    })
}

//! Migrations at the start of `serve`.
//!
//! The relational store must be there: without it nobody can be let in. A ClickHouse server of the user's own
//! may be away: the gateway serves and telemetry waits in the log, so its migrations wait too, and are applied
//! when it is back. One that answers but does not fit (too old, a changed ledger) stops the start.

mod gate;

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use brokle_migrations::target::clickhouse::ClickHouseTarget;
use brokle_migrations::target::relational::RelationalTarget;
use brokle_migrations::{Cluster, Migration, Target, Verb, apply, clickhouse, postgres, sqlite, status};
use brokle_model::clock::SystemClock;
use brokle_storage_clickhouse::ClickHouse;
use brokle_storage_sql::SqlStore;
use tokio_util::sync::CancellationToken;

use crate::backends::{self, TelemetryEndpoint};
use crate::config::LoadedConfig;
use crate::lifecycle::Lifecycle;
pub(crate) use gate::Gate;

const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
const RETRY_PAUSE_MIN: Duration = Duration::from_millis(500);
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(15);

/// Whether `serve` applies pending migrations, or refuses to start while there are any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    Apply,
    Check,
}

/// Brings the relational store up to date and opens it.
pub(crate) async fn open_relational(loaded: &LoadedConfig, policy: Policy) -> anyhow::Result<Arc<SqlStore>> {
    let storage = &loaded.config.storage;
    let mut target = RelationalTarget::connect(&backends::relational_url(storage)).await?;
    let available = if target.name() == "sqlite" {
        sqlite()
    } else {
        postgres()
    };
    migrate(&mut target, &available, policy).await?;
    drop(target);
    backends::relational_store(storage).await
}

/// Opens telemetry storage and brings it up to date, now or when it is back. Nothing may be inserted before the gate is
/// open.
pub(crate) async fn open_telemetry(
    loaded: &LoadedConfig,
    policy: Policy,
    lifecycle: &Lifecycle,
) -> anyhow::Result<(TelemetryEndpoint, Gate)> {
    let cluster = loaded.config.storage.cluster()?;
    let endpoint = TelemetryEndpoint::open(loaded, lifecycle).await?;
    let is_ours = endpoint.engine.is_some();
    if !is_ours && endpoint.client.version(PROBE_TIMEOUT).await.is_err() {
        tracing::warn!(
            "ClickHouse does not answer: serving without it; telemetry waits in the write-ahead log"
        );
        let (client, stop) = (endpoint.client.clone(), lifecycle.soft.clone());
        let gate = Gate::new(false);
        let closed = gate.clone();
        lifecycle.tasks.spawn(async move {
            if migrate_when_back(client, cluster, policy, stop).await {
                closed.open();
            }
        });
        return Ok((endpoint, gate));
    }
    migrate(
        &mut ClickHouseTarget::new(endpoint.client.clone()).on_cluster(cluster),
        &clickhouse(),
        policy,
    )
    .await?;
    Ok((endpoint, Gate::new(true)))
}

/// Whether it came to that before the server was told to stop.
async fn migrate_when_back(
    client: ClickHouse,
    cluster: Option<Cluster>,
    policy: Policy,
    stop: CancellationToken,
) -> bool {
    let mut pause = RETRY_PAUSE_MIN;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return false,
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(RETRY_PAUSE_MAX);
        if client.version(PROBE_TIMEOUT).await.is_err() {
            continue;
        }
        let mut target = ClickHouseTarget::new(client.clone()).on_cluster(cluster.clone());
        match migrate(&mut target, &clickhouse(), policy).await {
            Ok(()) => {
                tracing::info!("ClickHouse is back and up to date");
                return true;
            }
            Err(error) => tracing::error!("ClickHouse is back, but cannot be used yet: {error:#}"),
        }
    }
}

async fn migrate(target: &mut dyn Target, available: &[Migration], policy: Policy) -> anyhow::Result<()> {
    if policy == Policy::Apply {
        apply(target, available, Verb::Up { steps: None }, &SystemClock, false).await?;
        return Ok(());
    }
    let status = status(target, available).await?;
    if let [(version, name), ..] = status.pending.as_slice() {
        bail!(
            "{}: migration {version} {name} is pending; run `brokle migrate up`",
            status.target
        );
    }
    Ok(())
}

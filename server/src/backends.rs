//! The mode: which storage the process uses. SQLite or Postgres, the embedded engine or a ClickHouse
//! server, this process's memory or a Redis; each choice is made here and nowhere else, and nothing above can tell.

mod data_dir;
mod engine;
mod sealing;
mod secrets;
mod shared;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use brokle_engine::supervisor::Supervisor;
use brokle_storage_clickhouse::{ClickHouse, ClickHouseConfig};
use brokle_storage_sql::{Database, PoolOptions, SqlStore};
use secrecy::ExposeSecret as _;

use crate::config::{LoadedConfig, StorageConfig};
use crate::lifecycle::Lifecycle;

pub(crate) use data_dir::{DataDirLock, prepare_data_dir};
pub(crate) use engine::{embedded_client, engine_config, engine_library};
pub(crate) use sealing::AesSealer;
pub(crate) use secrets::{jwt_secret, redaction_key};
pub(crate) use shared::{SharedState, redis_config};

const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// The relational store's URL: what was configured, or SQLite in the data directory.
pub(crate) fn relational_url(storage: &StorageConfig) -> String {
    match &storage.database_url {
        Some(url) => url.expose_secret().to_owned(),
        None => format!("sqlite://{}", sqlite_path(storage).display()),
    }
}

/// Opens the relational store.
pub(crate) async fn relational_store(storage: &StorageConfig) -> anyhow::Result<Arc<SqlStore>> {
    let database = match &storage.database_url {
        Some(url) => Database::Postgres(url.clone()),
        None => Database::Sqlite(sqlite_path(storage)),
    };
    Ok(Arc::new(SqlStore::open(&database, PoolOptions::default()).await?))
}

fn sqlite_path(storage: &StorageConfig) -> PathBuf {
    storage.data_dir.join("brokle.sqlite")
}

/// Where telemetry is stored, and the embedded engine behind it when there is one.
#[derive(Debug)]
pub(crate) struct TelemetryEndpoint {
    pub(crate) client: ClickHouse,
    /// The embedded engine's state; `None` with a server of the user's own.
    pub(crate) engine: Option<Supervisor>,
}

impl TelemetryEndpoint {
    /// Connects to the configured server, or starts the embedded engine under supervision.
    pub(crate) async fn open(loaded: &LoadedConfig, lifecycle: &Lifecycle) -> anyhow::Result<Self> {
        match &loaded.config.storage.clickhouse_url {
            Some(url) => {
                let config = ClickHouseConfig::parse(url.expose_secret()).context("CLICKHOUSE_URL")?;
                Ok(Self {
                    client: ClickHouse::new(&config),
                    engine: None,
                })
            }
            None => Self::embedded(loaded, lifecycle).await,
        }
    }

    /// Like [`Self::open`], but uses an embedded engine that already runs beside this process.
    pub(crate) async fn reach_or_start(loaded: &LoadedConfig, lifecycle: &Lifecycle) -> anyhow::Result<Self> {
        if loaded.config.storage.clickhouse_url.is_none() {
            let running = embedded_client(loaded)?;
            if running.version(PROBE_TIMEOUT).await.is_ok() {
                return Ok(Self {
                    client: running,
                    engine: None,
                });
            }
        }
        Self::open(loaded, lifecycle).await
    }

    async fn embedded(loaded: &LoadedConfig, lifecycle: &Lifecycle) -> anyhow::Result<Self> {
        let supervisor = tokio::select! {
            started = engine::start(loaded, lifecycle) => started?,
            () = lifecycle.soft.cancelled() => bail!("stopped while starting"),
        };
        let config = ClickHouseConfig::parse(&supervisor.url())?;
        Ok(Self {
            client: ClickHouse::new(&config),
            engine: Some(supervisor),
        })
    }
}

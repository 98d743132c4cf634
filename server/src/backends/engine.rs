//! The embedded engine: where its library and data are, and how `serve` keeps it running as a child
//! process.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use brokle_engine::supervisor::{Supervisor, SupervisorConfig};
use brokle_engine::{EngineConfig, Limits, library};
use brokle_storage_clickhouse::{ClickHouse, ClickHouseConfig};
use secrecy::SecretString;
use tokio::net::TcpListener;

use crate::addresses;
use crate::config::LoadedConfig;
use crate::lifecycle::Lifecycle;

/// A cold start reads the library from disk, half a gigabyte.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// An engine that ends this often, within some six seconds, before it was ever ready has a lasting reason.
const STARTS_MAX: u64 = 6;
const PORT_PATIENCE: Duration = Duration::from_secs(10);
const PORT_PAUSE: Duration = Duration::from_millis(100);

/// Finds the engine library.
pub(crate) fn engine_library(loaded: &LoadedConfig) -> anyhow::Result<PathBuf> {
    let environment = &loaded.environment;
    let path = |name: &str| environment.get(name).map(Path::new);
    let cache = library::cache_dir(path("BROKLE_ENGINE_DIR"), path("XDG_CACHE_HOME"), path("HOME"));
    let executable = std::env::current_exe().ok();
    let explicit = loaded.config.storage.engine_library.as_deref();
    Ok(library::locate(
        explicit,
        executable.as_deref(),
        cache.as_deref(),
    )?)
}

/// Where the embedded engine listens, always on loopback.
pub(crate) fn engine_address(loaded: &LoadedConfig) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, loaded.config.storage.clickhouse_port))
}

/// What `brokle clickhouse` runs with when its arguments say nothing else.
pub(crate) fn engine_config(
    loaded: &LoadedConfig,
    password: Option<SecretString>,
) -> anyhow::Result<EngineConfig> {
    Ok(EngineConfig {
        library: engine_library(loaded)?,
        data_dir: loaded.config.storage.data_dir.join("clickhouse"),
        listen: engine_address(loaded),
        password,
        stop_with_parent: false,
        limits: Limits::for_this_machine(),
    })
}

/// A client of the embedded engine: where the server that runs on this data directory says that it is, else
/// where it would be.
pub(crate) fn embedded_client(loaded: &LoadedConfig) -> anyhow::Result<ClickHouse> {
    let said = addresses::read(&loaded.config.storage.data_dir).and_then(|addresses| addresses.clickhouse);
    let url = said.unwrap_or_else(|| format!("http://{}", engine_address(loaded)));
    let config = ClickHouseConfig::parse(&url)?;
    Ok(ClickHouse::new(&config))
}

/// Starts the engine under supervision and waits until it serves.
pub(super) async fn start(loaded: &LoadedConfig, lifecycle: &Lifecycle) -> anyhow::Result<Supervisor> {
    let supervised = supervised(loaded)?;
    wait_for_port(supervised.listen).await?;
    let supervisor = Supervisor::start(supervised, &lifecycle.engine_tasks, lifecycle.engine.clone())?;
    let mut status = supervisor.watch();
    let ended_each_time = status.wait_for(|status| status.restarts >= STARTS_MAX);
    tokio::select! {
        running = supervisor.wait_until_running(START_TIMEOUT) => {
            running.context("the embedded ClickHouse; its messages are above")?;
        }
        Ok(_) = ended_each_time => {
            bail!("the embedded ClickHouse ended each time that it was started; its messages are above");
        }
    }
    Ok(supervisor)
}

/// Waits until nobody else listens on the engine's port. The engine of a server that was killed may hold it for
/// a moment longer; anything that holds it for good is said here, and not retried for a minute.
async fn wait_for_port(address: SocketAddr) -> anyhow::Result<()> {
    let deadline = Instant::now() + PORT_PATIENCE;
    loop {
        match TcpListener::bind(address).await {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::AddrInUse && Instant::now() < deadline => {
                tokio::time::sleep(PORT_PAUSE).await;
            }
            Err(error) => {
                return Err(error).with_context(|| {
                    format!(
                        "the embedded ClickHouse cannot listen on {address}: stop what uses it, or set \
                         BROKLE_CLICKHOUSE_PORT to another port"
                    )
                });
            }
        }
    }
}

/// How to run this binary as the engine.
fn supervised(loaded: &LoadedConfig) -> anyhow::Result<SupervisorConfig> {
    let executable = std::env::current_exe().context("finding this binary")?;
    let config = engine_config(loaded, None)?;
    let command = move |listen: SocketAddr| -> Vec<OsString> {
        vec![
            executable.clone().into(),
            "clickhouse".into(),
            "--path".into(),
            config.data_dir.clone().into(),
            "--listen".into(),
            listen.to_string().into(),
            "--library".into(),
            config.library.clone().into(),
            "--stop-with-stdin".into(),
        ]
    };
    Ok(SupervisorConfig::new(Arc::new(command), config.listen))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_that_its_holder_lets_go_of_is_waited_for() {
        let holder = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = holder.local_addr().unwrap();
        let mut waiting = tokio::spawn(wait_for_port(address));
        let patience = tokio::time::timeout(PORT_PAUSE * 2, &mut waiting).await;
        assert!(patience.is_err(), "it did not wait");
        drop(holder);
        waiting.await.unwrap().unwrap();
    }
}

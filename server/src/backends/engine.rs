//! The embedded engine: where its library and data are, and how `serve` keeps it running as a child
//! process.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use brokle_engine::supervisor::SupervisorConfig;
use brokle_engine::{EngineConfig, Limits, library};
use brokle_storage_clickhouse::{ClickHouse, ClickHouseConfig};
use secrecy::SecretString;

use crate::addresses;
use crate::config::LoadedConfig;

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

/// How to run this binary as the engine.
pub(super) fn supervised(loaded: &LoadedConfig) -> anyhow::Result<SupervisorConfig> {
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

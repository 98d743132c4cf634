//! `server.json` in the data directory, while a server runs on it: its process id and where it listens. For
//! commands that work beside it, and for tools and tests that let it choose its ports.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

const FILE: &str = "server.json";

/// Where a running server listens.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Addresses {
    pub(crate) pid: u32,
    pub(crate) http: SocketAddr,
    pub(crate) otlp_http: SocketAddr,
    pub(crate) otlp_grpc: SocketAddr,
    /// The embedded engine's URL; absent with a ClickHouse of the user's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clickhouse: Option<String>,
}

impl Addresses {
    /// Writes the file, whole or not at all.
    pub(crate) fn write(&self, data_dir: &Path) -> anyhow::Result<()> {
        let part = data_dir.join(format!("{FILE}.part"));
        fs::write(&part, serde_json::to_vec(self)?)?;
        fs::rename(part, data_dir.join(FILE))
            .with_context(|| format!("writing {FILE} in {}", data_dir.display()))
    }
}

/// What the file says, if there is one. A server that was killed leaves its file behind.
pub(crate) fn read(data_dir: &Path) -> Option<Addresses> {
    serde_json::from_slice(&fs::read(data_dir.join(FILE)).ok()?).ok()
}

/// Removes the file at a stop.
pub(crate) fn remove(data_dir: &Path) {
    if let Err(error) = fs::remove_file(data_dir.join(FILE)) {
        tracing::debug!("removing {FILE}: {error}");
    }
}

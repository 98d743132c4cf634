//! The collectors: Brokle as it is, Brokle with acknowledgements from memory, and Rotel, the one other collector with
//! a ClickHouse exporter that a package registry has as a program.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use super::process::command_on;
use crate::server::{Server, ServerOptions, free_port};
use crate::tenant::Tenant;
use crate::wait;

const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Which collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Brokle: acknowledged means synced.
    Brokle,
    /// Brokle with `BROKLE_WAL_SYNC=never`: acknowledged means taken.
    BrokleUnsynced,
    /// Rotel: acknowledged means in memory.
    Rotel,
}

impl Kind {
    /// For the report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brokle => "brokle",
            Self::BrokleUnsynced => "brokle, no fsync",
            Self::Rotel => "rotel",
        }
    }

    /// Its database.
    pub fn database(self) -> &'static str {
        match self {
            Self::Brokle | Self::BrokleUnsynced => "bench_brokle",
            Self::Rotel => "bench_rotel",
        }
    }

    /// The table that has a row for each span.
    pub fn table(self) -> &'static str {
        match self {
            Self::Brokle | Self::BrokleUnsynced => "observations",
            Self::Rotel => "otel_traces",
        }
    }

    /// Whether the format of its inserts says how many rows they have.
    pub fn counts_rows(self) -> bool {
        self != Self::Rotel
    }

    /// Whether it can read bodies in this encoding.
    pub fn reads(self, encoding: super::payload::Encoding) -> bool {
        self != Self::Rotel || encoding != super::payload::Encoding::Zstd
    }
}

/// Where the programs are.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The `brokle` binary.
    pub brokle: PathBuf,
    /// The `rotel-agent` binary, if it is installed.
    pub rotel: Option<PathBuf>,
}

/// A collector, running. It ends with the value.
#[derive(Debug)]
pub struct Collector {
    running: Running,
    /// `host:port` of OTLP/HTTP.
    pub http: String,
    /// `host:port` of OTLP/gRPC.
    pub grpc: String,
    /// The key to send with.
    pub key: String,
}

#[derive(Debug)]
enum Running {
    Server(Box<Server>),
    Program { child: Child, _directory: TempDir },
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Self::Program { child, .. } = self {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Collector {
    /// Starts one on `processors`, before the ClickHouse at `clickhouse_url`.
    pub async fn start(
        kind: Kind,
        programs: &Programs,
        processors: Option<&str>,
        clickhouse_url: &str,
    ) -> Result<Self> {
        match (kind, &programs.rotel) {
            (Kind::Rotel, Some(program)) => rotel(program, processors, clickhouse_url, kind.database()).await,
            (Kind::Rotel, None) => anyhow::bail!("rotel is not installed"),
            (Kind::Brokle, _) => brokle(&programs.brokle, processors, clickhouse_url, kind, "always").await,
            (Kind::BrokleUnsynced, _) => {
                brokle(&programs.brokle, processors, clickhouse_url, kind, "never").await
            }
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        match &self.running {
            Running::Server(server) => server.pid(),
            Running::Program { child, .. } => child.id(),
        }
    }
}

async fn brokle(
    binary: &Path,
    processors: Option<&str>,
    clickhouse_url: &str,
    kind: Kind,
    sync: &str,
) -> Result<Collector> {
    let environment = [
        ("CLICKHOUSE_URL", format!("{clickhouse_url}/{}", kind.database())),
        ("BROKLE_WAL_SYNC", sync.to_owned()),
    ];
    let options = ServerOptions {
        embedded_engine: true,
        processors: processors.map(str::to_owned),
        environment: environment.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        ..ServerOptions::default()
    };
    let server = Server::start(binary, options).await?;
    let tenant = Tenant::sign_up(&server.url()).await?;
    let address = |url: String| url.trim_start_matches("http://").to_owned();
    Ok(Collector {
        http: address(server.otlp_http_url()),
        grpc: address(server.otlp_grpc_url()),
        key: tenant.key,
        running: Running::Server(Box::new(server)),
    })
}

async fn rotel(
    program: &Path,
    processors: Option<&str>,
    clickhouse_url: &str,
    database: &str,
) -> Result<Collector> {
    let directory = tempfile::tempdir()?;
    let [http, grpc] = [free_port()?, free_port()?].map(|port| format!("127.0.0.1:{port}"));
    let log = File::create(directory.path().join("log"))?;
    let child = command_on(processors, program)
        .args(["start", "--exporter", "clickhouse"])
        .args(["--otlp-http-endpoint", &http, "--otlp-grpc-endpoint", &grpc])
        .args(["--clickhouse-exporter-endpoint", clickhouse_url])
        .args(["--clickhouse-exporter-database", database])
        // Its own advice for a ClickHouse on this machine would be neither; both are its defaults but the last.
        .args(["--clickhouse-exporter-compression", "none"])
        .args(["--clickhouse-exporter-async-insert", "false"])
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("starting {}", program.display()))?;
    let running = Running::Program {
        child,
        _directory: directory,
    };
    wait::until("rotel listens", START_TIMEOUT, || {
        let connecting = tokio::net::TcpStream::connect(http.clone());
        async move { connecting.await.ok() }
    })
    .await?;
    Ok(Collector {
        running,
        http,
        grpc,
        key: "none".to_owned(),
    })
}

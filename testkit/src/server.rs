//! A running `brokle serve`, as its own process.
//!
//! Storage comes from the test run when it offers some (`BROKLE_TEST_CLICKHOUSE_URL`, with a database for
//! each server), else the server embeds its own engine.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

const START_TIMEOUT: Duration = Duration::from_mins(1);
const STOP_TIMEOUT: Duration = Duration::from_secs(40);

/// How to start a server.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// Contents of its `brokle.toml`.
    pub config: String,
    /// Other files beside it, by name.
    pub files: Vec<(String, String)>,
    /// More environment.
    pub environment: Vec<(String, String)>,
    /// Embed an engine of its own, even when the test run offers one.
    pub embedded_engine: bool,
    /// Run `brokle demo`, which always embeds one.
    pub demo: bool,
    /// A data directory elsewhere, such as on a small disk.
    pub data_dir: Option<PathBuf>,
    /// The processors that it may use, as `taskset` names them.
    pub processors: Option<String>,
}

/// A server that ends with the test.
#[derive(Debug)]
pub struct Server {
    binary: PathBuf,
    options: ServerOptions,
    directory: TempDir,
    clickhouse_url: Option<String>,
    engine_port: u16,
    child: Child,
    addresses: Value,
}

impl Server {
    /// Starts `binary` and waits until it serves.
    pub async fn start(binary: impl Into<PathBuf>, options: ServerOptions) -> Result<Self> {
        let binary = binary.into();
        let directory = tempfile::tempdir()?;
        std::fs::write(directory.path().join("brokle.toml"), &options.config)?;
        for (name, contents) in &options.files {
            std::fs::write(directory.path().join(name), contents)?;
        }
        let clickhouse_url = offered_clickhouse(&options);
        let engine_port = free_port()?;
        let child = spawn(
            &binary,
            &options,
            directory.path(),
            clickhouse_url.as_deref(),
            engine_port,
        )?;
        let mut server = Self {
            binary,
            options,
            directory,
            clickhouse_url,
            engine_port,
            child,
            addresses: Value::Null,
        };
        server.wait_until_ready().await?;
        Ok(server)
    }

    /// `http://127.0.0.1:port` of the API, gateway and dashboard.
    pub fn url(&self) -> String {
        format!("http://{}", self.address("http"))
    }

    /// `http://127.0.0.1:port` of OTLP/HTTP.
    pub fn otlp_http_url(&self) -> String {
        format!("http://{}", self.address("otlp_http"))
    }

    /// `http://127.0.0.1:port` of OTLP/gRPC.
    pub fn otlp_grpc_url(&self) -> String {
        format!("http://{}", self.address("otlp_grpc"))
    }

    /// The server's data directory.
    pub fn data_dir(&self) -> PathBuf {
        let inside = || self.directory.path().join("data");
        let data = self.options.data_dir.clone().unwrap_or_else(inside);
        if self.options.demo {
            data.join("demo")
        } else {
            data
        }
    }

    /// The server's process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where the server's telemetry is: ClickHouse's address and, as its path, the database.
    pub fn clickhouse_url(&self) -> String {
        let embedded = || format!("http://127.0.0.1:{}/brokle", self.engine_port);
        self.clickhouse_url.clone().unwrap_or_else(embedded)
    }

    /// Its `brokle.toml`.
    pub fn config_file(&self) -> PathBuf {
        self.directory.path().join("brokle.toml")
    }

    /// Sends the process a signal, such as `HUP`.
    pub fn signal(&self, name: &str) -> Result<()> {
        signal(self.pid(), name)
    }

    /// What the server has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Ends the process as a power cut would.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks the process to stop, and waits until it has.
    pub async fn stop(&mut self) -> Result<std::process::ExitStatus> {
        signal(self.pid(), "TERM")?;
        let child = &mut self.child;
        crate::wait::until("the server stops on SIGTERM", STOP_TIMEOUT, || {
            let status = child.try_wait().ok().flatten();
            async move { status }
        })
        .await
    }

    /// Starts a stopped or killed server again, on the same data and new ports.
    pub async fn restart(&mut self) -> Result<()> {
        self.child = spawn(
            &self.binary,
            &self.options,
            self.directory.path(),
            self.clickhouse_url.as_deref(),
            self.engine_port,
        )?;
        self.wait_until_ready().await
    }

    fn address(&self, name: &str) -> &str {
        self.addresses[name].as_str().unwrap_or_default()
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let path = self.data_dir().join("server.json");
        let pid = u64::from(self.pid());
        let child = &mut self.child;
        let found = crate::wait::until("the server is ready", START_TIMEOUT, || {
            let exited = child.try_wait().ok().flatten();
            let read = std::fs::read(&path)
                .ok()
                .and_then(|text| serde_json::from_slice::<Value>(&text).ok());
            let ready = read.filter(|addresses| addresses["pid"].as_u64() == Some(pid));
            async move { ready.map(Ok).or(exited.map(Err)) }
        })
        .await;
        match found {
            Ok(Ok(addresses)) => self.addresses = addresses,
            Ok(Err(status)) => bail!("the server ended with {status}; its log:\n{}", self.log()),
            Err(error) => bail!("{error}; its log:\n{}", self.log()),
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.kill();
        }
        if let Some(url) = &self.clickhouse_url {
            crate::clickhouse::drop_database(url);
        }
    }
}

/// Sends a signal to a process that the test started.
pub fn signal(pid: u32, name: &str) -> Result<()> {
    let status = Command::new("kill")
        .args([format!("-{name}"), pid.to_string()])
        .status()?;
    anyhow::ensure!(status.success(), "kill -{name} {pid} failed");
    Ok(())
}

/// The process id of a process's only child: a server's own engine.
pub fn child_of(parent: u32) -> Option<u32> {
    let wanted = format!("PPid:\t{parent}");
    std::fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let status = std::fs::read_to_string(entry.path().join("status")).ok()?;
        let is_zombie = status.contains("State:\tZ");
        (status.lines().any(|line| line == wanted) && !is_zombie).then_some(pid)
    })
}

/// A port that is free now.
pub fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?
        .local_addr()?
        .port())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test run tells where its services are by environment"
)]
pub(crate) fn test_variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn offered_clickhouse(options: &ServerOptions) -> Option<String> {
    if options.embedded_engine || options.demo {
        return None;
    }
    let url = test_variable("BROKLE_TEST_CLICKHOUSE_URL")?;
    Some(format!(
        "{}/test_{:016x}",
        url.trim_end_matches('/'),
        rand::random::<u64>()
    ))
}

fn spawn(
    binary: &Path,
    options: &ServerOptions,
    directory: &Path,
    clickhouse_url: Option<&str>,
    engine_port: u16,
) -> Result<Child> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(directory.join("log"))?;
    let mut command = crate::bench::process::command_on(options.processors.as_deref(), binary);
    command
        .arg(if options.demo { "demo" } else { "serve" })
        .current_dir(directory)
        .env_clear()
        .envs(
            ["PATH", "HOME", "BROKLE_ENGINE_DIR", "XDG_CACHE_HOME"]
                .into_iter()
                .filter_map(|name| Some((name, test_variable(name)?))),
        )
        .envs([
            ("PORT", "0"),
            ("BROKLE_OTLP_GRPC_PORT", "0"),
            ("BROKLE_OTLP_HTTP_PORT", "0"),
        ])
        .env("BROKLE_CLICKHOUSE_PORT", engine_port.to_string())
        .envs(options.environment.iter().cloned())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    if let Some(data_dir) = &options.data_dir {
        command.env("BROKLE_DATA_DIR", data_dir);
    }
    if let Some(url) = clickhouse_url {
        command.env("CLICKHOUSE_URL", url);
    }
    command
        .spawn()
        .with_context(|| format!("starting {}", binary.display()))
}

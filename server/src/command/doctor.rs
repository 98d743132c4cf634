//! `brokle doctor`: looks at everything that a start needs and says, for each fault, what to do.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use brokle_migrations::target::relational::RelationalTarget;
use brokle_model::clock::{SharedClock, SystemClock};
use brokle_storage_clickhouse::{ClickHouse, ClickHouseConfig, is_version_supported};
use brokle_storage_redis::RedisShared;
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;

use crate::backends;
use crate::config::{Config, LoadedConfig};

const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
const FREE_BYTES_MIN: u64 = 2 << 30;

/// One finding. `advice` is what to do, for a fault.
struct Finding {
    subject: &'static str,
    state: Result<String, String>,
}

pub(crate) async fn run(loaded: LoadedConfig) -> anyhow::Result<ExitCode> {
    let config = &loaded.config;
    let running = server_is_running(config).await;
    let mut findings = vec![
        finding(
            "configuration",
            Ok(loaded
                .file
                .as_ref()
                .map_or("defaults and environment".into(), |path| {
                    path.display().to_string()
                })),
        ),
        finding(
            "server",
            Ok(if running {
                "running here".to_owned()
            } else {
                "not running".to_owned()
            }),
        ),
        finding("data directory", data_directory(config)),
    ];
    if !running {
        findings.extend(ports(config).await);
    }
    findings.push(finding("relational store", relational(config).await));
    findings.push(finding("Redis", redis(config).await));
    findings.push(finding("ClickHouse", clickhouse(&loaded, running).await));
    if let Some(state) = config.gateway.semantic_cache.check_model() {
        findings.push(finding("embedding model", state));
    }
    let faults = findings.iter().filter(|finding| finding.state.is_err()).count();
    super::print(&render(&findings, faults))?;
    Ok(if faults == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn finding(subject: &'static str, state: Result<String, String>) -> Finding {
    Finding { subject, state }
}

fn render(findings: &[Finding], faults: usize) -> String {
    let mut text = String::new();
    for Finding { subject, state } in findings {
        let (mark, words) = match state {
            Ok(words) => ("ok   ", words),
            Err(words) => ("FAULT", words),
        };
        let _ = writeln!(text, "{mark}  {subject:<18} {words}");
    }
    let _ = match faults {
        0 => writeln!(text, "nothing to mend"),
        1 => writeln!(text, "1 fault to mend"),
        more => writeln!(text, "{more} faults to mend"),
    };
    text
}

/// Asks where the data directory says that its server listens, which need not be where one would listen now.
async fn server_is_running(config: &Config) -> bool {
    let Some(addresses) = crate::addresses::read(&config.storage.data_dir) else {
        return false;
    };
    let connect = tokio::net::TcpStream::connect(addresses.http);
    matches!(tokio::time::timeout(PROBE_TIMEOUT, connect).await, Ok(Ok(_)))
}

fn data_directory(config: &Config) -> Result<String, String> {
    let path = &config.storage.data_dir;
    backends::prepare_data_dir(path).map_err(|error| format!("{error:#}"))?;
    let free = rustix::fs::statvfs(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let free_bytes = free.f_bavail.saturating_mul(free.f_frsize);
    let words = format!(
        "{} ({:.1} GiB free)",
        path.display(),
        free_bytes as f64 / f64::from(1 << 30)
    );
    if free_bytes < FREE_BYTES_MIN {
        return Err(format!("{words}: too little; free some, or set BROKLE_DATA_DIR"));
    }
    Ok(words)
}

async fn ports(config: &Config) -> Vec<Finding> {
    let server = &config.server;
    let mut findings = Vec::new();
    for (subject, address, variable) in [
        ("HTTP port", server.http_address(), "PORT"),
        (
            "OTLP/gRPC port",
            server.otlp_grpc_address(),
            "BROKLE_OTLP_GRPC_PORT",
        ),
        (
            "OTLP/HTTP port",
            server.otlp_http_address(),
            "BROKLE_OTLP_HTTP_PORT",
        ),
    ] {
        findings.push(finding(subject, port(address, variable).await));
    }
    findings
}

async fn port(address: SocketAddr, variable: &str) -> Result<String, String> {
    match TcpListener::bind(address).await {
        Ok(_) => Ok(format!("{address} is free")),
        Err(error) => Err(format!(
            "{address}: {error}; stop what uses it, or set {variable}"
        )),
    }
}

async fn relational(config: &Config) -> Result<String, String> {
    let url = backends::relational_url(&config.storage);
    let advice = "check DATABASE_URL and that the server runs";
    match tokio::time::timeout(PROBE_TIMEOUT, RelationalTarget::connect(&url)).await {
        Ok(Ok(target)) => Ok(format!("{} answers", brokle_migrations::Target::name(&target))),
        Ok(Err(error)) => Err(format!("{error}; {advice}")),
        Err(_) => Err(format!(
            "no answer within {} s; {advice}",
            PROBE_TIMEOUT.as_secs()
        )),
    }
}

async fn redis(config: &Config) -> Result<String, String> {
    if config.storage.redis_url.is_none() {
        return Ok("not configured; cache, limits and notices are in process, for one node".to_owned());
    }
    let redis = backends::redis_config(&config.storage).map_err(|error| format!("{error:#}"))?;
    let clock: SharedClock = Arc::new(SystemClock);
    let connect = RedisShared::new(redis, &clock);
    let advice = "check REDIS_URL and that the server runs; meanwhile each node counts by itself";
    match tokio::time::timeout(PROBE_TIMEOUT, connect.connect()).await {
        Ok(Ok(())) => Ok("answers, and can be written to".to_owned()),
        Ok(Err(error)) => Err(format!("{error}; {advice}")),
        Err(_) => Err(format!(
            "no answer within {} s; {advice}",
            PROBE_TIMEOUT.as_secs()
        )),
    }
}

async fn clickhouse(loaded: &LoadedConfig, running: bool) -> Result<String, String> {
    let Some(url) = &loaded.config.storage.clickhouse_url else {
        return embedded(loaded, running).await;
    };
    let endpoint = ClickHouseConfig::parse(url.expose_secret()).map_err(|error| error.to_string())?;
    let version = ClickHouse::new(&endpoint).version(PROBE_TIMEOUT).await;
    let version =
        version.map_err(|error| format!("{error}; check CLICKHOUSE_URL and that the server runs"))?;
    if is_version_supported(&version) {
        Ok(format!("server {version} answers"))
    } else {
        Err(format!("server {version} is too old: 26.2 or newer is needed"))
    }
}

async fn embedded(loaded: &LoadedConfig, running: bool) -> Result<String, String> {
    let library = backends::engine_library(loaded).map_err(|error| format!("{error:#}"))?;
    let place = format!("embedded engine, {}", library.display());
    if !running {
        return Ok(place);
    }
    let client = backends::embedded_client(loaded).map_err(|error| format!("{error:#}"))?;
    let version = client
        .version(PROBE_TIMEOUT)
        .await
        .map_err(|error| format!("{place}: {error}; see the server's log"))?;
    Ok(format!("{place}, {version} answers"))
}

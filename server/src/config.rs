//! Everything that an operator may set, read once at start.
//!
//! Sources, first wins: environment, `.env`, `brokle.toml`, defaults. An unknown key fails the start, in
//! the file and among `BROKLE_*` names alike: a typing error must not become a default. Each plane owns its
//! own section's type; this file only puts them together.

mod environment;
mod load;
mod processors;
mod show;

use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;
use brokle_gateway::config::GatewayConfig;
use brokle_ingest::config::SyncPolicy;
use brokle_ingest::forward::config::ForwardConfig;
use brokle_ingest::normalize::AttributeMap;
use brokle_ingest::receiver::tls::TlsFiles;
use brokle_migrations::Cluster;
use brokle_model::price::PriceBook;
use brokle_model::telemetry_settings::RetentionDays;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

pub(crate) use load::Environment;
pub(crate) use load::{ConfigError, LoadedConfig, load};
pub(crate) use processors::ProcessorsConfig;
pub(crate) use show::{environment_table, render};

/// The whole configuration.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Addresses and ports.
    pub server: ServerConfig,
    /// Where data lives.
    pub storage: StorageConfig,
    /// Receiving and logging of telemetry.
    pub ingest: IngestConfig,
    /// What models cost.
    pub prices: PricesConfig,
    /// Providers and routes.
    pub gateway: GatewayConfig,
    /// Users and sessions.
    pub accounts: AccountsConfig,
    /// Logs of the process itself.
    pub log: LogConfig,
}

/// `[server]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServerConfig {
    /// `HOST`: the address to listen on. Loopback unless told otherwise: the first start on a laptop should
    /// not be a service to its network.
    pub host: IpAddr,
    /// `PORT`: dashboard, API, gateway and OTLP/HTTP.
    pub port: u16,
    /// `BROKLE_OTLP_GRPC_PORT`
    pub otlp_grpc_port: u16,
    /// `BROKLE_OTLP_HTTP_PORT`
    pub otlp_http_port: u16,
    /// `BROKLE_METRICS_TOKEN`: lets a scraper that is not on loopback read `/metrics`.
    pub metrics_token: Option<SecretString>,
    /// `BROKLE_TRUSTED_PROXIES`: how many reverse proxies in front append to `X-Forwarded-For`.
    pub trusted_proxies: u8,
    /// `BROKLE_SHUTDOWN_TIMEOUT_S`: how long a stop may take before the rest is left in the log.
    pub shutdown_timeout_s: u64,
    /// `[server.tls]`: the certificate of the port of dashboard, API and gateway.
    pub tls: TlsConfig,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 8080,
            otlp_grpc_port: 4317,
            otlp_http_port: 4318,
            metrics_token: None,
            trusted_proxies: 0,
            shutdown_timeout_s: 30,
            tls: TlsConfig::default(),
        }
    }
}

impl ServerConfig {
    pub(crate) fn http_address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }

    pub(crate) fn otlp_grpc_address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.otlp_grpc_port)
    }

    pub(crate) fn otlp_http_address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.otlp_http_port)
    }

    pub(crate) fn shutdown_timeout(&self) -> Duration {
        Duration::from_secs(self.shutdown_timeout_s)
    }
}

/// `[server.tls]` and `[ingest.tls]`. The files are read again when they change.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "they are the keys in brokle.toml")]
pub(crate) struct TlsConfig {
    /// `BROKLE_TLS_CERT_FILE`, `BROKLE_OTLP_TLS_CERT_FILE`: the certificate and its chain, PEM.
    pub cert_file: Option<PathBuf>,
    /// `BROKLE_TLS_KEY_FILE`, `BROKLE_OTLP_TLS_KEY_FILE`: its private key, PEM.
    pub key_file: Option<PathBuf>,
    /// `BROKLE_TLS_CLIENT_CA_FILE`, `BROKLE_OTLP_TLS_CLIENT_CA_FILE`: callers must show a certificate signed by
    /// one of these.
    pub client_ca_file: Option<PathBuf>,
}

impl TlsConfig {
    /// The files, when there is a certificate.
    pub(crate) fn files(&self) -> Option<TlsFiles> {
        Some(TlsFiles {
            cert_file: self.cert_file.clone()?,
            key_file: self.key_file.clone()?,
            client_ca_file: self.client_ca_file.clone(),
        })
    }

    /// How URLs of the port begin.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.cert_file.is_some() { "https" } else { "http" }
    }

    /// What is missing.
    fn fault(&self) -> Option<&'static str> {
        match (&self.cert_file, &self.key_file, &self.client_ca_file) {
            (Some(_), None, _) => Some("cert_file is set without key_file"),
            (None, Some(_), _) => Some("key_file is set without cert_file"),
            (None, None, Some(_)) => Some("client_ca_file is set without cert_file and key_file"),
            _ => None,
        }
    }
}

/// `[storage]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StorageConfig {
    /// `BROKLE_DATA_DIR`: the write-ahead log always; SQLite and the engine's data in embedded mode.
    pub data_dir: PathBuf,
    /// `DATABASE_URL`: `postgres://...`; unset means SQLite in the data directory.
    pub database_url: Option<SecretString>,
    /// `CLICKHOUSE_URL`: `http(s)://[user:password@]host:port[/database]`; unset means the embedded engine.
    pub clickhouse_url: Option<SecretString>,
    /// `CLICKHOUSE_CLUSTER`: the cluster, as that server's configuration names it, on whose nodes the tables
    /// are replicated and distributed.
    pub clickhouse_cluster: Option<String>,
    /// `REDIS_URL`: `redis://[user:password@]host:port[/db]` or `rediss://...`; what the nodes of an installation
    /// share. Unset means in process, which suits one node.
    pub redis_url: Option<SecretString>,
    /// `BROKLE_REDIS_CA_FILE`: the certificate authority of a `rediss://` server, PEM; unset means the well-known
    /// ones.
    pub redis_ca_file: Option<PathBuf>,
    /// `BROKLE_REDIS_PREFIX`: what every key there begins with: one for each installation.
    pub redis_prefix: String,
    /// `BROKLE_REDIS_TIMEOUT_MS`: how long a call may wait for Redis before it goes on without.
    pub redis_timeout_ms: u64,
    /// `BROKLE_CLICKHOUSE_PORT`: where the embedded engine listens, on loopback.
    pub clickhouse_port: u16,
    /// `BROKLE_ENGINE_LIBRARY`: the engine library's path, when it is not in one of the usual places.
    pub engine_library: Option<PathBuf>,
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("data"),
            database_url: None,
            clickhouse_url: None,
            clickhouse_cluster: None,
            redis_url: None,
            redis_ca_file: None,
            redis_prefix: "brokle".to_owned(),
            redis_timeout_ms: 50,
            clickhouse_port: 8123,
            engine_library: None,
        }
    }
}

impl StorageConfig {
    /// The cluster that the tables are on.
    pub(crate) fn cluster(&self) -> anyhow::Result<Option<Cluster>> {
        let Some(name) = &self.clickhouse_cluster else {
            return Ok(None);
        };
        anyhow::ensure!(
            self.clickhouse_url.is_some(),
            "CLICKHOUSE_CLUSTER needs CLICKHOUSE_URL: the embedded engine is a single node"
        );
        Ok(Some(Cluster::new(name).context("CLICKHOUSE_CLUSTER")?))
    }
}

/// `[ingest]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct IngestConfig {
    /// `BROKLE_WAL_SYNC`: `always`, `interval` or `never`: when an acknowledgement is on disk.
    #[serde(deserialize_with = "parsed")]
    pub wal_sync: SyncPolicy,
    /// `BROKLE_WAL_BYTES_MAX`: how much may wait on disk while ClickHouse is away.
    pub wal_bytes_max: u64,
    /// `BROKLE_INGEST_MEMORY_BYTES_MAX`: bodies held in memory between admission and storage.
    pub memory_bytes_max: u64,
    /// `BROKLE_RESEND_WINDOW_REQUESTS`: acknowledged requests that are remembered, so that one that is sent again
    /// byte for byte is acknowledged and not stored again; 0 for none.
    pub resend_window_requests: usize,
    /// `BROKLE_RESEND_WINDOW_S`: how long they are remembered.
    pub resend_window_s: u64,
    /// `BROKLE_INGEST_ATTRIBUTE_MAP`: a file that says where further producers put what; docs/attributes.md
    /// describes it.
    pub attribute_map: Option<PathBuf>,
    /// `[ingest.tls]`: the certificate of the OTLP ports.
    pub tls: TlsConfig,
    /// `[[ingest.forward]]`: where telemetry is passed on to.
    pub forward: Vec<ForwardConfig>,
    /// `[ingest.retention]`: days that telemetry is kept where a project says nothing.
    pub retention: RetentionDays,
    /// `[ingest.processors]`: what is redacted, cut and sampled where a project says nothing.
    pub processors: ProcessorsConfig,
}

impl IngestConfig {
    /// Brokle's own tables with the file's laid around them.
    pub(crate) fn attribute_map(&self) -> anyhow::Result<AttributeMap> {
        let Some(path) = &self.attribute_map else {
            return Ok(AttributeMap::embedded()?);
        };
        let name = path.display().to_string();
        let text =
            std::fs::read_to_string(path).with_context(|| format!("reading the attribute map {name}"))?;
        Ok(AttributeMap::with_file(&name, &text)?)
    }
}

impl Default for IngestConfig {
    fn default() -> Self {
        Self {
            wal_sync: SyncPolicy::Always,
            wal_bytes_max: 10 << 30,
            memory_bytes_max: 192 << 20,
            resend_window_requests: 100_000,
            resend_window_s: 600,
            attribute_map: None,
            tls: TlsConfig::default(),
            forward: Vec::new(),
            retention: RetentionDays::default(),
            processors: ProcessorsConfig::default(),
        }
    }
}

/// `[prices]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PricesConfig {
    /// `BROKLE_PRICES`: a file of prices that win over the built-in ones; docs/prices.md describes it.
    pub file: Option<PathBuf>,
}

impl PricesConfig {
    /// The built-in prices with the file's laid over them.
    pub(crate) fn read(&self) -> anyhow::Result<PriceBook> {
        let mut book = PriceBook::embedded()?;
        let Some(path) = &self.file else { return Ok(book) };
        let name = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("reading the price file {name}"))?;
        let ours = book
            .read_file(&text)
            .with_context(|| format!("the price file {name} is not valid"))?;
        book.overlay(ours);
        Ok(book)
    }
}

/// Reads a text with the type's own parser, so that its message names the words that it knows.
fn parsed<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    String::deserialize(deserializer)?
        .parse()
        .map_err(serde::de::Error::custom)
}

/// `[accounts]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AccountsConfig {
    /// `JWT_SECRET`: signs access tokens; 32 characters at least. Unset: made once and kept in the data
    /// directory, which suits one node only.
    pub jwt_secret: Option<SecretString>,
    /// `BROKLE_ENCRYPTION_KEY`: encrypts credentials that are stored; 32 bytes in hexadecimal or Base64. Unset: made
    /// once and kept in the data directory, which suits one node only.
    pub encryption_key: Option<SecretString>,
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LogConfig {
    /// `BROKLE_LOG`: a filter such as `info` or `brokle_ingest=debug,info`.
    pub filter: String,
    /// `BROKLE_LOG_FORMAT`: `text` for people, `json` for machines.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            filter: "info,sqlx=warn,hyper=warn,h2=warn".to_owned(),
            format: LogFormat::Text,
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// One readable line an event.
    Text,
    /// One JSON object an event.
    Json,
}

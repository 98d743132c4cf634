//! Every environment name that sets a configuration key, on one page; `brokle config env` prints it. The
//! providers' keys (`OPENAI_API_KEY` and its like) are named by the gateway's catalog and configuration.

/// How an environment value becomes a configuration value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
    /// A text that is never shown.
    Secret,
}

/// One environment name and the configuration key that it sets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    /// `section.key` in `brokle.toml`.
    pub(crate) key: &'static str,
    pub(crate) kind: Kind,
    pub(crate) about: &'static str,
}

const fn variable(name: &'static str, key: &'static str, kind: Kind, about: &'static str) -> Variable {
    Variable {
        name,
        key,
        kind,
        about,
    }
}

pub(crate) const VARIABLES: &[Variable] = &[
    variable(
        "HOST",
        "server.host",
        Kind::Text,
        "address to listen on; default 127.0.0.1",
    ),
    variable(
        "PORT",
        "server.port",
        Kind::Integer,
        "dashboard, API, gateway, OTLP/HTTP; default 8080",
    ),
    variable(
        "BROKLE_OTLP_GRPC_PORT",
        "server.otlp_grpc_port",
        Kind::Integer,
        "OTLP/gRPC; default 4317",
    ),
    variable(
        "BROKLE_OTLP_HTTP_PORT",
        "server.otlp_http_port",
        Kind::Integer,
        "OTLP/HTTP; default 4318",
    ),
    variable(
        "BROKLE_METRICS_TOKEN",
        "server.metrics_token",
        Kind::Secret,
        "Bearer token that lets a scraper outside of loopback read /metrics",
    ),
    variable(
        "BROKLE_TRUSTED_PROXIES",
        "server.trusted_proxies",
        Kind::Integer,
        "reverse proxies in front that append to X-Forwarded-For; default 0",
    ),
    variable(
        "BROKLE_SHUTDOWN_TIMEOUT_S",
        "server.shutdown_timeout_s",
        Kind::Integer,
        "seconds that a stop may take before the rest is left in the log; default 30",
    ),
    variable(
        "BROKLE_DATA_DIR",
        "storage.data_dir",
        Kind::Text,
        "write-ahead log, and all data in embedded mode; default ./data",
    ),
    variable(
        "DATABASE_URL",
        "storage.database_url",
        Kind::Secret,
        "postgres://...; unset: SQLite in the data directory",
    ),
    variable(
        "CLICKHOUSE_URL",
        "storage.clickhouse_url",
        Kind::Secret,
        "http(s)://[user:password@]host:port[/database]; unset: the embedded engine",
    ),
    variable(
        "CLICKHOUSE_CLUSTER",
        "storage.clickhouse_cluster",
        Kind::Text,
        "cluster of CLICKHOUSE_URL's server on which tables are replicated and distributed",
    ),
    variable(
        "REDIS_URL",
        "storage.redis_url",
        Kind::Secret,
        "redis[s]://[user:password@]host:port[/db], shared by all nodes; unset: in process",
    ),
    variable(
        "BROKLE_REDIS_CA_FILE",
        "storage.redis_ca_file",
        Kind::Text,
        "certificate authority (PEM) of a rediss:// server; unset: the well-known ones",
    ),
    variable(
        "BROKLE_REDIS_PREFIX",
        "storage.redis_prefix",
        Kind::Text,
        "what every key in Redis begins with; default brokle",
    ),
    variable(
        "BROKLE_REDIS_TIMEOUT_MS",
        "storage.redis_timeout_ms",
        Kind::Integer,
        "milliseconds that a call waits for Redis before it goes on without; default 50",
    ),
    variable(
        "BROKLE_CLICKHOUSE_PORT",
        "storage.clickhouse_port",
        Kind::Integer,
        "the embedded engine's HTTP port on loopback; default 8123",
    ),
    variable(
        "BROKLE_ENGINE_LIBRARY",
        "storage.engine_library",
        Kind::Text,
        "path of the engine library, when it is not in a usual place",
    ),
    variable(
        "BROKLE_PRICES",
        "prices.file",
        Kind::Text,
        "file of model prices that win over the built-in ones; default none",
    ),
    variable(
        "BROKLE_WAL_SYNC",
        "ingest.wal_sync",
        Kind::Text,
        "always, interval or never; default always",
    ),
    variable(
        "BROKLE_WAL_BYTES_MAX",
        "ingest.wal_bytes_max",
        Kind::Integer,
        "bytes that may wait on disk while ClickHouse is away; default 10 GiB",
    ),
    variable(
        "BROKLE_INGEST_MEMORY_BYTES_MAX",
        "ingest.memory_bytes_max",
        Kind::Integer,
        "bytes of telemetry held in memory; default 192 MiB",
    ),
    variable(
        "BROKLE_RESEND_WINDOW_REQUESTS",
        "ingest.resend_window_requests",
        Kind::Integer,
        "acknowledged requests remembered to recognise resends; 0: none; default 100000",
    ),
    variable(
        "BROKLE_RESEND_WINDOW_S",
        "ingest.resend_window_s",
        Kind::Integer,
        "seconds for which they are remembered; default 600",
    ),
    variable(
        "BROKLE_INGEST_ATTRIBUTE_MAP",
        "ingest.attribute_map",
        Kind::Text,
        "file that says where further producers put what; default none",
    ),
    variable(
        "BROKLE_REDACTION_KEY",
        "ingest.processors.hash_key",
        Kind::Secret,
        "secret that redacted values are hashed with; default made once per data directory",
    ),
    variable(
        "BROKLE_TLS_CERT_FILE",
        "server.tls.cert_file",
        Kind::Text,
        "certificate (PEM) of dashboard, API and gateway; unset: no TLS",
    ),
    variable(
        "BROKLE_TLS_KEY_FILE",
        "server.tls.key_file",
        Kind::Text,
        "its private key (PEM)",
    ),
    variable(
        "BROKLE_TLS_CLIENT_CA_FILE",
        "server.tls.client_ca_file",
        Kind::Text,
        "callers must show a certificate signed by one of these (PEM)",
    ),
    variable(
        "BROKLE_OTLP_TLS_CERT_FILE",
        "ingest.tls.cert_file",
        Kind::Text,
        "certificate (PEM) of OTLP/gRPC and OTLP/HTTP; unset: no TLS",
    ),
    variable(
        "BROKLE_OTLP_TLS_KEY_FILE",
        "ingest.tls.key_file",
        Kind::Text,
        "its private key (PEM)",
    ),
    variable(
        "BROKLE_OTLP_TLS_CLIENT_CA_FILE",
        "ingest.tls.client_ca_file",
        Kind::Text,
        "callers must show a certificate signed by one of these (PEM)",
    ),
    variable(
        "JWT_SECRET",
        "accounts.jwt_secret",
        Kind::Secret,
        "signs access tokens; 32 characters at least",
    ),
    variable(
        "BROKLE_ENCRYPTION_KEY",
        "accounts.encryption_key",
        Kind::Secret,
        "encrypts stored credentials; 32 bytes in hexadecimal or Base64; unset: made once",
    ),
    variable(
        "BROKLE_LOG",
        "log.filter",
        Kind::Text,
        "log filter, such as info or brokle_ingest=debug,info",
    ),
    variable(
        "BROKLE_LOG_FORMAT",
        "log.format",
        Kind::Text,
        "text or json; default text",
    ),
];

/// Read outside of the configuration: by the command line, by scripts, or by SDKs in the same shell.
const ELSEWHERE: &[&str] = &[
    "BROKLE_CONFIG",
    "BROKLE_ENGINE_DIR",
    "BROKLE_ENGINE_PASSWORD",
    "BROKLE_URL",
    "BROKLE_API_KEY",
    "BROKLE_BASE_URL",
    "BROKLE_ENVIRONMENT",
    "BROKLE_RELEASE",
    "BROKLE_TRANSPORT",
    "BROKLE_GRPC_ENDPOINT",
    "BROKLE_DEBUG",
];

/// Part of the documented contract, but without effect in this version: said once at start.
pub(crate) const WITHOUT_EFFECT: &[&str] = &[];

/// Whether a `BROKLE_*` name is one that somebody reads.
pub(crate) fn is_known(name: &str) -> bool {
    VARIABLES.iter().any(|variable| variable.name == name)
        || ELSEWHERE.contains(&name)
        || WITHOUT_EFFECT.contains(&name)
        || name.starts_with("BROKLE_TEST_")
}

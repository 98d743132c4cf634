//! Prints the configuration in force. Secrets appear as `(set)` or `(unset)`, whatever they hold.

use std::fmt::Write as _;
use std::path::PathBuf;

use brokle_model::telemetry::Signal;
use brokle_model::telemetry_settings::{RetentionDays, TelemetrySettings};
use secrecy::SecretString;
use serde::Serialize;

use super::{Config, LoadedConfig, environment};

/// The configuration as lines of `section.key = value`.
pub(crate) fn render(loaded: &LoadedConfig) -> String {
    let Config {
        server,
        storage,
        ingest,
        accounts: _,
        log,
        prices,
        gateway,
    } = &loaded.config;
    let mut text = String::new();
    let file = loaded
        .file
        .as_ref()
        .map_or_else(|| "none".to_owned(), |path| path.display().to_string());
    let mut line = |key: &str, value: &dyn std::fmt::Display| {
        let _ = writeln!(text, "{key} = {value}");
    };
    line("file", &file);
    line("server.host", &server.host);
    line("server.port", &server.port);
    line("server.otlp_grpc_port", &server.otlp_grpc_port);
    line("server.otlp_http_port", &server.otlp_http_port);
    line("server.metrics_token", &hidden(server.metrics_token.as_ref()));
    line("server.trusted_proxies", &server.trusted_proxies);
    line("server.shutdown_timeout_s", &server.shutdown_timeout_s);
    for (section, tls) in [("server.tls", &server.tls), ("ingest.tls", &ingest.tls)] {
        let files = [
            ("cert_file", &tls.cert_file),
            ("key_file", &tls.key_file),
            ("client_ca_file", &tls.client_ca_file),
        ];
        for (key, file) in files {
            let shown = file
                .as_ref()
                .map_or("(unset)".into(), |path| path.display().to_string());
            line(&format!("{section}.{key}"), &shown);
        }
    }
    line("storage.data_dir", &storage.data_dir.display());
    for (key, secret) in secrets(&loaded.config) {
        line(key, &hidden(secret));
    }
    line("storage.redis_prefix", &storage.redis_prefix);
    line("storage.redis_timeout_ms", &storage.redis_timeout_ms);
    line("storage.clickhouse_port", &storage.clickhouse_port);
    let library = storage.engine_library.as_ref();
    line(
        "storage.engine_library",
        &library.map_or("(searched)".into(), |path| path.display().to_string()),
    );
    line(
        "ingest.wal_sync",
        &format!("{:?}", ingest.wal_sync).to_lowercase(),
    );
    line("ingest.wal_bytes_max", &ingest.wal_bytes_max);
    line("ingest.memory_bytes_max", &ingest.memory_bytes_max);
    line("ingest.resend_window_requests", &ingest.resend_window_requests);
    line("ingest.resend_window_s", &ingest.resend_window_s);
    let built_in = |path: &Option<PathBuf>| match path {
        Some(path) => path.display().to_string(),
        None => "(built-in only)".to_owned(),
    };
    line("ingest.attribute_map", &built_in(&ingest.attribute_map));
    let defaults = ingest.telemetry_defaults();
    let days = defaults.retention_days.or(RetentionDays::BUILT_IN);
    for signal in Signal::ALL {
        line(
            &format!("ingest.retention.{}", signal.as_str()),
            &days.of(*signal),
        );
    }
    let calls = days.of_calls();
    line("ingest.retention.request_logs", &calls.request_logs);
    line("ingest.retention.routing_metrics", &calls.routing_metrics);
    let TelemetrySettings {
        redaction,
        size_caps,
        sampling,
        ..
    } = defaults;
    line("ingest.processors.redaction", &json(redaction.as_ref()));
    line("ingest.processors.size_caps", &json(size_caps.as_ref()));
    line("ingest.processors.sampling", &json(sampling.as_ref()));
    for destination in &ingest.forward {
        line(
            "ingest.forward",
            &format!("{} to {}", destination.name, destination.endpoint),
        );
    }
    line("prices.file", &built_in(&prices.file));
    line("log.filter", &log.filter);
    line("log.format", &format!("{:?}", log.format).to_lowercase());
    for name in gateway.providers.keys() {
        line("gateway.providers", name);
    }
    for name in gateway.routes.keys() {
        line("gateway.routes", name);
    }
    text
}

/// Secrets of which it is only said whether they are set.
fn secrets(config: &Config) -> [(&'static str, Option<&SecretString>); 5] {
    let Config {
        storage, accounts, ..
    } = config;
    [
        ("storage.database_url", storage.database_url.as_ref()),
        ("storage.clickhouse_url", storage.clickhouse_url.as_ref()),
        ("storage.redis_url", storage.redis_url.as_ref()),
        ("accounts.jwt_secret", accounts.jwt_secret.as_ref()),
        ("accounts.encryption_key", accounts.encryption_key.as_ref()),
    ]
}

/// The environment names, with what they set and what they are for.
pub(crate) fn environment_table() -> String {
    let mut text = String::new();
    for variable in environment::VARIABLES {
        let _ = writeln!(
            text,
            "{:<32} {}\n{:<32} (in brokle.toml: {})",
            variable.name, variable.about, "", variable.key
        );
    }
    text
}

fn json(settings: Option<&impl Serialize>) -> String {
    let text = settings.and_then(|settings| serde_json::to_string(settings).ok());
    text.unwrap_or_else(|| "(none)".to_owned())
}

fn hidden(secret: Option<&SecretString>) -> &'static str {
    if secret.is_some() { "(set)" } else { "(unset)" }
}

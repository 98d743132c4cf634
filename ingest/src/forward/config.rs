//! `[[ingest.forward]]`: where telemetry is passed on to, and which.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use brokle_model::id::ProjectId;
use http::{HeaderName, HeaderValue, Uri};
use secrecy::SecretString;
use serde::Deserialize;

const NAME_BYTES_MAX: usize = 64;
const MIB: u64 = 1 << 20;

/// One destination.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForwardConfig {
    /// Names it in figures, messages and on disk.
    pub name: String,
    /// `http(s)://host[:port][/path]`. Over HTTP `/v1/traces` and its siblings are put behind the path.
    pub endpoint: String,
    /// How OTLP is spoken there.
    #[serde(default)]
    pub protocol: Protocol,
    /// Headers that are no secrets.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Headers whose values are in the environment: the header's name, and the variable's.
    #[serde(default)]
    pub headers_env: BTreeMap<String, String>,
    /// How bodies are compressed.
    #[serde(default)]
    pub compression: Compression,
    /// A PEM file with the authorities that are trusted, instead of the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// How long one export may take.
    #[serde(default = "ForwardConfig::default_timeout_ms")]
    pub timeout_ms: u64,
    /// What may wait on disk.
    #[serde(default = "ForwardConfig::default_queue_bytes_max")]
    pub queue_bytes_max: u64,
    /// Bodies are put together up to this size, before compression.
    #[serde(default = "ForwardConfig::default_batch_bytes_max")]
    pub batch_bytes_max: u64,
    /// The longest pause before an export is sent again. It begins with a quarter of a second and doubles.
    #[serde(default = "ForwardConfig::default_retry_pause_max_ms")]
    pub retry_pause_max_ms: u64,
    /// What is passed on. Nothing said: everything.
    #[serde(default)]
    pub filter: FilterConfig,
}

impl ForwardConfig {
    const fn default_timeout_ms() -> u64 {
        10_000
    }

    const fn default_queue_bytes_max() -> u64 {
        1 << 30
    }

    const fn default_batch_bytes_max() -> u64 {
        2 << 20
    }

    const fn default_retry_pause_max_ms() -> u64 {
        30_000
    }
}

/// How OTLP is spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// OTLP/HTTP with protobuf bodies.
    #[default]
    Http,
    /// OTLP/gRPC.
    Grpc,
}

/// How bodies are compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Not at all.
    None,
    /// Understood everywhere.
    #[default]
    Gzip,
    /// Quicker and smaller.
    Zstd,
}

/// What is passed on: all that is said must hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FilterConfig {
    /// `traces`, `logs`, `metrics`.
    pub signals: Vec<String>,
    /// Of these projects.
    pub projects: Vec<ProjectId>,
    /// With one of these environment tags.
    pub environments: Vec<String>,
    /// Items of which an attribute, or one of their resource's, has one of these values; `*` stands for any
    /// text.
    pub attributes: BTreeMap<String, Vec<String>>,
}

/// Why a destination cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`ingest.forward` {name}: `{field}` {reason}")]
pub struct ForwardError {
    /// Which one, as it was named.
    pub name: String,
    /// What is at fault.
    pub field: &'static str,
    /// Why, and what would be right.
    pub reason: String,
}

/// A destination that can be used.
#[derive(Debug, Clone)]
pub struct Destination {
    pub(crate) name: String,
    pub(crate) endpoint: Uri,
    pub(crate) protocol: Protocol,
    /// Their values are marked as secrets.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) compression: Compression,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) timeout: Duration,
    pub(crate) queue_bytes_max: u64,
    pub(crate) batch_bytes_max: u64,
    pub(crate) retry_pause_max: Duration,
    pub(crate) filter: FilterConfig,
}

impl Destination {
    /// The first and the longest pause before an export is sent again.
    pub(crate) fn retry(&self) -> (Duration, Duration) {
        (
            Duration::from_millis(250).min(self.retry_pause_max),
            self.retry_pause_max,
        )
    }
}

/// Reads the destinations; `variable` reads the environment.
pub fn resolve(
    configs: &[ForwardConfig],
    variable: &dyn Fn(&str) -> Option<SecretString>,
) -> Result<Vec<Destination>, ForwardError> {
    let mut destinations: Vec<Destination> = Vec::with_capacity(configs.len());
    for config in configs {
        let destination = resolve_one(config, variable).map_err(|(field, reason)| ForwardError {
            name: config.name.chars().take(NAME_BYTES_MAX).collect(),
            field,
            reason,
        })?;
        if destinations.iter().any(|known| known.name == destination.name) {
            return Err(ForwardError {
                name: destination.name,
                field: "name",
                reason: "is the name of an earlier destination".to_owned(),
            });
        }
        destinations.push(destination);
    }
    Ok(destinations)
}

type Fault = (&'static str, String);

fn resolve_one(
    config: &ForwardConfig,
    variable: &dyn Fn(&str) -> Option<SecretString>,
) -> Result<Destination, Fault> {
    let demand = |holds: bool, field, reason: &str| {
        if holds {
            Ok(())
        } else {
            Err((field, reason.to_owned()))
        }
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let is_name = (1..=NAME_BYTES_MAX).contains(&config.name.len()) && config.name.bytes().all(is_plain);
    demand(is_name, "name", "must be 1 to 64 letters, digits, `_` or `-`")?;
    let bounds = [
        ("timeout_ms", config.timeout_ms, 100, 600_000),
        ("queue_bytes_max", config.queue_bytes_max, 4 * MIB, 1 << 42),
        ("batch_bytes_max", config.batch_bytes_max, 1024, 32 * MIB),
        ("retry_pause_max_ms", config.retry_pause_max_ms, 10, 600_000),
    ];
    for (field, value, least, most) in bounds {
        let reason = format!("must be from {least} to {most}");
        demand((least..=most).contains(&value), field, &reason)?;
    }
    for signal in &config.filter.signals {
        let is_known = brokle_model::telemetry::Signal::from_name(signal).is_some();
        demand(is_known, "filter.signals", "must be of traces, logs and metrics")?;
    }
    Ok(Destination {
        name: config.name.clone(),
        endpoint: endpoint(&config.endpoint)?,
        protocol: config.protocol,
        headers: headers(config, variable)?,
        compression: config.compression,
        ca_file: config.ca_file.clone(),
        timeout: Duration::from_millis(config.timeout_ms),
        queue_bytes_max: config.queue_bytes_max,
        batch_bytes_max: config.batch_bytes_max,
        retry_pause_max: Duration::from_millis(config.retry_pause_max_ms),
        filter: config.filter.clone(),
    })
}

fn endpoint(text: &str) -> Result<Uri, Fault> {
    let fault = || {
        (
            "endpoint",
            "must be http://host[:port][/path] or https://...".to_owned(),
        )
    };
    let uri: Uri = text.parse().map_err(|_| fault())?;
    let is_usable = matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.host().is_some_and(|host| !host.is_empty())
        && uri.query().is_none()
        && !text.contains('@');
    if is_usable { Ok(uri) } else { Err(fault()) }
}

fn headers(
    config: &ForwardConfig,
    variable: &dyn Fn(&str) -> Option<SecretString>,
) -> Result<Vec<(HeaderName, HeaderValue)>, Fault> {
    use secrecy::ExposeSecret as _;
    let mut headers = Vec::new();
    let mut add = |field, name: &str, value: &str| {
        let header: HeaderName = name
            .parse()
            .map_err(|_| (field, format!("names no header: `{name}`")))?;
        let mut value = HeaderValue::from_str(value).map_err(|_| {
            (
                field,
                format!("has a value for `{name}` that a header cannot carry"),
            )
        })?;
        value.set_sensitive(true);
        headers.push((header, value));
        Ok::<(), Fault>(())
    };
    for (name, value) in &config.headers {
        add("headers", name, value)?;
    }
    for (name, variable_name) in &config.headers_env {
        let value = variable(variable_name).ok_or_else(|| {
            (
                "headers_env",
                format!("asks for {variable_name}, which is not set"),
            )
        })?;
        add("headers_env", name, value.expose_secret())?;
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Destination>, String> {
        #[derive(Deserialize)]
        struct File {
            forward: Vec<ForwardConfig>,
        }
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let variable = |name: &str| (name == "KEY").then(|| SecretString::from("s3cret"));
        resolve(&file.forward, &variable).map_err(|error| error.to_string())
    }

    #[test]
    fn a_destination_is_read_with_its_secrets_from_the_environment() {
        let read = read(
            "[[forward]]\nname = 'backend'\nendpoint = 'https://otel.example.com'\nprotocol = 'grpc'\n\
             headers_env = { 'x-api-key' = 'KEY' }\ncompression = 'zstd'\n\
             [forward.filter]\nsignals = ['traces']\nattributes = { 'service.name' = ['shop*'] }",
        )
        .unwrap();
        assert_eq!(read[0].protocol, Protocol::Grpc);
        assert_eq!(read[0].headers[0].1, "s3cret");
        assert!(!format!("{read:?}").contains("s3cret"));
    }

    #[test]
    fn what_cannot_work_is_named() {
        let with = |rest: &str| format!("[[forward]]\nname = 'a'\nendpoint = 'http://h'\n{rest}");
        for (text, field) in [
            (with("timeout_ms = 1"), "timeout_ms"),
            (with("queue_bytes_max = 1"), "queue_bytes_max"),
            (with("headers_env = { a = 'NONE' }"), "NONE"),
            (with("headers = { 'a b' = 'c' }"), "headers"),
            (with("[forward.filter]\nsignals = ['spans']"), "filter.signals"),
            (with("[[forward]]\nname = 'a'\nendpoint = 'http://h'"), "earlier"),
            (
                "[[forward]]\nname = 'a b'\nendpoint = 'http://h'".to_owned(),
                "name",
            ),
            (
                "[[forward]]\nname = 'a'\nendpoint = 'ftp://h'".to_owned(),
                "endpoint",
            ),
            (
                "[[forward]]\nname = 'a'\nendpoint = 'http://h'\nprotocl = 'grpc'".to_owned(),
                "protocl",
            ),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains(field), "{text}: {error}");
        }
    }
}

//! Reads the sources, lays one over the other, and checks the result as a whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use toml::{Table, Value};

use super::Config;
use super::environment::{self, Kind, VARIABLES, Variable};

const FILE_DEFAULT: &str = "brokle.toml";
const JWT_SECRET_CHARS_MIN: usize = 32;

/// Why the configuration cannot be used. Every message names the key and never repeats a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration file {path}: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{path} is not valid TOML: {message}")]
    Syntax { path: PathBuf, message: String },
    #[error("{origin}: {message}")]
    Invalid { origin: String, message: String },
    #[error("unknown environment variable {name}; see `brokle config env` for the names that exist")]
    UnknownVariable { name: String },
    #[error("{name} must be a whole number, not `{value}`")]
    NotANumber { name: &'static str, value: String },
}

/// A configuration and where it came from.
#[derive(Debug)]
pub(crate) struct LoadedConfig {
    pub(crate) config: Config,
    /// The file that was read, if one was.
    pub(crate) file: Option<PathBuf>,
    /// The environment with `.env` beneath it, for credentials that a provider names by variable.
    pub(crate) environment: Environment,
    /// Names that are set but have no effect in this version.
    pub(crate) without_effect: Vec<&'static str>,
}

/// Names and values, as the process found them.
#[derive(Clone, Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl std::fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

impl Environment {
    /// The process environment over `.env` in the working directory.
    pub(crate) fn read() -> Result<Self, ConfigError> {
        let mut values = BTreeMap::new();
        match dotenvy::from_path_iter(".env") {
            Ok(lines) => {
                for line in lines {
                    let (name, value) = line.map_err(|error| ConfigError::Invalid {
                        origin: ".env".into(),
                        message: error.to_string(),
                    })?;
                    values.insert(name, value);
                }
            }
            Err(error) if error.not_found() => {}
            Err(error) => {
                return Err(ConfigError::Invalid {
                    origin: ".env".into(),
                    message: error.to_string(),
                });
            }
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that reads the environment"
        )]
        values.extend(std::env::vars());
        Ok(Self(values))
    }

    #[cfg(test)]
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        Self(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    /// A value that is set and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// The same, as a secret.
    pub(crate) fn secret(&self, name: &str) -> Option<SecretString> {
        self.get(name).map(SecretString::from)
    }

    fn unknown(&self) -> Option<&str> {
        let own = self.0.keys().filter(|name| name.starts_with("BROKLE_"));
        own.map(String::as_str).find(|name| !environment::is_known(name))
    }
}

/// Loads the configuration. `explicit` (from `--config` or `BROKLE_CONFIG`) must exist; the default file
/// need not.
pub(crate) fn load(explicit: Option<&Path>, environment: Environment) -> Result<LoadedConfig, ConfigError> {
    if let Some(name) = environment.unknown() {
        return Err(ConfigError::UnknownVariable {
            name: name.to_owned(),
        });
    }
    let path = explicit.unwrap_or(Path::new(FILE_DEFAULT));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) if explicit.is_none() && error.kind() == std::io::ErrorKind::NotFound => None,
        Err(source) => {
            return Err(ConfigError::Unreadable {
                path: path.to_owned(),
                source,
            });
        }
    };
    let mut table = match &text {
        Some(text) => parse_file(text, path)?,
        None => Table::new(),
    };
    for variable in VARIABLES {
        if let Some(value) = environment.get(variable.name) {
            set(&mut table, variable, value)?;
        }
    }
    let origin = "environment and configuration file";
    let config: Config = table.try_into().map_err(|error| invalid(origin, &error))?;
    validate(&config, &environment)?;
    let without_effect = environment::WITHOUT_EFFECT
        .iter()
        .copied()
        .filter(|name| environment.get(name).is_some())
        .collect();
    Ok(LoadedConfig {
        config,
        file: text.map(|_| path.to_owned()),
        environment,
        without_effect,
    })
}

/// Parses the file by itself first, so that an error in it is reported with its line.
fn parse_file(text: &str, path: &Path) -> Result<Table, ConfigError> {
    let syntax = |error: toml::de::Error| ConfigError::Syntax {
        path: path.to_owned(),
        message: error.to_string(),
    };
    toml::from_str::<Config>(text).map_err(syntax)?;
    toml::from_str::<Table>(text).map_err(syntax)
}

fn set(table: &mut Table, variable: &Variable, value: &str) -> Result<(), ConfigError> {
    let value = match variable.kind {
        Kind::Text | Kind::Secret => Value::String(value.to_owned()),
        Kind::Integer => Value::Integer(value.parse().map_err(|_| ConfigError::NotANumber {
            name: variable.name,
            value: value.to_owned(),
        })?),
    };
    let Some((sections, key)) = variable.key.rsplit_once('.') else {
        return Ok(());
    };
    let mut table = table;
    for section in sections.split('.') {
        let entry = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
        let Value::Table(section) = entry else {
            return Ok(());
        };
        table = section;
    }
    table.insert(key.to_owned(), value);
    Ok(())
}

fn validate(config: &Config, environment: &Environment) -> Result<(), ConfigError> {
    if let Some(secret) = &config.accounts.jwt_secret
        && secret.expose_secret().len() < JWT_SECRET_CHARS_MIN
    {
        let message = format!("must have {JWT_SECRET_CHARS_MIN} characters at least");
        return Err(invalid("JWT_SECRET (accounts.jwt_secret)", &message));
    }
    if let Some(key) = &config.accounts.encryption_key {
        crate::backends::AesSealer::with_key(key)
            .map_err(|error| invalid("BROKLE_ENCRYPTION_KEY (accounts.encryption_key)", &error))?;
    }
    if let Some(url) = &config.storage.database_url {
        let url = url.expose_secret();
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            let message = "must start with postgres://; leave it unset for SQLite in the data directory";
            return Err(invalid("DATABASE_URL (storage.database_url)", &message));
        }
    }
    if let Some(url) = &config.storage.clickhouse_url {
        brokle_storage_clickhouse::ClickHouseConfig::parse(url.expose_secret())
            .map_err(|error| invalid("CLICKHOUSE_URL (storage.clickhouse_url)", &error))?;
    }
    if config.storage.redis_url.is_some() {
        crate::backends::redis_config(&config.storage)
            .map_err(|error| invalid("[storage]", &format!("{error:#}")))?;
    }
    for (section, tls) in [
        ("[server.tls]", &config.server.tls),
        ("[ingest.tls]", &config.ingest.tls),
    ] {
        if let Some(fault) = tls.fault() {
            return Err(invalid(section, &fault));
        }
    }
    if let Some(fault) = config.ingest.processors_fault() {
        return Err(invalid(&fault.field, &fault.message));
    }
    let forward =
        brokle_ingest::forward::config::resolve(&config.ingest.forward, &|name| environment.secret(name));
    forward.map_err(|error| invalid("[[ingest.forward]]", &error))?;
    let gateway = config.gateway.resolve(&|name| environment.secret(name));
    gateway.map_err(|error| invalid("[gateway]", &error))?;
    crate::logging::check(&config.log.filter).map_err(|error| invalid("[log]", &error))?;
    Ok(())
}

fn invalid(origin: &str, message: &dyn std::fmt::Display) -> ConfigError {
    ConfigError::Invalid {
        origin: origin.to_owned(),
        message: message.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str, pairs: &[(&str, &str)]) -> Result<LoadedConfig, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("brokle.toml");
        std::fs::write(&path, text).unwrap();
        load(Some(&path), Environment::of(pairs))
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_the_default() {
        let text = "[server]\nport = 1111\notlp_http_port = 2222\n";
        let config = load_text(text, &[("PORT", "3333")]).unwrap().config;
        assert_eq!(
            (
                config.server.port,
                config.server.otlp_http_port,
                config.server.otlp_grpc_port
            ),
            (3333, 2222, 4317)
        );
    }

    #[test]
    fn unknown_keys_fail_and_are_named() {
        let message = load_text("[server]\nprot = 1\n", &[]).unwrap_err().to_string();
        assert!(message.contains("prot"), "{message}");
        let message = load_text("", &[("BROKLE_DATA_DIRR", "x")])
            .unwrap_err()
            .to_string();
        assert!(message.contains("BROKLE_DATA_DIRR"), "{message}");
    }

    #[test]
    fn a_bad_value_names_its_key_and_a_secret_is_never_repeated() {
        let message = load_text("", &[("PORT", "many")]).unwrap_err().to_string();
        assert!(message.contains("PORT"), "{message}");
        let message = load_text("", &[("DATABASE_URL", "mysql://u:hunter2@h/d")])
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("DATABASE_URL") && !message.contains("hunter2"),
            "{message}"
        );
        let message = load_text("", &[("JWT_SECRET", "hunter2")])
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("JWT_SECRET") && !message.contains("hunter2"),
            "{message}"
        );
    }

    #[test]
    fn half_a_certificate_is_refused_and_its_section_named() {
        let message = load_text("", &[("BROKLE_OTLP_TLS_CERT_FILE", "a.pem")])
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("[ingest.tls]") && message.contains("key_file"),
            "{message}"
        );
        let text = "[ingest.tls]\ncert_file = \"a.pem\"\n";
        let config = load_text(text, &[("BROKLE_OTLP_TLS_KEY_FILE", "b.pem")])
            .unwrap()
            .config;
        assert!(config.ingest.tls.files().is_some() && config.server.tls.files().is_none());
    }

    #[test]
    fn settings_of_telemetry_that_cannot_be_in_force_are_named() {
        let text = "[ingest.retention]\ntraces = 0\n";
        let message = load_text(text, &[]).unwrap_err().to_string();
        assert!(message.contains("ingest.retention.traces"), "{message}");
        let text = "[[ingest.processors.redaction.rules]]\nname = 'a'\nvalue = '('\n";
        let message = load_text(text, &[]).unwrap_err().to_string();
        assert!(
            message.contains("ingest.processors.redaction.rules[0].value"),
            "{message}"
        );
        let text = "[ingest.retention]\nlogs = 7\n[ingest.processors.sampling.head]\nrate = 0.5\n";
        let defaults = load_text(text, &[]).unwrap().config.ingest.telemetry_defaults();
        assert_eq!(defaults.retention_days.logs, Some(7));
        assert!(defaults.sampling.is_some_and(|sampling| sampling.head.is_some()));
    }

    #[test]
    fn what_would_stop_a_start_later_is_refused_at_once() {
        let route = "[gateway.routes.fast]\ntargets = [{ provider = \"nowhere\", model = \"m\" }]\n";
        let message = load_text(route, &[]).unwrap_err().to_string();
        assert!(message.contains("nowhere"), "{message}");
        let message = load_text("", &[("BROKLE_LOG", "brokle=loud")])
            .unwrap_err()
            .to_string();
        assert!(message.contains("BROKLE_LOG"), "{message}");
    }

    #[test]
    fn a_missing_default_file_is_fine_and_a_missing_named_one_is_not() {
        assert!(
            load(
                Some(Path::new("/nonexistent/brokle.toml")),
                Environment::default()
            )
            .is_err()
        );
    }
}

//! The process's own log: lines for people or JSON for machines, on standard error.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::{LogConfig, LogFormat};

/// A filter that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("BROKLE_LOG (log.filter): {0}")]
pub(crate) struct InvalidFilter(String);

/// Starts logging. Called once, by the verbs that run for long.
pub(crate) fn start(config: &LogConfig) -> Result<(), InvalidFilter> {
    let filter = parse(&config.filter)?;
    // Colours are for terminals: in a file or a journal they are noise.
    let builder = fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr);
    match config.format {
        LogFormat::Text => builder.with_target(false).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Ok(())
}

/// Says whether [`start`] would take `filter`.
pub(crate) fn check(filter: &str) -> Result<(), InvalidFilter> {
    parse(filter).map(|_| ())
}

fn parse(filter: &str) -> Result<EnvFilter, InvalidFilter> {
    EnvFilter::try_new(filter).map_err(|error| InvalidFilter(error.to_string()))
}

//! `brokle config`: what is in force, whether it is right, and what may be set.

use std::process::ExitCode;

use crate::cli::ConfigVerb;
use crate::config::{LoadedConfig, environment_table, render};

pub(crate) fn run(
    verb: ConfigVerb,
    load: impl FnOnce() -> anyhow::Result<LoadedConfig>,
) -> anyhow::Result<ExitCode> {
    match verb {
        ConfigVerb::Env => super::print(&environment_table()),
        ConfigVerb::Show => super::print(&render(&load()?)),
        ConfigVerb::Check => {
            let loaded = load()?;
            loaded.config.prices.read()?;
            loaded.config.ingest.attribute_map()?;
            let file = loaded
                .file
                .map_or_else(|| "no file".to_owned(), |path| path.display().to_string());
            super::print(&format!(
                "the configuration is valid ({file} and the environment)\n"
            ))
        }
    }
}

//! `brokle attribute-map`: the tables in force.

use std::process::ExitCode;

use crate::cli::AttributeMapVerb;
use crate::config::LoadedConfig;

pub(crate) fn run(verb: &AttributeMapVerb, loaded: &LoadedConfig) -> anyhow::Result<ExitCode> {
    let map = loaded.config.ingest.attribute_map()?;
    match verb {
        AttributeMapVerb::Show { markdown: true } => super::print(&map.describe().to_markdown()),
        AttributeMapVerb::Show { markdown: false } => {
            let text = serde_json::to_string_pretty(&map.describe())?;
            super::print(&format!("{text}\n"))
        }
    }
}

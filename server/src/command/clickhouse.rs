//! `brokle clickhouse`: the embedded engine alone. `serve` runs this as its child; a person may run it to
//! look at the data with any ClickHouse client while the server is down.

use std::path::PathBuf;
use std::process::ExitCode;

use brokle_engine::supervisor::announce_ready;

use crate::backends;
use crate::cli::ClickhouseArguments;
use crate::config::LoadedConfig;
use crate::lifecycle::Lifecycle;

pub(crate) async fn run(loaded: LoadedConfig, arguments: ClickhouseArguments) -> anyhow::Result<ExitCode> {
    crate::logging::start(&loaded.config.log)?;
    let mut loaded = loaded;
    if let Some(library) = arguments.library {
        loaded.config.storage.engine_library = Some(PathBuf::from(library));
    }
    let mut config = backends::engine_config(&loaded, arguments.password.map(Into::into))?;
    config.data_dir = arguments.path.unwrap_or(config.data_dir);
    config.listen = arguments.listen.unwrap_or(config.listen);
    config.stop_with_parent = arguments.stop_with_stdin;
    let lifecycle = Lifecycle::default();
    lifecycle.listen_for_signals()?;
    brokle_engine::run(config, lifecycle.soft.clone(), |address| {
        if let Err(error) = announce_ready(address) {
            tracing::debug!("nobody reads standard output: {error}");
        }
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

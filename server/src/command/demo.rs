//! placeholder
use crate::cli::ServeArguments;
use crate::config::LoadedConfig;
use std::process::ExitCode;
pub(crate) async fn run(loaded: LoadedConfig, arguments: ServeArguments) -> anyhow::Result<ExitCode> {
    super::serve::run(loaded, arguments).await
}

//! The verbs. Each file is one verb; this one reads the configuration for them, gives them a runtime, and
//! turns their failures into words and an exit code.

mod attribute_map;
mod clickhouse;
mod config;
mod dead_letters;
mod demo;
mod doctor;
mod import;
mod migrate;
mod openapi;
mod reprice;
mod serve;

use std::io::{BufRead as _, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;

use crate::cli::{Arguments, Command};
use crate::config::{ConfigError, Environment, LoadedConfig, load};

/// `EX_CONFIG` of sysexits.h: tells a supervisor that starting again will not help.
const EXIT_CONFIG: u8 = 78;

/// Runs the verb.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { config, command } = arguments;
    let load_config =
        || -> anyhow::Result<LoadedConfig> { Ok(load(config.as_deref(), Environment::read()?)?) };
    match command {
        Command::Version => print(&format!("brokle {}\n", env!("CARGO_PKG_VERSION"))),
        Command::Openapi => on_runtime(openapi::run(load_config()?)),
        Command::AttributeMap { verb } => attribute_map::run(&verb, &load_config()?),
        Command::Import { source } => import::run(&source),
        Command::Config { verb } => config::run(verb, load_config),
        Command::Serve(arguments) => on_runtime(serve::run(load_config()?, arguments)),
        Command::Demo(arguments) => on_runtime(demo::run(load_config()?, arguments)),
        Command::Migrate(arguments) => on_runtime(migrate::run(load_config()?, arguments)),
        Command::Clickhouse(arguments) => on_runtime(clickhouse::run(load_config()?, arguments)),
        Command::Reprice(arguments) => on_runtime(reprice::run(load_config()?, arguments)),
        Command::DeadLetters { verb } => on_runtime(dead_letters::run(load_config()?, verb)),
        Command::Doctor => on_runtime(doctor::run(load_config()?)),
    }
}

/// Says on standard error what went wrong, cause by cause.
pub(crate) fn report_failure(error: &anyhow::Error) {
    let mut message = format!("brokle: {error}");
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
    }
    let _ = writeln!(std::io::stderr(), "{message}");
}

/// The exit code for a failure.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    if error.downcast_ref::<ConfigError>().is_some() {
        ExitCode::from(EXIT_CONFIG)
    } else {
        ExitCode::FAILURE
    }
}

/// Whether the person at the terminal agrees to what `warning` says.
fn confirmed(warning: &str) -> anyhow::Result<bool> {
    let mut stderr = std::io::stderr();
    write!(stderr, "{warning} Type yes to go on: ")?;
    stderr.flush()?;
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .context("reading the answer")?;
    Ok(answer.trim() == "yes")
}

fn print(text: &str) -> anyhow::Result<ExitCode> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn on_runtime(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .on_thread_park(crate::allocator::before_sleep)
        .build()
        .context("starting the runtime")?;
    let result = runtime.block_on(work);
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    result
}

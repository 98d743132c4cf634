//! The `brokle` binary: reads the command line, runs one verb, and turns its result into an exit code.
//! Everything else is in the modules below; `serve` is where the planes meet.

mod addresses;
mod allocator;
mod app;
mod backends;
mod budgets;
mod cli;
mod command;
mod config;
mod http_server;
mod lifecycle;
mod logging;
mod migrating;
mod ops;
mod reload;
mod routes;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    match command::run(arguments) {
        Ok(code) => code,
        Err(error) => {
            command::report_failure(&error);
            command::exit_code(&error)
        }
    }
}

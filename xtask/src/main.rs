//! The repository's own checks: what clippy cannot know. `cargo xtask tidy` checks the dependency rules
//! between crates from `cargo metadata`, and a few rules of text; `cargo xtask sizes` lists the largest
//! files and functions, where a reviewer should look first.
#![expect(clippy::print_stdout, reason = "a command-line tool for developers")]

mod sizes;
mod sources;
mod tidy;

use std::process::ExitCode;

use anyhow::Result;

fn main() -> Result<ExitCode> {
    match std::env::args().nth(1).as_deref() {
        Some("tidy") => Ok(if tidy::run()? {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }),
        Some("sizes") => sizes::run().map(|()| ExitCode::SUCCESS),
        _ => {
            println!("usage: cargo xtask tidy | sizes");
            Ok(ExitCode::from(2))
        }
    }
}

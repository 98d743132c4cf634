//! `brokle import`: another gateway's configuration in ours. What cannot be carried over is said, part by part, with the
//! reason and what to do; nothing is dropped silently, and no secret is printed.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use crate::cli::{ImportArguments, ImportSource};

mod litellm;
mod report;

/// Some parts were not carried over.
const EXIT_PARTIAL: u8 = 3;
/// Far beyond any configuration written by hand.
const FILE_BYTES_MAX: u64 = 8 << 20;

pub(crate) fn run(source: &ImportSource) -> anyhow::Result<ExitCode> {
    let ImportSource::Litellm(arguments) = source;
    let text = read(&arguments.file)?;
    let imported = litellm::import(&text)?;
    let toml = imported.toml()?;
    let mut stderr = std::io::stderr();
    write!(stderr, "{}", imported.report)?;
    if let Some(path) = &arguments.output {
        write_new(path, &toml, arguments)?;
        writeln!(
            stderr,
            "written: {}; check it with `brokle --config {0} config check`",
            path.display()
        )?;
    } else {
        super::print(&toml)?;
    }
    Ok(if imported.report.is_complete() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_PARTIAL)
    })
}

fn read(path: &Path) -> anyhow::Result<String> {
    let size = std::fs::metadata(path)
        .with_context(|| format!("cannot read {}", path.display()))?
        .len();
    if size > FILE_BYTES_MAX {
        bail!(
            "{} has {size} bytes; a configuration has at most {FILE_BYTES_MAX}",
            path.display()
        );
    }
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn write_new(path: &Path, toml: &str, arguments: &ImportArguments) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).truncate(true);
    if arguments.force {
        options.create(true);
    } else {
        options.create_new(true);
    }
    let mut file = options.open(path).with_context(|| {
        format!(
            "cannot write {}; give --force to overwrite a file that exists",
            path.display()
        )
    })?;
    file.write_all(toml.as_bytes())?;
    Ok(())
}

//! Programs on a processor of their own, and what they used of it. Linux only.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// Ticks of `/proc/PID/stat`, which Linux fixes for programs at a hundred a second.
const TICKS_PER_SECOND: f64 = 100.0;

/// A command that runs `program` on these processors (`0`, `0,1`), or anywhere.
pub fn command_on(processors: Option<&str>, program: &std::path::Path) -> Command {
    match processors {
        Some(processors) => {
            let mut command = Command::new("taskset");
            command.args(["-c", processors]).arg(program);
            command
        }
        None => Command::new(program),
    }
}

/// Binds this process, with all its threads, to processors.
pub fn bind_self(processors: &str) -> Result<()> {
    let status = Command::new("taskset")
        .args(["-a", "-c", "-p", processors, &std::process::id().to_string()])
        .stdout(Stdio::null())
        .status()
        .context("taskset (Debian: util-linux)")?;
    ensure!(
        status.success(),
        "taskset could not bind the generator to processor {processors}"
    );
    Ok(())
}

/// Processor seconds of a process, its ended children included.
pub fn processor_seconds(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(") ").context("no name in /proc/PID/stat")?;
    let ticks: f64 = fields
        .split(' ')
        .skip(11)
        .take(4)
        .map(|field| field.parse::<f64>().unwrap_or(0.0))
        .sum();
    Ok(ticks / TICKS_PER_SECOND)
}

/// Resident memory of a process: now, and at its most.
pub fn resident_mib(pid: u32) -> Result<(u64, u64)> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    let (now, most) = (kib("VmRSS:"), kib("VmHWM:"));
    Ok((now.context("VmRSS")? / 1024, most.context("VmHWM")? / 1024))
}

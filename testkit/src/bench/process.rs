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
    bind(std::process::id(), processors)
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

/// Moves a process, with all its threads, to other processors.
pub fn bind(pid: u32, processors: &str) -> Result<()> {
    let status = Command::new("taskset")
        .args(["-a", "-c", "-p", processors, &pid.to_string()])
        .stdout(Stdio::null())
        .status()
        .context("taskset (Debian: util-linux)")?;
    ensure!(status.success(), "taskset could not bind {pid} to {processors}");
    Ok(())
}

/// A process and all that it started, as far as they run.
pub fn tree(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            let (_, fields) = stat.rsplit_once(") ")?;
            Some((pid, fields.split(' ').nth(1)?.parse().ok()?))
        })
        .collect();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(
            parents
                .iter()
                .filter(|(_, of)| *of == parent)
                .map(|(pid, _)| *pid),
        );
        next += 1;
    }
    found
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

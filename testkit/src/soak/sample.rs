//! What a process holds at a moment: memory, threads, descriptors, sockets by who is at their other end, and what the
//! server says of itself on `/metrics`. Linux only.

use std::collections::HashSet;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use reqwest::Client;

const SCRAPE_TIMEOUT: Duration = Duration::from_secs(4);
const ESTABLISHED: &str = "01";
const CLOSE_WAIT: &str = "08";
const LISTEN: &str = "0A";

/// Which ports are whose.
#[derive(Debug, Clone, Default)]
pub(super) struct Ports {
    /// The server's own.
    pub(super) server: Vec<u16>,
    pub(super) providers: Vec<u16>,
    pub(super) engine: u16,
}

/// A process's sockets; those that listen are not among them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sockets {
    pub(super) callers: usize,
    pub(super) providers: usize,
    pub(super) engine: usize,
    /// TCP, and to none of these.
    pub(super) others: usize,
    /// Of all of them: established.
    pub(super) established: usize,
    /// Of all of them: closed by the other end, and not yet by us. Those that stay are leaks.
    pub(super) close_wait: usize,
}

/// One process.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Process {
    pub(super) resident_mib: f64,
    pub(super) threads: usize,
    pub(super) descriptors: usize,
    pub(super) sockets: Sockets,
}

impl Process {
    /// Descriptors that are no TCP connection.
    pub(super) fn files(&self) -> usize {
        let sockets = &self.sockets;
        self.descriptors
            .saturating_sub(sockets.callers + sockets.providers + sockets.engine + sockets.others)
    }
}

/// What `/metrics` says.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Told {
    pub(super) tasks: f64,
    pub(super) calls_in_flight: f64,
    pub(super) waiting_items: f64,
    pub(super) spans_lost: f64,
}

/// One moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sample {
    /// Since the load began.
    pub(super) at_s: f64,
    pub(super) server: Process,
    /// Nothing while it is being started again.
    pub(super) engine: Option<Process>,
    pub(super) told: Option<Told>,
    /// Calls begun so far.
    pub(super) calls: usize,
}

/// Looks at a process.
pub(super) fn process(pid: u32, ports: &Ports) -> Result<Process> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<usize>().ok()
    };
    let (mut descriptors, mut inodes) = (0, HashSet::new());
    for entry in fs::read_dir(format!("/proc/{pid}/fd"))?.flatten() {
        descriptors += 1;
        // One that was closed meanwhile has no target.
        let target = fs::read_link(entry.path()).unwrap_or_default();
        let target = target.to_string_lossy().into_owned();
        if let Some(inode) = target.strip_prefix("socket:[") {
            inodes.insert(inode.trim_end_matches(']').to_owned());
        }
    }
    let mut sockets = Sockets::default();
    for table in ["tcp", "tcp6"] {
        let text = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            sockets.count(line, &inodes, ports);
        }
    }
    Ok(Process {
        resident_mib: number("VmRSS:").context("VmRSS")? as f64 / 1024.0,
        threads: number("Threads:").context("Threads")?,
        descriptors,
        sockets,
    })
}

impl Sockets {
    /// Counts a line of `/proc/net/tcp` when the socket is one of `inodes`.
    fn count(&mut self, line: &str, inodes: &HashSet<String>, ports: &Ports) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, local, remote, state, _, _, _, _, _, inode, ..] = fields[..] else {
            return;
        };
        if state == LISTEN || !inodes.contains(inode) {
            return;
        }
        let port = |address: &str| {
            let (_, port) = address.rsplit_once(':')?;
            u16::from_str_radix(port, 16).ok()
        };
        let (local, remote) = (port(local).unwrap_or_default(), port(remote).unwrap_or_default());
        if ports.server.contains(&local) {
            self.callers += 1;
        } else if ports.providers.contains(&remote) {
            self.providers += 1;
        } else if ports.engine == remote || ports.engine == local {
            self.engine += 1;
        } else {
            self.others += 1;
        }
        self.established += usize::from(state == ESTABLISHED);
        self.close_wait += usize::from(state == CLOSE_WAIT);
    }
}

/// Asks `/metrics`, over a connection that is not kept.
pub(super) async fn told(url: &str) -> Result<Told> {
    let client = Client::builder()
        .timeout(SCRAPE_TIMEOUT)
        .pool_max_idle_per_host(0)
        .build()?;
    let text = client
        .get(format!("{url}/metrics"))
        .send()
        .await?
        .error_for_status()?
        .text()
        .await?;
    let sum = |name: &str| {
        let lines = text.lines().filter(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with([' ', '{']))
        });
        lines
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum::<f64>()
    };
    Ok(Told {
        tasks: sum("brokle_runtime_alive_tasks"),
        calls_in_flight: sum("brokle_gateway_calls_in_flight"),
        waiting_items: sum("brokle_ingest_waiting_items"),
        spans_lost: sum("brokle_gateway_spans_lost_total"),
    })
}

/// The samples as a table of comma-separated values.
pub(super) fn csv(samples: &[Sample]) -> String {
    use std::fmt::Write as _;
    let mut text = String::from(
        "at_s,server_mib,server_threads,server_descriptors,sockets_callers,sockets_providers,sockets_engine,\
         sockets_others,sockets_established,sockets_close_wait,engine_mib,engine_threads,engine_descriptors,tasks,\
         calls_in_flight,waiting_items,spans_lost,calls\n",
    );
    for sample in samples {
        let (server, sockets) = (&sample.server, &sample.server.sockets);
        let engine = sample.engine.map_or_else(
            || ",,".to_owned(),
            |engine| {
                format!(
                    "{:.1},{},{}",
                    engine.resident_mib, engine.threads, engine.descriptors
                )
            },
        );
        let told = sample.told.map_or_else(
            || ",,,".to_owned(),
            |told| {
                format!(
                    "{},{},{},{}",
                    told.tasks, told.calls_in_flight, told.waiting_items, told.spans_lost
                )
            },
        );
        let _ = writeln!(
            text,
            "{:.1},{:.1},{},{},{},{},{},{},{},{},{engine},{told},{}",
            sample.at_s,
            server.resident_mib,
            server.threads,
            server.descriptors,
            sockets.callers,
            sockets.providers,
            sockets.engine,
            sockets.others,
            sockets.established,
            sockets.close_wait,
            sample.calls
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_told_apart_by_their_ports_and_their_owner() {
        let ports = Ports {
            server: vec![0x1F90],
            providers: vec![0x2710],
            engine: 0x1FBB,
        };
        let inodes = ["1", "2", "3", "4"].map(str::to_owned).into();
        let mut sockets = Sockets::default();
        for (local, remote, state, inode) in [
            ("1F90", "9999", "01", 1),
            ("8888", "2710", "08", 2),
            ("8888", "1FBB", "01", 3),
            ("1F90", "0000", "0A", 4),
            ("1F90", "9999", "06", 0),
        ] {
            let line = format!(
                "0: 0100007F:{local} 0100007F:{remote} {state} 00000000:00000000 00:00000000 00000000 0 0 {inode} 1"
            );
            sockets.count(&line, &inodes, &ports);
        }
        let expected = Sockets {
            callers: 1,
            providers: 1,
            engine: 1,
            others: 0,
            established: 2,
            close_wait: 1,
        };
        assert_eq!(sockets, expected);
    }
}

//! Fault runs: a real server under load while something breaks, and afterwards the count of what it had
//! acknowledged and what is stored. The example `faults` prints them as a table; a short form is a test.
//!
//! Senders behave as exporters do: a request that was not acknowledged is sent again, byte for byte, until it
//! is. Rows are counted raw, with the tables' merges switched off, so that a row that is there twice shows.
//!
//! - [`load`]: the senders. [`proxy`]: a ClickHouse that is away or slow. [`log_file`]: damage to the log.
//! - [`ledger`]: what is stored. [`disk`]: small disks. [`scenario`]: the runs.

pub mod disk;
pub mod ledger;
pub mod load;
pub mod log_file;
pub mod proxy;
pub mod scenario;
mod world;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

pub use scenario::Scenario;

/// How much to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The `brokle` binary.
    pub binary: PathBuf,
    /// Chooses moments and sizes.
    pub seed: u64,
    /// Kills per run.
    pub rounds: usize,
    /// How long something is away.
    pub away: Duration,
    /// How long load runs where nothing else decides.
    pub load: Duration,
    /// How long storing the rest may take.
    pub settle: Duration,
}

/// What came of one run, in spans.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// The run's name.
    pub run: String,
    /// Spans that the server has acknowledged.
    pub acknowledged: usize,
    /// Distinct spans in storage, whether acknowledged or not.
    pub stored: usize,
    /// Acknowledged, neither stored nor set aside.
    pub lost: usize,
    /// Rows beyond the first of each span.
    pub duplicated: usize,
    /// Acknowledged and in a part of the log that we damaged; kept in `set-aside`.
    pub set_aside: usize,
    /// From the first request to the last stored row.
    pub seconds: f64,
    /// Requests that were sent again, and what else is worth knowing.
    pub note: String,
}

/// The rows as a table in Markdown.
pub fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| run | acknowledged | stored | lost | duplicated | set aside | seconds | note |\n\
         |---|---:|---:|---:|---:|---:|---:|---|\n",
    );
    for row in rows {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {:.1} | {} |",
            row.run,
            row.acknowledged,
            row.stored,
            row.lost,
            row.duplicated,
            row.set_aside,
            row.seconds,
            row.note
        );
    }
    text
}

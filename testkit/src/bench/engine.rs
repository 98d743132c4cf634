//! The embedded ClickHouse engine as a process of its own, `brokle clickhouse`: the same for every collector.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use brokle_storage_clickhouse::{ClickHouse, ClickHouseConfig};
use tempfile::TempDir;

use super::process::command_on;
use crate::wait;

const TIMEOUT: Duration = Duration::from_mins(1);
const QUIET_WITHIN: Duration = Duration::from_mins(1);

/// The engine, running. It ends with the value.
#[derive(Debug)]
pub struct Engine {
    child: Child,
    url: String,
    _directory: TempDir,
}

impl Drop for Engine {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Engine {
    /// Starts it on `processors`.
    pub fn start(binary: &Path, processors: Option<&str>) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let mut child = command_on(processors, binary)
            .args([
                "clickhouse",
                "--listen",
                "127.0.0.1:0",
                "--stop-with-stdin",
                "--path",
            ])
            .arg(directory.path().join("data"))
            .current_dir(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("starting the engine")?;
        let output = child.stdout.take().context("the engine's standard output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line
            .trim()
            .strip_prefix("ready ")
            .context("the engine did not become ready")?;
        let url = format!("http://{address}");
        Ok(Self {
            child,
            url,
            _directory: directory,
        })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A client of one of its databases.
    pub fn client(&self, database: &str) -> Result<ClickHouse> {
        Ok(ClickHouse::new(&ClickHouseConfig::parse(&format!(
            "{}/{database}",
            self.url
        ))?))
    }

    /// Runs a statement.
    pub async fn execute(&self, database: &str, statement: &str) -> Result<()> {
        Ok(self.client(database)?.execute(statement, TIMEOUT).await?)
    }

    /// The rows of a table.
    pub async fn rows(&self, database: &str, table: &str) -> Result<u64> {
        let query = format!("SELECT count() FROM {table}");
        let answer = self
            .client(database)?
            .fetch(&query, "TabSeparated", TIMEOUT)
            .await?;
        Ok(answer.trim().parse()?)
    }

    /// Waits until no merge runs: what an insert costs later belongs to its price.
    pub async fn wait_until_quiet(&self) -> Result<()> {
        let client = self.client("system")?;
        let mut quiet = 0;
        while quiet < 3 {
            let running = wait::until("no merge runs", QUIET_WITHIN, || async {
                let answer = client
                    .fetch("SELECT count() FROM system.merges", "TabSeparated", TIMEOUT)
                    .await;
                answer.ok().filter(|count| count.trim() == "0")
            });
            running.await?;
            quiet += 1;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }
}

//! One run's server, storage and senders, and the count at its end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::ledger::{self, settled, sql, stop_merges, stored};
use super::load::{Load, Target};
use super::proxy::Proxy;
use super::{Plan, Row};
use crate::clickhouse::TestClickHouse;
use crate::server::{Server, ServerOptions};
use crate::tenant::Tenant;
use crate::wait;

/// Closed senders, where a run says nothing else.
const SENDERS: usize = 6;
/// Bytes on every span, where a run says nothing else.
const FILLER: usize = 200;

/// How a run differs from an ordinary server.
#[derive(Debug, Default)]
pub(super) struct Setting {
    /// The server's own engine, not one behind a proxy.
    pub(super) embedded: bool,
    pub(super) environment: Vec<(String, String)>,
    pub(super) data_dir: Option<PathBuf>,
    /// Bytes on every span; `None` for the usual.
    pub(super) filler: Option<usize>,
}

/// What a run works with.
pub(super) struct World {
    pub(super) server: Server,
    pub(super) target: Arc<Target>,
    /// Unless the engine is the server's own.
    pub(super) proxy: Option<Proxy>,
    pub(super) plan: Plan,
    database: Option<TestClickHouse>,
    started: Instant,
}

impl World {
    pub(super) async fn new(plan: &Plan, setting: Setting) -> Result<Self> {
        let (mut database, mut proxy) = (None, None);
        let mut environment = setting.environment;
        if !setting.embedded {
            let own = TestClickHouse::create().await;
            let address = own.url().trim_start_matches("http://");
            let (upstream, name) = address.split_once('/').context("a database in the URL")?;
            let before = Proxy::start(upstream).await?;
            let url = format!("http://127.0.0.1:{}/{name}", before.port());
            environment.push(("CLICKHOUSE_URL".to_owned(), url));
            (database, proxy) = (Some(own), Some(before));
        }
        let options = ServerOptions {
            // Nothing of the test run's: the address above, or an engine of its own.
            embedded_engine: true,
            environment,
            data_dir: setting.data_dir,
            ..ServerOptions::default()
        };
        let server = Server::start(&plan.binary, options).await?;
        let tenant = Tenant::sign_up(&server.url()).await?;
        let filler = setting.filler.unwrap_or(FILLER);
        let target = Target::new(&server.otlp_http_url(), &tenant.key, filler);
        let world = Self {
            server,
            target,
            proxy,
            plan: plan.clone(),
            database,
            started: Instant::now(),
        };
        stop_merges(&world.storage()).await?;
        Ok(world)
    }

    /// The database, past any proxy.
    pub(super) fn storage(&self) -> String {
        match &self.database {
            Some(database) => database.url().to_owned(),
            None => self.server.clickhouse_url(),
        }
    }

    /// The proxy of a run that has one.
    pub(super) fn proxy(&self) -> Result<&Proxy> {
        self.proxy.as_ref().context("this run has no proxy")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.server.data_dir().join("wal")
    }

    pub(super) fn dead_letters(&self, arguments: &[&str]) -> Result<String> {
        let output = std::process::Command::new(&self.plan.binary)
            .arg("dead-letters")
            .args(arguments)
            .current_dir(self.server.data_dir())
            .env("BROKLE_DATA_DIR", self.server.data_dir())
            .output()?;
        anyhow::ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    pub(super) fn load(&self) -> Load {
        Load::closed(&self.target, SENDERS, self.plan.seed, 40)
    }

    /// Starts the server again, and tells the senders where it is.
    pub(super) async fn restart(&mut self) -> Result<()> {
        self.server.restart().await?;
        self.target.moved_to(&self.server.otlp_http_url());
        Ok(())
    }

    /// Waits until storage answers.
    pub(super) async fn storage_answers(&self) -> Result<()> {
        wait::until("storage answers", self.plan.settle, || async {
            sql(&self.storage(), "SELECT 1").await.ok()
        })
        .await
        .map(drop)
    }

    /// Waits until more spans were acknowledged.
    pub(super) async fn acknowledged(&self, more: usize) -> Result<()> {
        let base = self.target.acknowledged();
        wait::until("the load makes progress", self.plan.settle, || async {
            (self.target.acknowledged() >= base + more).then_some(())
        })
        .await
    }

    /// Counts what is there once nothing waits, and ends the run. `set_aside` spans were in what we damaged.
    pub(super) async fn count(self, run: &str, set_aside: usize, note: &str) -> Result<Row> {
        self.storage_answers().await?;
        let is_settled = settled(&self.server.url(), self.plan.settle).await?;
        let told = self.target.told();
        let found = stored(&self.storage()).await?;
        let missing = told.acknowledged.difference(&found.spans).count();
        let seconds = self.started.elapsed().as_secs_f64();
        let mut note = format!("{note}; {} requests sent again", told.resent);
        if !is_settled {
            let [_, _, waiting, _, _] = ledger::books(&self.server.url()).await.unwrap_or_default();
            note = format!(
                "{note}; still waiting: {waiting}; {}",
                last_lines(&self.server.log())
            );
        }
        Ok(Row {
            run: run.to_owned(),
            acknowledged: told.acknowledged.len(),
            stored: found.spans.len(),
            lost: missing.saturating_sub(set_aside),
            duplicated: found.duplicated,
            set_aside: missing.min(set_aside),
            seconds,
            note: note.trim_start_matches("; ").to_owned(),
        })
    }
}

fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().rev().take(3).collect();
    lines.join(" / ")
}

/// A folder of this run's own, for small disks.
pub(super) fn folder() -> Result<tempfile::TempDir> {
    Ok(tempfile::tempdir()?)
}

/// The path of `name` in `folder`, as text.
pub(super) fn path_in(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

/// A random moment up to `longest`.
pub(super) async fn moment(random: &mut impl rand::RngExt, longest: Duration) {
    tokio::time::sleep(longest.mul_f64(random.random_range(0.0..1.0))).await;
}

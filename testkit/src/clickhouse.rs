//! A ClickHouse database of its own for each test, on the test run's engine (`BROKLE_TEST_CLICKHOUSE_URL`) or
//! on one that this test process starts once, with the `brokle` binary.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use brokle_storage_clickhouse::{ClickHouse, ClickHouseConfig};
use tempfile::TempDir;

const TIMEOUT: Duration = Duration::from_secs(30);

/// An empty database, dropped with the value.
#[derive(Debug)]
pub struct TestClickHouse {
    url: String,
}

impl TestClickHouse {
    /// Makes an empty database. A test that cannot have one fails.
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "only tests call this; it fails them"
    )]
    pub async fn create() -> Self {
        let server = server_url().expect("a ClickHouse for tests");
        let name = format!("test_{:016x}", rand::random::<u64>());
        let database = Self {
            url: format!("{server}/{name}"),
        };
        let create = format!("CREATE DATABASE {name}");
        database
            .client()
            .execute_outside(&create, TIMEOUT)
            .await
            .expect("a database of the test's own");
        database
    }

    /// A client of the database.
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "only tests call this; it fails them"
    )]
    pub fn client(&self) -> ClickHouse {
        ClickHouse::new(&ClickHouseConfig::parse(&self.url).expect("our own URL"))
    }

    /// The address, with the database as its path.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for TestClickHouse {
    fn drop(&mut self) {
        drop_database(&self.url);
    }
}

/// Drops the database that a URL names. Best effort: the engine ends with the test run anyway.
pub(crate) fn drop_database(url: &str) {
    let Some((server, database)) = url.rsplit_once('/') else {
        return;
    };
    let query = format!("{server}/?query=DROP%20DATABASE%20IF%20EXISTS%20{database}%20SYNC");
    let _ = Command::new("curl")
        .args(["-sS", "--max-time", "5", "-X", "POST", "-d", "", &query])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

/// The engine stops when its standard input closes, which happens when this process ends, however it does:
/// a static is never dropped.
struct Engine {
    url: String,
    #[expect(dead_code, reason = "keeps the engine's standard input open")]
    child: Mutex<Child>,
    #[expect(dead_code, reason = "keeps the engine's data")]
    directory: TempDir,
}

fn server_url() -> Result<String> {
    static ENGINE: OnceLock<Result<Engine, String>> = OnceLock::new();
    if let Some(url) = crate::server::test_variable("BROKLE_TEST_CLICKHOUSE_URL") {
        return Ok(url.trim_end_matches('/').to_owned());
    }
    match ENGINE.get_or_init(|| start().map_err(|error| format!("{error:#}"))) {
        Ok(engine) => Ok(engine.url.clone()),
        Err(message) => bail!("{message}"),
    }
}

fn start() -> Result<Engine> {
    let directory = tempfile::tempdir()?;
    let binary = binary()?;
    let mut child = Command::new(&binary)
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
        .with_context(|| format!("starting {}", binary.display()))?;
    let output = child.stdout.take().context("the engine's standard output")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    let address = line
        .trim()
        .strip_prefix("ready ")
        .context("the engine did not become ready")?;
    Ok(Engine {
        url: format!("http://{address}"),
        child: Mutex::new(child),
        directory,
    })
}

/// The `brokle` binary: the test run's, or the one beside this test's own.
fn binary() -> Result<PathBuf> {
    if let Some(path) = crate::server::test_variable("BROKLE_TEST_BINARY") {
        return Ok(PathBuf::from(path));
    }
    let own = std::env::current_exe()?;
    let beside = own.ancestors().nth(2).map(|folder| folder.join("brokle"));
    beside
        .filter(|path| path.is_file())
        .context("no brokle binary: run `cargo build -p brokle`, or `make test`")
}

//! A real engine process, and a plain HTTP client for it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// The engine library, fetched if need be.
pub(crate) fn library() -> PathBuf {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY
        .get_or_init(|| PathBuf::from(script("fetch-engine").trim()))
        .clone()
}

/// Runs a script of the repository and returns what it prints.
pub(crate) fn script(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../scripts")
        .join(name);
    let output = Command::new(&path)
        .stderr(Stdio::inherit())
        .output()
        .expect("the script runs");
    assert!(output.status.success(), "{} failed", path.display());
    String::from_utf8(output.stdout).unwrap()
}

/// The example program that runs the engine by itself; cargo builds it beside the tests.
pub(crate) fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let folder = tests.parent().and_then(Path::parent).unwrap();
    let program = folder.join("examples").join("engine");
    assert!(
        program.is_file(),
        "{} is missing: build the examples too",
        program.display()
    );
    program
}

/// An empty folder of this process. Folders of test processes that are gone are removed on the way.
pub(crate) fn folder(name: &str) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("engine");
    for entry in std::fs::read_dir(&root).into_iter().flatten().flatten() {
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
            .and_then(Pid::from_raw);
        if pid.is_none_or(|pid| test_kill_process(pid).is_err()) {
            // Another test process may be removing it too.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = root
        .join(std::process::id().to_string())
        .join(format!("{number}-{name}"));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A running engine process; it stops when this is dropped, or when the test process dies.
pub(crate) struct EngineProcess {
    child: Child,
    _input: Option<ChildStdin>,
    pub(crate) url: String,
}

impl EngineProcess {
    /// Starts it on `data_dir`, at a free port unless one is given.
    pub(crate) fn start(data_dir: &Path, port: u16, password: &str) -> Self {
        let mut child = Command::new(program())
            .arg(library())
            .arg(data_dir)
            .args([&port.to_string(), password, "--stop-with-parent"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .trim()
            .strip_prefix("ready ")
            .unwrap_or_else(|| panic!("not ready: {line:?}"));
        Self {
            child,
            _input: input,
            url: format!("http://{address}"),
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Kills it without a word, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop and returns whether it ended well in time.
    pub(crate) fn terminate(&mut self) -> bool {
        kill_process(self.pid(), Signal::TERM).unwrap();
        let mut ended = None;
        eventually_blocking("the engine stops", || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        });
        ended.unwrap().success()
    }
}

impl Drop for EngineProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The engine that all tests of this process share.
pub(crate) fn shared() -> &'static EngineProcess {
    static SHARED: OnceLock<EngineProcess> = OnceLock::new();
    SHARED.get_or_init(|| EngineProcess::start(&folder("shared"), 0, ""))
}

/// A database of the shared engine, named after the test.
pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) name: String,
    pub(crate) http: reqwest::Client,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The text of an answer that must be good.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.status, 200, "{}", self.text());
        assert_eq!(self.header("x-clickhouse-exception-code"), "");
        self.text()
    }

    /// The exception code of an answer that must be bad.
    pub(crate) fn code(&self) -> i32 {
        assert_ne!(self.status, 200, "{}", self.text());
        self.header("x-clickhouse-exception-code").parse().unwrap()
    }

    /// A number of `X-ClickHouse-Summary`.
    pub(crate) fn summary(&self, key: &str) -> u64 {
        let text = self.header("x-clickhouse-summary");
        let at = text
            .find(&format!("\"{key}\":\""))
            .unwrap_or_else(|| panic!("{key} in {text}"))
            + key.len()
            + 4;
        text[at..].split('"').next().unwrap().parse().unwrap()
    }
}

impl Database {
    /// Makes the database.
    pub(crate) async fn create(name: &str) -> Self {
        Self::create_on(&shared().url, name).await
    }

    pub(crate) async fn create_on(url: &str, name: &str) -> Self {
        let http = reqwest::Client::builder().no_gzip().build().unwrap();
        let database = Self {
            url: url.to_owned(),
            name: String::new(),
            http,
        };
        database
            .post(&[], format!("CREATE DATABASE IF NOT EXISTS {name}"))
            .await
            .ok();
        Self {
            name: name.to_owned(),
            ..database
        }
    }

    /// A request for this database with these URL parameters.
    pub(crate) fn request(&self, parameters: &[(&str, &str)]) -> reqwest::RequestBuilder {
        self.http.post(self.address(parameters))
    }

    pub(crate) fn address(&self, parameters: &[(&str, &str)]) -> reqwest::Url {
        let mut url = reqwest::Url::parse(&self.url).unwrap();
        url.query_pairs_mut()
            .append_pair("database", &self.name)
            .extend_pairs(parameters);
        url
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.timeout(Duration::from_mins(1)).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer {
            status,
            headers,
            body: response.bytes().await.unwrap().to_vec(),
        }
    }

    pub(crate) async fn post(&self, parameters: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Answer {
        self.send(self.request(parameters).body(body)).await
    }

    /// Runs a statement that must succeed.
    pub(crate) async fn run(&self, text: &str) -> String {
        self.post(&[], text.to_owned()).await.ok()
    }

    /// How many queries with this id the engine runs.
    pub(crate) async fn running(&self, query_id: &str) -> usize {
        let text =
            "SELECT count() FROM system.processes WHERE Settings['metrics_perf_events_list'] = {id:String}";
        self.post(&[("param_id", query_id)], text)
            .await
            .ok()
            .trim()
            .parse()
            .unwrap()
    }
}

/// Waits for a condition, for ten seconds at most.
pub(crate) async fn eventually<F: AsyncFnMut() -> bool>(what: &str, mut condition: F) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition().await {
        assert!(Instant::now() < deadline, "it does not come true that {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The same for threads.
pub(crate) fn eventually_blocking(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "it does not come true that {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

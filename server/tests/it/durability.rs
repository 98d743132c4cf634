//! Acknowledged means stored, exactly once, whatever dies and whenever.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use brokle_testkit::otlp;
use brokle_testkit::server::{Server, ServerOptions, child_of, free_port, signal};
use brokle_testkit::tenant::Tenant;
use brokle_testkit::wait;
use reqwest::{Client, StatusCode};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::harness::binary;

const SENDERS: u64 = 4;
const SPANS_PER_REQUEST: u64 = 5;
const STORED_WITHIN: Duration = Duration::from_mins(1);

/// Senders that go on whatever happens, and note which spans were acknowledged.
struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<BTreeSet<String>>>,
    senders: JoinSet<()>,
}

impl Load {
    fn start(url: &str, key: &str, numbers: &Arc<AtomicU64>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
        let mut senders = JoinSet::new();
        for _ in 0..SENDERS {
            let (stop, acknowledged, numbers) =
                (Arc::clone(&stop), Arc::clone(&acknowledged), Arc::clone(numbers));
            let (url, key) = (url.to_owned(), key.to_owned());
            senders.spawn(async move {
                let client = Client::builder()
                    .timeout(Duration::from_secs(10))
                    .build()
                    .unwrap();
                while !stop.load(Ordering::SeqCst) {
                    let first = numbers.fetch_add(SPANS_PER_REQUEST, Ordering::SeqCst);
                    let ids: Vec<u64> = (first..first + SPANS_PER_REQUEST).collect();
                    if send(&client, &url, &key, &ids).await {
                        acknowledged
                            .lock()
                            .await
                            .extend(ids.iter().map(|id| span_hex(*id)));
                    } else {
                        tokio::task::yield_now().await;
                    }
                }
            });
        }
        Self {
            stop,
            acknowledged,
            senders,
        }
    }

    async fn count(&self) -> usize {
        self.acknowledged.lock().await.len()
    }

    /// Ends the senders and gives the acknowledged span ids.
    async fn finish(mut self) -> BTreeSet<String> {
        self.stop.store(true, Ordering::SeqCst);
        while self.senders.join_next().await.is_some() {}
        std::mem::take(&mut *self.acknowledged.lock().await)
    }
}

fn span_hex(id: u64) -> String {
    format!("{id:016x}")
}

async fn send(client: &Client, url: &str, key: &str, ids: &[u64]) -> bool {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let start_ns = u64::try_from(now.as_nanos()).unwrap();
    let spans = ids
        .iter()
        .map(|id| otlp::root_span([0xaa; 16], id.to_be_bytes(), "work", start_ns))
        .collect();
    let request = client.post(format!("{url}/v1/traces")).header("x-api-key", key);
    let request = request
        .header("content-type", "application/x-protobuf")
        .body(otlp::request(spans));
    matches!(request.send().await, Ok(response) if response.status() == StatusCode::OK)
}

/// Runs SQL in the server's database and gives its lines.
async fn query(server: &Server, sql: &str) -> Option<Vec<String>> {
    let url = server.clickhouse_url();
    let (endpoint, database) = url.rsplit_once('/').unwrap();
    let request = Client::new()
        .post(format!("{endpoint}/?database={database}"))
        .body(sql.to_owned());
    let response = request.timeout(Duration::from_secs(20)).send().await.ok()?;
    let succeeded = response.status() == StatusCode::OK;
    let text = response.text().await.ok()?;
    succeeded.then(|| text.lines().map(str::to_owned).collect())
}

/// Waits until every acknowledged span is in both tables and no insert is under way any more, and asserts
/// that no row is there twice.
async fn assert_each_once(server: &Server, acknowledged: &BTreeSet<String>) {
    let stored = wait::until(
        "every acknowledged span is in both tables",
        STORED_WITHIN,
        || async {
            let wide = span_ids(server, "observations").await?;
            let narrow = span_ids(server, "observations_core").await?;
            let distinct: BTreeSet<String> = wide.iter().cloned().collect();
            (acknowledged.is_subset(&distinct) && wide == narrow).then_some(wide)
        },
    );
    let stored = stored
        .await
        .unwrap_or_else(|error| panic!("{error}; the server's log:\n{}", server.log()));
    let distinct: BTreeSet<&String> = stored.iter().collect();
    assert_eq!(stored.len(), distinct.len(), "rows are stored twice");
}

/// The span ids of a table's rows, as often as they are there.
async fn span_ids(server: &Server, table: &str) -> Option<Vec<String>> {
    query(
        server,
        &format!("SELECT lower(hex(span_id)) AS id FROM {table} ORDER BY id"),
    )
    .await
}

/// Waits until `more` spans beyond `base` were acknowledged, and then a random instant longer.
async fn run_for_a_while(load: &Load, more: usize) {
    let base = load.count().await;
    wait::until("the load makes progress", STORED_WITHIN, || async {
        (load.count().await >= base + more).then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_of_the_server_at_random_points_loses_nothing_and_repeats_nothing() {
    const ROUNDS: usize = 8;
    let mut server = Server::start(binary(), ServerOptions::default()).await.unwrap();
    let tenant = Tenant::sign_up(&server.url()).await.unwrap();
    let numbers = Arc::new(AtomicU64::new(1));
    let mut acknowledged = BTreeSet::new();
    for _ in 0..ROUNDS {
        let load = Load::start(&server.url(), &tenant.key, &numbers);
        // From right after the first acknowledgement to some ranges later.
        run_for_a_while(&load, 1 + rand::random_range(0..400)).await;
        server.kill().unwrap();
        acknowledged.extend(load.finish().await);
        server.restart().await.unwrap();
    }
    assert!(acknowledged.len() > ROUNDS);
    assert_each_once(&server, &acknowledged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_of_its_own_engine_during_inserts_loses_nothing_and_repeats_nothing() {
    const ROUNDS: usize = 4;
    let options = ServerOptions {
        embedded_engine: true,
        ..ServerOptions::default()
    };
    let server = Server::start(binary(), options).await.unwrap();
    let tenant = Tenant::sign_up(&server.url()).await.unwrap();
    let numbers = Arc::new(AtomicU64::new(1));
    let load = Load::start(&server.url(), &tenant.key, &numbers);
    for _ in 0..ROUNDS {
        run_for_a_while(&load, 200 + rand::random_range(0..1_000)).await;
        let engine = wait::until("an engine runs", STORED_WITHIN, || async {
            child_of(server.pid())
        })
        .await
        .unwrap();
        signal(engine, "KILL").unwrap();
        wait::until("another engine runs and answers", STORED_WITHIN, || async {
            let restarted = child_of(server.pid()).is_some_and(|pid| pid != engine);
            (restarted && query(&server, "SELECT 1").await.is_some()).then_some(())
        })
        .await
        .unwrap();
    }
    let acknowledged = load.finish().await;
    assert_each_once(&server, &acknowledged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_server_has_stored_all_that_it_acknowledged() {
    let mut server = Server::start(binary(), ServerOptions::default()).await.unwrap();
    let tenant = Tenant::sign_up(&server.url()).await.unwrap();
    let load = Load::start(&server.url(), &tenant.key, &Arc::new(AtomicU64::new(1)));
    run_for_a_while(&load, 200).await;
    let status = server.stop().await.unwrap();
    assert!(status.success(), "{status}; {}", server.log());
    let acknowledged = load.finish().await;
    let rows = query(&server, "SELECT lower(hex(span_id)) FROM observations")
        .await
        .unwrap();
    let stored: BTreeSet<String> = rows.iter().cloned().collect();
    assert!(acknowledged.is_subset(&stored), "drained on SIGTERM");
    assert_eq!(rows.len(), stored.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clickhouse_that_is_away_at_the_start_is_waited_for() {
    let port = free_port().unwrap();
    let away = ("CLICKHOUSE_URL".to_owned(), format!("http://127.0.0.1:{port}"));
    // Not an engine of its own: the address above is all that it is given.
    let options = ServerOptions {
        embedded_engine: true,
        environment: vec![away],
        ..ServerOptions::default()
    };
    let server = Server::start(binary(), options).await.unwrap();
    let tenant = Tenant::sign_up(&server.url()).await.unwrap();
    let client = Client::new();
    assert!(
        send(&client, &server.url(), &tenant.key, &[1, 2, 3]).await,
        "acknowledged without ClickHouse"
    );
    let ready = client
        .get(format!("{}/health/ready", server.url()))
        .send()
        .await
        .unwrap();
    assert_eq!(ready.status(), StatusCode::OK);
    let health: serde_json::Value = client
        .get(format!("{}/health", server.url()))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        (&health["status"], &health["parts"]["ingest"]["waiting_items"]),
        (&"degraded".into(), &3.into())
    );

    let data = tempfile::tempdir().unwrap();
    let mut engine = std::process::Command::new(binary())
        .args([
            "clickhouse",
            "--listen",
            &format!("127.0.0.1:{port}"),
            "--stop-with-stdin",
            "--path",
        ])
        .arg(data.path().join("clickhouse"))
        .current_dir(data.path())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let found = wait::until(
        "the spans are stored once ClickHouse is back",
        STORED_WITHIN,
        || async {
            tenant
                .observations(&"aa".repeat(16))
                .await
                .filter(|found| found.len() == 3)
        },
    )
    .await;
    engine.kill().unwrap();
    engine.wait().unwrap();
    found.unwrap_or_else(|error| panic!("{error}; the server's log:\n{}", server.log()));
}

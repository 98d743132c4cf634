//! Stopping while storage is away: a deadline and a second signal both end the wait, and what is left is stored
//! after the next start.

use std::time::{Duration, Instant};

use brokle_testkit::clickhouse::TestClickHouse;
use brokle_testkit::faults::proxy::{Mode, Proxy};
use brokle_testkit::otlp;
use brokle_testkit::server::{Server, ServerOptions, signal};
use brokle_testkit::tenant::Tenant;
use brokle_testkit::wait;
use reqwest::{Client, StatusCode};

use crate::harness::{VISIBLE_WITHIN, binary, observations};

const TRACE: [u8; 16] = [0xd7; 16];

/// A server whose ClickHouse went away after the start, with one span that it has acknowledged since.
async fn with_storage_away(timeout_s: &str) -> (Server, Tenant, Proxy, TestClickHouse) {
    let storage = TestClickHouse::create().await;
    let (upstream, database) = storage
        .url()
        .trim_start_matches("http://")
        .split_once('/')
        .unwrap();
    let proxy = Proxy::start(upstream).await.unwrap();
    let url = format!("http://127.0.0.1:{}/{database}", proxy.port());
    let options = ServerOptions {
        embedded_engine: true,
        environment: vec![
            ("CLICKHOUSE_URL".to_owned(), url),
            ("BROKLE_SHUTDOWN_TIMEOUT_S".to_owned(), timeout_s.to_owned()),
        ],
        ..ServerOptions::default()
    };
    let server = Server::start(binary(), options).await.unwrap();
    let tenant = Tenant::sign_up(&server.url()).await.unwrap();
    proxy.set(Mode::Away);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let span = otlp::root_span(TRACE, [1; 8], "left", u64::try_from(now.as_nanos()).unwrap());
    let request = Client::new()
        .post(format!("{}/v1/traces", server.otlp_http_url()))
        .header("x-api-key", &tenant.key)
        .header("content-type", "application/x-protobuf");
    let answer = request.body(otlp::request(vec![span])).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    (server, tenant, proxy, storage)
}

async fn assert_stored_after_a_restart(mut server: Server, mut tenant: Tenant, proxy: &Proxy) {
    assert!(
        server.log().contains("left in the write-ahead log"),
        "{}",
        server.log()
    );
    proxy.set(Mode::Pass);
    server.restart().await.unwrap();
    tenant.url = server.url();
    let found = observations(&tenant, &hex::encode(TRACE), 1).await;
    assert_eq!(found.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_the_drain_and_loses_nothing() {
    let (mut server, tenant, proxy, _storage) = with_storage_away("600").await;
    signal(server.pid(), "TERM").unwrap();
    wait::until("the server drains", VISIBLE_WITHIN, || async {
        server.log().contains("SIGTERM: stopping").then_some(())
    })
    .await
    .unwrap();
    let status = server.stop().await.unwrap();
    assert!(status.success(), "{status}; {}", server.log());
    assert_stored_after_a_restart(server, tenant, &proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_ends_at_its_deadline_and_loses_nothing() {
    let (mut server, tenant, proxy, _storage) = with_storage_away("2").await;
    let asked = Instant::now();
    let status = server.stop().await.unwrap();
    assert!(status.success(), "{status}; {}", server.log());
    assert!(
        asked.elapsed() >= Duration::from_secs(1),
        "it tried for {:?}",
        asked.elapsed()
    );
    assert_stored_after_a_restart(server, tenant, &proxy).await;
}

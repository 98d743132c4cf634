//! Killed at any moment, the engine has what it acknowledged, once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::support::{Database, EngineProcess, eventually, folder};

const ROWS_PER_BATCH: u64 = 2000;

/// One insert with its own token, sent again until it is acknowledged: what the ingest pipeline does.
async fn insert_until_acknowledged(database: &Database, batch: u64) {
    let token = format!("batch-{batch}");
    let first = batch * ROWS_PER_BATCH;
    let rows = (first..first + ROWS_PER_BATCH)
        .map(|row| row.to_string() + "\n")
        .collect::<String>();
    loop {
        let parameters = [
            ("query", "INSERT INTO t FORMAT TSV"),
            ("insert_deduplication_token", token.as_str()),
        ];
        let request = database
            .request(&parameters)
            .timeout(Duration::from_secs(20))
            .body(rows.clone());
        match request.send().await {
            Ok(response) if response.status() == 200 => return,
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_during_inserts_it_loses_nothing_and_counts_nothing_twice() {
    let data = folder("killed");
    let mut engine = EngineProcess::start(&data, 0, "");
    let port = engine.url.rsplit_once(':').unwrap().1.parse().unwrap();
    let database = Arc::new(Database::create_on(&engine.url, "killed").await);
    database
        .run(
            "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a \
             SETTINGS non_replicated_deduplication_window = 1000",
        )
        .await;
    let batches = 120;
    let inserts = Arc::new(AtomicU64::new(0));
    let writer = {
        let (database, inserts) = (Arc::clone(&database), Arc::clone(&inserts));
        tokio::spawn(async move {
            for batch in 0..batches {
                insert_until_acknowledged(&database, batch).await;
                inserts.fetch_add(1, Ordering::SeqCst);
                // An acknowledgement that got lost: the same batch once more.
                insert_until_acknowledged(&database, batch).await;
            }
        })
    };
    let mut kills = 0;
    while !writer.is_finished() && kills < 6 {
        // Some random number of inserts later, and then wherever in the next one that falls.
        let until = inserts.load(Ordering::SeqCst) + rand::random_range(1..40);
        eventually("inserts go on", async || {
            inserts.load(Ordering::SeqCst) >= until || writer.is_finished()
        })
        .await;
        engine.kill();
        kills += 1;
        engine = tokio::task::spawn_blocking({
            let data = data.clone();
            move || EngineProcess::start(&data, port, "")
        })
        .await
        .unwrap();
    }
    writer.await.unwrap();
    assert!(kills >= 2, "the writer was too fast to be disturbed");
    let seen = database.run("SELECT count(), uniqExact(a), max(a) FROM t").await;
    let total = batches * ROWS_PER_BATCH;
    assert_eq!(
        seen,
        format!("{total}\t{total}\t{}\n", total - 1),
        "after {kills} kills"
    );
    assert!(engine.terminate(), "it stops cleanly");
}

#[tokio::test]
async fn a_clean_stop_keeps_everything_and_is_quick() {
    let data = folder("clean-stop");
    let mut engine = EngineProcess::start(&data, 0, "");
    let database = Database::create_on(&engine.url, "kept").await;
    database
        .run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
        .await;
    database
        .run("INSERT INTO t SELECT number FROM numbers(1000)")
        .await;
    let began = std::time::Instant::now();
    assert!(engine.terminate());
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    let engine = EngineProcess::start(&data, 0, "");
    let database = Database::create_on(&engine.url, "kept").await;
    assert_eq!(database.run("SELECT count() FROM t").await, "1000\n");
}

#[tokio::test]
async fn a_stop_waits_for_running_queries_but_not_for_ever() {
    let mut engine = EngineProcess::start(&folder("busy-stop"), 0, "");
    let database = Database::create_on(&engine.url, "busy").await;
    let short = "SELECT sleepEachRow(0.4) FROM numbers(3) SETTINGS max_block_size = 1";
    let ending = tokio::spawn(database.request(&[("query_id", "short")]).body(short).send());
    let endless = "SELECT sum(sipHash64(number)) FROM numbers(1000000000000)";
    let endless = tokio::spawn(database.request(&[("query_id", "endless")]).body(endless).send());
    crate::support::eventually("both run", async || {
        database.running("short").await == 1 && database.running("endless").await == 1
    })
    .await;
    let stopped = tokio::task::spawn_blocking(move || engine.terminate());
    assert_eq!(ending.await.unwrap().unwrap().text().await.unwrap(), "0\n0\n0\n");
    assert!(stopped.await.unwrap());
    if let Ok(response) = endless.await.unwrap() {
        assert!(response.text().await.unwrap().contains("Code: 394"));
    }
}

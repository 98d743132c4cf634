//! Too many queries at once wait, and too many waiting are refused.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{Database, EngineProcess, eventually, folder};

#[tokio::test]
async fn queries_beyond_the_places_wait_and_kill_does_not() {
    let engine = EngineProcess::start(&folder("queue"), 0, "");
    let database = Arc::new(Database::create_on(&engine.url, "queue").await);
    let slow = "SELECT sleepEachRow(1) FROM numbers(600) SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0";
    // Sixteen places and 128 waiting: the limits of the engine under test.
    let mut tasks = Vec::new();
    for number in 0..16 {
        let id = format!("queue-{number}");
        tasks.push(tokio::spawn(
            database.request(&[("query_id", id.as_str())]).body(slow).send(),
        ));
    }
    let running =
        "SELECT count() FROM system.processes WHERE Settings['metrics_perf_events_list'] LIKE 'queue-%'";
    let mut seen = String::new();
    eventually("all places are taken", async || {
        // Once all places are taken this query waits too, which is as good an answer.
        match tokio::time::timeout(Duration::from_millis(500), database.post(&[], running)).await {
            Ok(answer) => seen = answer.text(),
            Err(_) => return true,
        }
        false
    })
    .await;
    let waiting = tokio::spawn(database.request(&[]).body("SELECT 'waited'").send());
    let mut flood = Vec::new();
    for _ in 0..160 {
        flood.push(tokio::spawn(database.request(&[]).body("SELECT 'flood'").send()));
    }
    let mut refused = 0;
    for task in &mut flood {
        if let Ok(response) = tokio::time::timeout(Duration::from_millis(50), task).await {
            let response = response.unwrap().unwrap();
            assert_eq!(response.status(), 503);
            assert_eq!(response.headers()["x-clickhouse-exception-code"], "202");
            refused += 1;
        }
    }
    assert!(refused > 0, "a bounded queue refuses; last seen running: {seen}");
    // All places are taken, and still this runs.
    let killed = database
        .run("KILL QUERY WHERE query_id LIKE 'queue-%' ASYNC")
        .await;
    assert_eq!(killed.lines().count(), 16, "{killed}");
    let waited = tokio::time::timeout(Duration::from_secs(30), waiting)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(waited.text().await.unwrap(), "waited\n");
    for task in tasks {
        let text = task.await.unwrap().unwrap().text().await.unwrap();
        assert!(text.contains("Code: 394"), "{text}");
    }
}

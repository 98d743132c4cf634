//! Queries end when their client goes, and when someone kills them.

use std::time::Duration;

use crate::support::{Database, eventually};

/// Runs for minutes if nobody stops it, without a byte of output.
const SILENT: &str = "SELECT sum(sipHash64(number)) FROM numbers(1000000000000)";
/// Runs for minutes and pours out rows.
const POURING: &str = "SELECT number FROM numbers(1000000000000)";

#[tokio::test]
async fn a_client_that_hangs_up_before_the_answer_cancels_its_query() {
    let database = Database::create("hang_up_early").await;
    let request = database.request(&[("query_id", "hang-up-early")]).body(SILENT);
    let waiting = tokio::spawn(request.send());
    eventually("the query runs", async || {
        database.running("hang-up-early").await == 1
    })
    .await;
    waiting.abort();
    eventually("the query ends", async || {
        database.running("hang-up-early").await == 0
    })
    .await;
}

#[tokio::test]
async fn a_client_that_hangs_up_in_the_middle_cancels_its_query() {
    let database = Database::create("hang_up_late").await;
    let mut response = database
        .request(&[("query_id", "hang-up-late")])
        .body(POURING)
        .send()
        .await
        .unwrap();
    assert!(response.chunk().await.unwrap().is_some());
    assert_eq!(database.running("hang-up-late").await, 1);
    drop(response);
    eventually("the query ends", async || {
        database.running("hang-up-late").await == 0
    })
    .await;
}

#[tokio::test]
async fn an_insert_whose_client_goes_is_not_taken_for_whole() {
    let database = Database::create("hang_up_insert").await;
    database
        .run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
        .await;
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<&'static [u8], std::io::Error>>(1);
    let body = reqwest::Body::wrap_stream(tokio_stream::wrappers::ReceiverStream::new(receiver));
    let request = database
        .request(&[
            ("query_id", "hang-up-insert"),
            ("query", "INSERT INTO t FORMAT TSV"),
        ])
        .body(body);
    let inserting = tokio::spawn(request.send());
    sender.send(Ok(b"1\n2\n")).await.unwrap();
    eventually("the insert runs", async || {
        database.running("hang-up-insert").await == 1
    })
    .await;
    inserting.abort();
    drop(sender);
    eventually("the insert ends", async || {
        database.running("hang-up-insert").await == 0
    })
    .await;
    assert_eq!(database.run("SELECT count() FROM t").await, "0\n");
}

#[tokio::test]
async fn a_query_is_killed_by_the_id_its_client_gave() {
    let database = Database::create("kill_query").await;
    for (id, text) in [("kill-silent", SILENT), ("kill-pouring", POURING)] {
        let request = database
            .request(&[("query_id", id)])
            .body(text)
            .timeout(Duration::from_mins(1));
        let running = tokio::spawn(async move { request.send().await.unwrap().text().await.unwrap() });
        eventually("the query runs", async || database.running(id).await == 1).await;
        let killed = database
            .run(&format!("KILL QUERY WHERE query_id = '{id}' ASYNC"))
            .await;
        assert_eq!(killed.lines().count(), 1, "{killed}");
        let text = running.await.unwrap();
        assert!(
            text.contains("Code: 394. DB::Exception: "),
            "{}",
            &text[text.len().saturating_sub(400)..]
        );
    }
    assert_eq!(
        database.run("KILL QUERY WHERE query_id = 'nobody' SYNC").await,
        ""
    );
}

#[tokio::test]
async fn an_id_runs_once_at_a_time() {
    let database = Database::create("same_id").await;
    let first = tokio::spawn(database.request(&[("query_id", "same-id")]).body(SILENT).send());
    eventually("the query runs", async || database.running("same-id").await == 1).await;
    assert_eq!(
        database.post(&[("query_id", "same-id")], "SELECT 1").await.code(),
        216
    );
    first.abort();
    eventually("the id is free", async || {
        database.post(&[("query_id", "same-id")], "SELECT 1").await.status == 200
    })
    .await;
}

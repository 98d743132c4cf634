//! What stays between requests, and what must not.

use crate::support::Database;

#[tokio::test]
async fn nothing_of_one_request_reaches_the_next() {
    let database = Database::create("no_leaks").await;
    for _ in 0..5 {
        database
            .post(&[("max_threads", "1"), ("max_block_size", "77")], "SELECT 1")
            .await
            .ok();
        database.post(&[], "SET max_block_size = 78").await.ok();
        database.post(&[], "USE system").await.ok();
        database
            .post(&[], "CREATE TEMPORARY TABLE mine (a UInt8)")
            .await
            .ok();
        let text = "SELECT getSetting('max_block_size'), getSetting('max_threads') > 0, currentDatabase()";
        assert_eq!(database.run(text).await, "65409\t1\tno_leaks\n");
        assert_eq!(database.post(&[], "SELECT * FROM mine").await.code(), 60);
    }
}

#[tokio::test]
async fn concurrent_requests_keep_their_own_settings() {
    let database = std::sync::Arc::new(Database::create("own_settings").await);
    let tasks: Vec<_> = (1..=24_u32)
        .map(|number| {
            let database = std::sync::Arc::clone(&database);
            tokio::spawn(async move {
                let size = (number * 100).to_string();
                let text = "SELECT getSetting('max_block_size') FROM numbers(3) WHERE sleepEachRow(0.01) = 0";
                let seen = database
                    .post(&[("max_block_size", size.as_str())], text)
                    .await
                    .ok();
                assert_eq!(seen, format!("{size}\n").repeat(3));
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_session_keeps_tables_and_sets_but_not_url_settings() {
    let database = Database::create("session_state").await;
    let session = ("session_id", "session_state-1");
    database
        .post(&[session], "CREATE TEMPORARY TABLE mine AS SELECT 5 AS a")
        .await
        .ok();
    database
        .post(
            &[session],
            "SET max_block_size = 123, log_comment = 'it''s \\\\ mine'",
        )
        .await
        .ok();
    let text = "SELECT a, getSetting('max_block_size'), getSetting('log_comment') FROM mine";
    let overridden = database
        .post(&[session, ("max_block_size", "9"), ("log_comment", "x")], text)
        .await
        .ok();
    assert_eq!(overridden, "5\t9\tx\n");
    assert_eq!(
        database.post(&[session], text).await.ok(),
        "5\t123\tit\\'s \\\\ mine\n"
    );
    assert_eq!(
        database
            .post(&[("session_id", "session_state-2")], text)
            .await
            .code(),
        60
    );
}

#[tokio::test]
async fn a_session_serves_one_query_at_a_time() {
    let database = std::sync::Arc::new(Database::create("session_lock").await);
    let slow = {
        let database = std::sync::Arc::clone(&database);
        tokio::spawn(async move {
            let url = [("session_id", "locked"), ("query_id", "session-lock")];
            database
                .post(
                    &url,
                    "SELECT sleepEachRow(0.5) FROM numbers(4) SETTINGS max_block_size = 1",
                )
                .await
                .ok()
        })
    };
    crate::support::eventually("the slow query runs", async || {
        database.running("session-lock").await == 1
    })
    .await;
    assert_eq!(
        database
            .post(&[("session_id", "locked")], "SELECT 1")
            .await
            .code(),
        373
    );
    slow.await.unwrap();
    assert_eq!(
        database.post(&[("session_id", "locked")], "SELECT 1").await.ok(),
        "1\n"
    );
}

#[tokio::test]
async fn a_session_must_exist_when_the_client_says_so() {
    let database = Database::create("session_check").await;
    let unknown = [("session_id", "never-seen"), ("session_check", "1")];
    assert_eq!(database.post(&unknown, "SELECT 1").await.code(), 372);
}

#[tokio::test]
async fn the_oldest_idle_session_makes_room() {
    let database = Database::create("session_room").await;
    database
        .post(
            &[("session_id", "room-first")],
            "CREATE TEMPORARY TABLE mine AS SELECT 1 AS a",
        )
        .await
        .ok();
    for number in 0..40 {
        let id = format!("room-{number}");
        database
            .post(&[("session_id", id.as_str())], "SELECT 1")
            .await
            .ok();
    }
    let gone = [("session_id", "room-first"), ("session_check", "1")];
    assert_eq!(database.post(&gone, "SELECT * FROM mine").await.code(), 372);
}

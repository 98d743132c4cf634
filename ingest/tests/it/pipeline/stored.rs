//! What is accepted is stored, once, whatever happens on the way.

use std::time::Duration;

use brokle_ingest::config::Config;
use brokle_ingest::metrics::ItemCounts;
use brokle_ingest::pipeline::OpenError;
use brokle_ingest::wal::{AppendError, WalOpenError};
use brokle_model::port::{SinkFull, TelemetrySink};
use prometheus_client::registry::Registry;

use super::storage::FakeStorage;
use super::{append_all, config, copy_of, eventually, open, open_with, submission};

fn fives(bound: u64) -> Vec<u64> {
    (0..bound).filter(|number| number.is_multiple_of(5)).collect()
}

#[tokio::test]
async fn accepted_requests_are_stored_and_the_books_add_up() {
    let (directory, storage) = (tempfile::tempdir().unwrap(), FakeStorage::default());
    let ingest = open(&directory, &storage);
    append_all(&ingest, 0..200).await;
    let counts = ingest.items();
    assert_eq!(counts.accepted, 400);
    assert_eq!(
        counts.accepted,
        counts.stored + counts.waiting + counts.dead_lettered + counts.refused_later
    );
    eventually("all rows are stored", || ingest.items().stored == 400).await;
    assert_eq!(storage.rows("numbers"), (0..200).collect::<Vec<_>>());
    assert_eq!(storage.rows("fives"), fives(200));
    assert_eq!(storage.repeats(), 0);
    assert_eq!(ingest.memory().used(), 0);
}

#[tokio::test]
async fn a_lone_request_is_stored_soon() {
    let (directory, storage) = (tempfile::tempdir().unwrap(), FakeStorage::default());
    let mut config = config(directory.path());
    config.range_age_max = Config::in_directory(directory.path()).range_age_max;
    let ingest = open_with(&config, &storage, &mut Registry::default());
    ingest.append(submission(1)).await.unwrap();
    let acknowledged = std::time::Instant::now();
    eventually("the row is stored", || storage.rows("numbers") == [1]).await;
    assert!(
        acknowledged.elapsed() < Duration::from_secs(2),
        "{:?}",
        acknowledged.elapsed()
    );
}

#[tokio::test]
async fn storage_that_comes_back_gets_everything_oldest_first() {
    let (directory, storage) = (tempfile::tempdir().unwrap(), FakeStorage::default());
    let mut config = config(directory.path());
    config.inserts_in_flight_max = 1;
    let ingest = open_with(&config, &storage, &mut Registry::default());
    storage.set_away(true);
    append_all(&ingest, 0..500).await;
    eventually("it is tried again and again", || storage.attempts() > 10).await;
    assert!(storage.rows("numbers").is_empty());
    storage.set_away(false);
    eventually("all rows are stored", || ingest.items().stored == 1_000).await;
    assert_eq!(storage.rows("numbers"), (0..500).collect::<Vec<_>>());
    let first = |token: &String| {
        token
            .split(':')
            .nth(1)
            .unwrap()
            .split('-')
            .next()
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    assert!(
        storage.order().iter().map(first).is_sorted(),
        "{:?}",
        storage.order()
    );
}

#[tokio::test]
async fn lost_replies_and_a_crash_before_the_release_store_nothing_twice() {
    let (directory, storage) = (tempfile::tempdir().unwrap(), FakeStorage::default());
    let ingest = open(&directory, &storage);
    storage.lose_replies(true);
    append_all(&ingest, 0..100).await;
    eventually("some inserts are in storage, unanswered", || {
        storage.repeats() > 5
    })
    .await;
    // The power goes: storage has rows that the log knows nothing of.
    let left = copy_of(&directory);
    storage.lose_replies(false);
    let again = open(&left, &storage);
    eventually("all rows are stored", || again.items().waiting == 0).await;
    assert_eq!(storage.rows("numbers"), (0..100).collect::<Vec<_>>());
    assert_eq!(storage.rows("fives"), fives(100));
}

#[tokio::test]
async fn crashes_at_any_moment_lose_and_double_nothing() {
    let (mut directory, storage) = (tempfile::tempdir().unwrap(), FakeStorage::default());
    let mut next = 0;
    for life in 0..12 {
        let ingest = open(&directory, &storage);
        storage.lose_replies(life % 3 == 0);
        append_all(&ingest, next..next + 40).await;
        next += 40;
        storage.lose_replies(false);
        if life % 2 == 0 {
            append_all(&ingest, next..next + 40).await;
            next += 40;
        }
        directory = copy_of(&directory);
    }
    let ingest = open(&directory, &storage);
    eventually("all rows are stored", || ingest.items().waiting == 0).await;
    assert_eq!(storage.rows("numbers"), (0..next).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_shutdown_stores_everything_and_takes_nothing_more() {
    let (directory, storage) = (tempfile::tempdir().unwrap(), FakeStorage::default());
    let mut config = config(directory.path());
    config.range_age_max = Duration::from_hours(1);
    let ingest = open_with(&config, &storage, &mut Registry::default());
    append_all(&ingest, 0..10).await;
    let drained = ingest.shutdown(Duration::from_secs(20)).await;
    assert_eq!((drained.waiting_ranges, drained.waiting_items), (0, 0));
    assert_eq!(storage.rows("numbers"), (0..10).collect::<Vec<_>>());
    assert_eq!(ingest.append(submission(11)).await, Err(AppendError::Closed));
    assert_eq!(ingest.submit(submission(11)), Err(SinkFull));
}

#[tokio::test]
async fn a_shutdown_that_runs_out_of_time_leaves_the_rest_to_the_next_start() {
    let (directory, storage) = (tempfile::tempdir().unwrap(), FakeStorage::default());
    let ingest = open(&directory, &storage);
    storage.set_away(true);
    append_all(&ingest, 0..10).await;
    let drained = ingest.shutdown(Duration::from_millis(50)).await;
    assert_eq!(drained.waiting_items, 20);
    drop(ingest);
    storage.set_away(false);
    let ingest = open(&directory, &storage);
    assert_eq!(ingest.items().accepted, 20, "what was found counts as accepted");
    eventually("all rows are stored", || ingest.items().stored == 20).await;
    assert_eq!(storage.rows("numbers"), (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_processes_own_telemetry_takes_the_same_path() {
    let (directory, storage) = (tempfile::tempdir().unwrap(), FakeStorage::default());
    let ingest = open(&directory, &storage);
    let sink: &dyn TelemetrySink = &ingest;
    for number in 0..50 {
        sink.submit(submission(number)).unwrap();
    }
    eventually("all rows are stored", || storage.rows("numbers").len() == 50).await;
}

#[tokio::test]
async fn one_process_at_a_time_uses_a_log() {
    let (directory, storage) = (tempfile::tempdir().unwrap(), FakeStorage::default());
    let ingest = open(&directory, &storage);
    let clock = std::sync::Arc::new(brokle_model::clock::SystemClock);
    let encoder = std::sync::Arc::new(super::NumberEncoder);
    let both = (
        std::sync::Arc::new(storage.clone()) as _,
        std::sync::Arc::new(storage.clone()) as _,
    );
    let config = config(directory.path());
    let refused =
        brokle_ingest::pipeline::Ingest::open(&config, both, encoder, clock, &mut Registry::default());
    assert!(matches!(
        refused.err(),
        Some(OpenError::Wal(WalOpenError::Locked { .. }))
    ));
    ingest.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn the_metrics_page_shows_the_state_of_the_log() {
    let (directory, storage) = (tempfile::tempdir().unwrap(), FakeStorage::default());
    let mut registry = Registry::default();
    let ingest = open_with(&config(directory.path()), &storage, &mut registry);
    storage.set_away(true);
    append_all(&ingest, 0..10).await;
    eventually("an insert was tried", || storage.attempts() > 0).await;
    let mut page = String::new();
    prometheus_client::encoding::text::encode(&mut page, &registry).unwrap();
    for line in [
        "brokle_ingest_accepted_items_total{signal=\"traces\"} 20",
        "brokle_ingest_waiting_items{signal=\"traces\"} 20.0",
        "brokle_ingest_wal_bytes ",
    ] {
        assert!(page.contains(line), "{line} in\n{page}");
    }
    let age = page
        .lines()
        .find_map(|line| line.strip_prefix("brokle_ingest_oldest_waiting_age_seconds "))
        .unwrap();
    assert!(age.parse::<f64>().unwrap() > 0.0);
    assert_eq!(
        ingest.items(),
        ItemCounts {
            accepted: 20,
            waiting: 20,
            ..ItemCounts::default()
        }
    );
}

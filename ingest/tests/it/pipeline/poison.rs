//! Requests that storage refuses for their content.

use std::time::Duration;

use bytes::Bytes;

use super::storage::{FakeStorage, NumberEncoder};
use super::{append_all, config, copy_of, eventually, open, open_with, submission};
use prometheus_client::registry::Registry;

#[tokio::test]
async fn one_poisoned_request_among_many_becomes_a_dead_letter_and_the_others_are_stored() {
    let (directory, storage) = (tempfile::tempdir().unwrap(), FakeStorage::default());
    storage.refuse([77], None);
    let ingest = open(&directory, &storage);
    append_all(&ingest, 0..100).await;
    eventually("nothing waits", || ingest.items().waiting == 0).await;
    assert_eq!(
        storage.rows("numbers"),
        (0..100).filter(|number| *number != 77).collect::<Vec<_>>()
    );
    assert_eq!((ingest.items().stored, ingest.items().dead_lettered), (198, 2));
    let letters = ingest.dead_letters().list().unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(
        (letters[0].environment.as_str(), letters[0].signal.as_str()),
        ("production", "traces")
    );
    assert!(
        letters[0].reason.contains("cannot parse"),
        "{}",
        letters[0].reason
    );
    let kept = ingest.dead_letters().load(&letters[0]).unwrap();
    assert_eq!(kept.body, submission(77).body);
    // The cause is removed, and the letter sent again.
    storage.refuse([], None);
    let again = ingest.wal().append_again(kept, 0).unwrap();
    again.await.unwrap().unwrap();
    ingest.dead_letters().remove(&letters[0]).unwrap();
    eventually("the letter is stored", || storage.rows("numbers").len() == 100).await;
    assert_eq!(ingest.dead_letters().list().unwrap(), []);
}

#[tokio::test]
async fn a_refusal_by_one_table_does_not_double_the_rows_of_another() {
    let (directory, storage) = (tempfile::tempdir().unwrap(), FakeStorage::default());
    storage.refuse([50], Some("fives"));
    let ingest = open(&directory, &storage);
    append_all(&ingest, 0..100).await;
    eventually("nothing waits", || ingest.items().waiting == 0).await;
    assert_eq!(storage.rows("numbers"), (0..100).collect::<Vec<_>>());
    assert_eq!(
        storage.rows("fives"),
        (0..20).map(|n| n * 5).filter(|n| *n != 50).collect::<Vec<_>>()
    );
    assert_eq!(ingest.dead_letters().list().unwrap().len(), 1);
}

#[tokio::test]
async fn a_request_that_the_decoder_cannot_take_harms_no_other() {
    let (directory, storage) = (tempfile::tempdir().unwrap(), FakeStorage::default());
    let ingest = open(&directory, &storage);
    append_all(&ingest, (0..20).chain([NumberEncoder::PANICS]).chain(20..40)).await;
    eventually("nothing waits", || ingest.items().waiting == 0).await;
    assert_eq!(storage.rows("numbers"), (0..40).collect::<Vec<_>>());
    assert_eq!(ingest.dead_letters().list().unwrap().len(), 1);
}

#[tokio::test]
async fn crashes_while_halving_lose_and_double_nothing() {
    let (mut directory, storage) = (tempfile::tempdir().unwrap(), FakeStorage::default());
    storage.refuse([13, 55, 56, 90], Some("numbers"));
    let mut ingest = open(&directory, &storage);
    append_all(&ingest, 0..120).await;
    for life in 0..10 {
        directory = copy_of(&directory);
        ingest.shutdown(Duration::ZERO).await;
        storage.lose_replies(life % 2 == 0);
        ingest = open(&directory, &storage);
        let attempts = storage.attempts();
        eventually("some more was sent", || {
            storage.attempts() > attempts + life || ingest.items().waiting == 0
        })
        .await;
    }
    storage.lose_replies(false);
    eventually("nothing waits", || ingest.items().waiting == 0).await;
    let good: Vec<u64> = (0..120)
        .filter(|number| ![13, 55, 56, 90].contains(number))
        .collect();
    assert_eq!(storage.rows("numbers"), good);
    assert_eq!(storage.rows("fives"), (0..24).map(|n| n * 5).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_full_folder_of_dead_letters_holds_the_request_in_the_log() {
    let (directory, storage) = (tempfile::tempdir().unwrap(), FakeStorage::default());
    let mut config = config(directory.path());
    config.dead_letter_bytes_max = 100;
    storage.refuse([3], None);
    let ingest = open_with(&config, &storage, &mut Registry::default());
    append_all(&ingest, 0..10).await;
    eventually("the others are stored", || ingest.items().stored == 18).await;
    assert_eq!((ingest.items().waiting, ingest.items().dead_lettered), (2, 0));
    let drained = ingest.shutdown(Duration::from_millis(20)).await;
    assert_eq!(drained.waiting_items, 2);
}

#[tokio::test]
async fn an_empty_request_is_released_like_any_other() {
    let (directory, storage) = (tempfile::tempdir().unwrap(), FakeStorage::default());
    let ingest = open(&directory, &storage);
    let mut empty = submission(5);
    empty.body = Bytes::copy_from_slice(&empty.body[..8]);
    empty.items = 0;
    ingest.append(empty).await.unwrap();
    let drained = ingest.shutdown(Duration::from_secs(20)).await;
    assert_eq!(drained.waiting_ranges, 0);
    assert_eq!(storage.rows("numbers"), [5]);
}

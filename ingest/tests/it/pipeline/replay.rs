//! Dead letters on their way back into the log.

use std::sync::Arc;

use brokle_ingest::pipeline::dead_letter::{DeadLetter, DeadLetters};
use brokle_ingest::pipeline::replay::{Replayed, replay_offline};
use brokle_model::clock::SystemClock;
use tempfile::TempDir;

use super::storage::FakeStorage;
use super::{append_all, config, copy_of, eventually, open};

fn letters_of(directory: &TempDir) -> DeadLetters {
    let config = config(directory.path());
    DeadLetters::open(&config.dead_letter_directory, config.dead_letter_bytes_max).unwrap()
}

/// A directory with dead letters of these numbers, and all below `bound` accepted.
async fn with_letters(poison: &[u64], bound: u64) -> (TempDir, FakeStorage, Vec<DeadLetter>) {
    let (directory, storage) = (tempfile::tempdir().unwrap(), FakeStorage::default());
    storage.refuse(poison.iter().copied(), None);
    let ingest = open(&directory, &storage);
    append_all(&ingest, 0..bound).await;
    eventually("nothing waits", || ingest.items().waiting == 0).await;
    ingest.shutdown(super::DEADLINE).await;
    let letters = ingest.dead_letters().list().unwrap();
    assert_eq!(letters.len(), poison.len());
    storage.refuse([], None);
    (directory, storage, letters)
}

async fn replay(directory: &TempDir, letters: &[DeadLetter]) -> Vec<Replayed> {
    let names: Vec<String> = letters.iter().map(|letter| letter.name.clone()).collect();
    let mut outcomes = Vec::new();
    let told = |_: &str, outcome: &Result<_, _>| outcomes.push(*outcome.as_ref().unwrap());
    let clock = Arc::new(SystemClock);
    let folder = letters_of(directory);
    replay_offline(&config(directory.path()), folder, &names, clock, told)
        .await
        .unwrap();
    outcomes
}

#[tokio::test]
async fn a_marked_letter_is_taken_by_the_running_server_and_stored() {
    let (directory, storage, letters) = with_letters(&[7, 30], 50).await;
    let ingest = open(&directory, &storage);
    let beside = letters_of(&directory);
    for letter in &letters {
        beside.mark(&letter.name).unwrap();
    }
    eventually("the rows are stored", || storage.rows("numbers").len() == 50).await;
    eventually("the marks are gone", || beside.marks().unwrap().is_empty()).await;
    assert_eq!(beside.list().unwrap(), []);
    assert_eq!(storage.rows("numbers"), (0..50).collect::<Vec<_>>());
    drop(ingest);
}

#[tokio::test]
async fn a_letter_that_cannot_be_read_says_so_in_its_mark_and_stays() {
    let (directory, storage, letters) = with_letters(&[7], 10).await;
    let body = directory
        .path()
        .join("dead-letters")
        .join(format!("{}.otlp", letters[0].name));
    std::fs::rename(&body, body.with_extension("kept")).unwrap();
    let ingest = open(&directory, &storage);
    let beside = letters_of(&directory);
    beside.mark(&letters[0].name).unwrap();
    eventually("the mark says why", || beside.marks().unwrap()[0].1.is_some()).await;
    assert_eq!(beside.list().unwrap(), letters);
    drop(ingest);
}

#[tokio::test]
async fn a_letter_replayed_without_a_server_is_stored_at_the_next_start() {
    let (directory, storage, letters) = with_letters(&[7, 30], 50).await;
    assert_eq!(
        replay(&directory, &letters).await,
        [Replayed::Taken, Replayed::Taken]
    );
    assert_eq!(letters_of(&directory).list().unwrap(), []);
    assert_eq!(
        replay(&directory, &letters).await,
        [Replayed::Gone, Replayed::Gone]
    );
    let ingest = open(&directory, &storage);
    eventually("the rows are stored", || storage.rows("numbers").len() == 50).await;
    drop(ingest);
}

#[tokio::test]
async fn a_crash_between_taking_and_removing_does_not_send_a_letter_twice() {
    let (directory, storage, letters) = with_letters(&[7], 10).await;
    let before = copy_of(&directory);
    replay(&directory, &letters).await;
    // The letter is there again, as if the crash had come before its removal.
    for suffix in ["json", "otlp"] {
        let name = format!("dead-letters/{}.{suffix}", letters[0].name);
        std::fs::copy(before.path().join(&name), directory.path().join(&name)).unwrap();
    }
    assert_eq!(replay(&directory, &letters).await, [Replayed::HadBeenTaken]);
    let ingest = open(&directory, &storage);
    eventually("the row is stored", || storage.rows("numbers").len() == 10).await;
    assert_eq!(letters_of(&directory).list().unwrap(), []);
    drop(ingest);
}

#[tokio::test]
async fn a_letter_that_is_refused_again_becomes_a_new_letter() {
    let (directory, storage, letters) = with_letters(&[7], 10).await;
    storage.refuse([7], None);
    assert_eq!(replay(&directory, &letters).await, [Replayed::Taken]);
    let ingest = open(&directory, &storage);
    eventually("it is refused", || ingest.items().dead_lettered == 2).await;
    let again = letters_of(&directory).list().unwrap();
    assert_eq!(again.len(), 1);
    assert_ne!(again[0].name, letters[0].name);
    drop(ingest);
}

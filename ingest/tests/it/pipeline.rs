//! From the log to a storage that fails in every way it can.

mod conservation;
mod poison;
mod replay;
pub(crate) mod storage;
mod stored;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use brokle_ingest::config::Config;
use brokle_ingest::pipeline::Ingest;
use brokle_model::clock::{SharedClock, SystemClock};
use brokle_model::id::ProjectId;
use brokle_model::telemetry::{Signal, Submission};
use bytes::Bytes;
use prometheus_client::registry::Registry;
use tempfile::TempDir;

use self::storage::{FakeStorage, NumberEncoder};

const DEADLINE: Duration = Duration::from_secs(20);

/// A body whose month and table choice follow from its number; see [`NumberEncoder`].
fn submission(number: u64) -> Submission {
    let mut body = number.to_le_bytes().to_vec();
    body.resize(500, 0);
    Submission {
        project: ProjectId::from_u128(7),
        environment: "production".to_owned(),
        signal: Signal::Traces,
        body: Bytes::from(body),
        items: 2,
        retention_days: 30,
        calls: None,
    }
}

fn config(directory: &Path) -> Config {
    let mut config = Config::in_directory(directory);
    config.segment_bytes = 1 << 20;
    config.range_bytes_max = 16 * 1024;
    config.range_age_max = Duration::from_millis(20);
    config.wal_bytes_max = 64 << 20;
    config.free_bytes_min = 0;
    config.retry_pause_min = Duration::from_millis(1);
    config.retry_pause_max = Duration::from_millis(5);
    config
}

fn open_with(config: &Config, storage: &FakeStorage, registry: &mut Registry) -> Ingest {
    let clock: SharedClock = Arc::new(SystemClock);
    let both = (Arc::new(storage.clone()) as _, Arc::new(storage.clone()) as _);
    Ingest::open(config, both, Arc::new(NumberEncoder), clock, registry).unwrap()
}

fn open(directory: &TempDir, storage: &FakeStorage) -> Ingest {
    open_with(&config(directory.path()), storage, &mut Registry::default())
}

async fn append_all(ingest: &Ingest, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        ingest.append(submission(number)).await.unwrap();
    }
}

/// Waits until `holds`, looking every few milliseconds.
pub(crate) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The directory as a power cut leaves it, in a new place.
fn copy_of(directory: &TempDir) -> TempDir {
    let target = tempfile::tempdir().unwrap();
    copy_into(directory.path(), target.path());
    target
}

pub(crate) fn copy_into(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_into(&entry.path(), &target);
        } else if std::fs::copy(entry.path(), target).is_err() {
            // A file that was renamed since the folder was listed; the log copes with either state.
            assert!(!entry.path().exists());
        }
    }
}

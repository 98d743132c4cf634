//! The log's format on disk, kept readable: a committed log of each version (`ingest/tests/fixtures/wal-v*`)
//! opens and gives back what was written. [`write`] made them; a new version gets one more folder, and the old
//! ones stay.

use std::path::Path;
use std::sync::Arc;

use brokle_model::id::ProjectId;
use brokle_model::telemetry::{CallDays, RETENTION_DAYS, Signal, Submission};
use bytes::Bytes;
use futures_util::FutureExt;
use prometheus_client::registry::Registry;
use tempfile::TempDir;

use crate::config::Config;
use crate::metrics::Metrics;
use crate::wal::Wal;
use crate::wal::disk::Directory;
use crate::wal::range::{FirstItems, Split};
use crate::wal::tally::Tally;

fn config(directory: &Path) -> Config {
    let mut config = Config::in_directory(directory);
    config.wal_directory = directory.to_owned();
    config.segment_bytes = 96 * 1024;
    config.free_bytes_min = 0;
    config.range_age_max = std::time::Duration::from_hours(1);
    config
}

fn open(directory: &Path) -> Wal {
    let disk = Arc::new(Directory::open(directory).unwrap());
    Wal::open(
        disk,
        &config(directory),
        Metrics::register(&mut Registry::default()),
    )
    .unwrap()
}

fn submission(number: u8) -> Submission {
    let signals = [Signal::Traces, Signal::Logs, Signal::Metrics];
    Submission {
        project: ProjectId::from_u128(u128::from(number % 2) + 1),
        environment: if number.is_multiple_of(2) {
            String::new()
        } else {
            "production".to_owned()
        },
        signal: signals[usize::from(number) % 3],
        body: Bytes::from(vec![number; 100 + usize::from(number)]),
        items: u32::from(number) + 1,
        retention_days: RETENTION_DAYS,
        calls: None,
    }
}

/// What [`write`] sends: since format 4 some requests say how long their rows are kept, since format 7 some are calls
/// of the gateway's.
fn written(number: u8) -> Submission {
    Submission {
        retention_days: days(number),
        calls: calls(number),
        ..submission(number)
    }
}

fn days(number: u8) -> u16 {
    if number.is_multiple_of(3) {
        365
    } else {
        RETENTION_DAYS
    }
}

fn calls(number: u8) -> Option<CallDays> {
    (number % 4 == 3).then(|| CallDays {
        request_logs: 60 + u16::from(number),
        routing_metrics: 365,
    })
}

fn tally<const N: usize>(numbers: [u8; N]) -> Tally {
    let of = |number| {
        let submission = submission(number);
        Tally::of(submission.signal, u64::from(submission.items))
    };
    numbers.map(of).into_iter().sum()
}

/// Writes a log with every kind of record: a range that is released, one that was split (the table `numbers`
/// had its rows), one that waits, and requests behind the last cut.
async fn write(directory: &Path) {
    let wal = open(directory);
    for range in [0..3u8, 3..7, 7..9] {
        for number in range {
            let appended = wal.append(written(number), 1_000 + i64::from(number), None);
            appended.unwrap().await.unwrap().unwrap();
        }
        assert!(wal.seal().await);
    }
    wal.release(wal.take().await.range.id());
    let whole = wal.take().await.range;
    let split = Split {
        whole: whole.id(),
        middle: whole.id().first + 1,
        first_items: FirstItems::BySignal(tally([3, 4])),
        first_bytes: 400,
        stored: vec![("numbers".to_owned(), "202611".to_owned())],
    };
    assert!(wal.split(split).await);
    for number in 9..12 {
        let appended = wal.append(written(number), 1_000 + i64::from(number), None);
        appended.unwrap().await.unwrap().unwrap();
    }
}

/// Opens the log in `directory` and looks for all that [`write`] has left in it.
async fn assert_reads_back(directory: &Path, days: fn(u8) -> u16, calls: fn(u8) -> Option<CallDays>) {
    let wal = open(directory);
    assert_eq!(wal.damaged(), []);
    let waiting = wal.waiting().items;
    assert_eq!(waiting, tally([3, 4, 5, 6, 7, 8, 9, 10, 11]));
    assert!(wal.seal().await);
    let mut ranges = Vec::new();
    while let Some(mut taken) = wal.take().now_or_never() {
        let content = wal.read(&mut taken).unwrap();
        assert_eq!(content.damaged_items, Tally::default());
        for request in &content.requests {
            let sent = submission(request.body[0]);
            assert_eq!(
                (&request.body, request.signal, request.items),
                (&sent.body, sent.signal, sent.items)
            );
            assert_eq!(
                (request.project, &*request.environment),
                (sent.project, &*sent.environment)
            );
            assert_eq!(request.received_ns, 1_000 + i64::from(request.body[0]));
            assert_eq!(request.retention_days, days(request.body[0]));
            assert_eq!(request.calls, calls(request.body[0]));
        }
        let numbers: Vec<u8> = content.requests.iter().map(|request| request.body[0]).collect();
        ranges.push((numbers, taken.range.has_stored("numbers", "202611")));
    }
    let expected = [
        (vec![3, 4], true),
        (vec![5, 6], true),
        (vec![7, 8], false),
        (vec![9, 10, 11], false),
    ];
    assert_eq!(ranges, expected);
    assert!(
        wal.find(&submission(0)).await.is_some(),
        "a released request is remembered"
    );
}

/// A committed log, where it can be written to.
fn copy_of(version: &str) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for entry in std::fs::read_dir(fixtures.join(version)).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    copy
}

#[tokio::test]
async fn what_this_release_writes_it_reads_back() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path()).await;
    assert_reads_back(directory.path(), days, calls).await;
}

#[tokio::test]
async fn logs_of_every_released_format_are_read() {
    for version in ["wal-v1", "wal-v2"] {
        assert_reads_back(copy_of(version).path(), |_| RETENTION_DAYS, |_| None).await;
    }
    assert_reads_back(copy_of("wal-v4").path(), days, |_| None).await;
    assert_reads_back(copy_of("wal-v7").path(), days, calls).await;
}

#[tokio::test]
async fn a_log_of_the_first_format_goes_on_in_the_latest() {
    let directory = copy_of("wal-v1");
    assert_reads_back(directory.path(), |_| RETENTION_DAYS, |_| None).await;
    let wal = open(directory.path());
    let later = submission(40);
    wal.append(later.clone(), 0, None)
        .unwrap()
        .await
        .unwrap()
        .unwrap();
    drop(wal);
    let wal = open(directory.path());
    assert_eq!(wal.damaged(), []);
    assert!(wal.find(&later).await.is_some());
    assert_eq!(
        wal.waiting().items.total(),
        tally([3, 4, 5, 6, 7, 8, 9, 10, 11, 40]).total()
    );
}

#[test]
fn a_log_of_a_later_format_is_refused_and_left_untouched() {
    let directory = copy_of("wal-v2");
    let path = directory.path().join("0000000000000001.segment");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[8] = 9;
    std::fs::write(&path, &bytes).unwrap();
    std::fs::write(directory.path().join("spare-0000000000000007"), "short").unwrap();
    let disk = Arc::new(Directory::open(directory.path()).unwrap());
    let metrics = Metrics::register(&mut Registry::default());
    let refused = Wal::open(disk, &config(directory.path()), metrics)
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("format 9") && refused.contains("newer"),
        "{refused}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    let mut names: Vec<_> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["0000000000000001.segment", "lock", "spare-0000000000000007"]
    );
}

//! The log against disks that tear, rot, fill up and fail.

mod crash;
mod damage;
pub(crate) mod disk;
mod failing;
mod ranges;
mod resend;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use brokle_ingest::config::Config;
use brokle_ingest::metrics::Metrics;
use brokle_ingest::wal::range::{LoggedRequest, RangeId};
use brokle_ingest::wal::{Acknowledged, AppendError, AppendOutcome, TakenRange, Wal};
use brokle_model::id::ProjectId;
use brokle_model::telemetry::{Signal, Submission};
use bytes::Bytes;
use futures_util::FutureExt;
use prometheus_client::registry::Registry;

use self::disk::MemoryDisk;

const DEADLINE: Duration = Duration::from_secs(20);

/// Small files and ranges, so that few requests cross many borders.
fn small_config() -> Config {
    let mut config = Config::in_directory(Path::new("unused"));
    config.segment_bytes = 96 * 1024;
    config.range_bytes_max = 8 * 1024;
    config.range_age_max = Duration::from_hours(1);
    config.wal_bytes_max = 1 << 30;
    config.free_bytes_min = 0;
    config
}

fn open(disk: &MemoryDisk, config: &Config) -> Wal {
    Wal::open(
        Arc::new(disk.clone()),
        config,
        Metrics::register(&mut Registry::default()),
    )
    .unwrap()
}

/// A request that can be told from every other: its body starts with `number`.
fn request(number: u64, body_bytes: usize) -> Submission {
    let mut body = number.to_le_bytes().to_vec();
    body.resize(body_bytes.max(8), u8::try_from(number % 251).unwrap());
    Submission {
        project: ProjectId::from_u128(u128::from(number % 3)),
        environment: if number.is_multiple_of(2) {
            String::new()
        } else {
            "production".to_owned()
        },
        signal: Signal::Traces,
        retention_days: 30,
        calls: None,
        body: Bytes::from(body),
        items: u32::try_from(number % 5 + 1).unwrap(),
    }
}

fn number_of(request: &LoggedRequest) -> u64 {
    u64::from_le_bytes(request.body[..8].try_into().unwrap())
}

async fn outcome(pending: AppendOutcome) -> Result<Acknowledged, AppendError> {
    tokio::time::timeout(DEADLINE, pending)
        .await
        .expect("an append got no answer")
        .expect("the log is gone")
}

async fn append(wal: &Wal, number: u64, body_bytes: usize) -> Result<Acknowledged, AppendError> {
    match wal.append(
        request(number, body_bytes),
        1_000 + i64::try_from(number).unwrap(),
        None,
    ) {
        Ok(pending) => outcome(pending).await,
        Err(error) => Err(error),
    }
}

async fn append_all(wal: &Wal, numbers: impl IntoIterator<Item = u64>, body_bytes: usize) {
    for number in numbers {
        append(wal, number, body_bytes).await.unwrap();
    }
}

async fn take(wal: &Wal) -> TakenRange {
    tokio::time::timeout(DEADLINE, wal.take())
        .await
        .expect("no range came")
}

/// Takes all ranges there are, sealing the rest first: names, and the numbers of their requests.
async fn all_ranges(wal: &Wal) -> Vec<(RangeId, Vec<u64>)> {
    assert!(wal.seal().await);
    let mut ranges = Vec::new();
    while let Some(mut taken) = wal.take().now_or_never() {
        let content = wal.read(&mut taken).unwrap();
        content.requests.iter().for_each(assert_unchanged);
        ranges.push((taken.range.id(), content.requests.iter().map(number_of).collect()));
    }
    ranges
}

fn numbers(ranges: &[(RangeId, Vec<u64>)]) -> Vec<u64> {
    ranges.iter().flat_map(|(_, numbers)| numbers.clone()).collect()
}

fn assert_unchanged(logged: &LoggedRequest) {
    let original = request(number_of(logged), logged.body.len());
    assert_eq!(logged.body, original.body);
    assert_eq!(
        (logged.project, &*logged.environment),
        (original.project, &*original.environment)
    );
    assert_eq!(
        logged.received_ns,
        1_000 + i64::try_from(number_of(logged)).unwrap()
    );
    assert_eq!((logged.items, logged.signal), (original.items, original.signal));
}

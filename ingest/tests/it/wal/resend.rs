//! A request that is sent again after it was acknowledged.

use std::time::Duration;

use brokle_ingest::config::Config;
use brokle_ingest::metrics::{Metrics, SignalLabels};
use brokle_ingest::wal::{AppendError, Wal};
use prometheus_client::registry::Registry;

use super::disk::MemoryDisk;
use super::{all_ranges, append, append_all, numbers, open, outcome, request, small_config};

fn open_with_metrics(disk: &MemoryDisk, config: &Config) -> (Wal, Metrics) {
    let metrics = Metrics::register(&mut Registry::default());
    let wal = Wal::open(std::sync::Arc::new(disk.clone()), config, metrics.clone()).unwrap();
    (wal, metrics)
}

fn resent(metrics: &Metrics) -> (u64, u64) {
    let labels = SignalLabels { signal: "traces" };
    (
        metrics.resent_requests.get_or_create(&labels).get(),
        metrics.resent_items.get_or_create(&labels).get(),
    )
}

#[tokio::test]
async fn a_resent_request_is_acknowledged_and_kept_once() {
    let (wal, metrics) = open_with_metrics(&MemoryDisk::new(), &small_config());
    let first = append(&wal, 8, 100).await.unwrap();
    append(&wal, 9, 100).await.unwrap();
    assert_eq!(
        append(&wal, 8, 100).await.unwrap(),
        first,
        "the answer is the original's"
    );
    assert_eq!(resent(&metrics), (1, 4));
    let counts = metrics.items.tallies().total();
    assert_eq!(
        (counts.accepted, counts.waiting),
        (9, 9),
        "the resend counts for nothing else"
    );
    assert_eq!(numbers(&all_ranges(&wal).await), [8, 9]);
}

#[tokio::test]
async fn requests_that_differ_in_one_byte_are_both_kept() {
    let (wal, _) = open_with_metrics(&MemoryDisk::new(), &small_config());
    append(&wal, 8, 100).await.unwrap();
    append(&wal, 8, 101).await.unwrap();
    assert_eq!(numbers(&all_ranges(&wal).await), [8, 8]);
}

#[tokio::test]
async fn two_of_one_kind_in_one_group_share_one_fate() {
    let disk = MemoryDisk::new();
    let (wal, metrics) = open_with_metrics(&disk, &small_config());
    append(&wal, 1, 100).await.unwrap();
    let pending: Vec<_> = (0..20)
        .map(|_| wal.append(request(8, 100), 1_008, None).unwrap())
        .collect();
    let mut sequences = Vec::new();
    for one in pending {
        sequences.push(outcome(one).await.unwrap().sequence);
    }
    assert!(sequences.iter().all(|sequence| *sequence == sequences[0]));
    assert_eq!(resent(&metrics).0, 19);
    // A failed write fails all of them, and what comes next is new.
    disk.fail_syncs(u32::MAX);
    let pending: Vec<_> = (0..20)
        .map(|_| wal.append(request(10, 100), 1_010, None).unwrap())
        .collect();
    for one in pending {
        assert!(matches!(outcome(one).await, Err(AppendError::Failed)));
    }
    disk.fail_syncs(0);
    append(&wal, 10, 100).await.unwrap();
    assert_eq!(numbers(&all_ranges(&wal).await), [1, 8, 10]);
}

#[tokio::test]
async fn after_a_restart_the_log_still_knows() {
    let (disk, config) = (MemoryDisk::new(), small_config());
    let wal = open(&disk, &config);
    append_all(&wal, 0..5, 100).await;
    wal.close();
    let (wal, metrics) = open_with_metrics(&disk, &config);
    append_all(&wal, 0..6, 100).await;
    assert_eq!(resent(&metrics).0, 5);
    assert_eq!(numbers(&all_ranges(&wal).await), [0, 1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_request_older_than_the_window_is_taken_again() {
    let mut config = small_config();
    config.resend_window = Duration::from_nanos(10);
    let (wal, metrics) = open_with_metrics(&MemoryDisk::new(), &config);
    for received_ns in [0, 10, 11] {
        outcome(wal.append(request(8, 100), received_ns, None).unwrap())
            .await
            .unwrap();
    }
    assert_eq!(resent(&metrics).0, 1);
    assert_eq!(
        wal.seal().await.then_some(wal.take().await.range.items().total()),
        Some(8)
    );
}

#[tokio::test]
async fn what_is_appended_again_on_purpose_is_taken() {
    let (wal, metrics) = open_with_metrics(&MemoryDisk::new(), &small_config());
    let first = append(&wal, 8, 100).await.unwrap();
    let again = outcome(wal.append_again(request(8, 100), 1_008).unwrap())
        .await
        .unwrap();
    assert!(again.sequence > first.sequence);
    assert_eq!(wal.find(&request(8, 100)).await, Some(again.sequence));
    assert_eq!(resent(&metrics).0, 0);
}

//! Cutting, releasing, recycling.

use std::time::Duration;

use brokle_ingest::config::SyncPolicy;
use brokle_ingest::wal::AppendError;

use super::disk::MemoryDisk;
use super::{all_ranges, append, append_all, numbers, open, outcome, request, small_config, take};

#[tokio::test]
async fn requests_come_back_in_order_and_once() {
    let disk = MemoryDisk::new();
    let wal = open(&disk, &small_config());
    append_all(&wal, 0..100, 700).await;
    let ranges = all_ranges(&wal).await;
    assert!(ranges.len() > 5, "cut by size: {}", ranges.len());
    assert_eq!(numbers(&ranges), (0..100).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_lone_request_is_sealed_when_it_is_old_enough() {
    let mut config = small_config();
    config.range_age_max = Duration::from_millis(5);
    let wal = open(&MemoryDisk::new(), &config);
    append(&wal, 1, 100).await.unwrap();
    let taken = take(&wal).await;
    assert_eq!(taken.range.items().total(), 2);
}

#[tokio::test]
async fn a_restart_gives_the_same_ranges_and_the_released_ones_are_gone() {
    let (disk, config) = (MemoryDisk::new(), small_config());
    let wal = open(&disk, &config);
    append_all(&wal, 0..60, 700).await;
    let before = all_ranges(&wal).await;
    wal.release(before[1].0);
    wal.close();
    let mut expected = before.clone();
    expected.remove(1);
    for _ in 0..3 {
        let wal = open(&disk, &config);
        assert_eq!(all_ranges(&wal).await, expected);
        wal.close();
    }
}

#[tokio::test]
async fn an_unsealed_tail_becomes_one_range_at_the_next_start() {
    let (disk, config) = (MemoryDisk::new(), small_config());
    let wal = open(&disk, &config);
    append_all(&wal, 0..3, 100).await;
    let left = disk.copy();
    let wal = open(&left, &config);
    let first = all_ranges(&wal).await;
    assert_eq!((first.len(), numbers(&first)), (1, vec![0, 1, 2]));
    drop(wal);
    assert_eq!(all_ranges(&open(&left, &config)).await, first);
}

#[tokio::test]
async fn segments_that_are_done_with_are_used_again() {
    let (disk, config) = (MemoryDisk::new(), small_config());
    let wal = open(&disk, &config);
    for round in 0..40 {
        append_all(&wal, round * 10..round * 10 + 10, 3_000).await;
        for (id, _) in all_ranges(&wal).await {
            wal.release(id);
        }
    }
    wal.close();
    // 1.2 MB went through segments of 96 KiB, of which 32 KiB are open to requests.
    let names = disk.names();
    assert!(names.len() <= 7, "{names:?}");
    assert_eq!(all_ranges(&open(&disk, &config)).await, []);
}

#[tokio::test]
async fn a_request_larger_than_a_segment_gets_a_file_of_its_own() {
    let (disk, config) = (MemoryDisk::new(), small_config());
    let wal = open(&disk, &config);
    append(&wal, 1, 100).await.unwrap();
    append(&wal, 2, 300_000).await.unwrap();
    append(&wal, 3, 100).await.unwrap();
    drop(wal);
    assert_eq!(numbers(&all_ranges(&open(&disk, &config)).await), [1, 2, 3]);
}

#[tokio::test]
async fn sequence_numbers_are_never_used_twice_across_starts() {
    let (disk, config) = (MemoryDisk::new(), small_config());
    let mut last = 0;
    for start in 0..3 {
        let wal = open(&disk, &config);
        let sequence = append(&wal, start, 100).await.unwrap().sequence;
        assert!(
            sequence > last + u64::from(u32::MAX) / 2,
            "{sequence} after {last}"
        );
        last = sequence;
        wal.close();
    }
}

#[tokio::test]
async fn a_new_directory_gets_a_new_name_and_an_old_one_keeps_its_own() {
    let (disk, config) = (MemoryDisk::new(), small_config());
    let id = open(&disk, &config).id();
    // Nothing was written yet, so there is nothing to keep a name for.
    let wal = open(&disk, &config);
    assert_ne!(wal.id(), id);
    append(&wal, 1, 100).await.unwrap();
    let id = wal.id();
    drop(wal);
    assert_eq!(open(&disk, &config).id(), id);
    assert_ne!(open(&MemoryDisk::new(), &config).id(), id);
}

#[tokio::test]
async fn what_exceeds_a_bound_is_refused_at_once() {
    let mut config = small_config();
    config.body_bytes_max = 1_000;
    config.memory_bytes_max = 3_000;
    let wal = open(&MemoryDisk::new(), &config);
    assert_eq!(
        append(&wal, 1, 1_001).await,
        Err(AppendError::TooLarge { limit_bytes: 1_000 })
    );
    let mut long = request(1, 10);
    long.environment = "e".repeat(256);
    assert!(matches!(
        wal.append(long, 0, None),
        Err(AppendError::EnvironmentTooLong { .. })
    ));
    let held = wal.budget().reserve(2_500).unwrap();
    assert!(matches!(
        append(&wal, 1, 900).await,
        Err(AppendError::Overloaded { .. })
    ));
    drop(held);
    append(&wal, 1, 900).await.unwrap();
    wal.refuse();
    assert_eq!(append(&wal, 1, 900).await, Err(AppendError::Closed));
}

#[tokio::test]
async fn memory_is_given_back_when_ranges_leave_it() {
    let mut config = small_config();
    config.memory_bytes_max = 100_000;
    config.body_bytes_max = 10_000;
    let wal = open(&MemoryDisk::new(), &config);
    // Four times the budget, and storage takes nothing: all but a quarter of it must go to disk only.
    append_all(&wal, 0..400, 1_000).await;
    assert!(wal.budget().used() <= 40_000, "{}", wal.budget().used());
    assert_eq!(numbers(&all_ranges(&wal).await).len(), 400);
    assert_eq!(wal.budget().used(), 0);
}

#[tokio::test]
async fn every_sync_policy_survives_a_restart_of_the_process() {
    for policy in [SyncPolicy::Always, SyncPolicy::Interval, SyncPolicy::Never] {
        let (disk, mut config) = (MemoryDisk::new(), small_config());
        config.sync = policy;
        let wal = open(&disk, &config);
        append_all(&wal, 0..50, 2_000).await;
        // The process dies: the page cache stays.
        let left = disk.copy();
        drop(wal);
        assert_eq!(
            numbers(&all_ranges(&open(&left, &config)).await),
            (0..50).collect::<Vec<_>>()
        );
    }
}

#[tokio::test]
async fn many_writers_share_syncs() {
    let wal = std::sync::Arc::new(open(&MemoryDisk::new(), &small_config()));
    let pending: Vec<_> = (0..500)
        .map(|number| wal.append(request(number, 100), 1_000 + i64::try_from(number).unwrap(), None))
        .collect();
    let mut sequences = Vec::new();
    for outcome_of_one in pending {
        sequences.push(outcome(outcome_of_one.unwrap()).await.unwrap().sequence);
    }
    assert!(sequences.is_sorted_by(|a, b| a < b));
}

#[tokio::test]
async fn a_segment_is_kept_while_anything_unsealed_is_in_it() {
    let (disk, mut config) = (MemoryDisk::new(), small_config());
    config.range_bytes_max = config.segment_bytes;
    let wal = open(&disk, &config);
    append_all(&wal, 0..3, 1_000).await;
    let sealed = all_ranges(&wal).await;
    // These start in the first segment and end in the second.
    append_all(&wal, 3..15, 3_000).await;
    assert_eq!(disk.segments().len(), 2);
    wal.release(sealed[0].0);
    wal.close();
    assert_eq!(
        numbers(&all_ranges(&open(&disk, &config)).await),
        (3..15).collect::<Vec<_>>()
    );
}

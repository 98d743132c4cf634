//! Disks that fail and disks that are full.

use std::time::{Duration, Instant};

use brokle_ingest::wal::AppendError;

use super::disk::{Chance, MemoryDisk};
use super::{DEADLINE, all_ranges, append, append_all, numbers, open, request, small_config, take};

#[tokio::test]
async fn a_failed_sync_fails_its_waiters_and_the_file_is_never_written_again() {
    let (disk, config) = (MemoryDisk::new(), small_config());
    let wal = open(&disk, &config);
    append(&wal, 1, 100).await.unwrap();
    let before = disk.segments();
    disk.fail_syncs(1);
    assert_eq!(append(&wal, 2, 100).await, Err(AppendError::Failed));
    append(&wal, 3, 100).await.unwrap();
    assert_eq!(disk.segments().len(), before.len() + 1, "a new segment");
    // The power goes: what the kernel claims of the failed file is worth nothing.
    let left = disk.crash(&mut Chance(1));
    let ranges = all_ranges(&open(&left, &config)).await;
    assert_eq!(numbers(&ranges), [1, 3]);
}

#[tokio::test]
async fn a_failed_write_leaves_no_half_record_behind() {
    let (disk, config) = (MemoryDisk::new(), small_config());
    let wal = open(&disk, &config);
    append(&wal, 1, 4_000).await.unwrap();
    disk.fail_writes(1);
    assert_eq!(append(&wal, 2, 4_000).await, Err(AppendError::Failed));
    append(&wal, 3, 4_000).await.unwrap();
    wal.close();
    let wal = open(&disk, &config);
    assert_eq!(wal.damaged(), []);
    assert_eq!(numbers(&all_ranges(&wal).await), [1, 3]);
}

#[tokio::test]
async fn a_disk_that_stays_broken_fails_every_append_and_then_recovers() {
    let (disk, config) = (MemoryDisk::new(), small_config());
    let wal = open(&disk, &config);
    append(&wal, 1, 100).await.unwrap();
    disk.fail_syncs(u32::MAX);
    for number in 2..5 {
        assert_eq!(append(&wal, number, 100).await, Err(AppendError::Failed));
    }
    disk.fail_syncs(0);
    append(&wal, 9, 100).await.unwrap();
    wal.close();
    let wal = open(&disk, &config);
    assert_eq!(numbers(&all_ranges(&wal).await), [1, 9]);
}

#[tokio::test]
async fn a_request_that_nobody_waits_for_outlives_a_failed_sync() {
    let (disk, config) = (MemoryDisk::new(), small_config());
    let wal = open(&disk, &config);
    append(&wal, 1, 100).await.unwrap();
    disk.fail_syncs(1);
    wal.submit(request(2, 100), 1_002).unwrap();
    let deadline = Instant::now() + DEADLINE;
    while !wal.seal().await {
        assert!(Instant::now() < deadline, "it was never written");
    }
    assert_eq!(numbers(&all_ranges(&wal).await), [1, 2]);
}

#[tokio::test]
async fn a_cut_that_the_disk_refused_is_made_later() {
    let mut config = small_config();
    config.range_age_max = Duration::from_millis(300);
    let disk = MemoryDisk::new();
    let wal = open(&disk, &config);
    append(&wal, 1, 100).await.unwrap();
    disk.fail_syncs(1);
    let taken = take(&wal).await;
    assert_eq!(taken.range.id().first, taken.range.id().last);
    drop(wal);
    assert_eq!(
        all_ranges(&open(&disk, &config)).await,
        [(taken.range.id(), vec![1])]
    );
}

#[tokio::test]
async fn a_full_log_says_so_and_takes_requests_again_when_storage_has_caught_up() {
    let (disk, mut config) = (MemoryDisk::new(), small_config());
    config.wal_bytes_max = 4 * config.segment_bytes;
    let wal = open(&disk, &config);
    let mut accepted = Vec::new();
    let refused = loop {
        let number = accepted.len() as u64;
        match append(&wal, number, 3_000).await {
            Ok(_) => accepted.push(number),
            Err(error) => break error,
        }
        assert!(number < 1_000, "the log never filled up");
    };
    assert!(matches!(refused, AppendError::Full { .. }), "{refused}");
    let ranges = all_ranges(&wal).await;
    assert_eq!(numbers(&ranges), accepted, "what was accepted is there");
    for (id, _) in ranges {
        wal.release(id);
    }
    let deadline = Instant::now() + DEADLINE;
    while append(&wal, 5_000, 3_000).await.is_err() {
        assert!(Instant::now() < deadline, "the log stayed full");
        tokio::task::yield_now().await;
    }
    wal.close();
    let held: usize = disk.names().iter().map(|name| disk.content(name).len()).sum();
    assert!(held as u64 <= config.wal_bytes_max, "{held}");
}

#[tokio::test]
async fn the_log_leaves_the_disk_the_room_that_it_was_told_to() {
    let (disk, mut config) = (MemoryDisk::new(), small_config());
    config.free_bytes_min = 1_000_000;
    disk.set_free_bytes(config.free_bytes_min + config.segment_bytes - 1);
    let wal = open(&disk, &config);
    assert!(matches!(
        append(&wal, 1, 100).await,
        Err(AppendError::Full { .. })
    ));
    disk.set_free_bytes(u64::MAX);
    let deadline = Instant::now() + DEADLINE;
    while append(&wal, 1, 100).await.is_err() {
        assert!(Instant::now() < deadline, "the log stayed full");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    append_all(&wal, 2..5, 100).await;
}

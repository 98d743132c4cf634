//! Torn tails, rotten middles, lost headers.

use futures_util::FutureExt;

use super::disk::MemoryDisk;
use super::{all_ranges, append, append_all, numbers, open, outcome, request, small_config};

const SEGMENT_HEADER_BYTES: usize = 64;

/// Offsets of all records in a segment, found by their magic; bodies of these tests do not contain it.
fn records(content: &[u8]) -> Vec<usize> {
    (SEGMENT_HEADER_BYTES..content.len() - 4)
        .step_by(8)
        .filter(|at| &content[*at..*at + 4] == b"BWR1")
        .collect()
}

#[tokio::test]
async fn a_tail_torn_at_any_byte_is_cut_and_all_before_it_stays() {
    let (disk, config) = (MemoryDisk::new(), small_config());
    let wal = open(&disk, &config);
    append_all(&wal, 0..4, 60).await;
    let disk = disk.copy();
    drop(wal);
    let name = disk.segments().pop().unwrap();
    let whole = disk.content(&name);
    let last = *records(&whole).last().unwrap();
    for cut in last..last + 64 + 70 {
        let mut torn = whole.clone();
        torn[cut..].fill(0);
        let left = disk.copy();
        left.set_content(&name, torn);
        let wal = open(&left, &config);
        assert_eq!(wal.damaged(), [], "a torn tail is no damage (cut at {cut})");
        assert_eq!(numbers(&all_ranges(&wal).await), [0, 1, 2], "cut at {cut}");
        append(&wal, 9, 60).await.unwrap();
        drop(wal);
        // The cut stays a cut when the segment is no longer the last.
        let wal = open(&left, &config);
        assert_eq!(wal.damaged(), [], "cut at {cut}");
        assert_eq!(numbers(&all_ranges(&wal).await), [0, 1, 2, 9], "cut at {cut}");
    }
}

#[tokio::test]
async fn a_rotten_request_is_set_aside_and_its_neighbours_are_served() {
    let (disk, config) = (MemoryDisk::new(), small_config());
    let wal = open(&disk, &config);
    append_all(&wal, 0..5, 60).await;
    let disk = disk.copy();
    drop(wal);
    let name = disk.segments().pop().unwrap();
    let starts = records(&disk.content(&name));
    for at in starts[2]..starts[3] {
        let left = disk.copy();
        left.flip(&name, at);
        let wal = open(&left, &config);
        let is_padding = at >= starts[2] + 64 + 60;
        if wal.damaged().is_empty() {
            assert!(is_padding, "byte {at} is not covered by a checksum");
            continue;
        }
        assert_eq!(wal.damaged().len(), 1);
        let region = &wal.damaged()[0];
        assert_eq!((region.from, region.to), (starts[2] as u64, starts[3] as u64));
        assert_eq!(
            left.content(&region.copy),
            left.content(&name)[starts[2]..starts[3]]
        );
        assert_eq!(numbers(&all_ranges(&wal).await), [0, 1, 3, 4], "byte {at}");
    }
}

#[tokio::test]
async fn damage_within_a_group_of_the_last_segment_does_not_cut_off_the_groups_behind_it() {
    let (disk, config) = (MemoryDisk::new(), small_config());
    let wal = open(&disk, &config);
    let pending: Vec<_> = (0..20)
        .map(|number| {
            wal.append(request(number, 60), 1_000 + i64::try_from(number).unwrap(), None)
                .unwrap()
        })
        .collect();
    for one in pending {
        outcome(one).await.unwrap();
    }
    append_all(&wal, 20..25, 60).await;
    let disk = disk.copy();
    drop(wal);
    let name = disk.segments().pop().unwrap();
    let starts = records(&disk.content(&name));
    for (broken, start) in starts.into_iter().take(20).enumerate() {
        let left = disk.copy();
        left.flip(&name, start + 70);
        let wal = open(&left, &config);
        assert_eq!(wal.damaged().len(), 1, "request {broken}");
        let served = numbers(&all_ranges(&wal).await);
        let kept: Vec<u64> = (0..25).filter(|number| *number != broken as u64).collect();
        assert_eq!(served, kept, "request {broken}");
    }
}

#[tokio::test]
async fn damage_in_an_older_segment_costs_only_what_it_hit() {
    let (disk, config) = (MemoryDisk::new(), small_config());
    let wal = open(&disk, &config);
    append_all(&wal, 0..60, 2_000).await;
    let before = all_ranges(&wal).await;
    wal.close();
    let name = disk.segments().remove(1);
    let target = records(&disk.content(&name))[3];
    disk.flip(&name, target + 100);
    let after = all_ranges(&open(&disk, &config)).await;
    assert_eq!(
        after.iter().map(|range| range.0).collect::<Vec<_>>(),
        before.iter().map(|range| range.0).collect::<Vec<_>>()
    );
    assert_eq!(numbers(&before).len() - numbers(&after).len(), 1);
}

#[tokio::test]
async fn a_lost_cut_changes_no_ranges_name() {
    let (disk, config) = (MemoryDisk::new(), small_config());
    let wal = open(&disk, &config);
    append_all(&wal, 0..12, 2_000).await;
    let before = all_ranges(&wal).await;
    assert!(before.len() >= 3);
    wal.close();
    let name = disk.segments().remove(0);
    let content = disk.content(&name);
    let cut = records(&content)
        .into_iter()
        .find(|at| content[at + 61] == 2)
        .unwrap();
    disk.flip(&name, cut + 70);
    let wal = open(&disk, &config);
    assert_eq!(wal.damaged().len(), 1);
    assert_eq!(all_ranges(&wal).await, before);
}

#[tokio::test]
async fn a_segment_whose_header_is_lost_still_gives_its_records() {
    let (disk, config) = (MemoryDisk::new(), small_config());
    let wal = open(&disk, &config);
    append_all(&wal, 0..60, 2_000).await;
    let before = all_ranges(&wal).await;
    wal.close();
    let segments = disk.segments();
    assert!(segments.len() >= 3);
    for name in &segments {
        let left = disk.copy();
        left.flip(name, 20);
        let wal = open(&left, &config);
        assert_eq!(wal.damaged().len(), 1);
        assert_eq!(all_ranges(&wal).await, before, "{name}");
    }
}

#[tokio::test]
async fn rot_that_is_found_only_on_reading_is_counted_as_damaged() {
    let (disk, mut config) = (MemoryDisk::new(), small_config());
    config.memory_bytes_max = 64 * 1024;
    let wal = open(&disk, &config);
    append_all(&wal, 0..20, 2_000).await;
    assert!(wal.seal().await);
    let name = disk.segments().remove(0);
    for at in records(&disk.content(&name)) {
        disk.flip(&name, at + 66);
    }
    let mut damaged = 0;
    while let Some(mut taken) = wal.take().now_or_never() {
        damaged += wal.read(&mut taken).unwrap().damaged_items.total();
    }
    assert!(damaged > 0);
    assert!(disk.names().iter().any(|name| name.starts_with("set-aside/")));
}

#[tokio::test]
async fn a_newer_format_is_left_alone() {
    let (disk, config) = (MemoryDisk::new(), small_config());
    let wal = open(&disk, &config);
    append(&wal, 1, 100).await.unwrap();
    wal.close();
    let name = disk.segments().remove(0);
    let mut content = disk.content(&name);
    content[8] = 3;
    disk.set_content(&name, content);
    let names = disk.names();
    let metrics =
        brokle_ingest::metrics::Metrics::register(&mut prometheus_client::registry::Registry::default());
    let refused =
        brokle_ingest::wal::Wal::open(std::sync::Arc::new(disk.clone()), &config, metrics).unwrap_err();
    assert!(refused.to_string().contains("format 3"), "{refused}");
    assert_eq!(disk.names(), names);
}

//! Random lives of a log, with power cuts at any moment, checked against what was promised.

use std::collections::BTreeMap;

use brokle_ingest::wal::Wal;
use brokle_ingest::wal::range::RangeId;

use super::disk::{Chance, MemoryDisk};
use super::{all_ranges, numbers, open, request, small_config};

const LIVES: u64 = 500;

/// What the log owes.
#[derive(Debug, Default)]
struct Promises {
    /// Acknowledged and not known to be released.
    acknowledged: Vec<u64>,
    /// Ranges that a reader has seen: name and content are fixed for ever.
    seen: BTreeMap<RangeId, Vec<u64>>,
    released: Vec<RangeId>,
    next_number: u64,
}

impl Promises {
    /// Queues requests and waits for some of them; the rest is under way when the power goes.
    async fn append(&mut self, wal: &Wal, chance: &mut Chance) {
        let count = 1 + chance.below(12);
        let waited_for = chance.below(count + 1);
        let mut pending = Vec::new();
        for _ in 0..count {
            let number = self.next_number;
            self.next_number += 1;
            let size = usize::try_from(8 + chance.below(6_000)).unwrap();
            let received_ns = 1_000 + i64::try_from(number).unwrap();
            pending.push((
                number,
                wal.append(request(number, size), received_ns, None).unwrap(),
            ));
        }
        for (number, pending) in pending.into_iter().take(usize::try_from(waited_for).unwrap()) {
            if super::outcome(pending).await.is_ok() {
                self.acknowledged.push(number);
            }
        }
    }

    /// Reads all ranges, checks them, and releases some.
    async fn read(&mut self, wal: &Wal, chance: &mut Chance) {
        let ranges = all_ranges(wal).await;
        self.check(&ranges);
        for (id, content) in ranges {
            if chance.below(2) == 0 {
                wal.release(id);
                self.released.push(id);
                self.acknowledged.retain(|number| !content.contains(number));
            }
        }
    }

    fn check(&mut self, ranges: &[(RangeId, Vec<u64>)]) {
        let present = numbers(ranges);
        assert!(
            present.is_sorted_by(|a, b| a < b),
            "in order and once: {present:?}"
        );
        for number in &self.acknowledged {
            assert!(present.contains(number), "{number} was acknowledged and is gone");
        }
        for (id, content) in ranges {
            let seen = self.seen.entry(*id).or_insert_with(|| content.clone());
            assert_eq!(seen, content, "range {id} changed its content");
            for other in self.seen.keys().filter(|other| *other != id) {
                assert!(
                    other.last < id.first || id.last < other.first,
                    "{other} and {id} overlap"
                );
            }
        }
    }
}

async fn live(seed: u64) {
    let mut chance = Chance(seed);
    let config = small_config();
    let mut disk = MemoryDisk::new();
    let mut promises = Promises::default();
    let mut is_healthy = true;
    for _ in 0..=chance.below(4) {
        let wal = open(&disk, &config);
        assert!(
            wal.damaged().is_empty() || !is_healthy,
            "a power cut is no damage"
        );
        if chance.below(2) == 0 {
            promises.read(&wal, &mut chance).await;
        }
        for _ in 0..chance.below(6) {
            match chance.below(8) {
                0 => disk.fail_syncs(1),
                1 => disk.fail_writes(1),
                _ => {}
            }
            is_healthy &= !disk.is_failing();
            promises.append(&wal, &mut chance).await;
        }
        disk.fail_syncs(0);
        disk.fail_writes(0);
        if chance.below(2) == 0 {
            // Ranges that this life has taken already must not be taken twice by the check.
            let ranges = all_ranges(&wal).await;
            for (id, content) in ranges {
                promises.seen.entry(id).or_insert(content);
            }
            promises.append(&wal, &mut chance).await;
        }
        disk = disk.crash(&mut chance);
    }
    let wal = open(&disk, &config);
    let ranges = all_ranges(&wal).await;
    promises.check(&ranges);
}

#[tokio::test]
async fn no_power_cut_loses_doubles_or_renames_anything() {
    for seed in 0..LIVES {
        live(seed).await;
    }
}

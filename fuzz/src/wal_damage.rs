//! The write-ahead log, opened on a disk that was spoilt in any way: it opens or says why not, gives back only
//! what was written to it, each request at most once, and all of them when nothing was spoilt.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use brokle_ingest::config::Config;
use brokle_ingest::metrics::Metrics;
use brokle_ingest::wal::Wal;
use brokle_model::id::ProjectId;
use brokle_model::telemetry::{Signal, Submission};
use bytes::Bytes;
use futures::FutureExt;
use futures::executor::block_on;
use prometheus_client::registry::Registry;

use crate::memory_disk::MemoryDisk;

/// Requests in the log, of sizes such that it fills three files.
const REQUESTS: u64 = 24;

type Files = Vec<(String, Vec<u8>)>;

/// Takes any bytes: instructions, of five bytes each, to spoil the files of a good log.
pub fn run(bytes: &[u8]) {
    static GOOD: OnceLock<Files> = OnceLock::new();
    let good = GOOD.get_or_init(write_log);
    let mut files = good.clone();
    spoil(&mut files, bytes);
    let is_spoilt = files != *good;
    let Some(found) = read_log(files) else {
        assert!(is_spoilt, "a good log was not opened");
        return;
    };
    let distinct: BTreeSet<u64> = found.iter().copied().collect();
    assert_eq!(distinct.len(), found.len(), "a request came twice: {found:?}");
    assert!(
        is_spoilt || distinct == (0..REQUESTS).collect(),
        "a good log lost a request: {found:?}"
    );
}

fn config() -> Config {
    let mut config = Config::in_directory(Path::new("unused"));
    config.segment_bytes = 96 * 1024;
    config.range_bytes_max = 8 * 1024;
    config.range_age_max = Duration::from_hours(1);
    config.free_bytes_min = 0;
    config
}

fn request(number: u64) -> Submission {
    let length = 64 + usize::try_from(number * number * 13 % 9_000).unwrap();
    let mut body = number.to_le_bytes().to_vec();
    body.resize(length, u8::try_from(number + 1).unwrap());
    Submission {
        project: ProjectId::from_u128(u128::from(number % 3)),
        environment: if number.is_multiple_of(2) {
            String::new()
        } else {
            "production".to_owned()
        },
        signal: Signal::Traces,
        body: Bytes::from(body),
        items: 1,
        retention_days: 30,
        calls: None,
    }
}

fn open(disk: &MemoryDisk) -> Option<Wal> {
    Wal::open(
        Arc::new(disk.clone()),
        &config(),
        Metrics::register(&mut Registry::default()),
    )
    .ok()
}

fn write_log() -> Files {
    let disk = MemoryDisk::default();
    let wal = open(&disk).unwrap();
    for number in 0..REQUESTS {
        let outcome = wal
            .append(request(number), i64::try_from(number).unwrap(), None)
            .unwrap();
        block_on(outcome).unwrap().unwrap();
    }
    wal.close();
    disk.segments()
}

/// The numbers of the requests that a log on these files gives back; `None` when it does not open.
fn read_log(files: Files) -> Option<Vec<u64>> {
    let disk = MemoryDisk::with(files);
    let wal = open(&disk)?;
    assert!(block_on(wal.seal()), "the log does not go on");
    let mut found = Vec::new();
    while let Some(mut taken) = wal.take().now_or_never() {
        let content = wal.read(&mut taken).unwrap();
        for logged in &content.requests {
            let number = u64::from_le_bytes(logged.body[..8].try_into().unwrap());
            let written = request(number);
            assert_eq!(logged.body, written.body, "a request changed");
            assert_eq!(
                (logged.project, &*logged.environment),
                (written.project, &*written.environment)
            );
            found.push(number);
        }
        wal.release(taken.range.id());
    }
    Some(found)
}

fn spoil(files: &mut Files, instructions: &[u8]) {
    for instruction in instructions.as_chunks::<5>().0.iter().take(64) {
        let [kind, high, low, length, value] = *instruction;
        if files.is_empty() {
            return;
        }
        let chosen = usize::from(kind >> 4) % files.len();
        let content = &mut files[chosen].1;
        // Places lie eight bytes apart, as records do; `length` moves off that.
        let place = usize::from(u16::from_be_bytes([high, low])) * 8 % content.len().max(1);
        let reach = usize::from(length) * if value & 1 == 0 { 1 } else { 64 };
        let end = (place + reach).min(content.len());
        match kind & 7 {
            0 => content[place..end].fill(0),
            1 => content[place..end].fill(value),
            2 => content[place..end]
                .iter_mut()
                .for_each(|byte| *byte ^= 1 << (value & 7)),
            3 => content.truncate(place),
            4 => {
                let room = content.len() - (end - place) + 1;
                content.copy_within(place..end, usize::from(value) * 8 % room);
            }
            5 => {
                files.remove(chosen);
            }
            6 => {
                let other = usize::from(value) % files.len();
                let taken = files[other].1.clone();
                files[chosen].1 = taken;
            }
            _ => content.resize(content.len().min(128 * 1024) + reach, value),
        }
    }
}

//! Damage to the write-ahead log of a stopped server, as a bad disk or a torn write does it.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

const SEGMENT_HEADER_BYTES: usize = 64;
const HEADER_BYTES: usize = 64;
const REQUEST: u8 = 1;

/// A request in the log.
#[derive(Debug, Clone)]
pub struct Record {
    path: PathBuf,
    offset: u64,
    end: u64,
    /// Spans in it.
    pub items: usize,
}

/// All requests in the log's segments, in order.
pub fn requests(log: &Path) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    for path in segments(log)? {
        let bytes = std::fs::read(&path)?;
        let mut at = SEGMENT_HEADER_BYTES;
        while let Some(header) = bytes
            .get(at..at + HEADER_BYTES)
            .filter(|header| header.starts_with(b"BWR1"))
        {
            let number = |place: usize| {
                let word: [u8; 4] = header[place..place + 4].try_into().unwrap_or_default();
                u32::from_le_bytes(word) as usize
            };
            let end = at + (HEADER_BYTES + number(12)).next_multiple_of(8);
            if header[61] == REQUEST {
                records.push(Record {
                    path: path.clone(),
                    offset: at as u64,
                    end: end as u64,
                    items: number(56),
                });
            }
            at = end;
        }
    }
    Ok(records)
}

/// Changes one byte in the middle of a request's body.
pub fn damage(record: &Record) -> Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(&record.path)?;
    let at = u64::midpoint(record.offset + HEADER_BYTES as u64, record.end);
    let mut byte = [0];
    file.read_exact_at(&mut byte, at)?;
    file.write_all_at(&[byte[0] ^ 0x40], at)?;
    Ok(file.sync_all()?)
}

/// Leaves half a record behind the last one, as a write does that a crash cuts short.
pub fn tear_tail(log: &Path) -> Result<()> {
    let last = segments(log)?.pop().context("the log has no segment")?;
    let bytes = std::fs::read(&last)?;
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap_or_default() + 1;
    let torn = bytes
        .get(SEGMENT_HEADER_BYTES..SEGMENT_HEADER_BYTES + 200)
        .context("the last segment is empty")?;
    let file = File::options().write(true).open(&last)?;
    file.write_all_at(torn, end.next_multiple_of(8) as u64)?;
    Ok(file.sync_all()?)
}

/// Parts of the log that a server has set aside.
pub fn set_aside(log: &Path) -> usize {
    std::fs::read_dir(log.join("set-aside")).map_or(0, Iterator::count)
}

fn segments(log: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(log)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "segment") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

//! Keeps what cannot be read: damaged bytes are copied to a folder, for whoever wants to look at them, and
//! the log goes on without them.

use std::io::{self, IoSlice};

use crate::wal::disk::Disk;
use crate::wal::segment::Segment;

const BLOCK_BYTES: usize = 1024 * 1024;

/// Bytes of the log that could not be read as records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedRegion {
    /// The segment's number.
    pub segment: u64,
    /// Where the damage starts in it.
    pub from: u64,
    /// Where the next good record starts, or where the segment ends.
    pub to: u64,
    /// The copy, relative to the log's directory.
    pub copy: String,
}

/// Copies the region aside and reports it. The name follows from the place, so that opening the log again
/// makes no second copy.
pub(crate) fn set_aside(disk: &dyn Disk, segment: &Segment, from: u64, to: u64) -> io::Result<DamagedRegion> {
    let copy = format!("set-aside/{:016x}-{from}-{to}", segment.index);
    let target = disk.create(&copy, 0)?;
    let mut block = vec![0; BLOCK_BYTES];
    let mut offset = from;
    while offset < to {
        let wanted = usize::try_from(to - offset).map_or(BLOCK_BYTES, |left| left.min(BLOCK_BYTES));
        let read = segment.file.read_at(&mut block[..wanted], offset)?;
        if read == 0 {
            break;
        }
        target.write_all_at(&mut [IoSlice::new(&block[..read])], offset - from)?;
        offset += read as u64;
    }
    target.sync()?;
    let bytes = to - from;
    tracing::error!(
        segment = segment.index,
        from,
        bytes,
        copy,
        "damaged part of the log set aside"
    );
    Ok(DamagedRegion {
        segment: segment.index,
        from,
        to,
        copy,
    })
}

//! A segment: one file of the log. Its header names the log, says where the previous segment ended (which is
//! how a torn or failed tail stays cut for good), and is on disk before the file gets its name.

use std::io::{self, IoSlice};
use std::sync::Arc;

use crate::wal::disk::LogFile;
use crate::wal::record::take;

/// Bytes before the first record.
pub(crate) const SEGMENT_HEADER_BYTES: u64 = HEADER as u64;

const MAGIC: [u8; 8] = *b"BRKLWAL\0";
/// What is written. Version 2: a split tells its items by signal, and there may be signals beyond the first
/// three. Version 4: a request's label may begin with the days that its rows are kept. Version 7: and may say that
/// the gateway recorded it.
const VERSION: u32 = 7;
/// What is read. Any two differ in two bits, so that no single damaged one makes another of them.
const VERSIONS: [u32; 4] = [1, 2, 4, VERSION];
const HEADER: usize = 64;
const SUFFIX: &str = ".segment";
const SPARE_PREFIX: &str = "spare-";

/// What a segment says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// Names the log; part of every insert token.
    pub(crate) wal_id: u128,
    /// The segment's number; the next segment's is one higher.
    pub(crate) index: u64,
    /// No record in it has a lower sequence number.
    pub(crate) first_sequence: u64,
    /// Where the records of segment `index - 1` end.
    pub(crate) previous_end: u64,
}

/// Why a file is not a segment that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderDefect {
    /// Not a segment header, or a damaged one.
    Damaged,
    /// Written by a newer release.
    Version(u32),
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..32].copy_from_slice(&self.wal_id.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.index.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.first_sequence.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.previous_end.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[16..]);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; HEADER]) -> Result<Self, HeaderDefect> {
        if bytes[0..8] != MAGIC {
            return Err(HeaderDefect::Damaged);
        }
        let number = |at| {
            take::<8>(bytes, at)
                .map(u64::from_le_bytes)
                .ok_or(HeaderDefect::Damaged)
        };
        let word = |at| {
            take::<4>(bytes, at)
                .map(u32::from_le_bytes)
                .ok_or(HeaderDefect::Damaged)
        };
        if !VERSIONS.contains(&word(8)?) {
            return Err(HeaderDefect::Version(word(8)?));
        }
        if word(12)? != crc32c::crc32c(&bytes[16..]) {
            return Err(HeaderDefect::Damaged);
        }
        Ok(Self {
            wal_id: take::<16>(bytes, 16)
                .map(u128::from_le_bytes)
                .ok_or(HeaderDefect::Damaged)?,
            index: number(32)?,
            first_sequence: number(40)?,
            previous_end: number(48)?,
        })
    }

    /// Reads the header of `file`.
    pub(crate) fn read(file: &dyn LogFile) -> io::Result<Result<Self, HeaderDefect>> {
        let mut bytes = [0; HEADER];
        if file.read_at(&mut bytes, 0)? < HEADER {
            return Ok(Err(HeaderDefect::Damaged));
        }
        Ok(Self::decode(&bytes))
    }

    /// Writes and syncs the header.
    pub(crate) fn write(&self, file: &dyn LogFile) -> io::Result<()> {
        file.write_all_at(&mut [IoSlice::new(&self.encode())], 0)?;
        file.sync()
    }
}

/// A segment that the log holds.
#[derive(Clone)]
pub(crate) struct Segment {
    pub(crate) index: u64,
    pub(crate) file: Arc<dyn LogFile>,
    /// The file's length.
    pub(crate) length: u64,
}

/// The file name of segment `index`.
pub(crate) fn segment_name(index: u64) -> String {
    format!("{index:016x}{SUFFIX}")
}

/// The number of the segment that `name` names.
pub(crate) fn segment_index(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX).filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok()
}

/// The file name of a file that waits to become a segment.
pub(crate) fn spare_name(number: u64) -> String {
    format!("{SPARE_PREFIX}{number:016x}")
}

/// The number of the spare file that `name` names.
pub(crate) fn spare_number(name: &str) -> Option<u64> {
    u64::from_str_radix(name.strip_prefix(SPARE_PREFIX)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_header_reads_back_and_notices_damage() {
        let header = SegmentHeader {
            wal_id: 1 << 100,
            index: 7,
            first_sequence: 9,
            previous_end: 640,
        };
        assert_eq!(SegmentHeader::decode(&header.encode()), Ok(header));
        for bit in 0..HEADER * 8 {
            let mut bytes = header.encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHeader::decode(&bytes).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn names_carry_the_index() {
        assert_eq!(segment_index(&segment_name(255)), Some(255));
        assert_eq!(segment_index("lock"), None);
        assert_eq!(segment_index(&spare_name(1)), None);
        assert_eq!(spare_number(&spare_name(17)), Some(17));
    }
}

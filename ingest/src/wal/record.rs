//! The layout of one record: a header of 64 bytes, the label (the environment tag, and before it, where the
//! flags say so, the days that its rows are kept, and those of a gateway's call), the body, zeroes up to a multiple of
//! eight. All numbers are little-endian. The layout is on users' disks: a change needs a new segment version.
//!
//! The header's checksum is seeded with the log's random id and the segment's number: segment files are
//! reused, and what an earlier use left behind must never pass for a record of this one; nor must a body that
//! somebody fills with look-alikes of records, when the walk past damage comes across it. The body has its
//! own checksum, so that the many writers compute it and not the one committer.

use brokle_model::telemetry::{CallDays, RETENTION_DAYS, Signal};

/// Bytes before the environment tag and body.
pub(crate) const HEADER_BYTES: usize = 64;
/// Records start at multiples of this.
pub(crate) const ALIGNMENT: usize = 8;
/// The days before an environment tag.
const RETENTION_BYTES: usize = 2;
/// The days of a call before an environment tag.
const CALL_BYTES: usize = 4;
/// The longest environment tag.
pub(crate) const ENVIRONMENT_BYTES_MAX: usize = u8::MAX as usize - RETENTION_BYTES - CALL_BYTES;
/// In a header's flags: the label begins with the days.
const HAS_RETENTION: u8 = 1;
/// In a header's flags: the gateway recorded it, and the days of its call come next. Only this process writes it.
const IS_CALL: u8 = 2;

const MAGIC: [u8; 4] = *b"BWR1";

/// What a record is. The numbers are on disk: never change one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// An accepted request.
    Request = 1,
    /// All requests since the last cut are one range from now on.
    Cut = 2,
    /// Ranges that storage has.
    Release = 3,
    /// A range that is two from now on.
    Split = 4,
}

impl Kind {
    fn from_number(number: u8) -> Option<Self> {
        [Self::Request, Self::Cut, Self::Release, Self::Split]
            .into_iter()
            .find(|kind| *kind as u8 == number)
    }
}

/// Why bytes are not a header that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderDefect {
    /// Not a record of this segment, or a damaged one.
    Damaged,
    /// Whole, but of a kind, signal or encoding that a newer release has added.
    Unknown,
}

/// What a segment's checksums start from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seed(u32);

impl Seed {
    pub(crate) fn new(wal_id: u128, segment: u64) -> Self {
        Self(crc32c::crc32c_append(
            crc32c::crc32c(&wal_id.to_le_bytes()),
            &segment.to_le_bytes(),
        ))
    }

    fn header_crc(self, bytes: &[u8; HEADER_BYTES]) -> u32 {
        crc32c::crc32c_append(self.0, &bytes[8..])
    }
}

/// What a record says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    /// Position in the log; strictly rising.
    pub(crate) sequence: u64,
    /// The sequence number of the first record of the same write. When a record is readable, all groups
    /// before its own were complete: that tells damage from a torn last write.
    pub(crate) group: u64,
    pub(crate) project: u128,
    /// The number of the [`Signal`]; zero unless a request.
    pub(crate) signal: u8,
    /// Which days the label begins with; a bit that is not known here is a newer release's.
    pub(crate) flags: u8,
    pub(crate) received_ns: i64,
    pub(crate) items: u32,
    pub(crate) label_bytes: u8,
    /// Label and body together.
    pub(crate) content_bytes: u32,
    /// Checksum of label and body.
    pub(crate) content_crc: u32,
}

impl Header {
    /// The bytes of the header, for the segment of `seed`.
    pub(crate) fn encode(&self, seed: Seed) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..4].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&self.content_crc.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.content_bytes.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.group.to_le_bytes());
        bytes[32..48].copy_from_slice(&self.project.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.received_ns.to_le_bytes());
        bytes[56..60].copy_from_slice(&self.items.to_le_bytes());
        bytes[60] = self.label_bytes;
        bytes[61] = self.kind as u8;
        bytes[62] = self.signal;
        bytes[63] = self.flags;
        let crc = seed.header_crc(&bytes);
        bytes[4..8].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a header of the segment of `seed`.
    pub(crate) fn decode(bytes: &[u8; HEADER_BYTES], seed: Seed) -> Result<Self, HeaderDefect> {
        let crc = take::<4>(bytes, 4).map(u32::from_le_bytes);
        if bytes[0..4] != MAGIC || crc != Some(seed.header_crc(bytes)) {
            return Err(HeaderDefect::Damaged);
        }
        Self::decode_known(bytes).ok_or(HeaderDefect::Unknown)
    }

    fn decode_known(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let kind = Kind::from_number(bytes[61])?;
        if kind == Kind::Request {
            Signal::from_number(bytes[62])?;
        }
        if bytes[63] & !(HAS_RETENTION | IS_CALL) != 0 {
            return None;
        }
        Some(Self {
            content_crc: u32::from_le_bytes(take(bytes, 8)?),
            content_bytes: u32::from_le_bytes(take(bytes, 12)?),
            sequence: u64::from_le_bytes(take(bytes, 16)?),
            group: u64::from_le_bytes(take(bytes, 24)?),
            project: u128::from_le_bytes(take(bytes, 32)?),
            received_ns: i64::from_le_bytes(take(bytes, 48)?),
            items: u32::from_le_bytes(take(bytes, 56)?),
            label_bytes: bytes[60],
            kind,
            signal: bytes[62],
            flags: bytes[63],
        })
    }

    /// The parts of a request's content.
    pub(crate) fn divide<'a>(&self, content: &'a [u8]) -> Parts<'a> {
        let (label, body) = content.split_at(usize::from(self.label_bytes).min(content.len()));
        let mut rest = label;
        let mut days = |flag| {
            let (found, after) = rest.split_first_chunk::<2>().filter(|_| self.flags & flag != 0)?;
            rest = after;
            Some(u16::from_le_bytes(*found))
        };
        let retention_days = days(HAS_RETENTION).unwrap_or(RETENTION_DAYS);
        let calls = days(IS_CALL).zip(days(IS_CALL));
        Parts {
            retention_days,
            calls: calls.map(|(request_logs, routing_metrics)| CallDays {
                request_logs,
                routing_metrics,
            }),
            environment: rest,
            body,
        }
    }

    /// Bytes from this record's start to the next one's.
    pub(crate) fn stride(&self) -> u64 {
        stride(self.content_bytes as usize)
    }
}

/// What a request's content consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    pub(crate) retention_days: u16,
    pub(crate) calls: Option<CallDays>,
    pub(crate) environment: &'a [u8],
    pub(crate) body: &'a [u8],
}

/// What is written before a request's body, and the header's flags that say how to read it.
pub(crate) fn label(environment: &str, retention_days: u16, calls: Option<CallDays>) -> (Box<[u8]>, u8) {
    let mut label = Vec::with_capacity(RETENTION_BYTES + CALL_BYTES + environment.len());
    let mut flags = 0;
    if retention_days != RETENTION_DAYS {
        label.extend_from_slice(&retention_days.to_le_bytes());
        flags |= HAS_RETENTION;
    }
    if let Some(calls) = calls {
        label.extend_from_slice(&calls.request_logs.to_le_bytes());
        label.extend_from_slice(&calls.routing_metrics.to_le_bytes());
        flags |= IS_CALL;
    }
    label.extend_from_slice(environment.as_bytes());
    (label.into(), flags)
}

/// Whether `bytes`, at a possible start of a record, are worth a closer look.
pub(crate) fn starts_like_a_record(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Bytes that a record takes, given those of label and body.
pub(crate) fn stride(content_bytes: usize) -> u64 {
    (HEADER_BYTES + content_bytes).next_multiple_of(ALIGNMENT) as u64
}

/// The checksum of a record's content.
pub(crate) fn content_crc(label: &[u8], body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(label), body)
}

/// Copies `N` bytes out of `bytes`.
pub(crate) fn take<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(segment: u64) -> Seed {
        Seed::new(17, segment)
    }

    fn header() -> Header {
        Header {
            kind: Kind::Request,
            sequence: 7,
            group: 5,
            project: u128::MAX - 3,
            signal: 1,
            flags: 0,
            received_ns: -4,
            items: 9,
            label_bytes: 4,
            content_bytes: 1001,
            content_crc: content_crc(b"prod", b"body"),
        }
    }

    #[test]
    fn a_header_reads_back_as_written() {
        assert_eq!(Header::decode(&header().encode(seed(3)), seed(3)), Ok(header()));
    }

    #[test]
    fn a_header_of_the_files_earlier_use_is_not_taken() {
        let decoded = Header::decode(&header().encode(seed(3)), seed(4));
        assert_eq!(decoded, Err(HeaderDefect::Damaged));
    }

    #[test]
    fn what_a_newer_release_wrote_is_told_from_damage() {
        for (signal, flags) in [(250, 0), (1, 4), (1, 7)] {
            let newer = Header {
                signal,
                flags,
                ..header()
            };
            let decoded = Header::decode(&newer.encode(seed(3)), seed(3));
            assert_eq!(decoded, Err(HeaderDefect::Unknown));
        }
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_noticed() {
        let bytes = header().encode(seed(3));
        for bit in 0..HEADER_BYTES * 8 {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            let decoded = Header::decode(&damaged, seed(3));
            assert_eq!(decoded, Err(HeaderDefect::Damaged), "bit {bit}");
        }
    }

    #[test]
    fn days_are_read_back_and_a_label_without_them_means_the_default() {
        let calls = Some(CallDays {
            request_logs: 60,
            routing_metrics: 3650,
        });
        for (environment, days, calls) in [
            ("prod", 30, None),
            ("prod", 7, None),
            ("", 3650, None),
            ("", 30, None),
            ("prod", 30, calls),
            ("", 7, calls),
        ] {
            let (label, flags) = label(environment, days, calls);
            assert_eq!(flags == 0, days == RETENTION_DAYS && calls.is_none());
            let header = Header {
                flags,
                label_bytes: u8::try_from(label.len()).unwrap(),
                ..header()
            };
            let expected = Parts {
                retention_days: days,
                calls,
                environment: environment.as_bytes(),
                body: b"body",
            };
            assert_eq!(header.divide(&[&label[..], b"body"].concat()), expected);
        }
    }

    #[test]
    fn records_are_aligned() {
        assert_eq!(header().stride(), 1072);
        assert_eq!(stride(0), 64);
        assert_eq!(stride(1), 72);
    }
}

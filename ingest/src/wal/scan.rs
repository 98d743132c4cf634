//! Walking the records of one segment, past damage. Used at start, and to read back a range that is no
//! longer in memory.

use std::io;
use std::sync::Arc;

use crate::wal::disk::LogFile;
use crate::wal::record::{
    ALIGNMENT, HEADER_BYTES, Header, HeaderDefect, Seed, content_crc, starts_like_a_record,
};

const WINDOW_BYTES: usize = 1024 * 1024;

/// Where a segment's records end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Exactly here: the next segment says so. What cannot be read before is damage.
    Known(u64),
    /// Wherever records stop being readable, within this length: the last segment, whose last write may be
    /// torn.
    Open(u64),
}

impl Extent {
    fn limit(self) -> u64 {
        match self {
            Self::Known(limit) | Self::Open(limit) => limit,
        }
    }
}

/// A record of a newer release: to go on without it would be to lose it.
#[derive(Debug, thiserror::Error)]
#[error("a record is of a kind that this release does not know")]
struct UnknownRecord;

/// One step of the walk.
#[derive(Debug)]
pub(crate) enum Step {
    /// A good record from `offset` to `end`; its content is at [`Scan::content`].
    Record { header: Header, offset: u64, end: u64 },
    /// Bytes that were records and cannot be read.
    Damage { from: u64, to: u64 },
    /// No more records; they ended at `offset`.
    End { offset: u64 },
}

/// A walk through one segment.
pub(crate) struct Scan {
    seed: Seed,
    window: Window,
    extent: Extent,
    offset: u64,
    /// The lowest sequence number that the next record may have.
    next_sequence: u64,
    /// Whether a gap before the next record is expected: at the start, and behind damage.
    gap_allowed: bool,
    content: (u64, usize),
}

impl Scan {
    /// Starts at `offset`, before a record of sequence number `next_sequence` or higher.
    pub(crate) fn new(
        seed: Seed,
        file: Arc<dyn LogFile>,
        offset: u64,
        next_sequence: u64,
        extent: Extent,
    ) -> Self {
        let window = Window::new(file, extent.limit());
        Self {
            seed,
            window,
            extent,
            offset,
            next_sequence,
            gap_allowed: true,
            content: (0, 0),
        }
    }

    /// Takes the next step.
    pub(crate) fn step(&mut self) -> io::Result<Step> {
        let offset = self.offset;
        if let Some(header) = self.record_at(offset)? {
            return Ok(self.accept(header, offset));
        }
        if let (Extent::Known(limit), true) = (self.extent, offset >= self.extent.limit()) {
            return Ok(Step::End {
                offset: limit.min(offset),
            });
        }
        let resumed = self.next_record_behind(offset)?;
        match (self.extent, resumed) {
            (Extent::Open(_), Some((found, header))) if !self.was_acknowledged(found, header)? => {
                Ok(Step::End { offset })
            }
            (Extent::Open(_), None) => Ok(Step::End { offset }),
            (_, Some((found, _))) => Ok(self.damage(offset, found)),
            (Extent::Known(limit), None) => Ok(self.damage(offset, limit)),
        }
    }

    /// The label and body of the record that the last step gave.
    pub(crate) fn content(&mut self) -> io::Result<&[u8]> {
        let (offset, length) = self.content;
        Ok(self.window.get(offset, length)?.unwrap_or_default())
    }

    fn accept(&mut self, header: Header, offset: u64) -> Step {
        self.content = (offset + HEADER_BYTES as u64, header.content_bytes as usize);
        self.offset = offset + header.stride();
        self.next_sequence = header.sequence + 1;
        self.gap_allowed = false;
        Step::Record {
            header,
            offset,
            end: self.offset,
        }
    }

    fn damage(&mut self, from: u64, to: u64) -> Step {
        self.offset = to;
        self.gap_allowed = true;
        Step::Damage { from, to }
    }

    fn record_at(&mut self, offset: u64) -> io::Result<Option<Header>> {
        let Some(header) = self.header_at(offset)? else {
            return Ok(None);
        };
        let follows = header.sequence == self.next_sequence
            || (self.gap_allowed && header.sequence > self.next_sequence);
        if !follows || offset + header.stride() > self.extent.limit() {
            return Ok(None);
        }
        let content = self
            .window
            .get(offset + HEADER_BYTES as u64, header.content_bytes as usize)?;
        Ok(content
            .filter(|content| content_crc(&[], content) == header.content_crc)
            .map(|_| header))
    }

    fn header_at(&mut self, offset: u64) -> io::Result<Option<Header>> {
        if offset + HEADER_BYTES as u64 > self.extent.limit() {
            return Ok(None);
        }
        let bytes: Option<&[u8; HEADER_BYTES]> = self
            .window
            .get(offset, HEADER_BYTES)?
            .and_then(|bytes| bytes.try_into().ok());
        match bytes.map(|bytes| Header::decode(bytes, self.seed)) {
            Some(Ok(header)) => Ok(Some(header)),
            Some(Err(HeaderDefect::Unknown)) => {
                Err(io::Error::new(io::ErrorKind::Unsupported, UnknownRecord))
            }
            Some(Err(HeaderDefect::Damaged)) | None => Ok(None),
        }
    }

    /// Whether what is missing before the record at `found` was acknowledged. All groups before a readable
    /// record's own were complete; the record itself may share the group of what is missing, so the walk goes
    /// on to one that does not. Without any, the last write was torn.
    fn was_acknowledged(&mut self, mut found: u64, mut header: Header) -> io::Result<bool> {
        let gap_allowed = std::mem::replace(&mut self.gap_allowed, true);
        let acknowledged = loop {
            if header.group > self.next_sequence {
                break true;
            }
            let end = found + header.stride();
            let next = match self.record_at(end)? {
                Some(next) => Some((end, next)),
                None => self.next_record_behind(end)?,
            };
            match next {
                Some(next) => (found, header) = next,
                None => break false,
            }
        };
        self.gap_allowed = gap_allowed;
        Ok(acknowledged)
    }

    /// The first good record behind `offset`, wherever it starts.
    fn next_record_behind(&mut self, offset: u64) -> io::Result<Option<(u64, Header)>> {
        let gap_allowed = std::mem::replace(&mut self.gap_allowed, true);
        let mut at = offset + ALIGNMENT as u64;
        let mut found = None;
        while let Some(candidate) = self.next_magic(at)? {
            if let Some(header) = self.record_at(candidate)? {
                found = Some((candidate, header));
                break;
            }
            at = candidate + ALIGNMENT as u64;
        }
        self.gap_allowed = gap_allowed;
        Ok(found)
    }

    /// The first aligned place from `at` on that looks like the start of a record.
    fn next_magic(&mut self, mut at: u64) -> io::Result<Option<u64>> {
        while at + HEADER_BYTES as u64 <= self.extent.limit() {
            let ahead =
                usize::try_from(self.extent.limit() - at).map_or(WINDOW_BYTES, |left| left.min(WINDOW_BYTES));
            let Some(bytes) = self.window.get(at, ahead)? else {
                return Ok(None);
            };
            if let Some(hit) = (0..ahead)
                .step_by(ALIGNMENT)
                .find(|place| starts_like_a_record(&bytes[*place..]))
            {
                return Ok(Some(at + hit as u64));
            }
            at += ahead as u64;
        }
        Ok(None)
    }
}

/// A stretch of the file in memory, moved as the walk goes on.
struct Window {
    file: Arc<dyn LogFile>,
    /// Nothing behind this is asked for.
    limit: u64,
    start: u64,
    filled: usize,
    buffer: Vec<u8>,
}

impl Window {
    fn new(file: Arc<dyn LogFile>, limit: u64) -> Self {
        Self {
            file,
            limit,
            start: 0,
            filled: 0,
            buffer: Vec::new(),
        }
    }

    /// The bytes there, or `None` when there are fewer.
    fn get(&mut self, offset: u64, length: usize) -> io::Result<Option<&[u8]>> {
        let end = offset + length as u64;
        if end > self.limit {
            return Ok(None);
        }
        if offset < self.start || end > self.start + self.filled as u64 {
            self.move_to(offset, length)?;
        }
        let from = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        Ok(self.buffer[..self.filled].get(from..from.saturating_add(length)))
    }

    fn move_to(&mut self, offset: u64, length: usize) -> io::Result<()> {
        let ahead = usize::try_from(self.limit - offset).map_or(WINDOW_BYTES, |left| left.min(WINDOW_BYTES));
        let wanted = length.max(ahead);
        if self.buffer.len() < wanted {
            self.buffer = vec![0; wanted];
        }
        self.filled = self.file.read_at(&mut self.buffer[..wanted], offset)?;
        self.start = offset;
        Ok(())
    }
}

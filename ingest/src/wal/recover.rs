//! What the log holds when it is opened: which ranges storage may not have, what was never sealed, and what
//! cannot be read. Nothing is changed but that damaged bytes are copied aside; the next segment's header is
//! what cuts a torn tail.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use brokle_model::telemetry::Signal;

use crate::wal::disk::Disk;
use crate::wal::error::WalOpenError;
use crate::wal::range::{Position, RangeId, Run, SealedRange, Split};
use crate::wal::record::{Header, Kind, Seed};
use crate::wal::scan::{Extent, Scan, Step};
use crate::wal::segment::{
    HeaderDefect, SEGMENT_HEADER_BYTES, Segment, SegmentHeader, segment_index, segment_name, spare_number,
};
use crate::wal::set_aside::{DamagedRegion, set_aside};
use crate::wal::tally::Tally;
use crate::wal::window::ResendWindow;

/// The state of the log on disk.
pub(crate) struct Recovered {
    pub(crate) wal_id: u128,
    /// All readable segments and where their records end.
    pub(crate) segments: BTreeMap<u64, (Segment, u64)>,
    /// Ranges that are not released, by their first sequence number.
    pub(crate) ranges: BTreeMap<u64, SealedRange>,
    /// What is behind the last cut.
    pub(crate) unsealed: Option<Run>,
    pub(crate) last: Position,
    pub(crate) next_sequence: u64,
    /// Zeroed files of the right length.
    pub(crate) spares: Vec<String>,
    /// Bytes of all files.
    pub(crate) bytes: u64,
    pub(crate) damaged: Vec<DamagedRegion>,
}

/// Reads the log in `disk`.
pub(crate) fn recover(
    disk: &Arc<dyn Disk>,
    segment_bytes: u64,
    window: &mut ResendWindow,
) -> Result<Recovered, WalOpenError> {
    let files = list(disk.as_ref(), segment_bytes)?;
    let mut damaged = Vec::new();
    let opened = open_segments(disk.as_ref(), &files, &mut damaged)?;
    for name in &files.useless {
        disk.remove(name)?;
    }
    // An empty directory is a new log: its sequence numbers start over, so its tokens need a new name.
    let wal_id = opened.last().map_or_else(rand::random, |last| last.header.wal_id);
    let last_index = files.segments.keys().next_back().copied();
    let head = opened
        .first()
        .filter(|head| head.is_whole && files.segments.keys().next() == Some(&head.segment.index));
    let floor = head.map_or(0, |head| head.header.first_sequence);

    let mut replay = Replay {
        floor,
        ..Replay::default()
    };
    let mut segments = BTreeMap::new();
    let mut last = Position {
        segment: last_index.unwrap_or(0),
        offset: SEGMENT_HEADER_BYTES,
    };
    for (place, current) in opened.iter().enumerate() {
        let extent = current.extent(opened.get(place + 1));
        let end = replay_segment(disk.as_ref(), current, extent, &mut replay, window, &mut damaged)?;
        if last_index == Some(current.segment.index) {
            last.offset = end;
        }
        segments.insert(current.segment.index, (current.segment.clone(), end));
    }
    let unsealed = replay.open.iter().copied().reduce(Run::join);
    Ok(Recovered {
        wal_id,
        segments,
        ranges: replay.ranges,
        unsealed,
        last,
        // Far beyond anything that may have been written and lost: a sequence number is never used twice,
        // or storage would take new rows for a repetition of old ones.
        next_sequence: (replay.next_sequence | u64::from(u32::MAX)) + 1,
        spares: files.spares,
        bytes: files.bytes,
        damaged,
    })
}

#[derive(Default)]
struct Files {
    segments: BTreeMap<u64, u64>,
    spares: Vec<String>,
    /// Spare files of another length.
    useless: Vec<String>,
    bytes: u64,
}

fn list(disk: &dyn Disk, segment_bytes: u64) -> io::Result<Files> {
    let mut files = Files::default();
    for (name, length) in disk.list()? {
        if let Some(index) = segment_index(&name) {
            files.segments.insert(index, length);
            files.bytes += length;
        } else if spare_number(&name).is_some() && length == segment_bytes {
            files.spares.push(name);
            files.bytes += length;
        } else if spare_number(&name).is_some() {
            files.useless.push(name);
        }
    }
    Ok(files)
}

/// A segment and what is known of it.
struct Opened {
    segment: Segment,
    header: SegmentHeader,
    /// Whether the header could be read; if not, it was made up from the file's name and its neighbours.
    is_whole: bool,
}

impl Opened {
    /// Where its records end, given the segment behind it.
    fn extent(&self, next: Option<&Self>) -> Extent {
        match next.filter(|next| next.is_whole && next.segment.index == self.segment.index + 1) {
            Some(next) => Extent::Known(next.header.previous_end.min(self.segment.length)),
            None => Extent::Open(self.segment.length),
        }
    }
}

fn open_segments(
    disk: &dyn Disk,
    files: &Files,
    damaged: &mut Vec<DamagedRegion>,
) -> Result<Vec<Opened>, WalOpenError> {
    let mut segments = Vec::new();
    for (&index, &length) in &files.segments {
        let file = disk.open(&segment_name(index))?;
        let segment = Segment { index, file, length };
        match SegmentHeader::read(&*segment.file)? {
            Ok(header) => segments.push((segment, Some(header).filter(|header| header.index == index))),
            Err(HeaderDefect::Version(version)) => {
                return Err(WalOpenError::Version {
                    segment: index,
                    version,
                });
            }
            Err(HeaderDefect::Damaged) => segments.push((segment, None)),
        }
    }
    let wal_id = segments
        .iter()
        .rev()
        .find_map(|(_, header)| header.as_ref())
        .map(|header| header.wal_id);
    let mut opened = Vec::new();
    for (segment, header) in segments {
        match (header, wal_id) {
            (Some(header), Some(wal_id)) if header.wal_id == wal_id => {
                opened.push(Opened {
                    segment,
                    header,
                    is_whole: true,
                });
            }
            // The records vouch for themselves.
            (None, Some(wal_id)) => {
                damaged.push(set_aside(disk, &segment, 0, SEGMENT_HEADER_BYTES)?);
                let header = SegmentHeader {
                    wal_id,
                    index: segment.index,
                    first_sequence: 0,
                    previous_end: 0,
                };
                opened.push(Opened {
                    segment,
                    header,
                    is_whole: false,
                });
            }
            // Another log's, or nothing to check its records against.
            _ => {
                damaged.push(set_aside(disk, &segment, 0, segment.length)?);
                disk.remove(&segment_name(segment.index))?;
            }
        }
    }
    Ok(opened)
}

fn replay_segment(
    disk: &dyn Disk,
    opened: &Opened,
    extent: Extent,
    replay: &mut Replay,
    window: &mut ResendWindow,
    damaged: &mut Vec<DamagedRegion>,
) -> Result<u64, WalOpenError> {
    let (segment, header) = (&opened.segment, &opened.header);
    let seed = Seed::new(header.wal_id, segment.index);
    let file = Arc::clone(&segment.file);
    let mut scan = Scan::new(seed, file, SEGMENT_HEADER_BYTES, header.first_sequence, extent);
    replay.next_sequence = replay.next_sequence.max(header.first_sequence);
    loop {
        let step = scan.step().map_err(|error| match error.kind() {
            io::ErrorKind::Unsupported => WalOpenError::Record {
                segment: segment.index,
            },
            _ => WalOpenError::Io(error),
        })?;
        match step {
            Step::Record { header, offset, end } => {
                let start = Position {
                    segment: segment.index,
                    offset,
                };
                let end = Position {
                    segment: segment.index,
                    offset: end,
                };
                let content = scan.content()?;
                replay.take(&header, start, end, content);
                if header.kind == Kind::Request {
                    let parts = header.divide(content);
                    let hasher = window.hasher();
                    let known = hasher.of_parts(header.project, header.signal, parts.environment, parts.body);
                    window.note(known, header.sequence, header.received_ns);
                }
            }
            Step::Damage { from, to } => {
                damaged.push(set_aside(disk, segment, from, to)?);
                replay.break_run = true;
            }
            Step::End { offset } => return Ok(offset),
        }
    }
}

/// The bookkeeping of a replay.
#[derive(Default)]
struct Replay {
    /// The lowest sequence number that can still be in the log; ranges that start below were released.
    floor: u64,
    ranges: BTreeMap<u64, SealedRange>,
    /// Requests since the last cut: one run, or several with damage between them.
    open: Vec<Run>,
    break_run: bool,
    next_sequence: u64,
}

impl Replay {
    fn take(&mut self, header: &Header, start: Position, end: Position, content: &[u8]) {
        self.next_sequence = header.sequence + 1;
        match header.kind {
            Kind::Request => self.request(header, start, end),
            Kind::Cut => {
                if let Some(id) = RangeId::decode(content) {
                    self.cut(id);
                }
            }
            Kind::Release => content
                .chunks(RangeId::BYTES)
                .filter_map(RangeId::decode)
                .for_each(|id| self.release(id)),
            Kind::Split => {
                if let Some(split) = Split::decode(content) {
                    self.split(&split);
                }
            }
        }
    }

    fn request(&mut self, header: &Header, start: Position, end: Position) {
        let run = Run {
            id: RangeId {
                first: header.sequence,
                last: header.sequence,
            },
            start,
            end,
            items: Signal::from_number(header.signal)
                .map(|signal| Tally::of(signal, u64::from(header.items)))
                .unwrap_or_default(),
            bytes: header.stride(),
            received_ns: header.received_ns,
        };
        let broken = std::mem::take(&mut self.break_run);
        match self.open.last_mut().filter(|_| !broken) {
            Some(open) => *open = open.join(run),
            None => self.open.push(run),
        }
    }

    /// Seals what is open under the cut's own name, whatever damage took out of it. Runs from before the
    /// range lost their cut to damage: each is a range by itself.
    fn cut(&mut self, id: RangeId) {
        let (inside, before): (Vec<Run>, Vec<Run>) = std::mem::take(&mut self.open)
            .into_iter()
            .partition(|run| run.id.first >= id.first);
        for run in before {
            self.seal(run);
        }
        if id.first >= self.floor
            && let Some(mut run) = inside.into_iter().reduce(Run::join)
        {
            run.id = id;
            self.seal(run);
        }
    }

    fn seal(&mut self, run: Run) {
        self.ranges.insert(
            run.id.first,
            SealedRange {
                run,
                stored: Arc::default(),
            },
        );
    }

    fn release(&mut self, id: RangeId) {
        if self.ranges.get(&id.first).is_some_and(|range| range.run.id == id) {
            self.ranges.remove(&id.first);
            return;
        }
        // Its cut was lost to damage; what is left of it goes all the same.
        self.ranges.retain(|_, range| !id.contains(range.run.id));
        self.open.retain(|run| !id.contains(run.id));
    }

    fn split(&mut self, split: &Split) {
        let Some(range) = self
            .ranges
            .get(&split.whole.first)
            .filter(|range| range.run.id == split.whole)
        else {
            return;
        };
        let (first, second) = split.apply(&range.run);
        let stored = Arc::new(split.stored.clone());
        self.ranges.insert(
            first.id.first,
            SealedRange {
                run: first,
                stored: Arc::clone(&stored),
            },
        );
        self.ranges
            .insert(second.id.first, SealedRange { run: second, stored });
    }
}

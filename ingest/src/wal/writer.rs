//! The end of the log: places records in the current segment, writes them together, syncs, and goes on to
//! the next segment. A segment whose write or sync failed is never written again: what the kernel kept of it
//! is unknown, and asking twice would only hide that.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::metrics::Metrics;
use crate::wal::disk::{Disk, LogFile};
use crate::wal::range::Position;
use crate::wal::record::{ALIGNMENT, HEADER_BYTES, Header, Seed};
use crate::wal::segment::{SEGMENT_HEADER_BYTES, Segment, SegmentHeader, segment_name};
use crate::wal::spare::SpareFiles;

/// Room that requests leave in each segment, so that a log at its limit can still record what storage has.
pub(crate) const CONTROL_RESERVE_BYTES: u64 = 64 * 1024;

/// A record with its place.
pub(crate) struct Placed {
    header: [u8; HEADER_BYTES],
    label: Box<[u8]>,
    body: Bytes,
    pub(crate) sequence: u64,
    pub(crate) start: Position,
    pub(crate) end: Position,
}

/// Why there is no next segment.
#[derive(Debug)]
pub(crate) enum RotateError {
    /// The log has its size, or the disk no room.
    Full,
    /// The disk refused.
    Io(io::Error),
}

struct Tail {
    segment: Segment,
    seed: Seed,
    /// Where the next record goes.
    offset: u64,
}

/// The writing end of the log.
pub(crate) struct Writer {
    disk: Arc<dyn Disk>,
    spares: Arc<SpareFiles>,
    metrics: Metrics,
    wal_id: u128,
    tail: Option<Tail>,
    /// The last segment's number, and where its good records end.
    last: Position,
    next_sequence: u64,
    /// The first sequence number that is not known to be synced.
    unsynced_from: u64,
    /// Bytes placed behind the tail's offset, not yet written.
    placed_bytes: u64,
}

impl Writer {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        spares: Arc<SpareFiles>,
        metrics: Metrics,
        wal_id: u128,
        last: Position,
        next_sequence: u64,
    ) -> Self {
        let unsynced_from = next_sequence;
        Self {
            disk,
            spares,
            metrics,
            wal_id,
            tail: None,
            last,
            next_sequence,
            unsynced_from,
            placed_bytes: 0,
        }
    }

    /// Where the last segment's records end.
    pub(crate) fn last(&self) -> Position {
        self.last
    }

    /// Whether a record fits the current segment behind what is placed already.
    pub(crate) fn has_room(&self, stride: u64, reserve: u64) -> bool {
        self.tail
            .as_ref()
            .is_some_and(|tail| tail.offset + self.placed_bytes + stride + reserve <= tail.segment.length)
    }

    /// Gives a record its place and sequence number; `None` when there is no segment.
    pub(crate) fn place(&mut self, mut header: Header, label: Box<[u8]>, body: Bytes) -> Option<Placed> {
        let tail = self.tail.as_ref()?;
        header.sequence = self.next_sequence;
        header.group = self.unsynced_from;
        self.next_sequence += 1;
        let start = Position {
            segment: tail.segment.index,
            offset: tail.offset + self.placed_bytes,
        };
        let end = Position {
            segment: start.segment,
            offset: start.offset + header.stride(),
        };
        self.placed_bytes += header.stride();
        Some(Placed {
            header: header.encode(tail.seed),
            sequence: header.sequence,
            label,
            body,
            start,
            end,
        })
    }

    /// Writes placed records, all there are, in order. On failure the segment is given up.
    pub(crate) fn write(&mut self, placed: &[&Placed], sync: bool) -> io::Result<()> {
        let Some(tail) = self.tail.as_mut() else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let padding = [0; ALIGNMENT];
        let mut slices = Vec::with_capacity(placed.len() * 4);
        for record in placed {
            let unpadded = HEADER_BYTES + record.label.len() + record.body.len();
            let pad = unpadded.next_multiple_of(ALIGNMENT) - unpadded;
            let parts = [&record.header[..], &record.label, &record.body, &padding[..pad]];
            slices.extend(
                parts
                    .into_iter()
                    .filter(|part| !part.is_empty())
                    .map(IoSlice::new),
            );
        }
        let written = tail.segment.file.write_all_at(&mut slices, tail.offset);
        let placed_bytes = std::mem::take(&mut self.placed_bytes);
        if let Err(error) = written {
            self.give_up();
            return Err(error);
        }
        tail.offset += placed_bytes;
        let end = tail.offset;
        if sync {
            self.sync()?;
        }
        self.last.offset = end;
        Ok(())
    }

    /// Whether something is written but not synced.
    pub(crate) fn is_dirty(&self) -> bool {
        self.tail.is_some() && self.unsynced_from < self.next_sequence
    }

    /// Syncs what is written. On failure the segment is given up.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        let Some(tail) = &self.tail else { return Ok(()) };
        let started = Instant::now();
        let synced = tail.segment.file.sync();
        self.metrics
            .fsync_seconds
            .observe(started.elapsed().as_secs_f64());
        match synced {
            Ok(()) => self.unsynced_from = self.next_sequence,
            Err(_) => self.give_up(),
        }
        synced
    }

    /// Goes on to a new segment with room for a record of `stride` bytes. Nothing may be placed.
    pub(crate) fn rotate(&mut self, stride: u64, sync_old: bool) -> Result<Segment, RotateError> {
        if sync_old
            && self.is_dirty()
            && let Err(error) = self.sync()
        {
            tracing::error!(%error, segment = self.last.segment, "the last sync of a log file failed");
        }
        let needed = SEGMENT_HEADER_BYTES + stride + CONTROL_RESERVE_BYTES;
        let (name, file, length) = self.next_file(needed)?;
        let index = self.last.segment + 1;
        let header = SegmentHeader {
            wal_id: self.wal_id,
            index,
            first_sequence: self.next_sequence,
            previous_end: self.last.offset,
        };
        let named = header
            .write(&*file)
            .and_then(|()| self.disk.rename(&name, &segment_name(index)))
            .and_then(|()| self.disk.sync_directory());
        if let Err(error) = named {
            // Whether the rename happened is unknown; one of the two names is the file's.
            let _ = self.disk.remove(&segment_name(index));
            let _ = self.disk.remove(&name);
            self.spares.forget(length);
            return Err(RotateError::Io(error));
        }
        let segment = Segment { index, file, length };
        self.last = Position {
            segment: index,
            offset: SEGMENT_HEADER_BYTES,
        };
        self.unsynced_from = self.next_sequence;
        let seed = Seed::new(self.wal_id, index);
        self.tail = Some(Tail {
            segment: segment.clone(),
            seed,
            offset: SEGMENT_HEADER_BYTES,
        });
        Ok(segment)
    }

    /// A spare file, or one made to measure for a record that is larger than a segment.
    fn next_file(&self, needed: u64) -> Result<(String, Arc<dyn LogFile>, u64), RotateError> {
        let ordinary = self.spares.segment_bytes();
        if needed <= ordinary {
            let spare = self.spares.take().ok_or(RotateError::Full)?;
            return Ok((spare.name, spare.file, ordinary));
        }
        if !self.spares.admit(needed) {
            return Err(RotateError::Full);
        }
        let name = "large".to_owned();
        match self.disk.create(&name, needed) {
            Ok(file) => Ok((name, file, needed)),
            Err(error) => {
                let _ = self.disk.remove(&name);
                self.spares.forget(needed);
                Err(RotateError::Io(error))
            }
        }
    }

    fn give_up(&mut self) {
        self.tail = None;
        self.placed_bytes = 0;
        self.metrics.poisoned_segments.inc();
    }
}

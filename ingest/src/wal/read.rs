//! Reading a range back: from memory while it is there, else from the segments that hold it.

use std::io;
use std::sync::Arc;

use brokle_model::id::ProjectId;
use brokle_model::telemetry::Signal;
use bytes::Bytes;

use crate::wal::Wal;
use crate::wal::book::TakenRange;
use crate::wal::range::{LoggedRequest, RangeId};
use crate::wal::record::{Header, Kind, Seed};
use crate::wal::scan::{Extent, Scan, Step};
use crate::wal::segment::{SEGMENT_HEADER_BYTES, Segment};
use crate::wal::set_aside::set_aside;
use crate::wal::tally::Tally;

/// The requests of a range.
#[derive(Debug)]
pub struct RangeContent {
    /// In order.
    pub requests: Vec<LoggedRequest>,
    /// Items that were accepted and cannot be read any more.
    pub damaged_items: Tally,
}

impl Wal {
    /// The requests of a range, from memory or from disk. Blocks.
    pub fn read(&self, taken: &mut TakenRange) -> io::Result<RangeContent> {
        if let Some(requests) = taken.cached.take() {
            return Ok(RangeContent {
                requests,
                damaged_items: Tally::default(),
            });
        }
        let run = taken.range.run;
        let mut requests = Vec::new();
        for (segment, end) in self.book.segments_of(&run) {
            let is_first = segment.index == run.start.segment;
            let start = if is_first {
                run.start.offset
            } else {
                SEGMENT_HEADER_BYTES
            };
            self.read_segment(&segment, start, end, run.id, &mut requests)?;
        }
        let readable: Tally = requests.iter().map(LoggedRequest::tally).sum();
        // Of a split from format 1 the halves' items are known by their sum alone.
        let damaged_items = if readable.total() < run.items.total() {
            run.items.without(readable)
        } else {
            Tally::default()
        };
        Ok(RangeContent {
            requests,
            damaged_items,
        })
    }

    /// Adds the requests of range `id` that lie between `start` and `end`; sets aside what cannot be read.
    fn read_segment(
        &self,
        segment: &Segment,
        start: u64,
        end: u64,
        id: RangeId,
        requests: &mut Vec<LoggedRequest>,
    ) -> io::Result<()> {
        let seed = Seed::new(self.id, segment.index);
        let mut scan = Scan::new(seed, Arc::clone(&segment.file), start, 0, Extent::Known(end));
        loop {
            match scan.step()? {
                Step::Record { header, .. } => {
                    let is_wanted = header.kind == Kind::Request
                        && id.contains(RangeId {
                            first: header.sequence,
                            last: header.sequence,
                        });
                    if let (true, Some(signal)) = (is_wanted, Signal::from_number(header.signal)) {
                        let content = Bytes::copy_from_slice(scan.content()?);
                        requests.push(logged_request(&header, signal, &content));
                    }
                }
                Step::Damage { from, to } => {
                    set_aside(self.disk.as_ref(), segment, from, to)?;
                    self.metrics.damaged_regions.inc();
                }
                Step::End { .. } => return Ok(()),
            }
        }
    }
}

fn logged_request(header: &Header, signal: Signal, content: &Bytes) -> LoggedRequest {
    let parts = header.divide(content);
    LoggedRequest {
        sequence: header.sequence,
        project: ProjectId::from_u128(header.project),
        environment: String::from_utf8_lossy(parts.environment).into(),
        signal,
        received_ns: header.received_ns,
        items: header.items,
        retention_days: parts.retention_days,
        calls: parts.calls,
        body: content.slice_ref(parts.body),
        _reservation: None,
    }
}

//! What the committer writes, and how each kind looks as a record.

use tokio::sync::oneshot;

use crate::wal::Acknowledged;
use crate::wal::error::AppendError;
use crate::wal::queue::Pending;
use crate::wal::range::{LoggedRequest, RangeId, Run, Split};
use crate::wal::record::{Header, Kind, content_crc, label};
use crate::wal::tally::Tally;
use crate::wal::writer::Placed;

/// Who waits for a request to be on disk.
pub(crate) type Waiter = oneshot::Sender<Result<Acknowledged, AppendError>>;

/// A record on its way, and what follows from its being written.
pub(crate) enum Entry {
    Request(Pending),
    Cut,
    Release(Vec<RangeId>),
    Split(Split, oneshot::Sender<bool>),
}

/// A request as a stretch of the log.
pub(crate) fn run_of(request: &LoggedRequest, placed: &Placed) -> Run {
    Run {
        id: RangeId {
            first: placed.sequence,
            last: placed.sequence,
        },
        start: placed.start,
        end: placed.end,
        items: Tally::of(request.signal, u64::from(request.items)),
        bytes: placed.end.offset - placed.start.offset,
        received_ns: request.received_ns,
    }
}

/// The header of a request, and its label. Lengths were checked when it was queued.
pub(crate) fn request_header(request: &LoggedRequest, content_crc: u32) -> (Header, Box<[u8]>) {
    let (label, flags) = label(&request.environment, request.retention_days, request.calls);
    let content_bytes = label.len() + request.body.len();
    let header = Header {
        kind: Kind::Request,
        sequence: 0,
        group: 0,
        project: request.project.as_u128(),
        signal: request.signal as u8,
        flags,
        received_ns: request.received_ns,
        items: request.items,
        label_bytes: u8::try_from(label.len()).unwrap_or(u8::MAX),
        content_bytes: u32::try_from(content_bytes).unwrap_or(u32::MAX),
        content_crc,
    };
    (header, label)
}

/// The header of any other record.
pub(crate) fn control_header(kind: Kind, body: &[u8]) -> Header {
    Header {
        kind,
        sequence: 0,
        group: 0,
        project: 0,
        signal: 0,
        flags: 0,
        received_ns: 0,
        items: 0,
        label_bytes: 0,
        content_bytes: u32::try_from(body.len()).unwrap_or(u32::MAX),
        content_crc: content_crc(&[], body),
    }
}

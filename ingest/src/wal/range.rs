//! Ranges: the stretches into which the log is cut. A range is one batch, today and after any crash, so its
//! name is what makes a repeated insert recognisable.

use std::fmt;
use std::sync::Arc;

use brokle_model::id::ProjectId;
use brokle_model::telemetry::{CallDays, Signal};
use bytes::Bytes;
use chrono::DateTime;
use serde::{Deserialize, Serialize};

use crate::pipeline::batch::RangeRecord;
use crate::wal::budget::Reservation;
use crate::wal::record::take;
use crate::wal::tally::Tally;

/// The first and last sequence number of a range. Both are part of its name, so that two ranges that differ
/// in a single record never share an insert token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RangeId {
    /// The first record's sequence number.
    pub first: u64,
    /// The last record's sequence number.
    pub last: u64,
}

impl fmt::Display for RangeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.first, self.last)
    }
}

impl RangeId {
    pub(crate) const BYTES: usize = 16;

    pub(crate) fn contains(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    pub(crate) fn encode_into(self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.first.to_le_bytes());
        bytes.extend_from_slice(&self.last.to_le_bytes());
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            first: u64::from_le_bytes(take(bytes, 0)?),
            last: u64::from_le_bytes(take(bytes, 8)?),
        })
    }
}

/// A place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

/// A stretch of the log that is, or will be, a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) id: RangeId,
    /// Where its first record starts; a split half keeps the start of the whole.
    pub(crate) start: Position,
    /// Where its last record ends.
    pub(crate) end: Position,
    pub(crate) items: Tally,
    pub(crate) bytes: u64,
    /// When its first request was accepted.
    pub(crate) received_ns: i64,
}

impl Run {
    /// Both runs as one; `next` lies behind `self`.
    pub(crate) fn join(self, next: Self) -> Self {
        Self {
            id: RangeId {
                first: self.id.first,
                last: next.id.last,
            },
            start: self.start,
            end: next.end,
            items: self.items + next.items,
            bytes: self.bytes + next.bytes,
            received_ns: self.received_ns.min(next.received_ns),
        }
    }
}

/// A table and partition that has its rows of a range, by the names used in the insert token.
pub type StoredPart = (String, String);

/// A range on its way to storage.
#[derive(Debug, Clone)]
pub struct SealedRange {
    pub(crate) run: Run,
    /// What was stored of the larger range that this one was split from.
    pub(crate) stored: Arc<Vec<StoredPart>>,
}

impl SealedRange {
    /// Its name.
    pub fn id(&self) -> RangeId {
        self.run.id
    }

    /// Spans, records and points in it.
    pub fn items(&self) -> Tally {
        self.run.items
    }

    /// Whether these rows are in storage already.
    pub fn has_stored(&self, table: &str, partition: &str) -> bool {
        self.stored
            .iter()
            .any(|part| part.0 == table && part.1 == partition)
    }
}

/// A request as the log holds it, in memory.
#[derive(Debug, Clone)]
pub struct LoggedRequest {
    /// Its sequence number.
    pub sequence: u64,
    /// The tenant.
    pub project: ProjectId,
    /// The environment tag.
    pub environment: Box<str>,
    /// What the body carries.
    pub signal: Signal,
    /// When it was accepted, nanoseconds since 1970.
    pub received_ns: i64,
    /// Spans, records or points in the body.
    pub items: u32,
    /// How many days its rows are kept.
    pub retention_days: u16,
    /// Days of a call's rows, if the gateway recorded it.
    pub calls: Option<CallDays>,
    /// The OTLP message.
    pub body: Bytes,
    /// Its share of the memory budget, given back when the last copy goes.
    pub(crate) _reservation: Option<Arc<Reservation>>,
}

impl LoggedRequest {
    /// Its items, as a count of its signal.
    pub(crate) fn tally(&self) -> Tally {
        Tally::of(self.signal, u64::from(self.items))
    }

    /// The request as the decoder takes it.
    pub fn as_record(&self) -> RangeRecord<'_> {
        RangeRecord {
            project: self.project,
            environment: &self.environment,
            signal: self.signal,
            received_at: DateTime::from_timestamp_nanos(self.received_ns),
            retention_days: self.retention_days,
            calls: self.calls,
            body: &self.body,
        }
    }
}

/// The content of a split record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Split {
    pub(crate) whole: RangeId,
    /// The last sequence number of the first half.
    pub(crate) middle: u64,
    pub(crate) first_items: FirstItems,
    pub(crate) first_bytes: u64,
    pub(crate) stored: Vec<StoredPart>,
}

/// Items of the first half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FirstItems {
    /// By signal.
    BySignal(Tally),
    /// Format 1 told the sum alone.
    Sum(u64),
}

impl FirstItems {
    fn total(self) -> u64 {
        match self {
            Self::BySignal(tally) => tally.total(),
            Self::Sum(total) => total,
        }
    }
}

/// The part of a split record that has no fixed length.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum SplitDetails {
    Format2 {
        stored: Vec<StoredPart>,
        /// By the signal's number.
        first_items: Vec<(u8, u64)>,
    },
    Format1(Vec<StoredPart>),
}

impl Split {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        self.whole.encode_into(&mut bytes);
        bytes.extend_from_slice(&self.middle.to_le_bytes());
        bytes.extend_from_slice(&self.first_items.total().to_le_bytes());
        bytes.extend_from_slice(&self.first_bytes.to_le_bytes());
        let stored = self.stored.clone();
        let details = match self.first_items {
            FirstItems::BySignal(tally) => SplitDetails::Format2 {
                stored,
                first_items: tally
                    .iter()
                    .map(|(signal, items)| (signal as u8, items))
                    .collect(),
            },
            FirstItems::Sum(_) => SplitDetails::Format1(stored),
        };
        // Strings and numbers always serialise.
        bytes.extend_from_slice(&serde_json::to_vec(&details).unwrap_or_default());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (stored, first_items) = match serde_json::from_slice(bytes.get(40..)?).ok()? {
            SplitDetails::Format2 { stored, first_items } => {
                let of = |(number, items)| Some(Tally::of(Signal::from_number(number)?, items));
                let tallies: Option<Vec<Tally>> = first_items.into_iter().map(of).collect();
                (stored, FirstItems::BySignal(tallies?.into_iter().sum()))
            }
            SplitDetails::Format1(stored) => (stored, FirstItems::Sum(u64::from_le_bytes(take(bytes, 24)?))),
        };
        Some(Self {
            whole: RangeId::decode(bytes)?,
            middle: u64::from_le_bytes(take(bytes, 16)?),
            first_items,
            first_bytes: u64::from_le_bytes(take(bytes, 32)?),
            stored,
        })
    }

    /// The two halves of `run`.
    pub(crate) fn apply(&self, run: &Run) -> (Run, Run) {
        let (mut first, mut second) = (*run, *run);
        first.id.last = self.middle;
        second.id.first = self.middle + 1;
        first.items = match self.first_items {
            FirstItems::BySignal(items) => items.at_most(run.items),
            FirstItems::Sum(total) => run.items.first(total),
        };
        second.items = run.items.without(first.items);
        first.bytes = self.first_bytes.min(run.bytes);
        second.bytes = run.bytes - first.bytes;
        (first, second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_reads_back_and_divides_exactly() {
        let split = Split {
            whole: RangeId { first: 3, last: 9 },
            middle: 5,
            first_items: FirstItems::BySignal(Tally::of(Signal::Traces, 4)),
            first_bytes: 100,
            stored: vec![("observations".to_owned(), "202611".to_owned())],
        };
        assert_eq!(Split::decode(&split.encode()), Some(split.clone()));
        let place = Position {
            segment: 1,
            offset: 64,
        };
        let run = Run {
            id: split.whole,
            start: place,
            end: place,
            items: Tally::of(Signal::Traces, 10) + Tally::of(Signal::Logs, 1),
            bytes: 300,
            received_ns: 1,
        };
        let (first, second) = split.apply(&run);
        assert_eq!(
            (first.id, first.items, first.bytes),
            (RangeId { first: 3, last: 5 }, Tally::of(Signal::Traces, 4), 100)
        );
        assert_eq!(
            (second.id, second.items.total(), second.bytes),
            (RangeId { first: 6, last: 9 }, 7, 200)
        );
    }
}

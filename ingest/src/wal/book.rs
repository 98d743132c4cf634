//! The book of ranges: what is sealed and not yet in storage, which of it is in memory, and which segments
//! are still needed. Bounded by the log's own size: one entry per range on disk.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::wal::range::{LoggedRequest, RangeId, Run, SealedRange, Split};
use crate::wal::segment::{Segment, segment_name};
use crate::wal::tally::Tally;

/// A range that the pipeline works on, with its requests when they are still in memory.
#[derive(Debug)]
pub struct TakenRange {
    /// The range.
    pub range: SealedRange,
    /// Its requests.
    pub(crate) cached: Option<Vec<LoggedRequest>>,
}

struct Entry {
    range: SealedRange,
    cached: Option<Vec<LoggedRequest>>,
    is_taken: bool,
}

struct LiveSegment {
    segment: Segment,
    /// Where its records end; unknown while it is written.
    end: Option<u64>,
}

#[derive(Default)]
struct State {
    /// By first sequence number, and so by age.
    ranges: BTreeMap<u64, Entry>,
    segments: BTreeMap<u64, LiveSegment>,
    unsealed: Option<Run>,
    cached_bytes: u64,
}

/// The book.
pub(crate) struct Book {
    state: Mutex<State>,
    cache_bytes_max: u64,
    /// A range became available.
    available: Notify,
    /// A range was released.
    released: Notify,
}

impl Book {
    pub(crate) fn new(
        ranges: BTreeMap<u64, SealedRange>,
        segments: BTreeMap<u64, (Segment, u64)>,
        unsealed: Option<Run>,
        cache_bytes_max: u64,
    ) -> Self {
        let entry = |range| Entry {
            range,
            cached: None,
            is_taken: false,
        };
        let live = |(segment, end)| LiveSegment {
            segment,
            end: Some(end),
        };
        let state = State {
            ranges: ranges
                .into_iter()
                .map(|(first, range)| (first, entry(range)))
                .collect(),
            segments: segments
                .into_iter()
                .map(|(index, found)| (index, live(found)))
                .collect(),
            unsealed,
            cached_bytes: 0,
        };
        Self {
            state: Mutex::new(state),
            cache_bytes_max,
            available: Notify::new(),
            released: Notify::new(),
        }
    }

    /// Adds a segment; the one before it got its end.
    pub(crate) fn open_segment(&self, segment: Segment, previous_end: u64) {
        let mut state = self.lock();
        if let Some(previous) = state.segments.get_mut(&(segment.index - 1)) {
            previous.end = Some(previous_end);
        }
        state
            .segments
            .insert(segment.index, LiveSegment { segment, end: None });
    }

    /// Notes what is behind the last cut.
    pub(crate) fn set_unsealed(&self, run: Option<Run>) {
        self.lock().unsealed = run;
    }

    /// Adds a sealed range. Its requests stay in memory if there is room.
    pub(crate) fn seal(&self, run: Run, requests: Vec<LoggedRequest>, is_complete: bool) {
        let mut state = self.lock();
        let keep = is_complete && state.cached_bytes + run.bytes <= self.cache_bytes_max;
        state.cached_bytes += if keep { run.bytes } else { 0 };
        let range = SealedRange {
            run,
            stored: Arc::default(),
        };
        state.ranges.insert(
            run.id.first,
            Entry {
                range,
                cached: keep.then_some(requests),
                is_taken: false,
            },
        );
        drop(state);
        self.available.notify_one();
    }

    /// Takes the oldest range that nobody works on; waits for one.
    pub(crate) async fn take(&self) -> TakenRange {
        loop {
            let available = self.available.notified();
            if let Some(taken) = self.try_take() {
                return taken;
            }
            available.await;
        }
    }

    fn try_take(&self) -> Option<TakenRange> {
        let mut state = self.lock();
        let entry = state.ranges.values_mut().find(|entry| !entry.is_taken)?;
        entry.is_taken = true;
        let taken = TakenRange {
            range: entry.range.clone(),
            cached: entry.cached.take(),
        };
        if taken.cached.is_some() {
            state.cached_bytes = state.cached_bytes.saturating_sub(taken.range.run.bytes);
        }
        Some(taken)
    }

    /// Forgets a range that storage has. Returns the files of segments that nothing needs any more.
    pub(crate) fn release(&self, id: RangeId) -> Vec<(String, u64)> {
        let mut state = self.lock();
        state.ranges.remove(&id.first);
        let files = state.drop_segments();
        drop(state);
        self.released.notify_waiters();
        files
    }

    /// Puts the halves of a range in its place, for anyone to take.
    pub(crate) fn split(&self, split: &Split) {
        let mut state = self.lock();
        let Some(entry) = state.ranges.remove(&split.whole.first) else {
            return;
        };
        let stored = Arc::new(split.stored.clone());
        let (first, second) = split.apply(&entry.range.run);
        for run in [first, second] {
            let range = SealedRange {
                run,
                stored: Arc::clone(&stored),
            };
            state.ranges.insert(
                run.id.first,
                Entry {
                    range,
                    cached: None,
                    is_taken: false,
                },
            );
        }
        drop(state);
        self.available.notify_one();
        self.available.notify_one();
    }

    /// Waits until nothing is left.
    pub(crate) async fn wait_until_empty(&self) {
        loop {
            let released = self.released.notified();
            tokio::pin!(released);
            released.as_mut().enable();
            if self.lock().ranges.is_empty() {
                return;
            }
            released.await;
        }
    }

    /// The segments that hold `run`, with the ends of their records.
    pub(crate) fn segments_of(&self, run: &Run) -> Vec<(Segment, u64)> {
        let state = self.lock();
        let span = state.segments.range(run.start.segment..=run.end.segment);
        span.map(|(index, live)| {
            let end = if *index == run.end.segment {
                run.end.offset
            } else {
                live.end.unwrap_or(live.segment.length)
            };
            (live.segment.clone(), end)
        })
        .collect()
    }

    /// Items and ranges that are not in storage, and when the oldest of their requests was accepted.
    pub(crate) fn waiting(&self) -> Waiting {
        let state = self.lock();
        let runs = state.ranges.values().map(|entry| &entry.range.run);
        let oldest = state
            .ranges
            .values()
            .next()
            .map(|entry| entry.range.run.received_ns);
        Waiting {
            ranges: state.ranges.len() as u64,
            items: runs.chain(&state.unsealed).map(|run| run.items).sum(),
            oldest_received_ns: oldest.or(state.unsealed.map(|run| run.received_ns)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Drops the segments before the first one that a range, the unsealed run or the writer needs.
    fn drop_segments(&mut self) -> Vec<(String, u64)> {
        let oldest = self
            .ranges
            .values()
            .next()
            .map(|entry| entry.range.run.start.segment);
        let unsealed = self.unsealed.map(|run| run.start.segment);
        let written = self.segments.keys().next_back().copied();
        let Some(needed) = oldest.into_iter().chain(unsealed).chain(written).min() else {
            return Vec::new();
        };
        let kept = self.segments.split_off(&needed);
        let dropped = std::mem::replace(&mut self.segments, kept);
        dropped
            .into_iter()
            .map(|(index, live)| (segment_name(index), live.segment.length))
            .collect()
    }
}

/// What is not in storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) ranges: u64,
    pub(crate) items: Tally,
    pub(crate) oldest_received_ns: Option<i64>,
}

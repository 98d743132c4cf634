//! The one thread that writes the log. It takes whatever arrived during the last sync, writes it as one
//! group, syncs, and only then tells the waiters. It also cuts the log into ranges, because it alone knows
//! the order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::config::{Config, SyncPolicy};
use crate::metrics::Metrics;
use crate::wal::Acknowledged;
use crate::wal::book::Book;
use crate::wal::entry::{Entry, Waiter, control_header, request_header, run_of};
use crate::wal::error::AppendError;
use crate::wal::queue::{Control, Pending, Queue, Work};
use crate::wal::range::{LoggedRequest, RangeId, Run, Split};
use crate::wal::record::{Kind, stride};
use crate::wal::tally::Tally;
use crate::wal::window::ResendWindow;
use crate::wal::writer::{CONTROL_RESERVE_BYTES, Placed, RotateError, Writer};

/// When the caller of a full log should come back.
pub(crate) const FULL_RETRY_AFTER: Duration = Duration::from_secs(5);
/// How long until something that failed and that nobody waits for is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(200);
/// Ranges named in one release record.
const RELEASES_PER_RECORD_MAX: usize = 1024;

/// What the committer needs to know of the configuration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    sync: SyncPolicy,
    sync_interval: Duration,
    range_bytes_max: u64,
    range_age_max: Duration,
}

impl Rules {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            sync: config.sync,
            sync_interval: config.sync_interval,
            range_bytes_max: config.range_bytes_max,
            range_age_max: config.range_age_max,
        }
    }
}

/// What the log held when it was opened.
pub(crate) struct Past {
    /// Behind the last cut; it is cut off at once.
    pub(crate) unsealed: Option<Run>,
    pub(crate) window: ResendWindow,
}

/// The state of the thread.
pub(crate) struct Committer {
    rules: Rules,
    queue: Arc<Queue>,
    book: Arc<Book>,
    writer: Writer,
    metrics: Metrics,
    full: Arc<AtomicBool>,
    /// Placed, not yet written.
    chunk: Vec<(Entry, Placed)>,
    /// What is on disk behind the last cut, and the same with the chunk.
    run: Option<Run>,
    planned: Option<Run>,
    /// The requests of `run`, unless some are from before the start.
    requests: Vec<LoggedRequest>,
    is_complete: bool,
    window: ResendWindow,
    /// Resends of requests in `chunk`: their fate is the original's.
    twins: Vec<(Pending, u64)>,
    cut_due: Instant,
    /// Requests that nobody waits for and that could not be written.
    kept: Vec<Pending>,
    releases: Vec<RangeId>,
    not_before: Instant,
    last_sync: Instant,
}

impl Committer {
    pub(crate) fn new(
        rules: Rules,
        queue: Arc<Queue>,
        book: Arc<Book>,
        writer: Writer,
        metrics: Metrics,
        full: Arc<AtomicBool>,
        past: Past,
    ) -> Self {
        let Past { unsealed, window } = past;
        let now = Instant::now();
        Self {
            rules,
            queue,
            book,
            writer,
            metrics,
            full,
            chunk: Vec::new(),
            run: unsealed,
            planned: unsealed,
            requests: Vec::new(),
            is_complete: unsealed.is_none(),
            window,
            twins: Vec::new(),
            cut_due: now,
            kept: Vec::new(),
            releases: Vec::new(),
            not_before: now,
            last_sync: now,
        }
    }

    /// Works until the queue is closed and done.
    pub(crate) fn run(mut self) {
        loop {
            let work = self.queue.take(self.deadline());
            let closed = work.closed;
            self.commit(work);
            self.sync_if_due();
            if closed {
                break;
            }
        }
        if !self.kept.is_empty() {
            tracing::error!(
                requests = self.kept.len(),
                "telemetry of this process could not be written to the log"
            );
        }
        if self.rules.sync != SyncPolicy::Never
            && let Err(error) = self.writer.sync()
        {
            tracing::error!(%error, "the last sync of the log failed");
        }
    }

    /// When there is something to do even if nothing arrives.
    fn deadline(&self) -> Option<Instant> {
        let cut = self.run.map(|_| self.cut_due.max(self.not_before));
        let kept = (!self.kept.is_empty()).then_some(self.not_before);
        let is_sync_due = self.rules.sync == SyncPolicy::Interval && self.writer.is_dirty();
        let sync = is_sync_due.then(|| self.last_sync + self.rules.sync_interval);
        cut.into_iter().chain(kept).chain(sync).min()
    }

    fn commit(&mut self, work: Work) {
        let mut seals = Vec::new();
        for control in work.controls {
            match control {
                Control::Release(id) => self.releases.push(id),
                Control::Split(split, answer) => self.place_split(split, answer),
                Control::Seal(answer) => seals.push(answer),
                Control::Find(content, answer) => {
                    let _ = answer.send(self.window.find(content));
                }
            }
        }
        self.place_releases();
        for pending in std::mem::take(&mut self.kept).into_iter().chain(work.requests) {
            self.place_request(pending);
        }
        let now = Instant::now();
        let is_due = self.run.is_some() && now >= self.cut_due && now >= self.not_before;
        if is_due || !seals.is_empty() {
            self.place_cut();
        }
        self.flush();
        for answer in seals {
            // Whoever asked may have gone.
            let _ = answer.send(self.run.is_none() && self.kept.is_empty());
        }
    }

    fn place_request(&mut self, pending: Pending) {
        let request = &pending.request;
        if pending.may_be_resent
            && let Some(sequence) = self.window.find_recent(pending.content, request.received_ns)
        {
            return self.twins.push((pending, sequence));
        }
        let (header, label) = request_header(request, pending.content_crc);
        let body = request.body.clone();
        if let Err(error) = self.make_room(header.stride(), CONTROL_RESERVE_BYTES) {
            return self.refuse(pending, &error);
        }
        let Some(placed) = self.writer.place(header, label, body) else {
            return self.fail(pending);
        };
        let run = run_of(&pending.request, &placed);
        self.window
            .note(pending.content, placed.sequence, pending.request.received_ns);
        let planned = self.planned.map_or(run, |planned| planned.join(run));
        self.planned = Some(planned);
        self.chunk.push((Entry::Request(pending), placed));
        if planned.bytes >= self.rules.range_bytes_max {
            self.place_cut();
        }
    }

    /// Cuts the log behind what is placed so far. If there is no room, the next round tries again.
    fn place_cut(&mut self) {
        if self.planned.is_none() {
            return;
        }
        let Ok(()) = self.make_room(stride(RangeId::BYTES), 0) else {
            self.not_before = Instant::now() + TRY_AGAIN;
            return;
        };
        // Making room writes what was placed; had that failed, there may be nothing left to cut.
        let Some(run) = self.planned.take() else { return };
        let mut body = Vec::with_capacity(RangeId::BYTES);
        run.id.encode_into(&mut body);
        self.place_control(Entry::Cut, Kind::Cut, body);
    }

    fn place_split(&mut self, split: Split, answer: oneshot::Sender<bool>) {
        let body = split.encode();
        if self.make_room(stride(body.len()), 0).is_ok() {
            self.place_control(Entry::Split(split, answer), Kind::Split, body);
        } else {
            let _ = answer.send(false);
        }
    }

    /// Notes what storage has. Should there be no room, the notes wait; without them a restart sends the
    /// ranges once more, and storage knows their tokens.
    fn place_releases(&mut self) {
        while !self.releases.is_empty() {
            let count = self.releases.len().min(RELEASES_PER_RECORD_MAX);
            if self.make_room(stride(count * RangeId::BYTES), 0).is_err() {
                return;
            }
            let released: Vec<RangeId> = self.releases.drain(..count).collect();
            let mut body = Vec::with_capacity(count * RangeId::BYTES);
            for id in &released {
                id.encode_into(&mut body);
            }
            self.place_control(Entry::Release(released), Kind::Release, body);
        }
    }

    fn place_control(&mut self, entry: Entry, kind: Kind, body: Vec<u8>) {
        let header = control_header(kind, &body);
        if let Some(placed) = self.writer.place(header, Box::default(), Bytes::from(body)) {
            self.chunk.push((entry, placed));
        }
    }

    fn make_room(&mut self, stride: u64, reserve: u64) -> Result<(), RotateError> {
        if self.writer.has_room(stride, reserve) {
            return Ok(());
        }
        self.flush();
        let previous_end = self.writer.last().offset;
        match self.writer.rotate(stride, self.rules.sync != SyncPolicy::Never) {
            Ok(segment) => {
                self.book.open_segment(segment, previous_end);
                Ok(())
            }
            Err(error) => {
                if let RotateError::Io(error) = &error {
                    tracing::error!(%error, "cannot start a new log file");
                }
                Err(error)
            }
        }
    }

    fn refuse(&mut self, pending: Pending, error: &RotateError) {
        match error {
            RotateError::Io(_) => self.fail(pending),
            RotateError::Full => {
                self.full.store(true, Ordering::Relaxed);
                self.answer(
                    pending,
                    AppendError::Full {
                        retry_after: FULL_RETRY_AFTER,
                    },
                );
            }
        }
    }

    fn fail(&mut self, pending: Pending) {
        self.answer(pending, AppendError::Failed);
    }

    /// Tells the waiter; a request without one is kept.
    fn answer(&mut self, mut pending: Pending, error: AppendError) {
        if let Some(waiter) = pending.waiter.take() {
            let _ = waiter.send(Err(error));
        } else {
            self.kept.push(pending);
            self.not_before = Instant::now() + TRY_AGAIN;
        }
    }

    /// Writes what is placed, as one group.
    fn flush(&mut self) {
        if !self.chunk.is_empty() {
            self.flush_chunk();
        }
        // Their originals are on disk now; of those that are not, the twins were told with them.
        for (pending, sequence) in std::mem::take(&mut self.twins) {
            self.metrics
                .count_resent(pending.request.signal, u64::from(pending.request.items));
            if let Some(waiter) = pending.waiter {
                let _ = waiter.send(Ok(Acknowledged { sequence }));
            }
        }
    }

    fn flush_chunk(&mut self) {
        let chunk = std::mem::take(&mut self.chunk);
        let sync = self.must_sync(&chunk);
        let placed: Vec<&Placed> = chunk.iter().map(|(_, placed)| placed).collect();
        match self.writer.write(&placed, sync) {
            Ok(()) => {
                if sync {
                    self.last_sync = Instant::now();
                }
                self.apply(chunk);
            }
            Err(error) => {
                tracing::error!(%error, records = chunk.len(), "a write to the log failed; its file is given up");
                self.undo(chunk);
            }
        }
    }

    fn must_sync(&self, chunk: &[(Entry, Placed)]) -> bool {
        let any = |wanted: fn(&Entry) -> bool| chunk.iter().any(|(entry, _)| wanted(entry));
        match self.rules.sync {
            SyncPolicy::Always => any(|entry| !matches!(entry, Entry::Release(_))),
            SyncPolicy::Interval => {
                any(|entry| matches!(entry, Entry::Cut | Entry::Split(..)))
                    || self.last_sync.elapsed() >= self.rules.sync_interval
            }
            SyncPolicy::Never => false,
        }
    }

    fn sync_if_due(&mut self) {
        let is_due = self.rules.sync == SyncPolicy::Interval
            && self.writer.is_dirty()
            && self.last_sync.elapsed() >= self.rules.sync_interval;
        if is_due {
            self.last_sync = Instant::now();
            if let Err(error) = self.writer.sync() {
                tracing::error!(%error, "a sync of the log failed; its file is given up");
            }
        }
    }

    /// Makes a written chunk count, then tells the waiters.
    fn apply(&mut self, chunk: Vec<(Entry, Placed)>) {
        let mut answers = Vec::new();
        let mut accepted = Tally::default();
        for (entry, placed) in chunk {
            match entry {
                Entry::Request(pending) => {
                    accepted += pending.request.tally();
                    answers.extend(self.apply_request(pending, &placed));
                }
                Entry::Cut => {
                    if let Some(run) = self.run.take() {
                        // Counted before anyone can settle them.
                        self.metrics.items.accept(std::mem::take(&mut accepted));
                        self.book
                            .seal(run, std::mem::take(&mut self.requests), self.is_complete);
                    }
                    self.is_complete = true;
                }
                Entry::Release(_) => {}
                Entry::Split(split, answer) => {
                    self.book.split(&split);
                    let _ = answer.send(true);
                }
            }
        }
        self.metrics.items.accept(accepted);
        self.book.set_unsealed(self.run);
        for (waiter, sequence) in answers {
            let _ = waiter.send(Ok(Acknowledged { sequence }));
        }
    }

    fn apply_request(&mut self, pending: Pending, placed: &Placed) -> Option<(Waiter, u64)> {
        let Pending {
            mut request, waiter, ..
        } = pending;
        request.sequence = placed.sequence;
        let run = run_of(&request, placed);
        if self.run.is_none() {
            self.cut_due = Instant::now() + self.rules.range_age_max;
        }
        self.run = Some(self.run.map_or(run, |open| open.join(run)));
        self.requests.push(request);
        waiter.map(|waiter| (waiter, placed.sequence))
    }

    fn undo(&mut self, chunk: Vec<(Entry, Placed)>) {
        self.planned = self.run;
        let mut failed = Vec::new();
        for (entry, placed) in chunk {
            match entry {
                Entry::Request(pending) => {
                    self.window.forget(pending.content, placed.sequence);
                    failed.push(placed.sequence);
                    self.fail(pending);
                }
                Entry::Cut => self.not_before = Instant::now() + TRY_AGAIN,
                Entry::Release(released) => self.releases.extend(released),
                Entry::Split(_, answer) => {
                    let _ = answer.send(false);
                }
            }
        }
        for (twin, sequence) in std::mem::take(&mut self.twins) {
            if failed.binary_search(&sequence).is_ok() {
                self.fail(twin);
            } else {
                self.twins.push((twin, sequence));
            }
        }
    }
}

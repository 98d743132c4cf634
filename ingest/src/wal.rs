//! The write-ahead log. What it acknowledges is on disk, in order, once; after any crash the same ranges
//! come back under the same names. It knows requests and bytes, nothing of telemetry or of storage.
//!
//! - [`disk`]: the few calls it makes to a disk. `segment`, `record`: the layout. `scan`: reading it.
//! - `window`: what was acknowledged lately, so that a resend is not stored again. `tally`: items by signal.
//! - `queue`, `committer`, `entry`, `writer`, `spare`: the way in: group commit, cutting, files prepared ahead.
//! - `book`, [`range`], `read`: the way out: which ranges wait, which files are still needed.
//! - `recover`, [`set_aside`]: what a crash or a bad disk left.
//!
//! Deliberately absent: an index (ranges are read from start to end, once), compression (bodies stay as they
//! were validated) and a list of ranges on the side (the log itself is the list).

mod book;
mod budget;
mod committer;
pub mod disk;
mod entry;
mod error;
#[cfg(test)]
mod fixture;
mod queue;
pub mod range;
mod read;
pub(crate) mod record;
mod recover;
mod scan;
mod segment;
pub mod set_aside;
mod spare;
pub mod tally;
mod window;
mod writer;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use brokle_model::telemetry::Submission;
use tokio::sync::oneshot;

use crate::config::Config;
use crate::metrics::Metrics;
pub use crate::wal::book::TakenRange;
use crate::wal::book::{Book, Waiting};
pub use crate::wal::budget::{BudgetExceeded, MemoryBudget, Reservation};
use crate::wal::committer::{Committer, FULL_RETRY_AFTER, Past, Rules};
use crate::wal::disk::Disk;
pub use crate::wal::error::{AppendError, WalOpenError};
use crate::wal::queue::{Control, GATHER, Pending, Queue, Refusal};
use crate::wal::range::{LoggedRequest, RangeId, Split};
pub use crate::wal::read::RangeContent;
use crate::wal::record::{ENVIRONMENT_BYTES_MAX, content_crc, label};
use crate::wal::recover::recover;
use crate::wal::set_aside::DamagedRegion;
use crate::wal::spare::{DiskLimits, SpareFiles};
use crate::wal::window::{Content, ContentHasher, ResendWindow};
use crate::wal::writer::Writer;

/// When the caller of an overloaded log should come back.
const OVERLOADED_RETRY_AFTER: Duration = Duration::from_secs(1);
/// Memory that a waiting request takes beside its body.
const REQUEST_OVERHEAD_BYTES: u64 = 256;
/// The part of the memory budget that sealed ranges may keep while they wait.
const CACHE_SHARE: u64 = 4;

/// The promise: this request is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledged {
    /// Its position in the log.
    pub sequence: u64,
}

/// The outcome of an append, when it is known.
pub type AppendOutcome = oneshot::Receiver<Result<Acknowledged, AppendError>>;

/// The log.
pub struct Wal {
    disk: Arc<dyn Disk>,
    queue: Arc<Queue>,
    book: Arc<Book>,
    spares: Arc<SpareFiles>,
    budget: Arc<MemoryBudget>,
    metrics: Metrics,
    full: Arc<AtomicBool>,
    id: u128,
    /// The sequence number that the first record of this process has.
    opened_at: u64,
    hasher: ContentHasher,
    body_bytes_max: u64,
    damaged: Vec<DamagedRegion>,
    committer: Mutex<Option<JoinHandle<()>>>,
}

impl Wal {
    /// Opens the log in `disk`: finds out what storage may not have, and starts the threads.
    pub fn open(disk: Arc<dyn Disk>, config: &Config, metrics: Metrics) -> Result<Self, WalOpenError> {
        let hasher = ContentHasher::new();
        let mut window = ResendWindow::new(hasher, config.resend_window_requests, config.resend_window);
        let found = recover(&disk, config.segment_bytes, &mut window)?;
        metrics.damaged_regions.inc_by(found.damaged.len() as u64);
        let limits = DiskLimits {
            segment_bytes: config.segment_bytes,
            log_bytes_max: config.wal_bytes_max,
            free_bytes_min: config.free_bytes_min,
        };
        let spares = Arc::new(SpareFiles::start(
            Arc::clone(&disk),
            limits,
            found.spares,
            found.bytes,
        )?);
        let cache_bytes_max = config.memory_bytes_max / CACHE_SHARE;
        let book = Arc::new(Book::new(
            found.ranges,
            found.segments,
            found.unsealed,
            cache_bytes_max,
        ));
        metrics.items.accept(book.waiting().items);
        let wal = Self {
            disk: Arc::clone(&disk),
            queue: Arc::new(Queue::new(config.queue_requests_max, GATHER)),
            book: Arc::clone(&book),
            spares: Arc::clone(&spares),
            budget: MemoryBudget::new(config.memory_bytes_max),
            metrics: metrics.clone(),
            full: Arc::default(),
            id: found.wal_id,
            opened_at: found.next_sequence,
            hasher,
            body_bytes_max: config.body_bytes_max,
            damaged: found.damaged,
            committer: Mutex::default(),
        };
        let writer = Writer::new(
            disk,
            spares,
            metrics.clone(),
            found.wal_id,
            found.last,
            found.next_sequence,
        );
        let queue = Arc::clone(&wal.queue);
        let full = Arc::clone(&wal.full);
        let committer = Committer::new(
            Rules::of(config),
            queue,
            book,
            writer,
            metrics,
            full,
            Past {
                unsealed: found.unsealed,
                window,
            },
        );
        let thread = std::thread::Builder::new()
            .name("wal-commit".to_owned())
            .spawn(move || committer.run())?;
        *wal.committer.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(wal)
    }

    /// Names the log; part of every insert token.
    pub fn id(&self) -> u128 {
        self.id
    }

    /// Whether a range begins with what an earlier process accepted.
    pub(crate) fn is_recovered(&self, id: RangeId) -> bool {
        id.first < self.opened_at
    }

    /// What could not be read when the log was opened.
    pub fn damaged(&self) -> &[DamagedRegion] {
        &self.damaged
    }

    /// The memory that requests may take.
    pub fn budget(&self) -> &Arc<MemoryBudget> {
        &self.budget
    }

    /// Queues a request. The outcome comes when it is on disk.
    pub fn append(
        &self,
        submission: Submission,
        received_ns: i64,
        reservation: Option<Reservation>,
    ) -> Result<AppendOutcome, AppendError> {
        let (waiter, outcome) = oneshot::channel();
        self.queue(submission, received_ns, reservation, Some(waiter), true)?;
        Ok(outcome)
    }

    /// [`Wal::append`] for a request that is meant to be taken although an equal one was: a dead letter's
    /// content is the one that was acknowledged before.
    pub fn append_again(
        &self,
        submission: Submission,
        received_ns: i64,
    ) -> Result<AppendOutcome, AppendError> {
        let (waiter, outcome) = oneshot::channel();
        self.queue(submission, received_ns, None, Some(waiter), false)?;
        Ok(outcome)
    }

    /// The latest sequence number under which a request equal to this one was accepted, as far as the log
    /// remembers; looks as far back as the resend window, and at a start into what the log still holds.
    pub async fn find(&self, submission: &Submission) -> Option<u64> {
        let (answer, found) = oneshot::channel();
        let content = self.content(submission);
        self.queue.control(Control::Find(content, answer));
        found.await.ok().flatten()
    }

    fn content(&self, submission: &Submission) -> Content {
        let Submission {
            project,
            environment,
            signal,
            body,
            ..
        } = submission;
        self.hasher.content(*project, *signal, environment, body)
    }

    /// Queues a request that nobody waits for. It is written as soon as the disk takes it.
    pub fn submit(&self, submission: Submission, received_ns: i64) -> Result<(), AppendError> {
        self.queue(submission, received_ns, None, None, false)
    }

    fn queue(
        &self,
        submission: Submission,
        received_ns: i64,
        reservation: Option<Reservation>,
        waiter: Option<oneshot::Sender<Result<Acknowledged, AppendError>>>,
        may_be_resent: bool,
    ) -> Result<(), AppendError> {
        self.check(&submission)?;
        let reservation = self.reserve_for(&submission, reservation)?;
        let (label, _) = label(
            &submission.environment,
            submission.retention_days,
            submission.calls,
        );
        let content_crc = content_crc(&label, &submission.body);
        let content = self.content(&submission);
        let request = LoggedRequest {
            sequence: 0,
            project: submission.project,
            environment: submission.environment.into_boxed_str(),
            signal: submission.signal,
            received_ns,
            items: submission.items,
            retention_days: submission.retention_days,
            calls: submission.calls,
            body: submission.body,
            _reservation: Some(Arc::new(reservation)),
        };
        self.queue
            .push(Pending {
                request,
                content_crc,
                content,
                may_be_resent,
                waiter,
            })
            .map_err(|refusal| match refusal {
                Refusal::Closed => AppendError::Closed,
                Refusal::Full => AppendError::Overloaded {
                    retry_after: OVERLOADED_RETRY_AFTER,
                },
            })
    }

    fn check(&self, submission: &Submission) -> Result<(), AppendError> {
        if submission.body.len() as u64 > self.body_bytes_max {
            return Err(AppendError::TooLarge {
                limit_bytes: self.body_bytes_max,
            });
        }
        if submission.environment.len() > ENVIRONMENT_BYTES_MAX {
            return Err(AppendError::EnvironmentTooLong {
                limit_bytes: ENVIRONMENT_BYTES_MAX,
            });
        }
        if self.full.load(Ordering::Relaxed) {
            if self.spares.is_blocked() {
                return Err(AppendError::Full {
                    retry_after: FULL_RETRY_AFTER,
                });
            }
            self.full.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    fn reserve_for(
        &self,
        submission: &Submission,
        reservation: Option<Reservation>,
    ) -> Result<Reservation, AppendError> {
        let bytes = submission.body.len() as u64 + REQUEST_OVERHEAD_BYTES;
        let reserved = match reservation.filter(|reservation| reservation.is_of(&self.budget)) {
            Some(mut reservation) => reservation.resize(bytes).map(|()| reservation),
            None => self.budget.reserve(bytes),
        };
        reserved.map_err(|_| AppendError::Overloaded {
            retry_after: OVERLOADED_RETRY_AFTER,
        })
    }

    /// Takes the oldest range that nobody works on; waits for one.
    pub async fn take(&self) -> TakenRange {
        self.book.take().await
    }

    /// Notes that storage has the range, and gives back what nothing needs any more.
    pub fn release(&self, id: RangeId) {
        let files = self.book.release(id);
        self.spares.retire(files);
        self.queue.control(Control::Release(id));
    }

    /// Cuts a range in two, on disk, so that every later start finds the halves. `false`: not done.
    pub(crate) async fn split(&self, split: Split) -> bool {
        let (answer, done) = oneshot::channel();
        self.queue.control(Control::Split(split, answer));
        done.await.unwrap_or(false)
    }

    /// Takes no more requests.
    pub fn refuse(&self) {
        self.queue.refuse();
    }

    /// Makes a range of what is unsealed. `false`: the disk did not take it.
    pub async fn seal(&self) -> bool {
        let (answer, done) = oneshot::channel();
        self.queue.control(Control::Seal(answer));
        done.await.unwrap_or(false)
    }

    /// Waits until storage has every sealed range.
    pub async fn wait_until_released(&self) {
        self.book.wait_until_empty().await;
    }

    /// Writes what is queued and ends the threads. Blocks for as long as the disk takes.
    pub fn close(&self) {
        self.queue.close();
        let thread = self
            .committer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that writes the log ended in a panic");
        }
        self.spares.stop();
    }

    pub(crate) fn waiting(&self) -> Waiting {
        self.book.waiting()
    }

    pub(crate) fn disk_bytes(&self) -> u64 {
        self.spares.bytes()
    }

    pub(crate) fn queued(&self) -> usize {
        self.queue.len()
    }
}

impl Drop for Wal {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for Wal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Wal")
            .field("id", &format_args!("{:032x}", self.id))
            .finish_non_exhaustive()
    }
}

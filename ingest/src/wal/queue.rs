//! What waits for the committer. Bounded twice: by count here, and by bytes through the memory budget that
//! every request holds a share of. When full, the caller is told at once.
//!
//! Requests that nobody waits for gather for a moment: a gateway under load makes thousands a second, and one write and
//! one sync serve all of a group. Whatever somebody waits for takes along what has gathered.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::wal::Acknowledged;
use crate::wal::error::AppendError;
use crate::wal::range::{LoggedRequest, RangeId, Split};
use crate::wal::window::Content;

/// A request on its way to disk.
pub(crate) struct Pending {
    pub(crate) request: LoggedRequest,
    pub(crate) content_crc: u32,
    pub(crate) content: Content,
    /// Whether an equal request of before stands for this one.
    pub(crate) may_be_resent: bool,
    /// Who waits for the outcome. A request of the process itself has nobody: it is kept until written.
    pub(crate) waiter: Option<oneshot::Sender<Result<Acknowledged, AppendError>>>,
}

/// What the pipeline asks of the log.
pub(crate) enum Control {
    /// Storage has the range.
    Release(RangeId),
    /// The range is two from now on; answered when that is on disk.
    Split(Split, oneshot::Sender<bool>),
    /// The latest sequence number of a request with this content, if it is remembered.
    Find(Content, oneshot::Sender<Option<u64>>),
    /// What is unsealed becomes a range now; answered when that is on disk.
    Seal(oneshot::Sender<bool>),
}

/// How long requests that nobody waits for gather.
pub(crate) const GATHER: Duration = Duration::from_millis(10);
/// How many of them at most.
const GATHERED_MAX: usize = 512;

/// What the committer takes at one time.
#[derive(Default)]
pub(crate) struct Work {
    pub(crate) requests: Vec<Pending>,
    pub(crate) controls: Vec<Control>,
    /// No more will come.
    pub(crate) closed: bool,
}

#[derive(Default)]
struct State {
    work: Work,
    /// No more requests are taken; controls are, until `closed`.
    refusing: bool,
    /// What is queued is due then; nothing while nothing is.
    due: Option<Instant>,
}

/// The queue.
pub(crate) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    requests_max: usize,
    gather: Duration,
}

/// Why a request was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Closed,
    Full,
}

impl Queue {
    pub(crate) fn new(requests_max: usize, gather: Duration) -> Self {
        Self {
            state: Mutex::default(),
            arrived: Condvar::new(),
            requests_max,
            gather,
        }
    }

    pub(crate) fn push(&self, pending: Pending) -> Result<(), Refusal> {
        let mut state = self.lock();
        if state.refusing {
            return Err(Refusal::Closed);
        }
        if state.work.requests.len() >= self.requests_max {
            return Err(Refusal::Full);
        }
        let is_urgent = pending.waiter.is_some() || state.work.requests.len() + 1 >= GATHERED_MAX;
        state.work.requests.push(pending);
        let now = Instant::now();
        let due = if is_urgent { now } else { now + self.gather };
        // Who waits for what gathers already need not be told of more of it.
        let is_news = state.due.is_none_or(|before| due < before);
        if is_news {
            state.due = Some(due);
        }
        drop(state);
        if is_news {
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Queues a control. Their number is bounded by the ranges in flight.
    pub(crate) fn control(&self, control: Control) {
        let mut state = self.lock();
        if !state.work.closed {
            state.work.controls.push(control);
            state.due = Some(Instant::now());
            drop(state);
            self.arrived.notify_one();
        }
    }

    /// Takes no more requests.
    pub(crate) fn refuse(&self) {
        self.lock().refusing = true;
    }

    /// Takes nothing more; the committer ends when it has done what is queued.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.refusing = true;
        state.work.closed = true;
        drop(state);
        self.arrived.notify_all();
    }

    /// Takes all that is queued; waits for something that is due, for the end, or until `deadline`.
    pub(crate) fn take(&self, deadline: Option<Instant>) -> Work {
        let mut state = self.lock();
        while !state.work.closed {
            let now = Instant::now();
            state = match deadline.into_iter().chain(state.due).min() {
                Some(deadline) if deadline <= now => break,
                Some(deadline) => {
                    let waited = self.arrived.wait_timeout(state, deadline - now);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
        let closed = state.work.closed;
        let work = std::mem::take(&mut state.work);
        state.work.closed = closed;
        state.due = None;
        work
    }

    /// Requests that wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().work.requests.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use brokle_model::id::ProjectId;
    use brokle_model::telemetry::{RETENTION_DAYS, Signal};
    use bytes::Bytes;

    use super::*;
    use crate::wal::window::ContentHasher;

    /// Longer than any test: what gathers for so long is taken for another reason.
    const LONG: Duration = Duration::from_hours(1);

    fn pending(waiter: Option<oneshot::Sender<Result<Acknowledged, AppendError>>>) -> Pending {
        let project = ProjectId::from_u128(1);
        Pending {
            request: LoggedRequest {
                sequence: 0,
                project,
                environment: Box::default(),
                signal: Signal::Traces,
                received_ns: 0,
                items: 1,
                retention_days: RETENTION_DAYS,
                calls: None,
                body: Bytes::new(),
                _reservation: None,
            },
            content_crc: 0,
            content: ContentHasher::new().content(project, Signal::Traces, "", b""),
            may_be_resent: false,
            waiter,
        }
    }

    fn gathering(requests: usize) -> Queue {
        let queue = Queue::new(GATHERED_MAX * 2, LONG);
        for _ in 0..requests {
            queue.push(pending(None)).unwrap();
        }
        queue
    }

    #[test]
    fn what_nobody_waits_for_is_taken_with_what_somebody_waits_for() {
        let queue = gathering(2);
        let (waiter, _outcome) = oneshot::channel();
        queue.push(pending(Some(waiter))).unwrap();
        queue.push(pending(None)).unwrap();
        assert_eq!(queue.take(None).requests.len(), 4);
    }

    #[test]
    fn gathering_ends_with_a_control_with_the_queue_and_with_enough_of_them() {
        let queue = gathering(2);
        let (answer, _answered) = oneshot::channel();
        queue.control(Control::Seal(answer));
        let work = queue.take(None);
        assert_eq!((work.requests.len(), work.controls.len()), (2, 1));
        let queue = gathering(GATHERED_MAX);
        assert_eq!(queue.take(None).requests.len(), GATHERED_MAX);
        let queue = gathering(1);
        queue.close();
        let work = queue.take(None);
        assert_eq!((work.requests.len(), work.closed), (1, true));
    }

    #[test]
    fn what_gathers_is_due_by_itself() {
        let queue = Queue::new(10, Duration::from_millis(1));
        queue.push(pending(None)).unwrap();
        assert_eq!(queue.take(None).requests.len(), 1);
    }
}

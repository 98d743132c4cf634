//! What waits for the committer. Bounded twice: by count here, and by bytes through the memory budget that
//! every request holds a share of. When full, the caller is told at once.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

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
}

/// The queue.
pub(crate) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    requests_max: usize,
}

/// Why a request was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Closed,
    Full,
}

impl Queue {
    pub(crate) fn new(requests_max: usize) -> Self {
        Self {
            state: Mutex::default(),
            arrived: Condvar::new(),
            requests_max,
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
        state.work.requests.push(pending);
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Queues a control. Their number is bounded by the ranges in flight.
    pub(crate) fn control(&self, control: Control) {
        let mut state = self.lock();
        if !state.work.closed {
            state.work.controls.push(control);
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

    /// Takes all that is queued; waits for something, for the end, or until `deadline`.
    pub(crate) fn take(&self, deadline: Option<Instant>) -> Work {
        let mut state = self.lock();
        while state.work.requests.is_empty() && state.work.controls.is_empty() && !state.work.closed {
            let now = Instant::now();
            state = match deadline {
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

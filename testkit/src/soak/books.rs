//! What was promised and what was seen, by the number that each call carries in its trace id.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use brokle_demo::provider::{Observer, SeenRequest};
use tokio::sync::oneshot;

use super::hang_up::HangUps;

/// The first half of the trace id of every call; the second half is the call's number.
pub(super) const CALL_TAG: u64 = 0x50a4_ca11_50a4_ca11;
/// The same of every trace that is exported.
pub(super) const EXPORT_TAG: u64 = 0x50a4_5ba2_50a4_5ba2;

/// Whether a call must have left a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Promise {
    /// It is under way, or its task did not come to its end.
    Open,
    /// The gateway has taken the call: it answered with the trace's id, or a provider has seen it.
    Kept,
    /// It was refused before it belonged to anybody.
    Nothing,
    /// The connection failed, and nobody can say.
    Unknown,
}

/// One call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// Its place in the mix.
    pub(super) kind: usize,
    pub(super) promise: Promise,
    /// What the caller got; 499 when the caller hung up, 0 when nothing came.
    pub(super) status: u16,
}

/// The books.
#[derive(Debug, Default)]
pub(super) struct Books {
    calls: Mutex<Vec<Entry>>,
    /// Calls and span ids of the attempts that providers have seen.
    seen: Mutex<HashSet<(u64, u64)>>,
    /// Callers who want to know when a provider has their call.
    waiting: Mutex<HashMap<u64, oneshot::Sender<()>>>,
    pub(super) hang_ups: HangUps,
}

impl Books {
    /// Opens the entry of a new call; its number, from 1.
    pub(super) fn open(&self, kind: usize) -> u64 {
        let mut calls = lock(&self.calls);
        calls.push(Entry {
            kind,
            promise: Promise::Open,
            status: 0,
        });
        calls.len() as u64
    }

    /// The call is over.
    pub(super) fn close(&self, number: u64, promise: Promise, status: u16) {
        let place = usize::try_from(number).unwrap_or_default().wrapping_sub(1);
        if let Some(entry) = lock(&self.calls).get_mut(place) {
            entry.promise = promise;
            entry.status = status;
        }
    }

    /// Calls so far.
    pub(super) fn count(&self) -> usize {
        lock(&self.calls).len()
    }

    /// Every call; the first is number 1.
    pub(super) fn calls(&self) -> Vec<Entry> {
        lock(&self.calls).clone()
    }

    /// Every attempt that a provider has seen, as call and span.
    pub(super) fn seen(&self) -> HashSet<(u64, u64)> {
        lock(&self.seen).clone()
    }

    /// Is told once a provider has this call.
    pub(super) fn expect(&self, number: u64) -> oneshot::Receiver<()> {
        let (tell, told) = oneshot::channel();
        lock(&self.waiting).insert(number, tell);
        told
    }
}

impl Observer for Books {
    fn arrived(&self, request: &SeenRequest) {
        let Some((call, span)) = identity(request) else {
            return;
        };
        lock(&self.seen).insert((call, span));
        if let Some(tell) = lock(&self.waiting).remove(&call) {
            let _ = tell.send(());
        }
    }

    fn hung_up(&self, request: &SeenRequest, at: Instant) {
        if let Some((call, _)) = identity(request) {
            self.hang_ups.noticed(call, at);
        }
    }
}

/// The `traceparent` of a call.
pub(super) fn traceparent(number: u64) -> String {
    format!("00-{CALL_TAG:016x}{number:016x}-{number:016x}-01")
}

/// Call and attempt, as a provider's request says.
fn identity(request: &SeenRequest) -> Option<(u64, u64)> {
    let mut fields = request.header("traceparent").split('-').skip(1);
    let (trace, span) = (fields.next()?, fields.next()?);
    let (tag, number) = trace.split_at_checked(16)?;
    let hex = |text| u64::from_str_radix(text, 16).ok();
    (hex(tag)? == CALL_TAG).then_some(())?;
    Some((hex(number)?, hex(span)?))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

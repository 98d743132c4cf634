//! The process's allocator, and how memory comes back from it after a rush.
//!
//! mimalloc looks through a thread's memory for what can go back to the system when that thread allocates. What other
//! threads free of it (answers that are relayed, spans that are recorded) stays with a thread that has gone idle, so that
//! a server kept most of what its busiest minute took. Each worker of the runtime therefore looks through its memory
//! before it sleeps, every few seconds at most. (Threads for blocking work end when they are idle.)
//! Deliberately absent: settings of mimalloc; its environment variables work.

use std::cell::Cell;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What is given back is soon taken again while there is work, so not at each sleep.
const INTERVAL: Duration = Duration::from_secs(5);

#[expect(unsafe_code, reason = "no safe function for it, here or in mimalloc's crate")]
unsafe extern "C" {
    /// Gives back what the calling thread does not use; `force` includes what could be wanted again soon.
    safe fn mi_collect(force: bool);
}

thread_local! {
    static COLLECTED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// To be called by a thread that is about to sleep.
pub(crate) fn before_sleep() {
    let now = Instant::now();
    COLLECTED.with(|last| {
        let is_due = last.get().is_none_or(|last| now.duration_since(last) >= INTERVAL);
        if is_due {
            last.set(Some(now));
            mi_collect(true);
        }
    });
}

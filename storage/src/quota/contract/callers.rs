//! Many callers at once. The caller's runtime makes them run side by side; what they do and what must be
//! true afterwards is here.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{HELD, MINUTE, demand, used};
use crate::quota::{Demand, QuotaStore, Verdict, Window};

/// Callers that ask at once, each [`CALLS`] times.
pub const CALLERS: usize = 64;
const CALLS: usize = 30;

const REQUESTS_MAX: u64 = 700;
const CALLS_AT_ONCE_MAX: u64 = 9;
const MONEY_MAX: u64 = 1_000_000;
/// What a call reserves, and what it turns out to cost.
const MONEY_RESERVED: u64 = 900;
const MONEY_USED: u64 = 250;
/// A period that outlasts every test.
const ALWAYS: Window = Window::Until {
    until_ms: i64::MAX / 4,
};

/// What all callers together did.
#[derive(Debug, Default)]
pub struct Crowd {
    granted: AtomicU64,
    held: AtomicU64,
    held_most: AtomicU64,
    refused: AtomicU64,
}

impl Crowd {
    fn demands() -> [Demand; 3] {
        [
            demand("requests", MINUTE, REQUESTS_MAX, 1),
            demand("calls", HELD, CALLS_AT_ONCE_MAX, 1),
            demand("money", ALWAYS, MONEY_MAX, MONEY_RESERVED),
        ]
    }

    /// One caller: asks, works when it is let, settles. Refused for the calls at once, it asks again.
    pub async fn call_repeatedly(&self, store: &dyn QuotaStore) {
        let demands = Self::demands();
        let mut calls = 0;
        while calls < CALLS {
            match store.reserve(&demands).await.unwrap() {
                Verdict::Granted { reservation, .. } => {
                    let held = self.held.fetch_add(1, Ordering::SeqCst) + 1;
                    self.held_most.fetch_max(held, Ordering::SeqCst);
                    yield_now().await;
                    self.held.fetch_sub(1, Ordering::SeqCst);
                    store.settle(reservation, &[1, 0, MONEY_USED]).await.unwrap();
                    self.granted.fetch_add(1, Ordering::SeqCst);
                    calls += 1;
                }
                Verdict::Refused { index: 1, .. } => yield_now().await,
                Verdict::Refused { index, standings } => {
                    assert_eq!((index, standings[0].used), (0, REQUESTS_MAX));
                    self.refused.fetch_add(1, Ordering::SeqCst);
                    calls += 1;
                }
            }
        }
    }

    /// Everything that was allowed was used, nothing beyond it, and all of it is accounted for.
    pub async fn check(&self, store: &dyn QuotaStore) {
        let granted = self.granted.load(Ordering::SeqCst);
        assert_eq!(granted, REQUESTS_MAX);
        assert!(self.refused.load(Ordering::SeqCst) > 0);
        assert!(self.held_most.load(Ordering::SeqCst) <= CALLS_AT_ONCE_MAX);
        let [requests, calls, money] = Self::demands();
        assert_eq!(used(store, &requests).await, REQUESTS_MAX);
        assert_eq!(used(store, &calls).await, 0);
        assert_eq!(used(store, &money).await, REQUESTS_MAX * MONEY_USED);
    }
}

/// Lets others go first, on any runtime.
async fn yield_now() {
    let mut yielded = false;
    futures_util::future::poll_fn(|context| {
        if yielded {
            return std::task::Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

//! The suite that every rate limiter passes: each function takes an empty limiter and the clock that it goes
//! by, and panics when a promise of the trait is broken. [`crate::limiter_contract`] names all of them.
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a broken promise fails the caller's test"
)]

use std::num::NonZeroU32;
use std::time::Duration;

use brokle_model::clock::ManualClock;

use super::{Decision, Rate, RateLimiter};

/// Writes one test per promise: `limiter_contract!(start)` where `start` is an async function that gives an
/// `Arc` of an empty limiter and an `Arc` of the [`ManualClock`] that it goes by.
#[macro_export]
macro_rules! limiter_contract {
    ($start:path) => {
        $crate::limiter_contract!(
            $start:
            the_whole_rate_may_come_at_once_and_no_more,
            units_come_back_evenly,
            a_refused_request_takes_nothing,
            more_than_the_rate_is_never_granted,
        );

        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn callers_at_once_never_get_more_than_the_rate() {
            let (limiter, _clock) = $start().await;
            let mut callers = tokio::task::JoinSet::new();
            for _ in 0..64 {
                let limiter = std::sync::Arc::clone(&limiter);
                callers.spawn(async move { $crate::limiter::contract::granted_to_a_caller(&*limiter).await });
            }
            let granted: u32 = callers.join_all().await.into_iter().sum();
            assert_eq!(granted, $crate::limiter::contract::GRANTED_TO_ALL);
        }
    };
    ($start:path: $($promise:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $promise() {
                let (limiter, clock) = $start().await;
                $crate::limiter::contract::$promise(&*limiter, &clock).await;
            }
        )+
    };
}

/// What 64 callers who ask ten times each are granted together.
pub const GRANTED_TO_ALL: u32 = 300;

async fn take(limiter: &dyn RateLimiter, key: &str, count: u32, units: u32) -> Decision {
    let rate = Rate {
        count: NonZeroU32::new(count).unwrap(),
        period: Duration::from_secs(10),
    };
    limiter.take(key, rate, units).await.unwrap()
}

/// One bucket is used up, another is full.
pub async fn the_whole_rate_may_come_at_once_and_no_more(limiter: &dyn RateLimiter, _: &ManualClock) {
    for left in (0..5).rev() {
        let decision = take(limiter, "a", 5, 1).await;
        assert_eq!((decision.allowed, decision.remaining), (true, left));
        assert_eq!(decision.reset_after, Duration::from_secs(2 * u64::from(5 - left)));
    }
    let refused = take(limiter, "a", 5, 1).await;
    assert_eq!((refused.allowed, refused.remaining), (false, 0));
    assert_eq!(refused.retry_after, Duration::from_secs(2));
    assert!(take(limiter, "b", 5, 1).await.allowed);
}

/// Two fifths of the period bring two fifths of the rate.
pub async fn units_come_back_evenly(limiter: &dyn RateLimiter, clock: &ManualClock) {
    assert!(take(limiter, "a", 5, 5).await.allowed);
    clock.advance(chrono::Duration::seconds(4));
    let decision = take(limiter, "a", 5, 2).await;
    assert_eq!((decision.allowed, decision.remaining), (true, 0));
    assert!(!take(limiter, "a", 5, 1).await.allowed);
    clock.advance(chrono::Duration::seconds(60));
    let decision = take(limiter, "a", 5, 5).await;
    assert_eq!((decision.allowed, decision.remaining), (true, 0));
}

/// What is left after a refusal can still be had.
pub async fn a_refused_request_takes_nothing(limiter: &dyn RateLimiter, _: &ManualClock) {
    assert!(take(limiter, "a", 5, 3).await.allowed);
    let refused = take(limiter, "a", 5, 3).await;
    assert_eq!((refused.allowed, refused.remaining), (false, 2));
    assert!(take(limiter, "a", 5, 2).await.allowed);
}

/// Nor does asking for it break anything.
pub async fn more_than_the_rate_is_never_granted(limiter: &dyn RateLimiter, _: &ManualClock) {
    assert!(!take(limiter, "a", 5, 6).await.allowed);
    assert!(!take(limiter, "a", 1, u32::MAX).await.allowed);
    assert!(take(limiter, "a", 5, 5).await.allowed);
}

/// For the test of many callers.
pub async fn granted_to_a_caller(limiter: &dyn RateLimiter) -> u32 {
    let mut granted = 0;
    for _ in 0..10 {
        granted += u32::from(take(limiter, "crowd", GRANTED_TO_ALL, 1).await.allowed);
    }
    granted
}

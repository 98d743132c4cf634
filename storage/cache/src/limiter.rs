//! The in-process rate limiter: the generic cell rate algorithm, whose whole state is one instant a bucket.
//! The same arithmetic fits into one atomic step on a shared store, which is why it is written out here.

use std::time::Duration;

use async_trait::async_trait;
use brokle_model::clock::SharedClock;
use brokle_storage::limiter::{Decision, Rate, RateLimiter};
use brokle_storage::shared::SharedStateError;
use moka::ops::compute::Op;

/// Rates counted in this process.
pub struct MemoryLimiter {
    /// Bucket to "full again at", in microseconds of the Unix epoch.
    buckets: moka::sync::Cache<String, i64>,
    clock: SharedClock,
}

impl MemoryLimiter {
    /// A limiter that remembers `buckets_max` buckets at most. A forgotten bucket is a full one, so the bound
    /// should exceed the callers that may be limited at once.
    pub fn new(buckets_max: u64, idle: Duration, clock: SharedClock) -> Self {
        let buckets = moka::sync::Cache::builder()
            .max_capacity(buckets_max)
            .time_to_idle(idle)
            .build();
        Self { buckets, clock }
    }
}

#[async_trait]
impl RateLimiter for MemoryLimiter {
    async fn take(&self, key: &str, rate: Rate, units: u32) -> Result<Decision, SharedStateError> {
        let now_us = self.clock.now().timestamp_micros();
        let mut decision = None;
        self.buckets.entry_by_ref(key).and_compute_with(|entry| {
            let full_at_us = entry.map_or(now_us, |entry| entry.into_value().max(now_us));
            let (taken, next_us) = take_from(full_at_us, now_us, rate, units);
            decision = Some(taken);
            if taken.allowed { Op::Put(next_us) } else { Op::Nop }
        });
        decision.ok_or_else(|| SharedStateError {
            message: "the bucket gave no answer".into(),
        })
    }
}

/// One step: the bucket is full at `full_at_us`; every unit taken moves that by one interval, and it may
/// never lie further ahead than the whole period.
fn take_from(full_at_us: i64, now_us: i64, rate: Rate, units: u32) -> (Decision, i64) {
    let period_us = i64::try_from(rate.period.as_micros()).unwrap_or(i64::MAX / 4);
    let count = i64::from(rate.count.get());
    let cost_us = period_us.saturating_mul(i64::from(units)) / count;
    let next_us = full_at_us.saturating_add(cost_us);
    let excess_us = next_us - now_us - period_us;
    let allowed = excess_us <= 0;
    let full_us = if allowed { next_us } else { full_at_us };
    let free_us = period_us - (full_us - now_us);
    let remaining =
        u32::try_from(free_us.max(0).saturating_mul(count) / period_us.max(1)).unwrap_or(u32::MAX);
    let micros = |value: i64| Duration::from_micros(u64::try_from(value).unwrap_or(0));
    let retry_after = if allowed {
        Duration::ZERO
    } else {
        micros(excess_us)
    };
    (
        Decision {
            allowed,
            remaining,
            retry_after,
            reset_after: micros(full_us - now_us),
        },
        next_us,
    )
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::sync::Arc;

    use brokle_model::clock::ManualClock;
    use chrono::DateTime;

    use super::*;

    fn limiter() -> (MemoryLimiter, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH + chrono::Duration::days(1)));
        (
            MemoryLimiter::new(1_000, Duration::from_mins(10), clock.clone()),
            clock,
        )
    }

    fn rate(count: u32, period_s: u64) -> Rate {
        Rate {
            count: NonZeroU32::new(count).unwrap(),
            period: Duration::from_secs(period_s),
        }
    }

    #[tokio::test]
    async fn the_whole_rate_may_come_at_once_and_no_more() {
        let (limiter, _) = limiter();
        for left in (0..5).rev() {
            let decision = limiter.take("a", rate(5, 10), 1).await.unwrap();
            assert_eq!((decision.allowed, decision.remaining), (true, left));
        }
        let refused = limiter.take("a", rate(5, 10), 1).await.unwrap();
        assert_eq!((refused.allowed, refused.remaining), (false, 0));
        assert_eq!(refused.retry_after, Duration::from_secs(2));
        assert!(
            limiter.take("b", rate(5, 10), 1).await.unwrap().allowed,
            "another bucket is full"
        );
    }

    #[tokio::test]
    async fn units_come_back_evenly() {
        let (limiter, clock) = limiter();
        assert!(limiter.take("a", rate(5, 10), 5).await.unwrap().allowed);
        clock.advance(chrono::Duration::seconds(4));
        let decision = limiter.take("a", rate(5, 10), 2).await.unwrap();
        assert_eq!((decision.allowed, decision.remaining), (true, 0));
        assert!(!limiter.take("a", rate(5, 10), 1).await.unwrap().allowed);
    }

    #[tokio::test]
    async fn a_refused_request_takes_nothing() {
        let (limiter, _) = limiter();
        assert!(limiter.take("a", rate(5, 10), 3).await.unwrap().allowed);
        assert!(!limiter.take("a", rate(5, 10), 3).await.unwrap().allowed);
        assert!(limiter.take("a", rate(5, 10), 2).await.unwrap().allowed);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn callers_at_once_never_get_more_than_the_rate() {
        let (limiter, _) = limiter();
        let limiter = Arc::new(limiter);
        let calls = (0..200).map(|_| {
            let limiter = Arc::clone(&limiter);
            tokio::spawn(async move { limiter.take("a", rate(50, 60), 1).await.unwrap().allowed })
        });
        let mut allowed = 0;
        for call in calls.collect::<Vec<_>>() {
            allowed += usize::from(call.await.unwrap());
        }
        assert_eq!(allowed, 50);
    }
}

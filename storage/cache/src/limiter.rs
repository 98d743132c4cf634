//! The in-process rate limiter. It remembers of each bucket when it will be full again.

use std::time::Duration;

use async_trait::async_trait;
use brokle_model::clock::SharedClock;
use brokle_storage::limiter::{Decision, Rate, RateLimiter};
use brokle_storage::shared::SharedStateError;
use moka::ops::compute::Op;

use crate::gcra;

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

    /// Takes over what a shared limiter said of a bucket, to stand in for it when it is away.
    pub fn observe(&self, key: &str, full_in: Duration) {
        let full_in_us = i64::try_from(full_in.as_micros()).unwrap_or(i64::MAX / 4);
        let full_at_us = self.clock.now().timestamp_micros().saturating_add(full_in_us);
        self.buckets.insert(key.to_owned(), full_at_us);
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
    let next_us = full_at_us.saturating_add(gcra::cost_us(rate, units));
    let excess_us = next_us - now_us - gcra::period_us(rate);
    let allowed = excess_us <= 0;
    let full_us = if allowed { next_us } else { full_at_us };
    let decision = gcra::decision(rate, allowed, full_us - now_us, excess_us);
    (decision, next_us)
}

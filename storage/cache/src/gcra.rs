//! The arithmetic of the generic cell rate algorithm, whose whole state is one instant a bucket: when it is
//! full again. It fits into one atomic step on a shared store, which needs the same figures.

use std::time::Duration;

use brokle_storage::limiter::{Decision, Rate};

/// A period beyond this is one that never ends; it keeps the arithmetic far from its limits.
const PERIOD_MAX: Duration = Duration::from_hours(24 * 366);

/// The rate's period in microseconds.
pub fn period_us(rate: Rate) -> i64 {
    i64::try_from(rate.period.min(PERIOD_MAX).as_micros()).unwrap_or(i64::MAX / 4)
}

/// How much later the bucket is full when `units` are taken.
pub fn cost_us(rate: Rate, units: u32) -> i64 {
    period_us(rate).saturating_mul(i64::from(units)) / i64::from(rate.count.get())
}

/// What a bucket says that is full again in `full_in_us`. A refused demand would have made it overfull by
/// `excess_us`.
pub fn decision(rate: Rate, allowed: bool, full_in_us: i64, excess_us: i64) -> Decision {
    let free_us = (period_us(rate) - full_in_us).max(0);
    let remaining = free_us.saturating_mul(i64::from(rate.count.get())) / period_us(rate).max(1);
    Decision {
        allowed,
        remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
        retry_after: if allowed {
            Duration::ZERO
        } else {
            micros(excess_us)
        },
        reset_after: micros(full_in_us),
    }
}

fn micros(value: i64) -> Duration {
    Duration::from_micros(u64::try_from(value).unwrap_or(0))
}

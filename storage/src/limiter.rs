//! Rates, shared by the nodes of one installation.

#[cfg(feature = "contract")]
pub mod contract;

use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;

use crate::shared::SharedStateError;

/// `count` units in any `period`, all of which may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Units.
    pub count: NonZeroU32,
    /// The window that they are spread over.
    pub period: Duration,
}

/// What the limiter said, in the terms of the `RateLimit` header fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether the units were taken.
    pub allowed: bool,
    /// Units left right now.
    pub remaining: u32,
    /// How long until the units that were asked for would be there; zero when they were taken.
    pub retry_after: Duration,
    /// How long until every unit is back.
    pub reset_after: Duration,
}

/// Takes units from named buckets.
#[async_trait]
pub trait RateLimiter: Send + Sync + 'static {
    /// Takes `units` from the bucket `key`, or none at all. A key is always used with the same rate.
    async fn take(&self, key: &str, rate: Rate, units: u32) -> Result<Decision, SharedStateError>;
}

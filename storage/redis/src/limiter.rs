//! Rates on Redis. While Redis is away each node goes on from what it heard last: a caller may then have its
//! rate once on every node, for as long as the outage lasts, and nobody is let in more often than that.

use std::time::Duration;

use async_trait::async_trait;
use brokle_model::clock::SharedClock;
use brokle_storage::limiter::{Decision, Rate, RateLimiter};
use brokle_storage::shared::SharedStateError;
use brokle_storage_cache::{MemoryLimiter, gcra};
use redis::Script;

use crate::link::{Away, Link};
use crate::script::{self, Unit};

/// Callers whose rates this node knows, and for how long after their last call.
const BUCKETS_MAX: u64 = 100_000;
const IDLE: Duration = Duration::from_mins(10);

/// Rates counted on Redis.
pub struct RedisLimiter {
    link: Link,
    script: Script,
    alone: MemoryLimiter,
}

impl RedisLimiter {
    pub(crate) fn new(link: Link, clock: SharedClock) -> Self {
        Self {
            link,
            script: script::limiter(),
            alone: MemoryLimiter::new(BUCKETS_MAX, IDLE, clock),
        }
    }

    async fn ask(&self, key: &str, rate: Rate, units: u32) -> Result<Decision, Away> {
        let mut invocation = self.script.prepare_invoke();
        invocation.key(self.link.key("rate", key));
        script::arg_now(&mut invocation, self.link.config(), Unit::Micros);
        invocation
            .arg(gcra::period_us(rate))
            .arg(gcra::cost_us(rate, units));
        let (taken, full_in_us, excess_us): (i64, i64, i64) = self.link.invoke(&invocation).await?;
        Ok(gcra::decision(rate, taken == 1, full_in_us, excess_us))
    }
}

#[async_trait]
impl RateLimiter for RedisLimiter {
    async fn take(&self, key: &str, rate: Rate, units: u32) -> Result<Decision, SharedStateError> {
        match self.ask(key, rate, units).await {
            Ok(decision) => {
                self.alone.observe(key, decision.reset_after);
                Ok(decision)
            }
            Err(_) => self.alone.take(key, rate, units).await,
        }
    }
}

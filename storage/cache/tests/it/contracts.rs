//! The shared contracts of cache, limiter and notices.

mod cache {
    use std::future::{Ready, ready};
    use std::sync::Arc;

    use brokle_storage_cache::MemoryCache;

    fn start() -> Ready<Arc<MemoryCache>> {
        ready(Arc::new(MemoryCache::new(1_000_000)))
    }

    brokle_storage::cache_contract!(start);
}

mod limiter {
    use std::future::{Ready, ready};
    use std::sync::Arc;
    use std::time::Duration;

    use brokle_model::clock::ManualClock;
    use brokle_storage_cache::MemoryLimiter;
    use chrono::DateTime;

    fn start() -> Ready<(Arc<MemoryLimiter>, Arc<ManualClock>)> {
        let clock = Arc::new(ManualClock::at(
            DateTime::from_timestamp(1_763_812_800, 0).unwrap(),
        ));
        let limiter = MemoryLimiter::new(1_000, Duration::from_mins(10), Arc::clone(&clock) as _);
        ready((Arc::new(limiter), clock))
    }

    brokle_storage::limiter_contract!(start);
}

mod pubsub {
    use std::future::{Ready, ready};
    use std::sync::Arc;

    use brokle_storage_cache::MemoryPubSub;

    fn start() -> Ready<(Arc<MemoryPubSub>, Arc<MemoryPubSub>)> {
        let bus = Arc::new(MemoryPubSub::default());
        ready((Arc::clone(&bus), bus))
    }

    brokle_storage::pubsub_contract!(start);
}

//! A bounded cache whose entries have an age by the shared clock, so that tests can move it. Loads of one
//! key at the same time are one load.
//!
//! [`AgedCache::forget_all`] outdates everything loaded or being loaded so far, and is exact: a caller who
//! comes after it never gets an answer read before it. That costs the other keys one load each, which is
//! little, because it is called only when a person revokes something.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use brokle_model::clock::SharedClock;
use chrono::{DateTime, TimeDelta, Utc};

/// Entries that nobody asks for leave after this.
const IDLE_MAX: Duration = Duration::from_mins(1);

pub(crate) struct AgedCache<K, V> {
    entries: moka::future::Cache<K, Aged<V>>,
    generation: AtomicU64,
    age_max: TimeDelta,
    clock: SharedClock,
}

#[derive(Clone)]
struct Aged<V> {
    value: V,
    loaded_at: DateTime<Utc>,
    /// The cache's generation when the load began.
    generation: u64,
}

impl<K, V> AgedCache<K, V>
where
    K: Hash + Eq + Copy + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(crate) fn new(entries_max: u64, age_max: Duration, clock: SharedClock) -> Self {
        Self {
            entries: moka::future::Cache::builder()
                .max_capacity(entries_max)
                .time_to_idle(IDLE_MAX)
                .build(),
            generation: AtomicU64::new(0),
            age_max: TimeDelta::from_std(age_max).unwrap_or_default(),
            clock,
        }
    }

    /// The cached value, or what `load` gives. Errors are not kept.
    pub(crate) async fn get_or_load<E, F>(
        &self,
        key: K,
        load: impl Fn() -> F + Send + Sync,
    ) -> Result<V, Arc<E>>
    where
        E: Debug + Send + Sync + 'static,
        F: Future<Output = Result<V, E>> + Send,
    {
        let generation = self.generation();
        if let Some(entry) = self.entries.get(&key).await {
            if self.is_fresh(&entry, generation) {
                return Ok(entry.value);
            }
            self.entries.invalidate(&key).await;
        }
        loop {
            // This may join a load that began before `generation`; the next one cannot have.
            let entry = self.entries.try_get_with(key, self.load_aged(&load)).await?;
            if entry.generation >= generation {
                return Ok(entry.value);
            }
            self.entries.invalidate(&key).await;
        }
    }

    /// Outdates everything that was read from the store before this call.
    pub(crate) fn forget_all(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    async fn load_aged<E, F>(&self, load: impl Fn() -> F) -> Result<Aged<V>, E>
    where
        F: Future<Output = Result<V, E>>,
    {
        let (loaded_at, generation) = (self.clock.now(), self.generation());
        let value = load().await?;
        Ok(Aged {
            value,
            loaded_at,
            generation,
        })
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// An entry from the future (the clock was set back) is not fresh.
    fn is_fresh(&self, entry: &Aged<V>, generation: u64) -> bool {
        let age = self.clock.now() - entry.loaded_at;
        entry.generation >= generation && age >= TimeDelta::zero() && age < self.age_max
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::AtomicU32;

    use brokle_model::clock::ManualClock;
    use tokio::sync::Notify;

    use super::*;

    fn cache() -> (Arc<AgedCache<u8, u32>>, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
        (
            Arc::new(AgedCache::new(
                10,
                Duration::from_secs(5),
                Arc::clone(&clock) as SharedClock,
            )),
            clock,
        )
    }

    async fn counted(cache: &AgedCache<u8, u32>, count: &AtomicU32) -> u32 {
        let load = || async { Ok::<_, Infallible>(count.fetch_add(1, Ordering::SeqCst)) };
        cache.get_or_load(1, load).await.unwrap()
    }

    #[tokio::test]
    async fn an_answer_is_kept_until_it_is_too_old() {
        let ((cache, clock), count) = (cache(), AtomicU32::new(0));
        assert_eq!(
            (counted(&cache, &count).await, counted(&cache, &count).await),
            (0, 0)
        );
        clock.advance(TimeDelta::milliseconds(4999));
        assert_eq!(counted(&cache, &count).await, 0);
        clock.advance(TimeDelta::milliseconds(1));
        assert_eq!(counted(&cache, &count).await, 1);
        clock.advance(TimeDelta::seconds(-9));
        assert_eq!(counted(&cache, &count).await, 2);
    }

    #[tokio::test]
    async fn errors_are_not_kept() {
        let (cache, _) = cache();
        assert!(
            cache
                .get_or_load(1, || async { Err::<u32, _>("away") })
                .await
                .is_err()
        );
        assert_eq!(counted(&cache, &AtomicU32::new(7)).await, 7);
    }

    #[tokio::test]
    async fn whoever_asks_after_forgetting_never_gets_what_was_read_before() {
        let (cache, _) = cache();
        let (begun, proceed) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let slow = tokio::spawn({
            let (cache, begun, proceed) = (Arc::clone(&cache), Arc::clone(&begun), Arc::clone(&proceed));
            async move {
                let load = || async {
                    begun.notify_one();
                    proceed.notified().await;
                    Ok::<_, Infallible>(1)
                };
                cache.get_or_load(1, load).await.unwrap()
            }
        });
        begun.notified().await;
        cache.forget_all();
        let later = cache.get_or_load(1, || async { Ok::<_, Infallible>(2) });
        proceed.notify_one();
        assert_eq!(later.await.unwrap(), 2);
        assert_eq!(slow.await.unwrap(), 1);
        assert_eq!(
            cache
                .get_or_load(1, || async { Ok::<_, Infallible>(3) })
                .await
                .unwrap(),
            2
        );
    }
}

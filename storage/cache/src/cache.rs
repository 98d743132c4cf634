//! The in-process cache: bounded by the bytes that it holds, each entry with its own time to live.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use brokle_storage::cache::Cache;
use brokle_storage::shared::SharedStateError;
use bytes::Bytes;
use moka::Expiry;

/// A bounded cache in this process.
#[derive(Debug, Clone)]
pub struct MemoryCache {
    entries: moka::sync::Cache<String, Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    value: Bytes,
    time_to_live: Duration,
}

struct PerEntry;

impl Expiry<String, Entry> for PerEntry {
    fn expire_after_create(&self, _: &String, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.time_to_live)
    }

    fn expire_after_update(
        &self,
        _: &String,
        entry: &Entry,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.time_to_live)
    }
}

impl MemoryCache {
    /// A cache that holds `bytes_max` of keys and values at most; the least used go first.
    pub fn new(bytes_max: u64) -> Self {
        let weigh =
            |key: &String, entry: &Entry| u32::try_from(key.len() + entry.value.len()).unwrap_or(u32::MAX);
        let entries = moka::sync::Cache::builder()
            .max_capacity(bytes_max)
            .weigher(weigh)
            .expire_after(PerEntry)
            .build();
        Self { entries }
    }

    /// Forgets a value, as [`Cache::delete`] does.
    pub fn forget(&self, key: &str) {
        self.entries.invalidate(key);
    }
}

#[async_trait]
impl Cache for MemoryCache {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, SharedStateError> {
        Ok(self.entries.get(key).map(|entry| entry.value))
    }

    async fn set(&self, key: &str, value: Bytes, time_to_live: Duration) -> Result<(), SharedStateError> {
        self.entries.insert(key.to_owned(), Entry { value, time_to_live });
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), SharedStateError> {
        self.forget(key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_cache_stays_within_its_bytes() {
        let cache = MemoryCache::new(10_000);
        for number in 0..1_000 {
            cache
                .set(
                    &format!("key{number:04}"),
                    Bytes::from(vec![0; 93]),
                    Duration::from_mins(1),
                )
                .await
                .unwrap();
        }
        cache.entries.run_pending_tasks();
        assert!(
            cache.entries.weighted_size() <= 10_000,
            "{} bytes",
            cache.entries.weighted_size()
        );
    }
}

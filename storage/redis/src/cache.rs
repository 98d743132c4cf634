//! The cache on Redis. While Redis is away each node keeps what it stores for itself, for a short time, and
//! other nodes' values are misses. What was replaced or deleted in the meantime is deleted from Redis before
//! this node reads from it again; other nodes may get the old value until its time to live is over, or this
//! node can reach Redis.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use brokle_storage::cache::Cache;
use brokle_storage::shared::SharedStateError;
use brokle_storage_cache::MemoryCache;
use bytes::Bytes;
use redis::{Cmd, Value, cmd};

use crate::backlog::Backlog;
use crate::link::{Away, Link, Live};

/// What one node keeps for itself.
const ALONE_BYTES_MAX: u64 = 32 << 20;
const ALONE_FOR_MAX: Duration = Duration::from_secs(30);
/// Keys whose value in Redis is out of date.
const STALE_MAX: usize = 10_000;
const DELETED_AT_ONCE: usize = 500;

/// A cache on Redis.
pub struct RedisCache {
    link: Link,
    alone: MemoryCache,
    stale: Mutex<HashSet<String>>,
    stale_count: AtomicUsize,
}

impl RedisCache {
    pub(crate) fn new(link: Link) -> Self {
        Self {
            link,
            alone: MemoryCache::new(ALONE_BYTES_MAX),
            stale: Mutex::default(),
            stale_count: AtomicUsize::new(0),
        }
    }

    fn key(&self, key: &str) -> String {
        self.link.key("cache", key)
    }

    fn is_stale(&self, key: &str) -> bool {
        self.stale_count.load(Ordering::Acquire) > 0 && self.stale().contains(key)
    }

    fn note_stale(&self, key: &str) -> Result<(), SharedStateError> {
        let mut stale = self.stale();
        if stale.len() >= STALE_MAX && !stale.contains(key) {
            self.link.figures().lost.inc();
            return Err(SharedStateError {
                message: "Redis is away, and too many changes wait for it".into(),
            });
        }
        stale.insert(key.to_owned());
        self.stale_count.store(stale.len(), Ordering::Release);
        Ok(())
    }

    fn stale(&self) -> MutexGuard<'_, HashSet<String>> {
        self.stale.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Deletes what is out of date. A failure leaves it to be deleted.
    async fn delete_stale(&self, live: &Live) -> Result<(), Away> {
        loop {
            let some: Vec<String> = self.stale().iter().take(DELETED_AT_ONCE).cloned().collect();
            if some.is_empty() {
                return Ok(());
            }
            let keys: Vec<String> = some.iter().map(|key| self.key(key)).collect();
            live.query::<i64>(cmd("DEL").arg(keys)).await?;
            for key in &some {
                self.alone.forget(key);
            }
            let mut stale = self.stale();
            for key in &some {
                stale.remove(key);
            }
            self.stale_count.store(stale.len(), Ordering::Release);
        }
    }
}

#[async_trait]
impl Cache for RedisCache {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, SharedStateError> {
        if self.is_stale(key) {
            return self.alone.get(key).await;
        }
        match self
            .link
            .query::<Option<Vec<u8>>>(cmd("GET").arg(self.key(key)))
            .await
        {
            Ok(found) => Ok(found.map(Bytes::from)),
            Err(_) => self.alone.get(key).await,
        }
    }

    async fn set(&self, key: &str, value: Bytes, time_to_live: Duration) -> Result<(), SharedStateError> {
        if !self.is_stale(key)
            && self
                .link
                .query::<Value>(&store(&self.key(key), &value, time_to_live))
                .await
                .is_ok()
        {
            return Ok(());
        }
        self.note_stale(key)?;
        self.alone.set(key, value, time_to_live.min(ALONE_FOR_MAX)).await
    }

    async fn delete(&self, key: &str) -> Result<(), SharedStateError> {
        self.alone.delete(key).await?;
        match self.link.query::<i64>(cmd("DEL").arg(self.key(key))).await {
            Ok(_) => Ok(()),
            Err(_) => self.note_stale(key),
        }
    }
}

/// Rounded down to a millisecond: an entry may be lost early and must not be returned late.
fn store(key: &str, value: &Bytes, time_to_live: Duration) -> Cmd {
    const FOR_EVER_MS: u64 = 366 * 100 * 86_400_000;
    let ms = u64::try_from(time_to_live.as_millis())
        .unwrap_or(FOR_EVER_MS)
        .min(FOR_EVER_MS);
    if ms == 0 {
        return cmd("DEL").arg(key).to_owned();
    }
    cmd("SET").arg(key).arg(&value[..]).arg("PX").arg(ms).to_owned()
}

#[async_trait]
impl Backlog for RedisCache {
    async fn pay(&self, live: &Live, _: bool) -> Result<(), Away> {
        self.delete_stale(live).await
    }

    fn len(&self) -> usize {
        self.stale_count.load(Ordering::Acquire)
    }
}

//! What an API key permits: the port that ingest and gateway ask on each request. A good answer, and a
//! refusal too, is kept for a few seconds. A key revoked on this node stops at once; on other nodes when
//! they hear of it, and at the latest when their answers have aged.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use brokle_model::api_key::{ApiKey, ApiKeyHash};
use brokle_model::clock::SharedClock;
use brokle_model::port::{AuthError, KeyGrant, KeyResolver};
use brokle_storage::repo::{StorageError, Store, StoredGrant};
use chrono::{DateTime, Utc};

use super::uses::KeyUses;
use crate::cache::AgedCache;

const KEYS_MAX: u64 = 100_000;

#[derive(Clone)]
struct Known {
    grant: Arc<KeyGrant>,
    expires_at: Option<DateTime<Utc>>,
}

pub(crate) struct CachedKeys {
    store: Arc<dyn Store>,
    clock: SharedClock,
    known: AgedCache<ApiKeyHash, Option<Known>>,
    uses: KeyUses,
}

impl CachedKeys {
    pub(crate) fn new(store: Arc<dyn Store>, clock: SharedClock, age_max: Duration) -> Self {
        let known = AgedCache::new(KEYS_MAX, age_max, Arc::clone(&clock));
        Self {
            store,
            clock,
            known,
            uses: KeyUses::default(),
        }
    }

    /// To be called after a key was revoked or changed.
    pub(crate) fn forget_keys(&self) {
        self.known.forget_all();
    }

    pub(crate) async fn flush_uses(&self) -> Result<(), StorageError> {
        self.uses.flush(&*self.store).await
    }

    async fn load(&self, hash: ApiKeyHash) -> Result<Option<Known>, StorageError> {
        let found = self.store.find_grant(hash).await?.map(Known::from);
        let now = self.clock.now();
        if let Some(known) = found.as_ref().filter(|known| known.is_good(now)) {
            self.uses.note(known.grant.key, now);
        }
        Ok(found)
    }
}

#[async_trait]
impl KeyResolver for CachedKeys {
    async fn resolve(&self, presented: &str) -> Result<Arc<KeyGrant>, AuthError> {
        // A text of another form is not worth a look into the store.
        let hash = ApiKey::parse(presented).map_err(|_| AuthError::Refused)?.hash();
        let known = self
            .known
            .get_or_load(hash, || self.load(hash))
            .await
            .map_err(unavailable)?;
        let now = self.clock.now();
        known
            .filter(|known| known.is_good(now))
            .map(|known| known.grant)
            .ok_or(AuthError::Refused)
    }
}

impl Known {
    fn is_good(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}

impl From<StoredGrant> for Known {
    fn from(stored: StoredGrant) -> Self {
        let StoredGrant {
            key,
            project,
            organization,
            scopes,
            models,
            expires_at,
        } = stored;
        Self {
            grant: Arc::new(KeyGrant {
                key,
                project,
                organization,
                scopes,
                models: models.into(),
            }),
            expires_at,
        }
    }
}

fn unavailable(error: Arc<StorageError>) -> AuthError {
    AuthError::Unavailable(Box::new(error))
}

//! When keys were last used, collected in memory and written down together. A key in steady use is noted
//! each time its cached grant is loaded anew, so a request costs nothing here and the time is right to
//! within seconds.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use brokle_model::id::ApiKeyId;
use brokle_storage::repo::{ApiKeyUse, StorageError, Store};
use chrono::{DateTime, Utc};

/// More keys than this in one interval go unnoted; the next interval notes them.
const KEYS_MAX: usize = 10_000;

#[derive(Default)]
pub(super) struct KeyUses {
    latest: Mutex<HashMap<ApiKeyId, DateTime<Utc>>>,
}

impl KeyUses {
    pub(super) fn note(&self, key: ApiKeyId, at: DateTime<Utc>) {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.len() < KEYS_MAX || latest.contains_key(&key) {
            latest.insert(key, at);
        }
    }

    /// Writes down what was noted, in one transaction. What could not be written stays noted.
    pub(super) async fn flush(&self, store: &dyn Store) -> Result<(), StorageError> {
        let uses: Vec<ApiKeyUse> = self
            .take()
            .into_iter()
            .map(|(key, at)| ApiKeyUse { key, at })
            .collect();
        if uses.is_empty() {
            return Ok(());
        }
        let result = write(store, &uses).await;
        if result.is_err() {
            self.put_back(&uses);
        }
        result
    }

    fn take(&self) -> HashMap<ApiKeyId, DateTime<Utc>> {
        std::mem::take(&mut self.latest.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put_back(&self, uses: &[ApiKeyUse]) {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        for ApiKeyUse { key, at } in uses {
            latest.entry(*key).or_insert(*at);
        }
    }
}

async fn write(store: &dyn Store, uses: &[ApiKeyUse]) -> Result<(), StorageError> {
    let unit = store.begin().await?;
    unit.record_uses(uses).await?;
    unit.commit().await
}

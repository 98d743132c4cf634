//! Several keys of one provider: calls take turns, and a key that the provider refuses, or that is out of
//! capacity, is left alone for a while. What is known of keys outlives a reload; a key whose secret changes is
//! another key.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};

use super::{Provider, headers};
use crate::config::ConfigError;

/// The name of the key that is configured as the provider's own.
const OWN: &str = "default";
/// Keys remembered for one provider; those of former configurations go first.
const KEYS_MAX: usize = 256;

/// A key as it is configured.
pub(crate) struct NamedKey {
    pub(crate) name: String,
    pub(crate) secret: SecretString,
}

/// One key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct KeyId {
    pub(crate) name: String,
    digest: [u8; 8],
}

/// What is known of a provider's keys.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    turn: AtomicUsize,
    /// Until when keys are left alone, in milliseconds since 1970.
    resting: Mutex<HashMap<KeyId, i64>>,
}

impl Keys {
    /// Leaves a key alone until then.
    pub(crate) fn rest(&self, key: &KeyId, until_ms: i64) {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        if resting.len() >= KEYS_MAX {
            resting.clear();
        }
        resting.insert(key.clone(), until_ms);
    }

    /// The key works.
    pub(crate) fn works(&self, key: &KeyId) {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.remove(key);
    }

    fn resting_until(&self, key: Option<&KeyId>, now_ms: i64) -> i64 {
        let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        let until = key.and_then(|key| resting.get(key)).copied().unwrap_or(0);
        if until > now_ms { until } else { 0 }
    }
}

impl Provider {
    /// Makes the provider ready once for each of its keys.
    pub(crate) fn take_turns(
        &mut self,
        own: Option<&SecretString>,
        further: &[NamedKey],
    ) -> Result<(), ConfigError> {
        if further.is_empty() {
            return Ok(());
        }
        let own = own.map(|secret| (OWN, secret));
        let named = further.iter().map(|key| (key.name.as_str(), &key.secret));
        let mut with_key = Vec::new();
        for (name, secret) in own.into_iter().chain(named) {
            let key = KeyId {
                name: name.to_owned(),
                digest: digest(secret),
            };
            with_key.push(Arc::new(Self {
                headers: headers(&self.name, self.dialect, Some(secret))?,
                key: Some(key),
                ..self.clone()
            }));
        }
        self.with_key = with_key.into();
        Ok(())
    }

    /// The provider with the key whose turn it is; of those that rest, the one that does so for the shortest time.
    pub(crate) fn in_turn(self: &Arc<Self>, now_ms: i64) -> Arc<Self> {
        let count = self.with_key.len();
        if count == 0 {
            return Arc::clone(self);
        }
        let keys = &self.health.keys;
        let turn = keys.turn.fetch_add(1, Ordering::Relaxed);
        let in_order = (0..count).map(|step| &self.with_key[(turn.wrapping_add(step)) % count]);
        let soonest = in_order.min_by_key(|provider| keys.resting_until(provider.key.as_ref(), now_ms));
        // A reload carries the health over to the provider, and the keys go by the same.
        Arc::new(soonest.unwrap_or(self).with_health(Arc::clone(&self.health)))
    }

    /// Whether another key than this one does not rest.
    pub(crate) fn has_fresh_key(&self, now_ms: i64) -> bool {
        let fresh = |provider: &Arc<Self>| self.health.keys.resting_until(provider.key.as_ref(), now_ms) == 0;
        self.with_key.iter().any(fresh)
    }
}

fn digest(secret: &SecretString) -> [u8; 8] {
    let digest = Sha256::digest(secret.expose_secret().as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    first
}

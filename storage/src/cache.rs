//! A cache shared by the nodes of one installation: small values, always with a time to live.

#[cfg(feature = "contract")]
pub mod contract;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::shared::SharedStateError;

/// Stores bytes by key. Losing an entry early is allowed; returning one late is not.
#[async_trait]
pub trait Cache: Send + Sync + 'static {
    /// The value, unless it has expired or been evicted.
    async fn get(&self, key: &str) -> Result<Option<Bytes>, SharedStateError>;

    /// Stores a value for at most `time_to_live`.
    async fn set(&self, key: &str, value: Bytes, time_to_live: Duration) -> Result<(), SharedStateError>;

    /// Forgets a value.
    async fn delete(&self, key: &str) -> Result<(), SharedStateError>;
}

//! API keys. The key's text never comes here, only its SHA-256.

use std::collections::BTreeSet;

use async_trait::async_trait;
use brokle_model::api_key::ApiKeyHash;
use brokle_model::id::{ApiKeyId, OrganizationId, ProjectId, UserId};
use brokle_model::principal::Scope;
use chrono::{DateTime, Utc};

use super::StorageError;

/// The most keys a list returns.
pub const API_KEYS_MAX: u32 = 500;

/// A key as its project's members see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyRecord {
    /// The id.
    pub id: ApiKeyId,
    /// The tenant.
    pub project: ProjectId,
    /// What its maker called it.
    pub name: String,
    /// Enough of the text to recognise it.
    pub preview: String,
    /// What it may be used for.
    pub scopes: BTreeSet<Scope>,
    /// Patterns of the models that it may use; every model when there are none. Without white space.
    pub models: Vec<String>,
    /// Who made it; `None` once that user is gone.
    pub created_by: Option<UserId>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it stops working, if ever.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to within the interval at which uses are written down.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Since when it does not work, though it may again.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// What may change of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyChange {
    /// What it is called.
    pub name: String,
    /// Patterns of the models that it may use.
    pub models: Vec<String>,
    /// When it stops working, if ever.
    pub expires_at: Option<DateTime<Utc>>,
    /// Since when it does not work.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// What is known about a presented key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredGrant {
    /// The key.
    pub key: ApiKeyId,
    /// Its tenant.
    pub project: ProjectId,
    /// The tenant's owner.
    pub organization: OrganizationId,
    /// What it may be used for.
    pub scopes: BTreeSet<Scope>,
    /// Patterns of the models that it may use.
    pub models: Vec<String>,
    /// When it stops working, if ever.
    pub expires_at: Option<DateTime<Utc>>,
}

/// One key's latest use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiKeyUse {
    /// The key.
    pub key: ApiKeyId,
    /// When it was used.
    pub at: DateTime<Utc>,
}

/// API keys.
#[async_trait]
pub trait ApiKeys {
    /// Adds a key.
    async fn create_api_key(&self, key: &ApiKeyRecord, hash: ApiKeyHash) -> Result<(), StorageError>;

    /// The keys of `project` that are not revoked.
    async fn list_api_keys(&self, project: ProjectId) -> Result<Vec<ApiKeyRecord>, StorageError>;

    /// Revokes a key of `project` and gives its hash; `None` when there is none that is not revoked.
    async fn revoke_api_key(
        &self,
        project: ProjectId,
        key: ApiKeyId,
        at: DateTime<Utc>,
    ) -> Result<Option<ApiKeyHash>, StorageError>;

    /// Changes a key of `project` and gives it back; `None` when there is none that is not revoked.
    async fn change_api_key(
        &self,
        project: ProjectId,
        key: ApiKeyId,
        change: &ApiKeyChange,
    ) -> Result<Option<ApiKeyRecord>, StorageError>;

    /// What a key with this hash permits, unless it is unknown, revoked or disabled. The one look-up without a
    /// tenant: the hash is what tells the tenant.
    async fn find_grant(&self, hash: ApiKeyHash) -> Result<Option<StoredGrant>, StorageError>;

    /// Writes down when keys were used; never moves a time back. Unknown keys are passed over.
    async fn record_uses(&self, uses: &[ApiKeyUse]) -> Result<(), StorageError>;
}

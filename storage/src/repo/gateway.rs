//! What organisations configure of the gateway for themselves: providers, routes, quotas and guardrails, as documents that
//! the gateway understands and this store does not. Credentials come sealed.

use async_trait::async_trait;
use brokle_model::id::{OrganizationId, UserId};
use chrono::{DateTime, Utc};

use super::StorageError;

/// The most entries that one organisation may have, and a list returns.
pub const GATEWAY_ENTRIES_MAX: u32 = 300;
/// The most organisations with entries that one list returns.
pub const GATEWAY_REVISIONS_MAX: u32 = 10_000;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GatewayEntryKind {
    /// A provider, with its credentials.
    Provider,
    /// A route.
    Route,
    /// A quota.
    Quota,
    /// A guardrail.
    Guardrail,
}

impl GatewayEntryKind {
    /// The word used in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Route => "route",
            Self::Quota => "quota",
            Self::Guardrail => "guardrail",
        }
    }
}

/// A word that names no kind of entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the kind of a gateway entry is provider, route, quota or guardrail")]
pub struct UnknownGatewayEntryKind;

impl std::str::FromStr for GatewayEntryKind {
    type Err = UnknownGatewayEntryKind;

    fn from_str(word: &str) -> Result<Self, UnknownGatewayEntryKind> {
        [Self::Provider, Self::Route, Self::Quota, Self::Guardrail]
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .ok_or(UnknownGatewayEntryKind)
    }
}

/// One provider, route, quota or guardrail of an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayEntry {
    /// The tenant.
    pub organization: OrganizationId,
    /// What it is.
    pub kind: GatewayEntryKind,
    /// Its name, of which there is one of a kind.
    pub name: String,
    /// What it says, without anything secret.
    pub config: String,
    /// Its credentials, sealed.
    pub sealed: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Who changed it last; `None` once that user is gone.
    pub updated_by: Option<UserId>,
}

/// Tells one state of an organisation's entries from every other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayRevision {
    /// Whose.
    pub organization: OrganizationId,
    /// Another text for every change.
    pub revision: String,
}

/// The gateway's configuration by organisation.
#[async_trait]
pub trait GatewayEntries {
    /// Notes that the organisation's entries change. In a unit of work, whoever comes second waits for the first.
    async fn change_gateway(&self, revision: &GatewayRevision) -> Result<(), StorageError>;

    /// Adds the entry, or replaces the one of its name; the time when it was made stays.
    async fn put_gateway_entry(&self, entry: &GatewayEntry) -> Result<(), StorageError>;

    /// Removes an entry; false when there is none.
    async fn delete_gateway_entry(
        &self,
        organization: OrganizationId,
        kind: GatewayEntryKind,
        name: &str,
    ) -> Result<bool, StorageError>;

    /// The entries of `organization`.
    async fn list_gateway_entries(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<GatewayEntry>, StorageError>;

    /// How far every organisation that ever had entries has come. The one list without a tenant: nodes follow it.
    async fn list_gateway_revisions(&self) -> Result<Vec<GatewayRevision>, StorageError>;
}

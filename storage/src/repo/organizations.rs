//! Organisations and who belongs to them.

use async_trait::async_trait;
use brokle_model::id::{OrganizationId, UserId};
use brokle_model::principal::Role;
use chrono::{DateTime, Utc};

use super::StorageError;

/// The most organisations a list returns.
pub const ORGANIZATIONS_MAX: u32 = 200;

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// The id.
    pub id: OrganizationId,
    /// As its members wrote it.
    pub name: String,
    /// Its part of dashboard addresses; unique.
    pub slug: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

/// An organisation as one of its members sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The organisation.
    pub organization: Organization,
    /// The member's role in it.
    pub role: Role,
}

/// Why an organisation was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateOrganizationError {
    /// Another organisation has the slug.
    #[error("the organization slug is taken")]
    SlugTaken,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Organisations and their members.
#[async_trait]
pub trait Organizations {
    /// Adds an organisation, without members yet.
    async fn create_organization(&self, organization: &Organization) -> Result<(), CreateOrganizationError>;

    /// Makes `user` a member with `role`, or changes the role of one who is.
    async fn set_member(
        &self,
        organization: OrganizationId,
        user: UserId,
        role: Role,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError>;

    /// The organisations of `user`.
    async fn list_memberships(&self, user: UserId) -> Result<Vec<Membership>, StorageError>;

    /// The organisation, when `user` belongs to it.
    async fn find_membership(
        &self,
        user: UserId,
        organization: OrganizationId,
    ) -> Result<Option<Membership>, StorageError>;
}

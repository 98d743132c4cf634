//! Relational aggregates: one trait per aggregate, all of them implemented both by the store itself, where
//! each call stands alone, and by a [`UnitOfWork`], where they succeed or vanish together.
//!
//! Rules that every implementation keeps and [`contract`] checks on each engine:
//! - every method that touches a tenant's rows takes the tenant, and another tenant's row is `None`;
//! - times are kept to the microsecond;
//! - lists are bounded by `*_MAX` and ordered by creation time, then id;
//! - a uniqueness conflict is a variant of the operation's own error and leaves the unit of work usable.
//!
//! To add a repository: a trait here, its implementation and constant SQL in `sql`, a module in `contract`,
//! and the tables in both migration folders.

mod api_keys;
#[cfg(feature = "contract")]
pub mod contract;
mod gateway;
mod organizations;
mod projects;
mod sessions;
mod telemetry_settings;
mod users;

use async_trait::async_trait;
use brokle_model::error::{Classify, ErrorKind};

pub use api_keys::{API_KEYS_MAX, ApiKeyChange, ApiKeyRecord, ApiKeyUse, ApiKeys, StoredGrant};
pub use gateway::{
    GATEWAY_ENTRIES_MAX, GATEWAY_REVISIONS_MAX, GatewayEntries, GatewayEntry, GatewayEntryKind,
    GatewayRevision, UnknownGatewayEntryKind,
};
pub use organizations::{
    CreateOrganizationError, Membership, ORGANIZATIONS_MAX, Organization, Organizations,
};
pub use projects::{CreateProjectError, PROJECTS_MAX, Project, ProjectMembership, Projects};
pub use sessions::{RefreshClaim, RefreshToken, Session, Sessions, TokenHash};
pub use telemetry_settings::{SETTINGS_PAGE_MAX, SaveSettingsError, StoredSettings, TelemetrySettingsStore};
pub use users::{CreateUserError, Credentials, User, Users};

/// Everything relational, over one connection policy.
pub trait Repositories:
    Users + Organizations + Projects + ApiKeys + Sessions + TelemetrySettingsStore + GatewayEntries + Send + Sync
{
}

impl<T> Repositories for T where
    T: Users
        + Organizations
        + Projects
        + ApiKeys
        + Sessions
        + TelemetrySettingsStore
        + GatewayEntries
        + Send
        + Sync
{
}

/// The relational store.
#[async_trait]
pub trait Store: Repositories + 'static {
    /// Starts a transaction. On an engine with one writer it waits for its turn here, for a bounded time.
    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StorageError>;

    /// Whether the store answers, for health checks.
    async fn ping(&self) -> Result<(), StorageError>;
}

/// A transaction. Dropping it without [`UnitOfWork::commit`] undoes everything.
#[async_trait]
pub trait UnitOfWork: Repositories {
    /// Makes everything that was done visible and durable.
    async fn commit(self: Box<Self>) -> Result<(), StorageError>;
}

/// Why the store did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// It is away or overloaded; the same call may succeed later.
    #[error("the relational store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It refused a statement, or gave back what cannot be read: our defect.
    #[error("the relational store and the program disagree")]
    Defect(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Classify for StorageError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unavailable(_) => ErrorKind::Unavailable,
            Self::Defect(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "storage_unavailable",
            Self::Defect(_) => "internal",
        }
    }
}

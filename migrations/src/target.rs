//! A database that migrations are applied to, and its ledger (`schema_migrations`).

pub mod clickhouse;
pub mod relational;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::source::Migration;

/// A row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The migration's version.
    pub version: i64,
    /// Its name when it was applied.
    pub name: String,
    /// The up file's checksum when it was applied.
    pub checksum: String,
    /// Whether it broke off half-way.
    pub dirty: bool,
    /// When.
    pub applied_at: DateTime<Utc>,
}

/// A statement failed, or the database cannot be reached.
#[derive(Debug, thiserror::Error)]
#[error("{context}: {message}")]
pub struct TargetError {
    context: String,
    message: String,
}

impl TargetError {
    pub(crate) fn new(context: impl Into<String>, cause: &dyn std::fmt::Display) -> Self {
        Self {
            context: context.into(),
            message: cause.to_string(),
        }
    }
}

/// Carries out steps. Only one process at a time gets past [`Target::prepare`] where the database can
/// lock; ClickHouse cannot, so its files must be re-runnable.
#[async_trait]
pub trait Target: Send {
    /// What to call it in reports, without credentials: `postgres`, `sqlite`, `clickhouse`.
    fn name(&self) -> &'static str;

    /// Creates the ledger when it is absent, and takes the lock until the target is dropped.
    async fn prepare(&mut self) -> Result<(), TargetError>;

    /// The ledger, oldest first.
    async fn applied(&mut self) -> Result<Vec<Applied>, TargetError>;

    /// What the statements of a migration are where this target is: on a cluster, they are others.
    fn render(&self, statements: &[String]) -> Result<Vec<String>, TargetError> {
        Ok(statements.to_vec())
    }

    /// Runs the up statements and records them.
    async fn apply(&mut self, migration: &Migration, now: DateTime<Utc>) -> Result<(), TargetError>;

    /// Runs the down statements and forgets the migration.
    async fn revert(&mut self, migration: &Migration, now: DateTime<Utc>) -> Result<(), TargetError>;
}

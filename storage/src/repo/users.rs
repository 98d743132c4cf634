//! People and how they prove who they are.

use async_trait::async_trait;
use brokle_model::id::UserId;
use chrono::{DateTime, Utc};

use super::StorageError;

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// Normalised by the caller; unique as it stands.
    pub email: String,
    /// What to call them.
    pub name: String,
    /// When they signed up.
    pub created_at: DateTime<Utc>,
}

/// A user with the hash that their password must match.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Who.
    pub user: User,
    /// In PHC string format.
    pub password_hash: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Credentials")
            .field("user", &self.user.id)
            .finish_non_exhaustive()
    }
}

/// Why a user was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateUserError {
    /// Another user has the e-mail address.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// People.
#[async_trait]
pub trait Users {
    /// Adds a user.
    async fn create_user(&self, credentials: &Credentials) -> Result<(), CreateUserError>;

    /// The user with this id.
    async fn find_user(&self, user: UserId) -> Result<Option<User>, StorageError>;

    /// The user with this (normalised) e-mail address, and their password hash.
    async fn find_credentials(&self, email: &str) -> Result<Option<Credentials>, StorageError>;
}

//! Sign-ins. A session is one sign-in of a user; its refresh tokens, of which one at a time is unused, form
//! a family that ends as a whole. Tokens are known here by their SHA-256 only.

use async_trait::async_trait;
use brokle_model::id::{SessionId, UserId};
use chrono::{DateTime, Utc};

use super::StorageError;

/// One sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The id, which access tokens carry.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When its latest refresh token expires.
    pub expires_at: DateTime<Utc>,
    /// When it was ended before its time.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl Session {
    /// Whether its tokens are good at `now`.
    pub fn is_active(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

/// The SHA-256 of a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

/// A refresh token that has been handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// What identifies it.
    pub hash: TokenHash,
    /// Its family.
    pub session: SessionId,
    /// When it was handed out.
    pub created_at: DateTime<Utc>,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
}

impl TokenHash {
    /// Lower-case hex, as stored.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }
}

/// What became of the attempt to use a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefreshClaim {
    /// It was unused and is used now; its session was active.
    Claimed(Session),
    /// It had been used before: two parties hold tokens of this family.
    Reused(Session),
    /// Unknown or expired, or its session has ended.
    Refused,
}

/// Sign-ins.
#[async_trait]
pub trait Sessions {
    /// Adds a session.
    async fn create_session(&self, session: &Session) -> Result<(), StorageError>;

    /// The session with this id, ended or not.
    async fn find_session(&self, session: SessionId) -> Result<Option<Session>, StorageError>;

    /// Ends a session; its first end counts.
    async fn revoke_session(&self, session: SessionId, at: DateTime<Utc>) -> Result<(), StorageError>;

    /// Moves a session's end.
    async fn extend_session(&self, session: SessionId, until: DateTime<Utc>) -> Result<(), StorageError>;

    /// Adds a refresh token.
    async fn create_refresh_token(&self, token: &RefreshToken) -> Result<(), StorageError>;

    /// Uses a refresh token. Of several attempts at once exactly one is [`RefreshClaim::Claimed`].
    async fn claim_refresh_token(
        &self,
        hash: TokenHash,
        at: DateTime<Utc>,
    ) -> Result<RefreshClaim, StorageError>;

    /// The session of a refresh token, used or not.
    async fn find_session_of_token(&self, hash: TokenHash) -> Result<Option<Session>, StorageError>;

    /// Removes up to `limit` sessions that expired before `before`, with their tokens; tells how many.
    async fn delete_ended_sessions(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StorageError>;
}

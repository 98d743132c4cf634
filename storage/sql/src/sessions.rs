//! Sign-ins and their refresh tokens. That a token is used once rests on one UPDATE: of two that race, one
//! finds `used_at` no longer NULL.

use async_trait::async_trait;
use brokle_model::id::SessionId;
use brokle_storage::repo::{RefreshClaim, RefreshToken, Session, Sessions, StorageError, TokenHash};
use chrono::{DateTime, Utc};

use crate::execute::{Execute, Row};
use crate::statement::{Statement, statements};
use crate::store::Sql;

statements! {
    CREATE_SESSION = "
        INSERT INTO sessions (id, user_id, created_at, expires_at, revoked_at)
        VALUES ($1, $2, $3, $4, $5)";
    FIND_SESSION = "
        SELECT id, user_id, created_at, expires_at, revoked_at
        FROM sessions
        WHERE id = $1";
    REVOKE_SESSION = "
        UPDATE sessions
        SET revoked_at = $2
        WHERE id = $1 AND revoked_at IS NULL";
    EXTEND_SESSION = "
        UPDATE sessions
        SET expires_at = $2
        WHERE id = $1";
    CREATE_REFRESH_TOKEN = "
        INSERT INTO refresh_tokens (token_hash, session_id, created_at, expires_at)
        VALUES ($1, $2, $3, $4)";
    USE_REFRESH_TOKEN = "
        UPDATE refresh_tokens
        SET used_at = $2
        WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2
        RETURNING session_id";
    FIND_USED_TOKEN = "
        SELECT s.id, s.user_id, s.created_at, s.expires_at, s.revoked_at
        FROM refresh_tokens AS t
        JOIN sessions AS s ON s.id = t.session_id
        WHERE t.token_hash = $1 AND t.used_at IS NOT NULL";
    FIND_SESSION_OF_TOKEN = "
        SELECT s.id, s.user_id, s.created_at, s.expires_at, s.revoked_at
        FROM refresh_tokens AS t
        JOIN sessions AS s ON s.id = t.session_id
        WHERE t.token_hash = $1";
    DELETE_ENDED_SESSIONS = "
        DELETE FROM sessions
        WHERE id IN (
            SELECT id
            FROM sessions
            WHERE expires_at < $1
            ORDER BY expires_at
            LIMIT $2
        )";
}

#[async_trait]
impl<E: Execute> Sessions for Sql<E> {
    async fn create_session(&self, session: &Session) -> Result<(), StorageError> {
        let statement = Statement::new(CREATE_SESSION)
            .bind(session.id.to_string())
            .bind(session.user.to_string())
            .bind(session.created_at)
            .bind(session.expires_at)
            .bind(session.revoked_at);
        self.0.change(statement).await.map(|_| ())
    }

    async fn find_session(&self, session: SessionId) -> Result<Option<Session>, StorageError> {
        self.find(Statement::new(FIND_SESSION).bind(session.to_string()))
            .await
    }

    async fn revoke_session(&self, session: SessionId, at: DateTime<Utc>) -> Result<(), StorageError> {
        let statement = Statement::new(REVOKE_SESSION).bind(session.to_string()).bind(at);
        self.0.change(statement).await.map(|_| ())
    }

    async fn extend_session(&self, session: SessionId, until: DateTime<Utc>) -> Result<(), StorageError> {
        let statement = Statement::new(EXTEND_SESSION)
            .bind(session.to_string())
            .bind(until);
        self.0.change(statement).await.map(|_| ())
    }

    async fn create_refresh_token(&self, token: &RefreshToken) -> Result<(), StorageError> {
        let statement = Statement::new(CREATE_REFRESH_TOKEN)
            .bind(token.hash.to_hex())
            .bind(token.session.to_string())
            .bind(token.created_at)
            .bind(token.expires_at);
        self.0.change(statement).await.map(|_| ())
    }

    async fn claim_refresh_token(
        &self,
        hash: TokenHash,
        at: DateTime<Utc>,
    ) -> Result<RefreshClaim, StorageError> {
        let used = self
            .0
            .fetch(Statement::new(USE_REFRESH_TOKEN).bind(hash.to_hex()).bind(at))
            .await?;
        if let Some(row) = used.first() {
            let session = self.find_session(row.parsed("session_id")?).await?;
            let active = session.filter(|session| session.is_active(at));
            return Ok(active.map_or(RefreshClaim::Refused, RefreshClaim::Claimed));
        }
        let reused = self
            .find(Statement::new(FIND_USED_TOKEN).bind(hash.to_hex()))
            .await?;
        Ok(reused.map_or(RefreshClaim::Refused, RefreshClaim::Reused))
    }

    async fn find_session_of_token(&self, hash: TokenHash) -> Result<Option<Session>, StorageError> {
        self.find(Statement::new(FIND_SESSION_OF_TOKEN).bind(hash.to_hex()))
            .await
    }

    async fn delete_ended_sessions(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StorageError> {
        self.0
            .change(Statement::new(DELETE_ENDED_SESSIONS).bind(before).bind(limit))
            .await
    }
}

impl<E: Execute> Sql<E> {
    async fn find(&self, statement: Statement) -> Result<Option<Session>, StorageError> {
        self.0
            .fetch(statement)
            .await?
            .first()
            .map(read_session)
            .transpose()
    }
}

fn read_session(row: &Row) -> Result<Session, StorageError> {
    Ok(Session {
        id: row.parsed("id")?,
        user: row.parsed("user_id")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        revoked_at: row.optional_time("revoked_at")?,
    })
}

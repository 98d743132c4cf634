//! Hands out the tokens of a session. Used by every verb that ends with someone signed in.

use brokle_model::error::{Classify, ErrorKind};
use brokle_model::id::SessionId;
use brokle_model::port::UserSession;
use brokle_storage::repo::{RefreshToken, Session, StorageError, UnitOfWork, User};
use secrecy::SecretString;

use crate::context::Context;
use crate::token::{RefreshSecret, SigningError};

/// What a person holds after signing in.
pub(crate) struct Tokens {
    pub(crate) user: User,
    pub(crate) access: SecretString,
    pub(crate) access_ttl_seconds: u64,
    pub(crate) refresh: RefreshSecret,
}

/// Why tokens were not handed out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IssueError {
    #[error(transparent)]
    Signing(#[from] SigningError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Classify for IssueError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Signing(_) => ErrorKind::Internal,
            Self::Storage(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Signing(_) => "internal",
            Self::Storage(error) => error.code(),
        }
    }
}

/// Begins a session of `user`.
pub(super) async fn begin(
    context: &Context,
    unit: &dyn UnitOfWork,
    user: User,
) -> Result<Tokens, IssueError> {
    let now = context.now();
    let session = Session {
        id: SessionId::generate(now),
        user: user.id,
        created_at: now,
        expires_at: now + context.config.refresh_ttl,
        revoked_at: None,
    };
    unit.create_session(&session).await?;
    issue(context, unit, user, session.id).await
}

/// Hands out the next tokens of a session and moves its end.
pub(super) async fn issue(
    context: &Context,
    unit: &dyn UnitOfWork,
    user: User,
    session: SessionId,
) -> Result<Tokens, IssueError> {
    let now = context.now();
    let refresh = RefreshSecret::generate();
    let expires_at = now + context.config.refresh_ttl;
    unit.create_refresh_token(&RefreshToken {
        hash: refresh.hash(),
        session,
        created_at: now,
        expires_at,
    })
    .await?;
    unit.extend_session(session, expires_at).await?;
    let access = context.tokens.issue(UserSession {
        user: user.id,
        session,
    })?;
    Ok(Tokens {
        user,
        access,
        access_ttl_seconds: context.tokens.ttl_seconds(),
        refresh,
    })
}

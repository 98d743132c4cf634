//! Exchanges a refresh token for the next pair. A token works once: its second use means that two parties
//! hold it, and since nobody can tell which of them is the owner, the whole session ends.

use brokle_model::error::{Classify, ErrorKind};
use brokle_storage::repo::{RefreshClaim, StorageError};

use super::session::{IssueError, Tokens, issue};
use crate::context::Context;
use crate::notices::Changed;
use crate::token::RefreshSecret;

/// Why no tokens were handed out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefreshError {
    #[error("no refresh token was sent; sign in")]
    Missing,
    #[error("the session has ended; sign in again")]
    Refused,
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Classify for RefreshError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Missing | Self::Refused => ErrorKind::Unauthenticated,
            Self::Issue(error) => error.kind(),
            Self::Storage(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Missing => "refresh_token_missing",
            Self::Refused => "session_ended",
            Self::Issue(error) => error.code(),
            Self::Storage(error) => error.code(),
        }
    }
}

pub(crate) async fn refresh(context: &Context, token: Option<RefreshSecret>) -> Result<Tokens, RefreshError> {
    let token = token.ok_or(RefreshError::Missing)?;
    let now = context.now();
    let unit = context.store.begin().await?;
    let session = match unit.claim_refresh_token(token.hash(), now).await? {
        RefreshClaim::Claimed(session) => session,
        RefreshClaim::Refused => return Err(RefreshError::Refused),
        RefreshClaim::Reused(session) => {
            unit.revoke_session(session.id, now).await?;
            unit.commit().await?;
            context.changed(Changed::Sessions).await;
            tracing::warn!(session.id = %session.id, "a refresh token was used twice; its session is ended");
            return Err(RefreshError::Refused);
        }
    };
    let user = unit.find_user(session.user).await?.ok_or(RefreshError::Refused)?;
    let tokens = issue(context, &*unit, user, session.id).await?;
    unit.commit().await?;
    Ok(tokens)
}

//! Reads the signed-in user.

use brokle_model::error::{Classify, ErrorKind};
use brokle_model::id::UserId;
use brokle_storage::repo::{StorageError, User};

use crate::context::Context;

/// Why there is no user to show.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GetUserError {
    /// The account is gone while its access token still lasted.
    #[error("the account no longer exists")]
    Gone,
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Classify for GetUserError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Gone => ErrorKind::Unauthenticated,
            Self::Storage(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Gone => "credential_invalid",
            Self::Storage(error) => error.code(),
        }
    }
}

pub(crate) async fn get(context: &Context, user: UserId) -> Result<User, GetUserError> {
    context.store.find_user(user).await?.ok_or(GetUserError::Gone)
}

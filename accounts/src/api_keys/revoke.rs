//! Revokes an API key, for good.

use brokle_model::error::{Classify, ErrorKind};
use brokle_model::id::{ApiKeyId, ProjectId};
use brokle_storage::repo::StorageError;

use crate::context::Context;

/// Why no key was revoked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RevokeApiKeyError {
    #[error("the project has no such API key")]
    NotFound,
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Classify for RevokeApiKeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Storage(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "api_key_not_found",
            Self::Storage(error) => error.code(),
        }
    }
}

pub(crate) async fn revoke(
    context: &Context,
    project: ProjectId,
    key: ApiKeyId,
) -> Result<(), RevokeApiKeyError> {
    let revoked = context.store.revoke_api_key(project, key, context.now()).await?;
    revoked.ok_or(RevokeApiKeyError::NotFound)?;
    context.keys.forget_keys();
    Ok(())
}

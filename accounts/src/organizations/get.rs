//! Reads an organisation that the caller belongs to.

use brokle_model::error::{Classify, ErrorKind};
use brokle_model::id::{OrganizationId, UserId};
use brokle_storage::repo::{Membership, StorageError};

use crate::context::Context;

/// Why there is no organisation to show.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GetOrganizationError {
    #[error("there is no such organization")]
    NotFound,
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Classify for GetOrganizationError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Storage(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "organization_not_found",
            Self::Storage(error) => error.code(),
        }
    }
}

pub(crate) async fn get(
    context: &Context,
    user: UserId,
    organization: OrganizationId,
) -> Result<Membership, GetOrganizationError> {
    context
        .store
        .find_membership(user, organization)
        .await?
        .ok_or(GetOrganizationError::NotFound)
}

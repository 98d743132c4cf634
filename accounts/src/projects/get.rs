//! Reads a project of an organisation that the caller belongs to.

use brokle_model::error::{Classify, ErrorKind};
use brokle_model::id::{ProjectId, UserId};
use brokle_storage::repo::{Project, StorageError};

use crate::context::Context;

/// Why there is no project to show.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GetProjectError {
    #[error("there is no such project")]
    NotFound,
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Classify for GetProjectError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Storage(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "project_not_found",
            Self::Storage(error) => error.code(),
        }
    }
}

pub(crate) async fn get(
    context: &Context,
    user: UserId,
    project: ProjectId,
) -> Result<Project, GetProjectError> {
    let found = context.store.find_project(user, project).await?;
    Ok(found.ok_or(GetProjectError::NotFound)?.project)
}

//! The failure of an operation that finds one thing and does something simple with it: it is not there (or
//! not the caller's to see, which must look the same), or the store failed. Operations that can fail in more
//! ways have their own enum.

use brokle_model::error::{Classify, ErrorKind};
use brokle_storage::repo::StorageError;

/// What was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Missing {
    #[error("there is no such organization")]
    Organization,
    #[error("there is no such project")]
    Project,
    #[error("the project has no such API key")]
    ApiKey,
}

/// Why nothing was found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookupError {
    #[error(transparent)]
    NotFound(#[from] Missing),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Classify for LookupError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Storage(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(Missing::Organization) => "organization_not_found",
            Self::NotFound(Missing::Project) => "project_not_found",
            Self::NotFound(Missing::ApiKey) => "api_key_not_found",
            Self::Storage(error) => error.code(),
        }
    }
}

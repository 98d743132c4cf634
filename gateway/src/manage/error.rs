//! Why a change of the configuration is refused, in the words of whoever makes it.

use brokle_model::error::{Classify, ErrorKind};
use brokle_model::port::SealError;
use brokle_storage::repo::{GatewayEntryKind, StorageError};

use crate::config::ConfigError;

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ManageError {
    /// The entry by itself cannot be read.
    #[error("{0}")]
    Document(String),
    /// Everything together would not be good. What is in force stays.
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("there is no such {}", .0.as_str())]
    NotFound(GatewayEntryKind),
    #[error(
        "the organization has as many providers, routes, quotas and guardrails as it may; remove one that is not used"
    )]
    TooMany,
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Classify for ManageError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Document(_) | Self::Config(_) => ErrorKind::Invalid,
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::TooMany => ErrorKind::Conflict,
            Self::Seal(_) => ErrorKind::Internal,
            Self::Storage(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Document(_) | Self::Config(_) => "gateway_config_invalid",
            Self::NotFound(_) => "gateway_entry_not_found",
            Self::TooMany => "gateway_entry_limit_reached",
            Self::Seal(_) => "credential_unreadable",
            Self::Storage(error) => error.code(),
        }
    }
}

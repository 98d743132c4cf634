//! Changes what an API key may do: its name, its models, until when, and whether it works at all.

use brokle_model::error::{Classify, ErrorKind};
use brokle_model::id::{ApiKeyId, ProjectId};
use brokle_storage::repo::{ApiKeyChange, ApiKeyRecord, StorageError};
use chrono::{DateTime, Utc};

use super::create::{CreateApiKeyError, check_expiry, check_models};
use crate::context::Context;
use crate::lookup::Missing;
use crate::name::Name;
use crate::notices::Changed;

/// What is to be changed; what is absent stays.
#[derive(Debug, Default)]
pub(crate) struct UpdateApiKey {
    pub(crate) name: Option<String>,
    pub(crate) models: Option<Vec<String>>,
    pub(crate) disabled: Option<bool>,
    pub(crate) expires_at: Expiry,
}

/// When the key is to stop working.
#[derive(Debug, Default)]
pub(crate) enum Expiry {
    /// As it was.
    #[default]
    AsBefore,
    /// Then; `None` for never.
    At(Option<DateTime<Utc>>),
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpdateApiKeyError {
    #[error(transparent)]
    Value(#[from] CreateApiKeyError),
    #[error(transparent)]
    Missing(#[from] Missing),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Classify for UpdateApiKeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Value(error) => error.kind(),
            Self::Missing(_) => ErrorKind::NotFound,
            Self::Storage(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Value(error) => error.code(),
            Self::Missing(_) => "api_key_not_found",
            Self::Storage(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Value(error) => error.field(),
            _ => None,
        }
    }
}

pub(crate) async fn update(
    context: &Context,
    (project, key): (ProjectId, ApiKeyId),
    input: UpdateApiKey,
) -> Result<ApiKeyRecord, UpdateApiKeyError> {
    let now = context.now();
    let name = input.name.map(|name| Name::parse(&name)).transpose();
    let name = name.map_err(CreateApiKeyError::from)?;
    let unit = context.store.begin().await?;
    let listed = unit.list_api_keys(project).await?;
    let before = listed
        .into_iter()
        .find(|known| known.id == key)
        .ok_or(Missing::ApiKey)?;
    let change = ApiKeyChange {
        name: name.map_or(before.name, Name::into_string),
        models: match input.models {
            Some(models) => check_models(models)?,
            None => before.models,
        },
        expires_at: match input.expires_at {
            Expiry::At(expires_at) => check_expiry(expires_at, now)?,
            Expiry::AsBefore => before.expires_at,
        },
        disabled_at: match input.disabled {
            Some(true) => before.disabled_at.or(Some(now)),
            Some(false) => None,
            None => before.disabled_at,
        },
    };
    let changed = unit
        .change_api_key(project, key, &change)
        .await?
        .ok_or(Missing::ApiKey)?;
    unit.commit().await?;
    context.changed(Changed::Keys).await;
    Ok(changed)
}

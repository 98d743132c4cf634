//! Creates an API key. Its text exists in this answer only.

use std::collections::BTreeSet;

use brokle_model::api_key::{ApiKey, KeyFormat};
use brokle_model::error::{Classify, ErrorKind};
use brokle_model::id::{ApiKeyId, ProjectId, UserId};
use brokle_model::principal::Scope;
use brokle_storage::repo::{ApiKeyRecord, StorageError};
use chrono::{DateTime, Datelike as _, DurationRound, TimeDelta, Utc};

use crate::context::Context;
use crate::name::{InvalidName, Name};

/// The most keys of one project that are not revoked.
const KEYS_PER_PROJECT_MAX: usize = 100;
/// The last year that RFC 3339 can write.
const YEAR_MAX: i32 = 9999;

pub(crate) struct CreateApiKey {
    pub(crate) project: ProjectId,
    pub(crate) user: UserId,
    pub(crate) name: String,
    /// Without a choice a key may do everything that a key can.
    pub(crate) scopes: Option<BTreeSet<Scope>>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) format: KeyFormat,
}

/// Why no key was created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateApiKeyError {
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error("a key needs one scope at least")]
    NoScopes,
    #[error("the expiry must lie in the future")]
    ExpiryPast,
    #[error("the expiry must lie before the year 10000")]
    ExpiryTooFar,
    #[error("the project has {KEYS_PER_PROJECT_MAX} keys already; revoke one that is no longer used")]
    LimitReached,
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Classify for CreateApiKeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Name(_) | Self::NoScopes | Self::ExpiryPast | Self::ExpiryTooFar => ErrorKind::Invalid,
            Self::LimitReached => ErrorKind::Conflict,
            Self::Storage(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Name(_) => "name_invalid",
            Self::NoScopes => "scopes_empty",
            Self::ExpiryPast => "expiry_past",
            Self::ExpiryTooFar => "expiry_too_far",
            Self::LimitReached => "api_key_limit_reached",
            Self::Storage(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Name(_) => Some("name"),
            Self::NoScopes => Some("scopes"),
            Self::ExpiryPast | Self::ExpiryTooFar => Some("expires_at"),
            _ => None,
        }
    }
}

pub(crate) async fn create(
    context: &Context,
    input: CreateApiKey,
) -> Result<(ApiKey, ApiKeyRecord), CreateApiKeyError> {
    let now = context.now();
    let name = Name::parse(&input.name)?;
    let scopes = input.scopes.unwrap_or_else(|| Scope::ALL.into());
    if scopes.is_empty() {
        return Err(CreateApiKeyError::NoScopes);
    }
    if input.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Err(CreateApiKeyError::ExpiryPast);
    }
    if input
        .expires_at
        .is_some_and(|expires_at| expires_at.year() > YEAR_MAX)
    {
        return Err(CreateApiKeyError::ExpiryTooFar);
    }
    let unit = context.store.begin().await?;
    if unit.list_api_keys(input.project).await?.len() >= KEYS_PER_PROJECT_MAX {
        return Err(CreateApiKeyError::LimitReached);
    }
    let key = ApiKey::generate_as(input.format, input.project);
    let record = ApiKeyRecord {
        id: ApiKeyId::generate(now),
        project: input.project,
        name: name.into_string(),
        preview: key.preview(),
        scopes,
        created_by: Some(input.user),
        created_at: now,
        expires_at: input.expires_at.map(to_the_microsecond),
        last_used_at: None,
    };
    unit.create_api_key(&record, key.hash()).await?;
    unit.commit().await?;
    Ok((key, record))
}

fn to_the_microsecond(time: DateTime<Utc>) -> DateTime<Utc> {
    time.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(time)
}

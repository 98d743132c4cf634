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
const MODELS_MAX: usize = 50;
const MODEL_BYTES_MAX: usize = 200;

pub(crate) struct CreateApiKey {
    pub(crate) project: ProjectId,
    pub(crate) user: UserId,
    pub(crate) name: String,
    /// Without a choice a key may do everything that a key can.
    pub(crate) scopes: Option<BTreeSet<Scope>>,
    pub(crate) models: Vec<String>,
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
    #[error(
        "`models` takes {MODELS_MAX} patterns at most, each of 1 to {MODEL_BYTES_MAX} visible ASCII characters"
    )]
    Models,
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
            Self::Name(_) | Self::NoScopes | Self::Models | Self::ExpiryPast | Self::ExpiryTooFar => {
                ErrorKind::Invalid
            }
            Self::LimitReached => ErrorKind::Conflict,
            Self::Storage(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Name(_) => "name_invalid",
            Self::NoScopes => "scopes_empty",
            Self::Models => "models_invalid",
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
            Self::Models => Some("models"),
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
    let models = check_models(input.models)?;
    let expires_at = check_expiry(input.expires_at, now)?;
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
        models,
        created_by: Some(input.user),
        created_at: now,
        expires_at,
        last_used_at: None,
        disabled_at: None,
    };
    unit.create_api_key(&record, key.hash()).await?;
    unit.commit().await?;
    Ok((key, record))
}

/// Patterns of models, as a key may have them.
pub(super) fn check_models(models: Vec<String>) -> Result<Vec<String>, CreateApiKeyError> {
    let good = |pattern: &String| {
        (1..=MODEL_BYTES_MAX).contains(&pattern.len()) && pattern.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if models.len() > MODELS_MAX || !models.iter().all(good) {
        return Err(CreateApiKeyError::Models);
    }
    Ok(models)
}

/// An expiry that can be kept, and that lies in the future.
pub(super) fn check_expiry(
    expires_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, CreateApiKeyError> {
    match expires_at {
        Some(expires_at) if expires_at <= now => Err(CreateApiKeyError::ExpiryPast),
        Some(expires_at) if expires_at.year() > YEAR_MAX => Err(CreateApiKeyError::ExpiryTooFar),
        expires_at => Ok(expires_at.map(to_the_microsecond)),
    }
}

fn to_the_microsecond(time: DateTime<Utc>) -> DateTime<Utc> {
    time.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(time)
}

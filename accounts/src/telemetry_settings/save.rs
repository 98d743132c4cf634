//! Saves a project's settings, checked as a whole, over the version that the caller has seen.

use brokle_model::error::{Classify, ErrorKind};
use brokle_model::id::{ProjectId, UserId};
use brokle_model::telemetry_settings::{InvalidSetting, SETTINGS_BYTES_MAX, TelemetrySettings, validate};
use brokle_storage::repo::{SaveSettingsError as StoreError, StorageError, StoredSettings};

use crate::context::Context;

/// Why settings were not saved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SaveSettingsError {
    /// These fields cannot be as they are.
    #[error("{}", summary(.0))]
    Invalid(Vec<InvalidSetting>),
    #[error("the settings were changed since you read them: read them again, and save over version {0}")]
    Outdated(u32),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Classify for SaveSettingsError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::Outdated(_) => ErrorKind::Conflict,
            Self::Storage(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "telemetry_settings_invalid",
            Self::Outdated(_) => "telemetry_settings_outdated",
            Self::Storage(error) => error.code(),
        }
    }
}

fn summary(faults: &[InvalidSetting]) -> String {
    let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

/// Saves over version `seen`: 0 when none was saved yet.
pub(crate) async fn save(
    context: &Context,
    project: ProjectId,
    user: UserId,
    seen: u32,
    settings: &TelemetrySettings,
) -> Result<(), SaveSettingsError> {
    let document = serde_json::to_string(settings).map_err(|error| StorageError::Defect(error.into()))?;
    let mut faults = validate(settings).err().unwrap_or_default();
    if document.len() > SETTINGS_BYTES_MAX {
        faults.push(InvalidSetting {
            field: "settings".to_owned(),
            message: format!("must have {SETTINGS_BYTES_MAX} bytes at most"),
        });
    }
    if !faults.is_empty() {
        return Err(SaveSettingsError::Invalid(faults));
    }
    let stored = StoredSettings {
        project,
        version: seen.saturating_add(1),
        document,
        updated_by: Some(user),
        updated_at: context.now(),
    };
    match context.store.save_telemetry_settings(&stored).await {
        Ok(()) => {
            context.policies.put(&stored)?;
            Ok(())
        }
        Err(StoreError::Outdated) => {
            let found = context.store.find_telemetry_settings(project).await?;
            Err(SaveSettingsError::Outdated(
                found.map_or(0, |found| found.version),
            ))
        }
        Err(StoreError::Storage(error)) => Err(error.into()),
    }
}

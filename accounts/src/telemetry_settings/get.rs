//! Reads a project's settings.

use brokle_model::id::ProjectId;
use brokle_model::telemetry_settings::{EffectiveSettings, TelemetrySettings};
use brokle_storage::repo::{StorageError, StoredSettings};

use crate::context::Context;

/// A project's settings, and what they come to.
pub(crate) struct Settings {
    /// `None` while nothing was ever saved.
    pub(crate) stored: Option<StoredSettings>,
    pub(crate) own: TelemetrySettings,
    pub(crate) effective: EffectiveSettings,
}

pub(crate) async fn get(context: &Context, project: ProjectId) -> Result<Settings, StorageError> {
    let stored = context.store.find_telemetry_settings(project).await?;
    let own = match &stored {
        Some(stored) => read(&stored.document)?,
        None => TelemetrySettings::default(),
    };
    let effective = EffectiveSettings::merge(&own, &context.config.telemetry_defaults);
    Ok(Settings {
        stored,
        own,
        effective,
    })
}

/// Reads a stored document.
pub(super) fn read(document: &str) -> Result<TelemetrySettings, StorageError> {
    serde_json::from_str(document).map_err(|error| StorageError::Defect(error.into()))
}

//! What projects have set about their telemetry: one document per project, with a version against writers
//! who have not seen each other.

use async_trait::async_trait;
use brokle_model::id::{ProjectId, UserId};
use chrono::{DateTime, Utc};

use super::StorageError;

/// The most entries that one page of [`TelemetrySettingsStore::list_telemetry_settings`] has.
pub const SETTINGS_PAGE_MAX: u32 = 1000;

/// A project's settings as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSettings {
    /// Whose.
    pub project: ProjectId,
    /// 1 for the first that were saved, then one more each time.
    pub version: u32,
    /// The document, JSON.
    pub document: String,
    /// Who saved them.
    pub updated_by: Option<UserId>,
    /// When.
    pub updated_at: DateTime<Utc>,
}

/// Why settings were not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveSettingsError {
    /// Somebody else saved in between, or first.
    #[error("the settings were changed in the meantime")]
    Outdated,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Settings of projects' telemetry.
#[async_trait]
pub trait TelemetrySettingsStore {
    /// A project's settings, if it has any.
    async fn find_telemetry_settings(
        &self,
        project: ProjectId,
    ) -> Result<Option<StoredSettings>, StorageError>;

    /// Saves settings whose version is one more than that of the stored ones, or 1 when there are none.
    async fn save_telemetry_settings(&self, settings: &StoredSettings) -> Result<(), SaveSettingsError>;

    /// Each project that has settings with their version, a page in the order of the projects' ids, after
    /// `after`.
    async fn list_telemetry_settings(
        &self,
        after: Option<ProjectId>,
    ) -> Result<Vec<(ProjectId, u32)>, StorageError>;

    /// A text that is another one after any settings were saved. For a look whether anything is new.
    async fn telemetry_settings_state(&self) -> Result<String, StorageError>;
}

//! Settings of projects' telemetry. The version is compared in the statement that writes, so no transaction
//! is needed to be safe from other writers.

use async_trait::async_trait;
use brokle_model::id::ProjectId;
use brokle_storage::repo::{
    SETTINGS_PAGE_MAX, SaveSettingsError, StorageError, StoredSettings, TelemetrySettingsStore,
};

use crate::error::unreadable;
use crate::execute::{Execute, Row};
use crate::statement::{Statement, statements};
use crate::store::Sql;

statements! {
    FIND_SETTINGS = "
        SELECT project_id, version, document, updated_by, updated_at
        FROM telemetry_settings
        WHERE project_id = $1";
    INSERT_SETTINGS = "
        INSERT INTO telemetry_settings (project_id, version, document, updated_by, updated_at)
        VALUES ($1, 1, $2, $3, $4)
        ON CONFLICT (project_id) DO NOTHING";
    UPDATE_SETTINGS = "
        UPDATE telemetry_settings
        SET version = version + 1, document = $2, updated_by = $3, updated_at = $4
        WHERE project_id = $1 AND version + 1 = $5";
    LIST_SETTINGS = "
        SELECT project_id, version
        FROM telemetry_settings
        WHERE project_id > $1
        ORDER BY project_id
        LIMIT $2";
    STATE_OF_SETTINGS = "
        SELECT CAST(COUNT(*) AS TEXT) || ' ' || CAST(COALESCE(SUM(version), 0) AS TEXT) || ' ' ||
            COALESCE(CAST(MAX(updated_at) AS TEXT), '') AS state
        FROM telemetry_settings";
}

#[async_trait]
impl<E: Execute> TelemetrySettingsStore for Sql<E> {
    async fn find_telemetry_settings(
        &self,
        project: ProjectId,
    ) -> Result<Option<StoredSettings>, StorageError> {
        let statement = Statement::new(FIND_SETTINGS).bind(project.to_string());
        self.0
            .fetch(statement)
            .await?
            .first()
            .map(read_settings)
            .transpose()
    }

    async fn save_telemetry_settings(&self, settings: &StoredSettings) -> Result<(), SaveSettingsError> {
        let is_first = settings.version == 1;
        let text = if is_first {
            INSERT_SETTINGS
        } else {
            UPDATE_SETTINGS
        };
        let mut statement = Statement::new(text)
            .bind(settings.project.to_string())
            .bind(settings.document.as_str())
            .bind(settings.updated_by.map(|user| user.to_string()))
            .bind(settings.updated_at);
        if !is_first {
            statement = statement.bind(settings.version);
        }
        match self.0.change(statement).await? {
            0 => Err(SaveSettingsError::Outdated),
            _ => Ok(()),
        }
    }

    async fn list_telemetry_settings(
        &self,
        after: Option<ProjectId>,
    ) -> Result<Vec<(ProjectId, u32)>, StorageError> {
        let after = after.map_or_else(String::new, |project| project.to_string());
        let statement = Statement::new(LIST_SETTINGS).bind(after).bind(SETTINGS_PAGE_MAX);
        let rows = self.0.fetch(statement).await?;
        rows.iter()
            .map(|row| Ok((row.parsed("project_id")?, read_version(row)?)))
            .collect()
    }

    async fn telemetry_settings_state(&self) -> Result<String, StorageError> {
        let rows = self.0.fetch(Statement::new(STATE_OF_SETTINGS)).await?;
        rows.first().map_or(Ok(String::new()), |row| row.text("state"))
    }
}

fn read_settings(row: &Row) -> Result<StoredSettings, StorageError> {
    let updated_by = row
        .optional_text("updated_by")?
        .map(|text| text.parse())
        .transpose();
    Ok(StoredSettings {
        project: row.parsed("project_id")?,
        version: read_version(row)?,
        document: row.text("document")?,
        updated_by: updated_by.map_err(|error| unreadable("updated_by", error))?,
        updated_at: row.time("updated_at")?,
    })
}

fn read_version(row: &Row) -> Result<u32, StorageError> {
    u32::try_from(row.integer("version")?).map_err(|error| unreadable("version", error))
}

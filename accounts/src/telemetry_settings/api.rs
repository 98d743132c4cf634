//! `/api/v1/projects/{project_id}/telemetry-settings`

use axum::extract::State;
use brokle_http::permission::ProjectsWrite;
use brokle_http::{ApiError, ApiResult, Envelope, Failures, InPath, Json, ProjectMember};
use brokle_model::telemetry_settings::{InvalidSetting, TelemetrySettings};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::get::{self, Settings};
use super::save::{self, SaveSettingsError};
use crate::context::Context;

pub(crate) fn router() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(get_telemetry_settings, put_telemetry_settings))
}

/// What a project has set about its telemetry.
#[derive(Serialize, ToSchema)]
struct ProjectTelemetrySettings {
    /// How often settings were saved: 0 before the first time.
    version: u32,
    /// What the project has set: `retention_days`, `redaction`, `size_caps` and `sampling`, each optional.
    #[schema(value_type = Object)]
    settings: TelemetrySettings,
    /// What is in force: the project's settings over the installation's.
    #[schema(value_type = Object)]
    effective: TelemetrySettings,
    /// When they were saved.
    updated_at: Option<DateTime<Utc>>,
}

/// Settings to be saved.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SaveTelemetrySettingsRequest {
    /// The version that these settings replace: the one that was read.
    version: u32,
    /// All of them; what is left out is left to the installation.
    #[schema(value_type = Object, example = json!({
        "retention_days": {"traces": 90},
        "redaction": {"patterns": ["email", "credit_card"], "rules": [{"name": "passwords", "keys": ["*password*"]}]},
        "sampling": {"head": {"rate": 0.5}}
    }))]
    settings: TelemetrySettings,
}

impl From<Settings> for ProjectTelemetrySettings {
    fn from(settings: Settings) -> Self {
        Self {
            version: settings.stored.as_ref().map_or(0, |stored| stored.version),
            updated_at: settings.stored.map(|stored| stored.updated_at),
            effective: settings.effective.spelled_out(),
            settings: settings.own,
        }
    }
}

/// Shows a project's telemetry settings. Needs the role admin or owner.
#[utoipa::path(
    get, path = "/api/v1/projects/{project_id}/telemetry-settings", tag = "projects", security(("session" = [])),
    params(("project_id" = String, Path, description = "The project.")),
    responses((status = 200, description = "The settings.", body = Envelope<ProjectTelemetrySettings>), Failures),
)]
async fn get_telemetry_settings(
    State(context): State<Context>,
    member: ProjectMember<ProjectsWrite, InPath>,
) -> ApiResult<Envelope<ProjectTelemetrySettings>> {
    let settings = get::get(&context, member.project).await?;
    Ok(Envelope::new(settings.into()))
}

/// Saves a project's telemetry settings, all at once, over the version that was read. Needs the role admin or
/// owner. They are in force within a second here, and within five on other nodes; what is stored already stays
/// as it is.
#[utoipa::path(
    put, path = "/api/v1/projects/{project_id}/telemetry-settings", tag = "projects", security(("session" = [])),
    params(("project_id" = String, Path, description = "The project.")),
    request_body = SaveTelemetrySettingsRequest,
    responses((status = 200, description = "Saved.", body = Envelope<ProjectTelemetrySettings>), Failures),
)]
async fn put_telemetry_settings(
    State(context): State<Context>,
    member: ProjectMember<ProjectsWrite, InPath>,
    Json(request): Json<SaveTelemetrySettingsRequest>,
) -> ApiResult<Envelope<ProjectTelemetrySettings>> {
    let SaveTelemetrySettingsRequest { version, settings } = request;
    save::save(&context, member.project, member.user, version, &settings)
        .await
        .map_err(present)?;
    let settings = get::get(&context, member.project).await?;
    Ok(Envelope::new(settings.into()))
}

/// Names every field at fault, and the first where clients look for one.
fn present(error: SaveSettingsError) -> ApiError {
    let details = match &error {
        SaveSettingsError::Invalid(faults) => {
            let in_request = |fault: &InvalidSetting| format!("settings.{}", fault.field);
            let fields: Vec<_> = faults
                .iter()
                .map(|fault| json!({"field": in_request(fault), "message": fault.message}))
                .collect();
            json!({"field": faults.first().map(in_request), "fields": fields})
        }
        SaveSettingsError::Outdated(version) => json!({"field": "version", "version": version}),
        SaveSettingsError::Storage(_) => return error.into(),
    };
    ApiError::from(error).details(details)
}

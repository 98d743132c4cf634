//! `/api/v1/organizations/{organization_id}/gateway`: an organisation's own providers, routes, quotas and
//! guardrails.

use axum::extract::State;
use brokle_http::permission::{GatewayRead, GatewayWrite};
use brokle_http::{ApiResult, Envelope, Failures, Json, OrganizationMember, Path};
use brokle_model::id::UserId;
use brokle_storage::repo::{GatewayEntry, GatewayEntryKind};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Management;
use super::document::Document;
use super::error::ManageError;

pub(super) fn router() -> OpenApiRouter<Management> {
    OpenApiRouter::new()
        .routes(routes!(get_gateway_config))
        .routes(routes!(put_gateway_provider, delete_gateway_provider))
        .routes(routes!(put_gateway_route, delete_gateway_route))
        .routes(routes!(put_gateway_quota, delete_gateway_quota))
        .routes(routes!(put_gateway_guardrail, delete_gateway_guardrail))
}

/// A provider, route, quota or guardrail of the organisation.
#[derive(Serialize, ToSchema)]
struct GatewayConfigEntry {
    name: String,
    /// As in `brokle.toml`, without keys.
    config: Value,
    /// Whether a key is stored. It is never shown.
    has_key: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// Who changed it last.
    #[schema(value_type = Option<String>, required)]
    updated_by: Option<UserId>,
}

/// All that the organisation configures of the gateway for itself.
#[derive(Serialize, ToSchema)]
struct GatewayConfigEntries {
    providers: Vec<GatewayConfigEntry>,
    routes: Vec<GatewayConfigEntry>,
    quotas: Vec<GatewayConfigEntry>,
    guardrails: Vec<GatewayConfigEntry>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

impl From<GatewayEntry> for GatewayConfigEntry {
    fn from(entry: GatewayEntry) -> Self {
        Self {
            config: serde_json::from_str(&entry.config).unwrap_or_default(),
            has_key: entry.sealed.is_some(),
            name: entry.name,
            created_at: entry.created_at,
            updated_at: entry.updated_at,
            updated_by: entry.updated_by,
        }
    }
}

/// Lists the organisation's own providers, routes, quotas and guardrails. Keys are never shown.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization_id}/gateway", tag = "gateway-config",
    security(("session" = [])),
    params(("organization_id" = String, Path, description = "The organisation.")),
    responses((status = 200, description = "Oldest first.", body = Envelope<GatewayConfigEntries>), Failures),
)]
async fn get_gateway_config(
    State(management): State<Management>,
    member: OrganizationMember<GatewayRead>,
) -> ApiResult<Envelope<GatewayConfigEntries>> {
    let entries = management
        .ports
        .store
        .list_gateway_entries(member.organization)
        .await?;
    let of = |kind: GatewayEntryKind| {
        let entries = entries.iter().filter(|entry| entry.kind == kind).cloned();
        entries.map(GatewayConfigEntry::from).collect()
    };
    Ok(Envelope::new(GatewayConfigEntries {
        providers: of(GatewayEntryKind::Provider),
        routes: of(GatewayEntryKind::Route),
        quotas: of(GatewayEntryKind::Quota),
        guardrails: of(GatewayEntryKind::Guardrail),
    }))
}

/// One pair of handlers for a kind of entry.
macro_rules! entry {
    ($put:ident, $delete:ident, $kind:ident, $segment:literal, $what:literal, $read:expr) => {
        #[doc = concat!("Adds or replaces a ", $what, ". Needs the role admin or more.")]
        ///
        /// All of the organisation's configuration is checked together; when it is refused, nothing changes.
        #[utoipa::path(
            put, path = concat!("/api/v1/organizations/{organization_id}/gateway/", $segment, "/{name}"),
            tag = "gateway-config", security(("session" = [])),
            params(
                ("organization_id" = String, Path, description = "The organisation."),
                ("name" = String, Path, description = "The name."),
            ),
            request_body(content = Value, content_type = "application/json",
                description = "As in `brokle.toml`. A provider's keys that are not sent stay as they are."),
            responses((status = 200, description = "In force.", body = Envelope<GatewayConfigEntry>), Failures),
        )]
        async fn $put(
            State(management): State<Management>,
            member: OrganizationMember<GatewayWrite>,
            Path(Named { name }): Path<Named>,
            Json(sent): Json<Value>,
        ) -> ApiResult<Envelope<GatewayConfigEntry>> {
            let read: fn(&str, Value) -> Result<Document, ManageError> = $read;
            let document = read(&name, sent)?;
            let named = (GatewayEntryKind::$kind, name);
            let entry = management.put(member.organization, member.user, named, document).await?;
            Ok(Envelope::new(entry.into()))
        }

        #[doc = concat!("Removes a ", $what, ". Needs the role admin or more.")]
        #[utoipa::path(
            delete, path = concat!("/api/v1/organizations/{organization_id}/gateway/", $segment, "/{name}"),
            tag = "gateway-config", security(("session" = [])),
            params(
                ("organization_id" = String, Path, description = "The organisation."),
                ("name" = String, Path, description = "The name."),
            ),
            responses((status = 204, description = "Removed."), Failures),
        )]
        async fn $delete(
            State(management): State<Management>,
            member: OrganizationMember<GatewayWrite>,
            Path(Named { name }): Path<Named>,
        ) -> ApiResult<StatusCode> {
            management.delete(member.organization, GatewayEntryKind::$kind, &name).await?;
            Ok(StatusCode::NO_CONTENT)
        }
    };
}

entry!(
    put_gateway_provider,
    delete_gateway_provider,
    Provider,
    "providers",
    "provider",
    |_, sent| Document::provider(sent)
);
entry!(
    put_gateway_route,
    delete_gateway_route,
    Route,
    "routes",
    "route",
    |_, sent| Document::route(sent)
);
entry!(
    put_gateway_quota,
    delete_gateway_quota,
    Quota,
    "quotas",
    "quota",
    Document::quota
);
entry!(
    put_gateway_guardrail,
    delete_gateway_guardrail,
    Guardrail,
    "guardrails",
    "guardrail",
    Document::guardrail
);

//! `/api/v1/projects/{project_id}/api-keys`, and the public question whether a key is good.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::extract::State;
use brokle_http::permission::{ApiKeysRead, ApiKeysWrite};
use brokle_http::{ApiResult, Envelope, Failures, InPath, Json, Path, Peer, ProjectMember, presented_key};
use brokle_model::api_key::KeyFormat;
use brokle_model::id::{ApiKeyId, ProjectId};
use brokle_model::port::{AuthError, KeyResolver as _};
use brokle_model::principal::Scope;
use brokle_storage::repo::ApiKeyRecord;
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::create::{self, CreateApiKey};
use super::update::{self, Expiry, UpdateApiKey};
use super::{revoke, rotate};
use crate::context::Context;
use crate::schema;

pub(crate) fn router() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(list_api_keys, create_api_key))
        .routes(routes!(update_api_key, revoke_api_key))
        .routes(routes!(rotate_api_key))
        .routes(routes!(validate_key, post_validate_key))
}

/// An API key, without its secret.
#[derive(Serialize, ToSchema)]
struct ApiKey {
    #[schema(value_type = String)]
    id: ApiKeyId,
    name: String,
    #[schema(example = "bk_proj_01ABCD...WXYZ")]
    preview: String,
    #[schema(schema_with = schema::scopes)]
    scopes: BTreeSet<Scope>,
    /// Patterns of the models that it may use; every model when there are none.
    models: Vec<String>,
    created_at: DateTime<Utc>,
    /// To within half a minute.
    #[schema(required)]
    last_used_at: Option<DateTime<Utc>>,
    #[schema(required)]
    expires_at: Option<DateTime<Utc>>,
    /// Since when it does not work, though it may again.
    #[schema(required)]
    disabled_at: Option<DateTime<Utc>>,
}

/// A new API key with its secret, which is never shown again.
#[derive(Serialize, ToSchema)]
struct CreatedApiKey {
    #[schema(value_type = String)]
    id: ApiKeyId,
    name: String,
    /// The secret itself.
    key: String,
    #[schema(example = "bk_proj_01ABCD...WXYZ")]
    preview: String,
    #[schema(schema_with = schema::scopes)]
    scopes: BTreeSet<Scope>,
    models: Vec<String>,
    created_at: DateTime<Utc>,
    #[schema(required)]
    expires_at: Option<DateTime<Utc>>,
}

/// What the new key is for.
#[derive(Deserialize, ToSchema)]
struct CreateApiKeyRequest {
    #[schema(example = "production")]
    name: String,
    /// All scopes unless told otherwise.
    #[serde(default)]
    #[schema(schema_with = schema::scopes, required = false)]
    scopes: Option<BTreeSet<Scope>>,
    /// Patterns of the models that it may use, as callers name them or as `provider/model`; `*` stands for any run of
    /// characters. Every model unless told otherwise.
    #[serde(default)]
    #[schema(required = false)]
    models: Vec<String>,
    #[serde(default)]
    expires_at: Option<DateTime<Utc>>,
    /// `project` unless told otherwise; `short` (`bk_` and 40 letters or digits) for SDKs that take no other.
    #[serde(default)]
    #[schema(schema_with = schema::key_format, required = false)]
    format: Option<KeyFormat>,
}

/// What of a key is to be changed; what is absent stays.
#[derive(Deserialize, ToSchema)]
struct UpdateApiKeyRequest {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    models: Option<Vec<String>>,
    /// Whether it stops working until it is enabled again.
    #[serde(default)]
    disabled: Option<bool>,
    /// `null` means never.
    #[serde(default, deserialize_with = "expiry")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    expires_at: Expiry,
}

/// How a key is to be replaced.
#[derive(Deserialize, ToSchema)]
struct RotateApiKeyRequest {
    /// How long the old key goes on, in seconds; 30 days at most, and not at all unless told otherwise.
    #[serde(default)]
    overlap_seconds: u64,
}

/// Keeps `null` apart from absence.
fn expiry<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Expiry, D::Error> {
    Option::deserialize(deserializer).map(Expiry::At)
}

/// What a good key permits.
#[derive(Serialize, ToSchema)]
struct KeyValidity {
    /// Always `true`; a key that is not good is answered with 401.
    valid: bool,
    #[schema(value_type = String)]
    project_id: ProjectId,
    #[schema(schema_with = schema::scopes)]
    scopes: BTreeSet<Scope>,
}

#[derive(Deserialize)]
struct KeyPath {
    key_id: ApiKeyId,
}

impl CreatedApiKey {
    fn of(key: &brokle_model::api_key::ApiKey, record: ApiKeyRecord) -> Self {
        Self {
            id: record.id,
            name: record.name,
            key: key.reveal().to_owned(),
            preview: record.preview,
            scopes: record.scopes,
            models: record.models,
            created_at: record.created_at,
            expires_at: record.expires_at,
        }
    }
}

impl From<ApiKeyRecord> for ApiKey {
    fn from(key: ApiKeyRecord) -> Self {
        Self {
            id: key.id,
            name: key.name,
            preview: key.preview,
            scopes: key.scopes,
            models: key.models,
            created_at: key.created_at,
            last_used_at: key.last_used_at,
            expires_at: key.expires_at,
            disabled_at: key.disabled_at,
        }
    }
}

/// Lists a project's keys that are not revoked.
#[utoipa::path(
    get, path = "/api/v1/projects/{project_id}/api-keys", tag = "api-keys", security(("session" = [])),
    params(("project_id" = String, Path, description = "The project.")),
    responses((status = 200, description = "Oldest first.", body = Envelope<Vec<ApiKey>>), Failures),
)]
async fn list_api_keys(
    State(context): State<Context>,
    member: ProjectMember<ApiKeysRead, InPath>,
) -> ApiResult<Envelope<Vec<ApiKey>>> {
    let keys = context.store.list_api_keys(member.project).await?;
    Ok(Envelope::new(keys.into_iter().map(ApiKey::from).collect()))
}

/// Creates an API key. Needs the role developer or more.
#[utoipa::path(
    post, path = "/api/v1/projects/{project_id}/api-keys", tag = "api-keys", security(("session" = [])),
    params(("project_id" = String, Path, description = "The project.")),
    request_body = CreateApiKeyRequest,
    responses((status = 201, description = "Created.", body = Envelope<CreatedApiKey>), Failures),
)]
async fn create_api_key(
    State(context): State<Context>,
    member: ProjectMember<ApiKeysWrite, InPath>,
    Json(CreateApiKeyRequest {
        name,
        scopes,
        models,
        expires_at,
        format,
    }): Json<CreateApiKeyRequest>,
) -> ApiResult<(StatusCode, Envelope<CreatedApiKey>)> {
    let (project, user) = (member.project, member.user);
    let (key, record) = create::create(
        &context,
        CreateApiKey {
            project,
            user,
            name,
            scopes,
            models,
            expires_at,
            format: format.unwrap_or_default(),
        },
    )
    .await?;
    Ok(Envelope::created(CreatedApiKey::of(&key, record)))
}

/// Changes an API key: its name, its models, its expiry, and whether it works. Needs the role developer or more.
#[utoipa::path(
    patch, path = "/api/v1/projects/{project_id}/api-keys/{key_id}", tag = "api-keys",
    security(("session" = [])),
    params(
        ("project_id" = String, Path, description = "The project."),
        ("key_id" = String, Path, description = "The key."),
    ),
    request_body = UpdateApiKeyRequest,
    responses((status = 200, description = "As it is now.", body = Envelope<ApiKey>), Failures),
)]
async fn update_api_key(
    State(context): State<Context>,
    member: ProjectMember<ApiKeysWrite, InPath>,
    Path(path): Path<KeyPath>,
    Json(sent): Json<UpdateApiKeyRequest>,
) -> ApiResult<Envelope<ApiKey>> {
    let input = UpdateApiKey {
        name: sent.name,
        models: sent.models,
        disabled: sent.disabled,
        expires_at: sent.expires_at,
    };
    let changed = update::update(&context, (member.project, path.key_id), input).await?;
    Ok(Envelope::new(changed.into()))
}

/// Replaces an API key by a new one that may do the same. Needs the role developer or more.
#[utoipa::path(
    post, path = "/api/v1/projects/{project_id}/api-keys/{key_id}/rotate", tag = "api-keys",
    security(("session" = [])),
    params(
        ("project_id" = String, Path, description = "The project."),
        ("key_id" = String, Path, description = "The key."),
    ),
    request_body = RotateApiKeyRequest,
    responses((status = 201, description = "The new key.", body = Envelope<CreatedApiKey>), Failures),
)]
async fn rotate_api_key(
    State(context): State<Context>,
    member: ProjectMember<ApiKeysWrite, InPath>,
    Path(path): Path<KeyPath>,
    Json(sent): Json<RotateApiKeyRequest>,
) -> ApiResult<(StatusCode, Envelope<CreatedApiKey>)> {
    let overlap = Duration::from_secs(sent.overlap_seconds);
    let of = (member.project, path.key_id, member.user);
    let (key, record) = rotate::rotate(&context, of, overlap).await?;
    Ok(Envelope::created(CreatedApiKey::of(&key, record)))
}

/// Revokes an API key. It stops working at once here, and within five seconds on other nodes.
#[utoipa::path(
    delete, path = "/api/v1/projects/{project_id}/api-keys/{key_id}", tag = "api-keys",
    security(("session" = [])),
    params(
        ("project_id" = String, Path, description = "The project."),
        ("key_id" = String, Path, description = "The key."),
    ),
    responses((status = 204, description = "Revoked."), Failures),
)]
async fn revoke_api_key(
    State(context): State<Context>,
    member: ProjectMember<ApiKeysWrite, InPath>,
    Path(path): Path<KeyPath>,
) -> ApiResult<StatusCode> {
    revoke::revoke(&context, member.project, path.key_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says whether the presented API key is good, as Brokle's SDKs ask.
#[utoipa::path(
    post, path = "/v1/auth/validate-key", tag = "api-keys", security(("api_key" = [])),
    responses((status = 200, description = "The key is good.", body = Envelope<KeyValidity>), Failures),
)]
async fn post_validate_key(
    state: State<Context>,
    peer: Peer,
    headers: HeaderMap,
) -> ApiResult<Envelope<KeyValidity>> {
    validate_key(state, peer, headers).await
}

/// Says whether the presented API key is good, and for which project.
#[utoipa::path(
    get, path = "/v1/auth/validate-key", tag = "api-keys", security(("api_key" = [])),
    responses((status = 200, description = "The key is good.", body = Envelope<KeyValidity>), Failures),
)]
async fn validate_key(
    State(context): State<Context>,
    peer: Peer,
    headers: HeaderMap,
) -> ApiResult<Envelope<KeyValidity>> {
    context.limits.key_check(peer).await?;
    let grant = context
        .keys
        .resolve(presented_key(&headers).ok_or(AuthError::Missing)?)
        .await?;
    Ok(Envelope::new(KeyValidity {
        valid: true,
        project_id: grant.project,
        scopes: grant.scopes.clone(),
    }))
}

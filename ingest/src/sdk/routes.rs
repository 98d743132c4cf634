//! The routes by name, with their descriptions.

use ::http::HeaderMap;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use brokle_http::envelope::Envelope;
use brokle_http::{ApiResult, Failures};
use serde_json::Value;

use super::api::{Sdk, change_one, create_many, create_one};
use super::intake::Prepared;
use crate::changes::{Entity, Verb};

/// Creates traces, `{traces: [...]}`. What is wrong with one does not cost the others.
#[utoipa::path(
    post, path = "/v1/traces/batch", tag = "sdk", operation_id = "sdk_create_traces", security(("api_key" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same text names the same request.")),
    request_body = Value,
    responses((status = 201, description = "On disk; readable within two seconds.", body = Envelope<Value>), Failures),
)]
pub(super) async fn create_traces(State(sdk): State<Sdk>, request: Request) -> ApiResult<Response> {
    let prepared = Prepared::read(&sdk.receiver, request).await?;
    create_many(prepared, Entity::Trace, "traces").await
}

/// Gets what was said of a trace by these routes.
#[utoipa::path(
    get, path = "/v1/traces/{id}", tag = "sdk", operation_id = "sdk_get_trace", security(("api_key" = [])),
    params(("id" = String, Path, description = "Hex, or any id of the caller's own.")),
    responses((status = 200, body = Envelope<Value>), Failures),
)]
pub(super) async fn get_trace(
    State(sdk): State<Sdk>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Envelope<Value>> {
    Ok(Envelope::new(sdk.read(&headers, Entity::Trace, &id).await?))
}

/// Sets name, user, session, tags or metadata of a trace, also of one that came by OTLP.
#[utoipa::path(
    put, path = "/v1/traces/{id}", tag = "sdk", operation_id = "sdk_update_trace", security(("api_key" = [])),
    params(("id" = String, Path, description = "Hex, or any id of the caller's own.")),
    request_body = Value, responses((status = 200, description = "On disk; in force within two seconds.", body = Envelope<Value>), Failures),
)]
pub(super) async fn update_trace(
    State(sdk): State<Sdk>,
    Path(id): Path<String>,
    request: Request,
) -> ApiResult<Envelope<Value>> {
    change_one(&sdk, Entity::Trace, Verb::Update, &id, request).await
}

/// Deletes a trace, its observations and its scores.
#[utoipa::path(
    delete, path = "/v1/traces/{id}", tag = "sdk", operation_id = "sdk_delete_trace", security(("api_key" = [])),
    params(("id" = String, Path, description = "Hex, or any id of the caller's own.")),
    responses((status = 200, description = "On disk; in force within two seconds.", body = Envelope<Value>), Failures),
)]
pub(super) async fn delete_trace(
    State(sdk): State<Sdk>,
    Path(id): Path<String>,
    request: Request,
) -> ApiResult<Envelope<Value>> {
    change_one(&sdk, Entity::Trace, Verb::Delete, &id, request).await
}

/// Creates an observation. Its trace and its parent may come later.
#[utoipa::path(
    post, path = "/v1/observations", tag = "sdk", operation_id = "sdk_create_observation", security(("api_key" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same text names the same request.")),
    request_body = Value,
    responses((status = 201, description = "On disk; readable within two seconds.", body = Envelope<Value>), Failures),
)]
pub(super) async fn create_observation(State(sdk): State<Sdk>, request: Request) -> ApiResult<Response> {
    let prepared = Prepared::read(&sdk.receiver, request).await?;
    create_one(prepared, Entity::Observation).await
}

/// Creates observations, `{observations: [...]}`. What is wrong with one does not cost the others.
#[utoipa::path(
    post, path = "/v1/observations/batch", tag = "sdk", operation_id = "sdk_create_observations", security(("api_key" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same text names the same request.")),
    request_body = Value,
    responses((status = 201, description = "On disk; readable within two seconds.", body = Envelope<Value>), Failures),
)]
pub(super) async fn create_observations(State(sdk): State<Sdk>, request: Request) -> ApiResult<Response> {
    let prepared = Prepared::read(&sdk.receiver, request).await?;
    create_many(prepared, Entity::Observation, "observations").await
}

/// Gets an observation as it was sent.
#[utoipa::path(
    get, path = "/v1/observations/{id}", tag = "sdk", operation_id = "sdk_get_observation", security(("api_key" = [])),
    params(("id" = String, Path, description = "Hex, or any id of the caller's own.")),
    responses((status = 200, body = Envelope<Value>), Failures),
)]
pub(super) async fn get_observation(
    State(sdk): State<Sdk>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Envelope<Value>> {
    Ok(Envelope::new(sdk.read(&headers, Entity::Observation, &id).await?))
}

/// Sets fields of an observation, also before it is created.
#[utoipa::path(
    put, path = "/v1/observations/{id}", tag = "sdk", operation_id = "sdk_update_observation", security(("api_key" = [])),
    params(("id" = String, Path, description = "Hex, or any id of the caller's own.")),
    request_body = Value, responses((status = 200, description = "On disk; in force within two seconds.", body = Envelope<Value>), Failures),
)]
pub(super) async fn update_observation(
    State(sdk): State<Sdk>,
    Path(id): Path<String>,
    request: Request,
) -> ApiResult<Envelope<Value>> {
    change_one(&sdk, Entity::Observation, Verb::Update, &id, request).await
}

/// Deletes an observation.
#[utoipa::path(
    delete, path = "/v1/observations/{id}", tag = "sdk", operation_id = "sdk_delete_observation", security(("api_key" = [])),
    params(("id" = String, Path, description = "Hex, or any id of the caller's own.")),
    responses((status = 200, description = "On disk; in force within two seconds.", body = Envelope<Value>), Failures),
)]
pub(super) async fn delete_observation(
    State(sdk): State<Sdk>,
    Path(id): Path<String>,
    request: Request,
) -> ApiResult<Envelope<Value>> {
    change_one(&sdk, Entity::Observation, Verb::Delete, &id, request).await
}

/// Says how an observation ended, also before it is created. Without `end_time` it ended now.
#[utoipa::path(
    post, path = "/v1/observations/{id}/complete", tag = "sdk", operation_id = "sdk_complete_observation", security(("api_key" = [])),
    params(("id" = String, Path, description = "Hex, or any id of the caller's own.")),
    request_body = Value, responses((status = 200, description = "On disk; in force within two seconds.", body = Envelope<Value>), Failures),
)]
pub(super) async fn complete_observation(
    State(sdk): State<Sdk>,
    Path(id): Path<String>,
    request: Request,
) -> ApiResult<Envelope<Value>> {
    change_one(&sdk, Entity::Observation, Verb::Complete, &id, request).await
}

/// Creates a quality score of a trace, an observation or a session.
#[utoipa::path(
    post, path = "/v1/quality-scores", tag = "sdk", operation_id = "sdk_create_quality_score", security(("api_key" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same text names the same request.")),
    request_body = Value,
    responses((status = 201, description = "On disk; readable within two seconds.", body = Envelope<Value>), Failures),
)]
pub(super) async fn create_quality_score(State(sdk): State<Sdk>, request: Request) -> ApiResult<Response> {
    let prepared = Prepared::read(&sdk.receiver, request).await?;
    create_one(prepared, Entity::Score).await
}

/// Gets a quality score.
#[utoipa::path(
    get, path = "/v1/quality-scores/{id}", tag = "sdk", operation_id = "sdk_get_quality_score", security(("api_key" = [])),
    params(("id" = String, Path, description = "Hex, or any id of the caller's own.")),
    responses((status = 200, body = Envelope<Value>), Failures),
)]
pub(super) async fn get_quality_score(
    State(sdk): State<Sdk>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Envelope<Value>> {
    Ok(Envelope::new(sdk.read(&headers, Entity::Score, &id).await?))
}

/// Sets fields of a quality score.
#[utoipa::path(
    put, path = "/v1/quality-scores/{id}", tag = "sdk", operation_id = "sdk_update_quality_score", security(("api_key" = [])),
    params(("id" = String, Path, description = "Hex, or any id of the caller's own.")),
    request_body = Value, responses((status = 200, description = "On disk; in force within two seconds.", body = Envelope<Value>), Failures),
)]
pub(super) async fn update_quality_score(
    State(sdk): State<Sdk>,
    Path(id): Path<String>,
    request: Request,
) -> ApiResult<Envelope<Value>> {
    change_one(&sdk, Entity::Score, Verb::Update, &id, request).await
}

/// Deletes a quality score.
#[utoipa::path(
    delete, path = "/v1/quality-scores/{id}", tag = "sdk", operation_id = "sdk_delete_quality_score", security(("api_key" = [])),
    params(("id" = String, Path, description = "Hex, or any id of the caller's own.")),
    responses((status = 200, description = "On disk; in force within two seconds.", body = Envelope<Value>), Failures),
)]
pub(super) async fn delete_quality_score(
    State(sdk): State<Sdk>,
    Path(id): Path<String>,
    request: Request,
) -> ApiResult<Envelope<Value>> {
    change_one(&sdk, Entity::Score, Verb::Delete, &id, request).await
}

/// Creates a quality score, as Brokle's SDKs send it.
#[utoipa::path(
    post, path = "/v1/scores", tag = "sdk", operation_id = "sdk_create_score", security(("api_key" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same text names the same request.")),
    request_body = Value,
    responses((status = 201, description = "On disk; readable within two seconds.", body = Envelope<Value>), Failures),
)]
pub(super) async fn create_score(State(sdk): State<Sdk>, request: Request) -> ApiResult<Response> {
    let prepared = Prepared::read(&sdk.receiver, request).await?;
    create_one(prepared, Entity::Score).await
}

/// Creates quality scores, `{scores: [...]}`.
#[utoipa::path(
    post, path = "/v1/scores/batch", tag = "sdk", operation_id = "sdk_create_scores", security(("api_key" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same text names the same request.")),
    request_body = Value,
    responses((status = 201, description = "On disk; readable within two seconds.", body = Envelope<Value>), Failures),
)]
pub(super) async fn create_scores(State(sdk): State<Sdk>, request: Request) -> ApiResult<Response> {
    let prepared = Prepared::read(&sdk.receiver, request).await?;
    create_many(prepared, Entity::Score, "scores").await
}

/// Records a business or system event.
#[utoipa::path(
    post, path = "/v1/events", tag = "sdk", operation_id = "sdk_create_event", security(("api_key" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same text names the same request.")),
    request_body = Value,
    responses((status = 201, description = "On disk; readable within two seconds.", body = Envelope<Value>), Failures),
)]
pub(super) async fn create_event(State(sdk): State<Sdk>, request: Request) -> ApiResult<Response> {
    let prepared = Prepared::read(&sdk.receiver, request).await?;
    create_one(prepared, Entity::Event).await
}

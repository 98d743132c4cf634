//! The routes, thin: who calls, what they want, and how an error looks.

use std::sync::Arc;

use axum::routing::{get, post};
use brokle_model::port::{KeyGrant, authorize_key};
use brokle_model::principal::Scope;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::error::GatewayError;
use crate::shared::Shared;

pub(crate) mod body;
pub(crate) mod cache;
mod chat;
mod count;
pub(crate) mod models;
mod operations;
mod route;
pub(crate) mod stored;

#[derive(OpenApi)]
#[openapi(paths(
    chat::chat_completions,
    chat::messages,
    chat::responses,
    count::count_tokens,
    operations::completions,
    operations::embeddings,
    operations::moderations,
    operations::images,
    operations::speech,
    operations::rerank,
    operations::transcriptions,
    operations::translations,
    operations::image_edits,
    operations::image_variations,
    stored::upload,
    stored::files,
    stored::file,
    stored::delete_file,
    stored::file_content,
    stored::create_batch,
    stored::batches,
    stored::batch,
    stored::cancel_batch,
    route::explain,
    cache::status,
    cache::invalidate,
    models::list_models,
    models::get_model
))]
struct Description;

pub(crate) fn router(shared: Arc<Shared>) -> OpenApiRouter {
    OpenApiRouter::with_openapi(Description::openapi())
        .route("/v1/chat/completions", post(chat::chat_completions))
        .route("/v1/messages", post(chat::messages))
        .route("/v1/messages/count_tokens", post(count::count_tokens))
        .route("/v1/responses", post(chat::responses))
        .route("/v1/completions", post(operations::completions))
        .route("/v1/embeddings", post(operations::embeddings))
        .route("/v1/moderations", post(operations::moderations))
        .route("/v1/images/generations", post(operations::images))
        .route("/v1/audio/speech", post(operations::speech))
        .route("/v1/rerank", post(operations::rerank))
        .route("/v1/audio/transcriptions", post(operations::transcriptions))
        .route("/v1/audio/translations", post(operations::translations))
        .route("/v1/images/edits", post(operations::image_edits))
        .route("/v1/images/variations", post(operations::image_variations))
        .route("/v1/files", get(stored::files).post(stored::upload))
        .route("/v1/files/{id}", get(stored::file).delete(stored::delete_file))
        .route("/v1/files/{id}/content", get(stored::file_content))
        .route("/v1/batches", get(stored::batches).post(stored::create_batch))
        .route("/v1/batches/{id}", get(stored::batch))
        .route("/v1/batches/{id}/cancel", post(stored::cancel_batch))
        .route("/v1/route", post(route::explain))
        .route("/v1/cache/status", get(cache::status))
        .route("/v1/cache/invalidate", post(cache::invalidate))
        .route("/v1/models", get(models::list_models))
        // A model's name may contain slashes.
        .route("/v1/models/{*model}", get(models::get_model))
        .with_state(shared)
}

/// What the presented key permits.
async fn authorize(shared: &Shared, headers: &HeaderMap) -> Result<Arc<KeyGrant>, GatewayError> {
    Ok(authorize_key(&*shared.keys, presented_key(headers), Scope::Gateway).await?)
}

fn presented_key(headers: &HeaderMap) -> Option<&str> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    if let Some(key) = text("x-api-key") {
        return Some(key);
    }
    let (scheme, key) = text(AUTHORIZATION.as_str())?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
}

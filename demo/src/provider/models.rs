//! `GET /v1/models`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;
use http::HeaderMap;
use serde_json::{Value, json};

use super::State;

const MODELS: [&str; 4] = ["gpt-4o", "gpt-4o-mini", "gpt-5", "mock-model"];

pub(super) async fn list(Shared(state): Shared<Arc<State>>, headers: HeaderMap) -> Json<Value> {
    state.remember("/v1/models".to_owned(), headers, bytes::Bytes::new());
    let data: Vec<Value> = MODELS
        .iter()
        .map(|id| json!({ "id": id, "object": "model", "created": 1_700_000_000, "owned_by": "fake" }))
        .collect();
    Json(json!({ "object": "list", "data": data }))
}

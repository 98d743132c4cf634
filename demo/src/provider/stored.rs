//! What a provider keeps: files, and batches that are done as soon as they begin. Everybody's in one heap, as at a
//! provider where one key is all that it knows of its callers.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State as Shared};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::State;

const BODY_BYTES_MAX: usize = 256 << 20;

/// One file or batch.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) described: Value,
    pub(super) content: Bytes,
}

impl Kept {
    fn id(&self) -> &str {
        self.described["id"].as_str().unwrap_or_default()
    }
}

async fn remembered(state: &State, request: Request) -> Bytes {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, BODY_BYTES_MAX)
        .await
        .unwrap_or_default();
    state.remember(parts.uri.to_string(), parts.headers, body.clone());
    body
}

/// `POST /v1/files`
pub(super) async fn upload(Shared(state): Shared<Arc<State>>, request: Request) -> Json<Value> {
    let body = remembered(&state, request).await;
    let text = String::from_utf8_lossy(&body);
    let after = |mark: &str| text.split_once(mark).map(|(_, rest)| rest).unwrap_or_default();
    let filename = after("filename=\"").split('"').next().unwrap_or_default();
    let content = after("filename=\"").split_once("\r\n\r\n").unwrap_or_default().1;
    let content = content.split("\r\n--").next().unwrap_or_default();
    Json(keep(&state, "file", filename, &Value::Null, content.as_bytes()))
}

fn keep(state: &State, kind: &str, filename: &str, metadata: &Value, content: &[u8]) -> Value {
    let mut kept = state.kept();
    let number = kept.len();
    let described = if kind == "file" {
        json!({ "id": format!("file-{number}"), "object": "file", "bytes": content.len(), "created_at": 1_700_000_000,
            "filename": filename, "purpose": "batch" })
    } else {
        json!({ "id": format!("batch_{number}"), "object": "batch", "status": "completed", "metadata": metadata,
            "input_file_id": filename, "output_file_id": format!("file-{}", number + 1) })
    };
    kept.push(Kept {
        described: described.clone(),
        content: Bytes::copy_from_slice(content),
    });
    described
}

/// `POST /v1/batches`
pub(super) async fn create_batch(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    let body = remembered(&state, request).await;
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let input = request["input_file_id"].as_str().unwrap_or_default();
    if !state.kept().iter().any(|kept| kept.id() == input) {
        return missing();
    }
    let batch = keep(&state, "batch", input, &request["metadata"], b"");
    let name = format!("{}_output.jsonl", batch["id"].as_str().unwrap_or_default());
    keep(&state, "file", &name, &Value::Null, b"{\"custom_id\":\"1\"}\n");
    Json(batch).into_response()
}

/// `GET /v1/files` and `GET /v1/batches`
pub(super) async fn list(Shared(state): Shared<Arc<State>>, request: Request) -> Json<Value> {
    let kind = if request.uri().path().ends_with("files") {
        "file"
    } else {
        "batch"
    };
    remembered(&state, request).await;
    let kept = state.kept();
    let data: Vec<&Value> = kept
        .iter()
        .map(|kept| &kept.described)
        .filter(|described| described["object"] == kind)
        .collect();
    Json(json!({ "object": "list", "data": data, "has_more": false }))
}

/// `GET`, `POST` or `DELETE` of one, and of a file's content.
pub(super) async fn one(
    Shared(state): Shared<Arc<State>>,
    Path(path): Path<(String, String)>,
    request: Request,
) -> Response {
    let (_, id) = path;
    let method = request.method().clone();
    remembered(&state, request).await;
    let mut kept = state.kept();
    let Some(place) = kept.iter().position(|kept| kept.id() == id) else {
        return missing();
    };
    if method == http::Method::DELETE {
        kept[place].described["id"] = json!("gone");
        return Json(json!({ "id": id, "object": "file", "deleted": true })).into_response();
    }
    Json(kept[place].described.clone()).into_response()
}

/// `GET /v1/files/{id}/content`, in pieces.
pub(super) async fn content(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    remembered(&state, request).await;
    let found = state.kept().iter().find(|kept| kept.id() == id).cloned();
    let Some(found) = found else { return missing() };
    let pieces: Vec<Result<Bytes, std::io::Error>> = found
        .content
        .chunks(7)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    let mut response = Response::new(Body::from_stream(tokio_stream::iter(pieces)));
    response.headers_mut().insert(
        CONTENT_TYPE,
        http::HeaderValue::from_static("application/octet-stream"),
    );
    response
}

fn missing() -> Response {
    let error = json!({ "error": { "message": "No such object", "type": "invalid_request_error", "param": "id",
        "code": null } });
    (StatusCode::NOT_FOUND, Json(error)).into_response()
}

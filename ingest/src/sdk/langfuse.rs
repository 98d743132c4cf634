//! The routes that a Langfuse SDK calls, so that a team switches by its host and keys: OTLP under another path, and
//! scores. The key is the password of Basic authentication; the user may be anything.
//!
//! Deliberately absent: everything that Langfuse's SDKs read (prompts, data sets), and ingestion of traces in the
//! form that came before OTLP.

use ::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use brokle_http::ApiResult;
use brokle_model::error::Classify as _;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::api::{BATCH_MAX, Sdk};
use super::context::Context;
use super::entities::{self, Made};
use super::intake::Prepared;
use super::invalid::{Invalid, refusal};
use crate::changes::Entity;
use crate::receiver::http as otlp;

/// The routes under `/api/public`.
pub(super) fn router() -> OpenApiRouter<Sdk> {
    OpenApiRouter::new()
        .routes(routes!(export_traces))
        .routes(routes!(create_scores))
        .routes(routes!(ingest))
        .routes(routes!(projects))
        .routes(routes!(health))
}

/// Takes an OTLP export of traces from a Langfuse SDK.
#[utoipa::path(
    post, path = "/api/public/otel/v1/traces", tag = "langfuse", operation_id = "langfuse_export_traces",
    request_body(
        content((Vec<u8> = "application/x-protobuf"), (Value = "application/json")),
        description = "An `ExportTraceServiceRequest`; plain, gzip, deflate or zstd.",
    ),
    responses(
        (status = 200, description = "On disk. An `ExportTraceServiceResponse`."),
        (status = "4XX", description = "Refused. A `google.rpc.Status`."),
        (status = "5XX", description = "Not taken now. A `google.rpc.Status`."),
    ),
)]
async fn export_traces(State(sdk): State<Sdk>, mut request: Request) -> Response {
    present_password(request.headers_mut());
    otlp::export_traces(State(sdk.receiver), request).await
}

/// Creates scores: one, or a list of them.
#[utoipa::path(
    post, path = "/api/public/scores", tag = "langfuse", operation_id = "langfuse_create_scores",
    request_body = Value,
    responses(
        (status = 200, description = "The score is on disk; its id."),
        (status = 202, description = "All scores of the list are on disk."),
        (status = 207, description = "Some scores of the list are; how many, and what is wrong with the others."),
    ),
)]
async fn create_scores(State(sdk): State<Sdk>, mut request: Request) -> ApiResult<Response> {
    present_password(request.headers_mut());
    let prepared = Prepared::read(&sdk.receiver, request).await?;
    let Value::Array(bodies) = &prepared.body else {
        let made = prepared.make(score)?;
        let id = made.change.key.clone();
        prepared.keep(vec![made]).await?;
        return Ok(Json(json!({"id": id})).into_response());
    };
    if bodies.len() > BATCH_MAX {
        return Err(Invalid::field("body", format!("at most {BATCH_MAX} scores go in one request")).into());
    }
    let outcomes: Vec<Result<Made, Invalid>> =
        prepared.make(|context, _| bodies.iter().map(|body| score(context, body)).collect());
    let (made, errors) = divided(outcomes);
    let (accepted, rejected) = (made.len(), errors.len());
    if accepted > 0 {
        prepared.keep(made).await?;
    }
    if rejected == 0 {
        return Ok((StatusCode::ACCEPTED, Json(json!({"message": "Accepted"}))).into_response());
    }
    let errors: Vec<Value> = errors
        .into_iter()
        .map(|(index, error)| json!({"index": index, "message": error.message}))
        .collect();
    let answer = json!({"accepted": accepted, "rejected": rejected, "errors": errors});
    Ok((StatusCode::MULTI_STATUS, Json(answer)).into_response())
}

/// Takes a batch of events, of which scores are stored; each has its own outcome.
#[utoipa::path(
    post, path = "/api/public/ingestion", tag = "langfuse", operation_id = "langfuse_ingestion",
    request_body = Value,
    responses((status = 207, description = "What became of each event.")),
)]
async fn ingest(State(sdk): State<Sdk>, mut request: Request) -> ApiResult<Response> {
    present_password(request.headers_mut());
    let prepared = Prepared::read(&sdk.receiver, request).await?;
    let Some(Value::Array(events)) = prepared.body.get("batch") else {
        return Err(Invalid::missing("batch").into());
    };
    if events.len() > BATCH_MAX {
        return Err(Invalid::field("batch", format!("`batch` must hold at most {BATCH_MAX} events")).into());
    }
    let ids: Vec<Value> = events.iter().map(|event| event["id"].clone()).collect();
    let outcomes: Vec<Result<Made, Invalid>> =
        prepared.make(|context, _| events.iter().map(|event| of_event(context, event)).collect());
    let failed: Vec<bool> = outcomes.iter().map(Result::is_err).collect();
    let (made, errors) = divided(outcomes);
    if !made.is_empty() {
        prepared.keep(made).await?;
    }
    let successes: Vec<Value> = ids
        .iter()
        .zip(failed)
        .filter(|(_, failed)| !failed)
        .map(|(id, _)| json!({"id": id, "status": 201}))
        .collect();
    let errors: Vec<Value> = errors
        .into_iter()
        .map(|(index, error)| {
            json!({"id": ids.get(index), "status": 400, "message": error.message, "error": error.code()})
        })
        .collect();
    let answer = json!({"successes": successes, "errors": errors});
    Ok((StatusCode::MULTI_STATUS, Json(answer)).into_response())
}

/// The project that the key belongs to: what an SDK asks to see whether its keys are good.
#[utoipa::path(
    get, path = "/api/public/projects", tag = "langfuse", operation_id = "langfuse_projects",
    responses((status = 200, description = "The key's project."), (status = 401, description = "No good key.")),
)]
async fn projects(State(sdk): State<Sdk>, mut headers: HeaderMap) -> ApiResult<Json<Value>> {
    present_password(&mut headers);
    let admission = sdk
        .receiver
        .admit(&headers)
        .await
        .map_err(|error| refusal(&error))?;
    let id = admission.project.to_string();
    Ok(Json(json!({"data": [{
        "id": id, "name": id, "metadata": {}, "organization": {"id": id, "name": id},
    }]})))
}

/// Says that the server is there.
#[utoipa::path(
    get, path = "/api/public/health", tag = "langfuse", operation_id = "langfuse_health",
    responses((status = 200, description = "It is.")),
)]
async fn health() -> Json<Value> {
    Json(json!({"status": "OK", "version": env!("CARGO_PKG_VERSION")}))
}

fn score(context: &Context<'_>, body: &Value) -> Result<Made, Invalid> {
    entities::create(context, Entity::Score, body)
}

fn of_event(context: &Context<'_>, event: &Value) -> Result<Made, Invalid> {
    match event["type"].as_str() {
        Some("score-create") => {
            let mut body = entities::object(&event["body"])?.clone();
            if let Some(timestamp) = event.get("timestamp").filter(|_| !body.contains_key("timestamp")) {
                body.insert("timestamp".to_owned(), timestamp.clone());
            }
            score(context, &Value::Object(body))
        }
        other => Err(Invalid::field(
            "type",
            format!(
                "`{}` is not taken here: send traces by OTLP to /api/public/otel/v1/traces, and scores as `score-create`",
                other.unwrap_or_default()
            ),
        )),
    }
}

/// What was made, and what is wrong with the rest, by its place.
fn divided(outcomes: Vec<Result<Made, Invalid>>) -> (Vec<Made>, Vec<(usize, Invalid)>) {
    let (mut made, mut errors) = (Vec::new(), Vec::new());
    for (index, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Ok(one) => made.push(one),
            Err(error) => errors.push((index, error)),
        }
    }
    (made, errors)
}

/// Makes the password of Basic authentication the key that is presented.
fn present_password(headers: &mut HeaderMap) {
    let password = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.trim().split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .and_then(|(_, encoded)| STANDARD.decode(encoded.trim()).ok())
        .and_then(|decoded| String::from_utf8(decoded).ok())
        .and_then(|pair| Some(pair.split_once(':')?.1.to_owned()))
        .and_then(|password| HeaderValue::from_str(&password).ok());
    if let Some(mut password) = password {
        password.set_sensitive(true);
        headers.insert(brokle_http::X_API_KEY, password);
    }
}

#[cfg(test)]
mod tests {
    use brokle_http::presented_key;

    use super::*;

    #[test]
    fn the_password_of_basic_authentication_is_the_key() {
        let mut headers = HeaderMap::new();
        let value = format!("Basic {}", STANDARD.encode("pk-any:bk_proj_x:y"));
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        present_password(&mut headers);
        assert_eq!(presented_key(&headers), Some("bk_proj_x:y"));
        for other in ["Basic ???", "Bearer key", "Basic"] {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, other.parse().unwrap());
            present_password(&mut headers);
            assert!(!headers.contains_key(brokle_http::X_API_KEY), "{other}");
        }
    }
}

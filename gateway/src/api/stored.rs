//! `/v1/files` and `/v1/batches`: what is kept at a provider of `OpenAI`'s format, passed through. A provider keeps the
//! files of all projects under one key of ours; who may see which is decided here (`seal.rs`), and nothing is kept
//! for that.
//! Deliberately absent: repeating a call (an upload is no call to make twice) and batches of providers of other
//! formats.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::body;
use super::chat::{admit, refuse};
use crate::call;
use crate::dialect::door::{Door, ErrorWords};
use crate::dialect::openai::error as provider_error;
use crate::dialect::openai::form::Form;
use crate::dialect::openai::request::ChatRequest;
use crate::dialect::operation::{Operation, Stored};
use crate::error::{GatewayError, error_response};
use crate::provider::Provider;
use crate::quota;
use crate::record::{CallGuard, Failure};
use crate::route::{Target, Unroutable};
use crate::settings::GatewaySettings;
use crate::shared::Shared;
use crate::upstream;
use crate::upstream::body::{Packing, read_whole};

mod download;
mod seal;

use seal::Seal;

/// The header that says at which provider a file is to be kept, or is to be looked for.
const PROVIDER_HEADER: &str = "x-brokle-provider";
/// Of an answer that is no file's content.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// The parameters of a list that reach the provider.
const LIST_PARAMETERS: [&str; 3] = ["limit", "order", "purpose"];

/// Why a call about files or batches is not passed on. Written for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StoredError {
    #[error("there is no file or batch `{0}`")]
    Unknown(String),
    #[error("no provider of OpenAI's format with a key is configured that could keep files; configure one")]
    NoProvider,
    #[error(
        "`{PROVIDER_HEADER}` names `{0}`, which keeps no files: it must be a configured provider of OpenAI's format, with a key"
    )]
    Provider(String),
    #[error("{0}")]
    Invalid(&'static str),
}

/// One handler and its description.
macro_rules! stored {
    ($name:ident, $method:ident, $stored:ident, $path:literal, $summary:literal) => {
        #[doc = $summary]
        #[utoipa::path(
            $method,
            path = $path,
            tag = "gateway",
            params(("x-brokle-provider" = Option<String>, Header,
                description = "Which provider; the first of OpenAI's format without it")),
            responses(
                (status = 200, description = "OpenAI's answer", body = serde_json::Value),
                (status = 400, description = "The request is wrong", body = serde_json::Value),
                (status = 401, description = "The key is not good", body = serde_json::Value),
                (status = 502, description = "The provider failed", body = serde_json::Value),
            ),
            security(("api_key" = []))
        )]
        pub(super) async fn $name(State(shared): State<Arc<Shared>>, request: Request) -> Response {
            serve(&shared, Stored::$stored, None, request).await
        }
    };
    ($name:ident, $method:ident, $stored:ident, $path:literal, $summary:literal, id) => {
        #[doc = $summary]
        #[utoipa::path(
            $method,
            path = $path,
            tag = "gateway",
            params(("id" = String, Path, description = "As the gateway gave it out")),
            responses(
                (status = 200, description = "OpenAI's answer", body = serde_json::Value),
                (status = 401, description = "The key is not good", body = serde_json::Value),
                (status = 404, description = "The project has nothing of that id", body = serde_json::Value),
                (status = 502, description = "The provider failed", body = serde_json::Value),
            ),
            security(("api_key" = []))
        )]
        pub(super) async fn $name(
            State(shared): State<Arc<Shared>>,
            Path(id): Path<String>,
            request: Request,
        ) -> Response {
            serve(&shared, Stored::$stored, Some(id), request).await
        }
    };
}

stored!(upload, post, Upload, "/v1/files", "Keeps a file at a provider.");
stored!(
    files,
    get,
    Files,
    "/v1/files",
    "Lists the project's files at a provider."
);
stored!(file, get, File, "/v1/files/{id}", "Describes a file.", id);
stored!(
    delete_file,
    delete,
    DeleteFile,
    "/v1/files/{id}",
    "Deletes a file.",
    id
);
stored!(
    file_content,
    get,
    FileContent,
    "/v1/files/{id}/content",
    "Gives a file's content, as it comes.",
    id
);
stored!(
    create_batch,
    post,
    CreateBatch,
    "/v1/batches",
    "Starts a batch of calls."
);
stored!(
    batches,
    get,
    Batches,
    "/v1/batches",
    "Lists the project's batches at a provider."
);
stored!(batch, get, Batch, "/v1/batches/{id}", "Describes a batch.", id);
stored!(
    cancel_batch,
    post,
    CancelBatch,
    "/v1/batches/{id}/cancel",
    "Ends a batch before its time.",
    id
);

/// What is to be sent, and to whom.
struct Asked {
    seal: Seal,
    provider: Arc<Provider>,
    uri: Uri,
    body: Bytes,
    content_type: Option<HeaderValue>,
}

async fn serve(shared: &Shared, stored: Stored, id: Option<String>, request: Request) -> Response {
    let arrived = Instant::now();
    let door = Door::Other(Operation::Stored(stored));
    let (parts, body) = request.into_parts();
    let (mut call, settings) = match admit(shared, door, &parts, arrived).await {
        Ok(admitted) => admitted,
        Err(error) => return error.into_response_at(door),
    };
    if !call.models.is_empty() {
        // What lies at the provider, and what a batch asks for, names models that nobody reads here.
        return refuse(
            call,
            GatewayError::Unroutable {
                model: stored_name(door),
                reason: Unroutable::NotAllowed,
            },
        );
    }
    let asked = match prepare(shared, &settings, &call, (stored, id), &parts, body).await {
        Ok(asked) => asked,
        Err(error) => return refuse(call, error),
    };
    let request = ChatRequest::modelless(door, Bytes::new());
    let targets = [Target::new(&asked.provider, "")];
    if let Err(error) = quota::reserve(shared, &settings, &mut call, &request, &targets).await {
        return refuse(call, error);
    }
    let [target] = targets;
    call.begin_attempt(&target, shared.clock.now().timestamp_millis());
    exchange(shared, &settings, call, stored, asked).await
}

fn stored_name(door: Door) -> String {
    door.path().to_owned()
}

/// Finds the provider, and puts the request as it takes it.
async fn prepare(
    shared: &Shared,
    settings: &GatewaySettings,
    call: &CallGuard,
    (stored, id): (Stored, Option<String>),
    parts: &http::request::Parts,
    body: Body,
) -> Result<Asked, GatewayError> {
    let body = body::read(shared, settings, &parts.headers, body).await?;
    let project = call.project;
    let asked = match (stored, id) {
        (Stored::Upload, _) => upload_of(settings, &parts.headers, project, &body)?,
        (Stored::CreateBatch, _) => batch_of(settings, project, &body)?,
        (Stored::Files | Stored::Batches, _) => {
            let (provider, seal) = chosen(settings, &parts.headers, project)?;
            let place = if stored == Stored::Files {
                "files"
            } else {
                "batches"
            };
            let query = list_query(parts.uri.query().unwrap_or_default(), &seal)?;
            asked(seal, provider, &format!("/{place}{query}"), Bytes::new(), None)?
        }
        (_, id) => {
            let id = id.unwrap_or_default();
            let (provider, seal, own) = opened(settings, project, &id)?;
            let path = match stored {
                Stored::FileContent => format!("/files/{own}/content"),
                Stored::Batch => format!("/batches/{own}"),
                Stored::CancelBatch => format!("/batches/{own}/cancel"),
                _ => format!("/files/{own}"),
            };
            asked(seal, provider, &path, Bytes::new(), None)?
        }
    };
    Ok(asked)
}

fn asked(
    seal: Seal,
    provider: Arc<Provider>,
    path: &str,
    body: Bytes,
    content_type: Option<HeaderValue>,
) -> Result<Asked, StoredError> {
    let uri = provider.address.of_path(path);
    let uri = uri.ok_or_else(|| StoredError::Provider(provider.name.clone()))?;
    Ok(Asked {
        seal,
        provider,
        uri,
        body,
        content_type,
    })
}

/// The provider that the caller names, or the first that can keep files.
fn chosen(
    settings: &GatewaySettings,
    headers: &HeaderMap,
    project: brokle_model::id::ProjectId,
) -> Result<(Arc<Provider>, Seal), StoredError> {
    if let Some(name) = headers.get(PROVIDER_HEADER) {
        let name = name.to_str().unwrap_or_default();
        let provider = settings.providers.get(name);
        let found = provider.and_then(|provider| Some((Arc::clone(provider), Seal::of(provider, project)?)));
        return found.ok_or_else(|| StoredError::Provider(name.chars().take(64).collect()));
    }
    let mut providers = settings.match_order.iter();
    providers
        .find_map(|provider| Some((Arc::clone(provider), Seal::of(provider, project)?)))
        .ok_or(StoredError::NoProvider)
}

/// What an id of ours stands for; nothing that is not the project's.
fn opened(
    settings: &GatewaySettings,
    project: brokle_model::id::ProjectId,
    id: &str,
) -> Result<(Arc<Provider>, Seal, String), StoredError> {
    let unknown = || StoredError::Unknown(id.chars().take(200).collect());
    let name = seal::provider_of(id).ok_or_else(unknown)?;
    let provider = settings.providers.get(name).ok_or_else(unknown)?;
    let seal = Seal::of(provider, project).ok_or_else(unknown)?;
    let own = seal.open(id).ok_or_else(unknown)?.to_owned();
    Ok((Arc::clone(provider), seal, own))
}

fn upload_of(
    settings: &GatewaySettings,
    headers: &HeaderMap,
    project: brokle_model::id::ProjectId,
    body: &Bytes,
) -> Result<Asked, StoredError> {
    let (provider, seal) = chosen(settings, headers, project)?;
    let content_type = headers.get(CONTENT_TYPE).cloned();
    let kind = content_type.as_ref().and_then(|kind| kind.to_str().ok());
    let form = Form::parse(kind.unwrap_or_default(), body).map_err(StoredError::Invalid)?;
    let filename = form.parts.iter().find_map(|part| part.filename.clone());
    let at = filename
        .ok_or(StoredError::Invalid("the form has no file"))?
        .start;
    let tag = seal.tag();
    let mut tagged = Vec::with_capacity(body.len() + tag.len());
    tagged.extend_from_slice(&body[..at]);
    tagged.extend_from_slice(tag.as_bytes());
    tagged.extend_from_slice(&body[at..]);
    asked(seal, provider, "/files", Bytes::from(tagged), content_type)
}

fn batch_of(
    settings: &GatewaySettings,
    project: brokle_model::id::ProjectId,
    body: &[u8],
) -> Result<Asked, StoredError> {
    let mut fields: Map<String, Value> =
        serde_json::from_slice(body).map_err(|_| StoredError::Invalid("the body is not a JSON object"))?;
    let input = fields.get("input_file_id").and_then(Value::as_str);
    let input = input.ok_or(StoredError::Invalid("`input_file_id` must be a string"))?;
    let (provider, seal, own) = opened(settings, project, input)?;
    fields.insert("input_file_id".to_owned(), json!(own));
    let metadata = fields.entry("metadata").or_insert_with(|| json!({}));
    if metadata.is_null() {
        *metadata = json!({});
    }
    let metadata = metadata
        .as_object_mut()
        .ok_or(StoredError::Invalid("`metadata` must be an object"))?;
    metadata.insert(seal::METADATA.to_owned(), json!(seal.project()));
    let body = Bytes::from(Value::Object(fields).to_string());
    let json = Some(HeaderValue::from_static("application/json"));
    asked(seal, provider, "/batches", body, json)
}

/// The parameters of a list, with our ids as the provider's.
fn list_query(query: &str, seal: &Seal) -> Result<String, StoredError> {
    let mut out = String::new();
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let value = match name {
            "after" => {
                let unknown = || StoredError::Unknown(value.chars().take(200).collect());
                seal.open(value).ok_or_else(unknown)?
            }
            name if LIST_PARAMETERS.contains(&name) => value,
            _ => continue,
        };
        out.push(if out.is_empty() { '?' } else { '&' });
        out.push_str(name);
        out.push('=');
        out.push_str(value);
    }
    Ok(out)
}

async fn exchange(
    shared: &Shared,
    settings: &GatewaySettings,
    mut call: CallGuard,
    stored: Stored,
    asked: Asked,
) -> Response {
    let request =
        upstream::stored_request(&asked.provider, &call, &asked.uri, asked.body, asked.content_type);
    let patience = Duration::from_millis(settings.timeouts.total_ms);
    let response = match timeout(patience, shared.client.send(&asked.provider, request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => return broken(call, 502, "connect", "the provider could not be reached"),
        Err(_) => return broken(call, 504, "timeout", "the provider did not answer in time"),
    };
    let status = response.status();
    if let Some(attempt) = call.attempt() {
        attempt.status = Some(status.as_u16());
    }
    let (parts, body) = response.into_parts();
    let idle = Duration::from_millis(settings.timeouts.idle_ms);
    if stored == Stored::FileContent && status.is_success() {
        let mut response = Response::new(Body::empty());
        for name in [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_DISPOSITION] {
            if let Some(value) = parts.headers.get(&name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
        call::describe(response.headers_mut(), &call);
        *response.body_mut() = Body::new(download::Download::new(body, call, idle));
        return response;
    }
    let deadline = tokio::time::Instant::now() + patience;
    let packing = Packing::of(&parts.headers);
    match read_whole(body, packing, ANSWER_BYTES_MAX, idle, deadline).await {
        Ok(body) if status.is_success() => answered(call, &asked.seal, &body),
        Ok(body) => refused(call, status, &body),
        Err(fault) => broken(call, 502, fault.class().as_str(), &fault.to_string()),
    }
}

/// What the provider said, with its ids as ours.
fn answered(mut call: CallGuard, seal: &Seal, body: &[u8]) -> Response {
    let Ok(mut said) = serde_json::from_slice::<Value>(body) else {
        return broken(
            call,
            502,
            "malformed_answer",
            "the provider's answer is not valid JSON",
        );
    };
    seal.present(&mut said);
    let mut response = Response::new(Body::from(said.to_string()));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    call.end_attempt(None, "answered");
    call::describe(response.headers_mut(), &call);
    call.finish(200, None);
    response
}

/// The provider's own refusal; of our credential, that is none of the caller's business.
fn refused(call: CallGuard, status: StatusCode, body: &[u8]) -> Response {
    let said = provider_error::from_body(status.as_u16(), body);
    if matches!(status.as_u16(), 401 | 403) {
        let message = "the provider does not accept the gateway's credential";
        return broken(call, 502, "provider_credential_refused", message);
    }
    let status = if said.status < 400 { 502 } else { said.status };
    broken(call, status, said.class.as_str(), &said.message)
}

fn broken(mut call: CallGuard, status: u16, kind: &'static str, message: &str) -> Response {
    let failure = Failure {
        kind,
        message: message.to_owned(),
    };
    let words = ErrorWords {
        status,
        message,
        param: None,
        code: kind,
    };
    let mut response = error_response(call.door, words);
    call.end_attempt(Some(failure.clone()), "gave_up");
    call::describe(response.headers_mut(), &call);
    call.finish(status, Some(failure));
    response
}

//! The routes. Each takes a body within the receiver's limits, makes changes of it, and answers when they are on
//! disk; a read asks storage for the changes of the one entity that it names.

use std::sync::Arc;

use ::http::HeaderMap;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use brokle_http::envelope::Envelope;
use brokle_http::{ApiError, ApiResult};
use brokle_model::error::ErrorKind;
use brokle_model::id::{ProjectId, TraceId};
use brokle_storage::telemetry::{QueryLimits, TelemetryReader};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::entities::{self, key_of};
use super::intake::Prepared;
use super::invalid::{Invalid, refusal, unreadable};
use super::routes as named;
use super::view;
use crate::changes::stored::Stored;
use crate::changes::{Entity, Verb, fold};
use crate::receiver::Receiver;

/// The most entities in one batch.
pub(super) const BATCH_MAX: usize = 1_000;

/// What the routes need.
#[derive(Clone)]
pub struct Sdk {
    pub(super) receiver: Arc<Receiver>,
    reader: Arc<dyn TelemetryReader>,
}

impl Sdk {
    /// The routes over a receiver's limits, keys and log, reading what is stored.
    pub fn new(receiver: Arc<Receiver>, reader: Arc<dyn TelemetryReader>) -> Self {
        Self { receiver, reader }
    }

    /// The routes under `/v1`, and their descriptions; `POST /v1/traces` is on the OTLP receiver's router.
    pub fn router(self) -> OpenApiRouter {
        OpenApiRouter::new()
            .routes(routes!(named::create_traces))
            .routes(routes!(
                named::get_trace,
                named::update_trace,
                named::delete_trace
            ))
            .routes(routes!(named::create_observation))
            .routes(routes!(named::create_observations))
            .routes(routes!(
                named::get_observation,
                named::update_observation,
                named::delete_observation
            ))
            .routes(routes!(named::complete_observation))
            .routes(routes!(named::create_quality_score))
            .routes(routes!(
                named::get_quality_score,
                named::update_quality_score,
                named::delete_quality_score
            ))
            .routes(routes!(named::create_score))
            .routes(routes!(named::create_scores))
            .routes(routes!(named::create_event))
            .merge(super::langfuse::router())
            .with_state(self)
    }

    /// The entity as all of its stored changes make it.
    pub(super) async fn read(&self, headers: &HeaderMap, entity: Entity, id: &str) -> ApiResult<Value> {
        let admission = self
            .receiver
            .admit(headers)
            .await
            .map_err(|error| refusal(&error))?;
        let key = key_of(admission.project, entity, id)?;
        let found = self.folded(admission.project, entity, &key).await?;
        found.ok_or_else(|| {
            ApiError::new(
                ErrorKind::NotFound,
                "not_found",
                format!(
                    "there is no {} with this id, or it is not stored yet: what was sent is there within two seconds",
                    entity.as_str()
                ),
            )
        })
    }

    async fn folded(&self, project: ProjectId, entity: Entity, key: &str) -> ApiResult<Option<Value>> {
        let stored = Stored {
            reader: &*self.reader,
            project,
            limits: QueryLimits::default(),
            retention_days: 0,
        };
        let keys = [key.to_owned()];
        let own = stored
            .changes(entity, &keys)
            .await
            .map_err(|error| unreadable(&error))?
            .remove(key)
            .unwrap_or_default();
        let traces: Vec<String> = own
            .iter()
            .filter_map(|record| record.change.trace.as_ref().map(TraceId::to_string))
            .collect();
        let deletes = if traces.is_empty() {
            std::collections::BTreeMap::default()
        } else {
            stored
                .deletes(&traces)
                .await
                .map_err(|error| unreadable(&error))?
        };
        let state = fold(&own, deletes.values().flatten());
        Ok(state
            .filter(|state| !state.is_deleted)
            .map(|state| view::of(entity, key, &state)))
    }
}

/// Creates one entity from a body that has been read.
pub(crate) async fn create_one(prepared: Prepared, entity: Entity) -> ApiResult<Response> {
    let made = prepared.make(|context, body| entities::create(context, entity, body))?;
    let answer = made.answer.clone();
    prepared.keep(vec![made]).await?;
    Ok(Envelope::created(answer).into_response())
}

/// Creates what a list holds. What is wrong with one does not cost the others.
pub(super) async fn create_many(
    prepared: Prepared,
    entity: Entity,
    list: &'static str,
) -> ApiResult<Response> {
    let Some(Value::Array(bodies)) = prepared.body.get(list) else {
        return Err(Invalid::missing(list).into());
    };
    if bodies.is_empty() || bodies.len() > BATCH_MAX {
        return Err(Invalid::field(list, format!("`{list}` must hold 1 to {BATCH_MAX} entries")).into());
    }
    let (mut made, mut answers, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    prepared.make(|context, _| {
        for (index, body) in bodies.iter().enumerate() {
            match entities::create(context, entity, body) {
                Ok(one) => {
                    answers.push(one.answer.clone());
                    made.push(one);
                }
                Err(Invalid { field, message }) => errors.push(json!({
                    "index": index, "code": "invalid_request", "field": field, "message": message
                })),
            }
        }
    });
    if made.is_empty() {
        let error = ApiError::new(
            ErrorKind::Invalid,
            "invalid_request",
            format!("none of the entries in `{list}` can be taken"),
        );
        return Err(error.details(json!({"errors": errors})));
    }
    let count = made.len();
    prepared.keep(made).await?;
    let answer = json!({list: answers, "processed_count": count, "errors": errors});
    Ok(Envelope::created(answer).into_response())
}

/// Updates, completes or ends the entity that a path names.
pub(super) async fn change_one(
    sdk: &Sdk,
    entity: Entity,
    verb: Verb,
    id: &str,
    request: Request,
) -> ApiResult<Envelope<Value>> {
    let prepared = if verb == Verb::Delete {
        Prepared::without_body(&sdk.receiver, request.headers()).await?
    } else {
        Prepared::read(&sdk.receiver, request).await?
    };
    let made = prepared.make(|context, body| entities::change(context, entity, verb, id, body))?;
    let answer = made.answer.clone();
    prepared.keep(vec![made]).await?;
    Ok(Envelope::new(answer))
}

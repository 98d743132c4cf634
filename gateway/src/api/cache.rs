//! `GET /v1/cache/status` and `POST /v1/cache/invalidate`: what the cache did for the caller's project, and how to
//! make it forget.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use brokle_model::id::ProjectId;
use chrono::{DateTime, SecondsFormat, Utc};
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::{authorize, body};
use crate::cache::Rule;
use crate::error::GatewayError;
use crate::shared::Shared;

/// Keys that one request may name.
const KEYS_MAX: usize = 1_000;
const PATTERN_CHARS_MAX: usize = 200;

/// The envelope that all of Brokle's own answers have.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct CacheStatusAnswer {
    success: bool,
    data: CacheStatus,
}

/// What the cache did for a project since this node's start.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct CacheStatus {
    /// `off`, `on_request`, `exact` or `semantic`.
    status: &'static str,
    time_to_live_seconds: u64,
    hits: u64,
    misses: u64,
    /// Of the calls that looked; nothing while none has.
    hit_rate: Option<f64>,
    stored: u64,
    /// Questions that this node finds by meaning.
    semantic_entries: u64,
    /// US dollars that hits did not cost; a decimal.
    saved_cost: String,
    saved_tokens: u64,
    /// What was invalidated and could still be there.
    invalidations: Vec<Invalidation>,
}

/// Entries that are not used any more.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Invalidation {
    /// Models, `*` standing for any run of characters.
    model: String,
    /// Those stored up to then.
    stored_before: String,
}

/// What to forget. One of the fields is needed; `model` and `max_age` go together when both are given.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct InvalidateRequest {
    /// Answers of models of this name, as asked or as answered, alone or as `provider/model`; `*` stands for any run
    /// of characters.
    #[schema(example = "gpt-4o*")]
    model: Option<String>,
    /// Answers of this provider, by its name in the configuration.
    provider: Option<String>,
    /// The same as `model`.
    pattern: Option<String>,
    /// Answers that are older, in seconds.
    max_age: Option<u64>,
    /// Single answers, by their `x-brokle-cache-key`.
    keys: Vec<String>,
    /// Everything.
    clear_all: bool,
}

/// The envelope.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct InvalidateAnswer {
    success: bool,
    data: Invalidated,
}

/// What will not be used any more.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Invalidated {
    /// By model and age.
    invalidated: Option<Invalidation>,
    /// Keys that were removed.
    keys: usize,
}

/// Why an invalidation is refused. Written for the caller.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidateError {
    #[error("the body is not valid: {0}")]
    Json(String),
    #[error("say what to forget: `model`, `provider`, `max_age`, `keys` or `clear_all`")]
    Nothing,
    #[error("`model` and `pattern` say the same: keep one")]
    TwoPatterns,
    #[error("a pattern has at most {PATTERN_CHARS_MAX} characters")]
    Pattern,
    #[error("at most {KEYS_MAX} keys at a time")]
    Keys,
    #[error("the cache cannot be reached; nothing was changed")]
    Unreachable,
}

/// What the cache did for the key's project, as this node saw it.
#[utoipa::path(
    get,
    path = "/v1/cache/status",
    tag = "gateway",
    responses(
        (status = 200, description = "Figures since this node's start", body = CacheStatusAnswer),
        (status = 401, description = "The key is not good", body = serde_json::Value),
    ),
    security(("api_key" = []))
)]
pub(super) async fn status(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    match describe(&shared, &headers).await {
        Ok(data) => Json(CacheStatusAnswer { success: true, data }).into_response(),
        Err(error) => error.into_response(),
    }
}

/// Makes kept answers of the key's project unusable, on every node.
#[utoipa::path(
    post,
    path = "/v1/cache/invalidate",
    tag = "gateway",
    request_body = InvalidateRequest,
    responses(
        (status = 200, description = "They are not used any more", body = InvalidateAnswer),
        (status = 400, description = "The request is wrong", body = serde_json::Value),
        (status = 401, description = "The key is not good", body = serde_json::Value),
        (status = 503, description = "The cache cannot be reached", body = serde_json::Value),
    ),
    security(("api_key" = []))
)]
pub(super) async fn invalidate(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    match forget(&shared, request).await {
        Ok(data) => Json(InvalidateAnswer { success: true, data }).into_response(),
        Err(error) => error.into_response(),
    }
}

async fn describe(shared: &Shared, headers: &HeaderMap) -> Result<CacheStatus, GatewayError> {
    let project = authorize(shared, headers).await?.project;
    let config = shared.settings.load().cache;
    let figures = shared.cache.figures(project);
    let looked = figures.hits + figures.misses;
    let rules = shared.cache.rules(project).await.unwrap_or_default();
    Ok(CacheStatus {
        status: config.mode.as_str(),
        time_to_live_seconds: config.time_to_live_seconds,
        hits: figures.hits,
        misses: figures.misses,
        hit_rate: (looked > 0).then(|| rate(figures.hits, looked)),
        stored: figures.stored,
        semantic_entries: shared
            .cache
            .shelves
            .count(project, shared.clock.now().timestamp_millis()) as u64,
        saved_cost: figures.saved_cost.normalize().to_string(),
        saved_tokens: figures.saved_tokens,
        invalidations: rules.iter().map(Invalidation::of).collect(),
    })
}

#[expect(clippy::cast_precision_loss, reason = "a rate of four digits")]
fn rate(part: u64, whole: u64) -> f64 {
    (part as f64 / whole as f64 * 10_000.0).round() / 10_000.0
}

impl Invalidation {
    fn of(rule: &Rule) -> Self {
        let before = DateTime::<Utc>::from_timestamp_millis(rule.before_ms).unwrap_or_default();
        Self {
            model: rule.model.clone(),
            stored_before: before.to_rfc3339_opts(SecondsFormat::Millis, true),
        }
    }
}

async fn forget(shared: &Shared, request: Request) -> Result<Invalidated, GatewayError> {
    let settings = shared.settings.load_full();
    let (parts, body) = request.into_parts();
    let project = authorize(shared, &parts.headers).await?.project;
    let body = body::read(shared, &settings, &parts.headers, body).await?;
    let wanted: InvalidateRequest =
        serde_json::from_slice(&body).map_err(|error| InvalidateError::Json(error.to_string()))?;
    let now_ms = shared.clock.now().timestamp_millis();
    let rule = wanted.rule(now_ms)?;
    if rule.is_none() && wanted.keys.is_empty() {
        return Err(InvalidateError::Nothing.into());
    }
    forget_keys(shared, project, &wanted.keys).await?;
    let invalidated = rule.as_ref().map(Invalidation::of);
    if let Some(rule) = rule {
        let keep_for = Duration::from_secs(settings.cache.time_to_live_seconds_max);
        if !shared.cache.invalidate(project, rule, keep_for, now_ms).await {
            return Err(InvalidateError::Unreachable.into());
        }
    }
    Ok(Invalidated {
        invalidated,
        keys: wanted.keys.len(),
    })
}

async fn forget_keys(shared: &Shared, project: ProjectId, keys: &[String]) -> Result<(), InvalidateError> {
    for key in keys {
        if !shared.cache.forget(project, key).await {
            return Err(InvalidateError::Unreachable);
        }
    }
    Ok(())
}

impl InvalidateRequest {
    /// The rule that is asked for; nothing when only keys are named.
    fn rule(&self, now_ms: i64) -> Result<Option<Rule>, InvalidateError> {
        if self.keys.len() > KEYS_MAX {
            return Err(InvalidateError::Keys);
        }
        let name = match (&self.model, &self.pattern) {
            (Some(_), Some(_)) => return Err(InvalidateError::TwoPatterns),
            (name, None) | (None, name) => name.as_deref(),
        };
        let model = match (&self.provider, name) {
            (Some(provider), name) => format!("{provider}/{}", name.unwrap_or("*")),
            (None, Some(name)) => name.to_owned(),
            (None, None) if self.clear_all || self.max_age.is_some() => "*".to_owned(),
            (None, None) => return Ok(None),
        };
        if model.len() > PATTERN_CHARS_MAX {
            return Err(InvalidateError::Pattern);
        }
        let age_ms = i64::try_from(self.max_age.unwrap_or(0).saturating_mul(1000)).unwrap_or(i64::MAX);
        Ok(Some(Rule {
            model,
            before_ms: now_ms.saturating_sub(age_ms),
        }))
    }
}

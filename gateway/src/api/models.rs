//! `GET /v1/models` and `GET /v1/models/{model}`: routes, and what the active providers offer. The providers
//! are asked, at most once a minute for all callers together; one that does not answer is represented by what
//! is known of it. Limits, abilities and prices are from the tables.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use brokle_model::price::{PriceBook, Priced};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::authorize;
use crate::catalog::KnownModel;
use crate::config::Dialect;
use crate::error::GatewayError;
use crate::provider::Provider;
use crate::route::{Unroutable, direct, permits};
use crate::settings::GatewaySettings;
use crate::shared::Shared;
use crate::upstream::body::{Packing, read_whole};
use crate::upstream::{Client, models_request};

const FRESH: Duration = Duration::from_mins(1);
const PATIENCE: Duration = Duration::from_secs(5);
const LIST_BYTES_MAX: usize = 16 << 20;
const MODELS_MAX: usize = 10_000;
/// Lists kept: one for each configuration in force.
const LISTS_MAX: usize = 64;

/// One model, as `OpenAI` describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct Model {
    /// What to put into `model`.
    id: String,
    /// Always `model`.
    object: &'static str,
    /// Seconds since 1970; 0 when the provider does not say.
    created: i64,
    /// The provider, or `brokle` for a route.
    owned_by: String,
    /// What is known of it besides.
    #[serde(flatten)]
    known: Option<KnownModel>,
    /// What it costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pricing: Option<Pricing>,
}

/// US dollars for a million tokens, as text: a plain call's, now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct Pricing {
    input: String,
    output: String,
    cache_read: String,
    cache_write: String,
    /// Which table the prices are from.
    source: String,
}

/// A list of models.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct ModelList {
    /// Always `list`.
    object: &'static str,
    data: Vec<Model>,
}

/// What the providers said last.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    latest: Mutex<Vec<Asked>>,
}

#[derive(Debug)]
struct Asked {
    at: Instant,
    of: Arc<GatewaySettings>,
    models: Arc<Vec<Model>>,
}

/// `OpenAI`'s list and Anthropic's, or Google's and Cohere's.
#[derive(Deserialize)]
struct WireList {
    #[serde(default)]
    data: Vec<WireModel>,
    #[serde(default)]
    models: Vec<WireName>,
}

#[derive(Deserialize)]
struct WireName {
    name: String,
}

impl WireList {
    fn into_models(self) -> Vec<WireModel> {
        let named = self.models.into_iter().map(|model| {
            let id = model.name.strip_prefix("models/").unwrap_or(&model.name);
            WireModel::named(id)
        });
        self.data.into_iter().chain(named).collect()
    }
}

#[derive(Deserialize)]
struct WireModel {
    id: String,
    #[serde(default)]
    created: Option<i64>,
    #[serde(default)]
    owned_by: Option<String>,
}

impl WireModel {
    fn named(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            created: None,
            owned_by: None,
        }
    }
}

/// Lists what `model` may name: routes, and the models of every provider that has a credential.
#[utoipa::path(
    get,
    path = "/v1/models",
    tag = "gateway",
    responses(
        (status = 200, description = "The models", body = ModelList),
        (status = 401, description = "The key is not good", body = serde_json::Value),
    ),
    security(("api_key" = []))
)]
pub(super) async fn list_models(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let grant = match authorize(&shared, &headers).await {
        Ok(grant) => grant,
        Err(error) => return error.into_response(),
    };
    let models = shared.listing.models(&shared, shared.settings_of(&grant)).await;
    Json(ModelList {
        object: "list",
        data: models
            .iter()
            .filter(|model| permits_listed(&grant.models, model))
            .cloned()
            .collect(),
    })
    .into_response()
}

/// Describes one model.
#[utoipa::path(
    get,
    path = "/v1/models/{model}",
    tag = "gateway",
    params(("model" = String, Path, description = "A model's name; slashes are part of it")),
    responses(
        (status = 200, description = "The model", body = Model),
        (status = 401, description = "The key is not good", body = serde_json::Value),
        (status = 404, description = "Nothing has that name", body = serde_json::Value),
    ),
    security(("api_key" = []))
)]
pub(super) async fn get_model(
    State(shared): State<Arc<Shared>>,
    Path(model): Path<String>,
    headers: HeaderMap,
) -> Response {
    let grant = match authorize(&shared, &headers).await {
        Ok(grant) => grant,
        Err(error) => return error.into_response(),
    };
    let models = shared.listing.models(&shared, shared.settings_of(&grant)).await;
    let permitted = models.iter().filter(|known| permits_listed(&grant.models, known));
    match permitted.into_iter().find(|known| known.id == model) {
        Some(known) => Json(known).into_response(),
        None => GatewayError::Unroutable {
            model,
            reason: Unroutable::UnknownModel,
        }
        .into_response(),
    }
}

/// Whether the key may use what is listed: by its name, or by the model's name within it.
fn permits_listed(allowed: &[String], model: &Model) -> bool {
    let bare = model
        .id
        .split_once('/')
        .map_or(model.id.as_str(), |(_, bare)| bare);
    permits(allowed, &model.id) || permits(allowed, bare)
}

impl Listing {
    /// The list, asked anew when it is old or the configuration has changed. Callers that come meanwhile
    /// wait for the same answer.
    async fn models(&self, shared: &Shared, settings: Arc<GatewaySettings>) -> Arc<Vec<Model>> {
        let mut latest = self.latest.lock().await;
        latest.retain(|asked| asked.at.elapsed() < FRESH);
        if let Some(asked) = latest.iter().find(|asked| Arc::ptr_eq(&asked.of, &settings)) {
            return Arc::clone(&asked.models);
        }
        if latest.len() >= LISTS_MAX {
            latest.remove(0);
        }
        let models = Arc::new(ask_all(shared, &settings).await);
        latest.push(Asked {
            at: Instant::now(),
            of: settings,
            models: Arc::clone(&models),
        });
        models
    }
}

async fn ask_all(shared: &Shared, settings: &GatewaySettings) -> Vec<Model> {
    let client = &shared.client;
    let now_ns = shared.clock.now().timestamp_nanos_opt().unwrap_or(i64::MAX);
    let own_names = || settings.routes.keys().chain(settings.aliases.keys());
    let routes = own_names().map(|name| model(name.clone(), 0, "brokle"));
    let mut models: Vec<Model> = routes.collect();
    let mut names: HashSet<String> = own_names().cloned().collect();
    let questions = settings.match_order.iter().map(|provider| ask(client, provider));
    let answers = futures_util::future::join_all(questions).await;
    for (provider, offered) in settings.match_order.iter().zip(answers) {
        for wire in offered {
            let id = callable_name(settings, provider, &wire.id);
            if models.len() < MODELS_MAX && names.insert(id.clone()) {
                let owner = wire.owned_by.as_deref().unwrap_or(&provider.name);
                let mut model = model(id, wire.created.unwrap_or(0), owner);
                model.known = provider.known.as_ref().and_then(|known| known.model(&wire.id));
                model.pricing = pricing(&shared.prices, &provider.vendor, &wire.id, now_ns);
                models.push(model);
            }
        }
    }
    models
}

fn model(id: String, created: i64, owned_by: &str) -> Model {
    Model {
        id,
        object: "model",
        created,
        owned_by: owned_by.to_owned(),
        known: None,
        pricing: None,
    }
}

fn pricing(prices: &PriceBook, vendor: &str, model: &str, now_ns: i64) -> Option<Pricing> {
    let quote = prices.find(vendor, model)?.at(now_ns)?;
    let step = quote.steps().first()?;
    let usd = |priced| step.usd(priced).to_string();
    Some(Pricing {
        input: usd(Priced::Input),
        output: usd(Priced::Output),
        cache_read: usd(Priced::CacheRead),
        cache_write: usd(Priced::CacheWrite),
        source: quote.version().to_string(),
    })
}

/// The bare name when it leads to this provider, else `provider/model`.
fn callable_name(settings: &GatewaySettings, provider: &Arc<Provider>, id: &str) -> String {
    let leads_here = settings.route(id).is_none()
        && direct(settings, id)
            .is_some_and(|target| Arc::ptr_eq(&target.provider, provider) && target.model == id);
    if leads_here {
        id.to_owned()
    } else {
        format!("{}/{id}", provider.name)
    }
}

/// What a provider offers; what the configuration says of it when it does not answer, or else the table. The clouds
/// have no list that says what an account may call, so that theirs is the table's.
async fn ask(client: &Client, provider: &Provider) -> Vec<WireModel> {
    let has_list = !matches!(provider.dialect, Dialect::Bedrock | Dialect::Vertex);
    if has_list && let Ok(Some(list)) = timeout(PATIENCE, fetch(client, provider)).await {
        return list.into_models();
    }
    if has_list {
        tracing::debug!(
            provider = provider.name,
            "provider {} did not list its models",
            provider.name
        );
    }
    let declared = provider
        .declared_models
        .iter()
        .filter(|name| !name.ends_with('*'));
    let declared: Vec<_> = declared.map(|name| WireModel::named(name)).collect();
    match &provider.known {
        Some(known) if declared.is_empty() => {
            known.models().map(|model| WireModel::named(&model.id)).collect()
        }
        _ => declared,
    }
}

async fn fetch(client: &Client, provider: &Provider) -> Option<WireList> {
    let response = client.send(provider, models_request(provider)).await.ok()?;
    if !response.status().is_success() {
        return None;
    }
    let (parts, body) = response.into_parts();
    let deadline = Instant::now() + PATIENCE;
    let body = read_whole(
        body,
        Packing::of(&parts.headers),
        LIST_BYTES_MAX,
        PATIENCE,
        deadline,
    )
    .await
    .ok()?;
    serde_json::from_slice(&body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_every_form_give_the_models_names() {
        for list in [
            r#"{"object":"list","data":[{"id":"a","created":1},{"id":"b"}]}"#,
            r#"{"data":[{"id":"a","type":"model"},{"id":"b"}],"has_more":false}"#,
            r#"{"models":[{"name":"models/a"},{"name":"b"}]}"#,
        ] {
            let list: WireList = serde_json::from_str(list).unwrap();
            let ids: Vec<_> = list.into_models().into_iter().map(|model| model.id).collect();
            assert_eq!(ids, ["a", "b"]);
        }
    }
}

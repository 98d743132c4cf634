//! `POST /v1/route`: where a call would go, and why, without making it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use rust_decimal::Decimal;
use serde::Serialize;

use super::{authorize, body, chat};
use crate::dialect::door::Door;
use crate::dialect::openai::request::ChatRequest;
use crate::error::GatewayError;
use crate::provider::ProviderHealth;
use crate::route::load::Circuit;
use crate::route::{Candidates, Target};
use crate::shared::Shared;

/// The envelope that all of Brokle's own answers have.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Explained {
    success: bool,
    data: Explanation,
}

/// A decision, as it would be taken now.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Explanation {
    /// The provider that would be asked first.
    provider: String,
    /// The model's name there.
    model: String,
    /// The address that would be asked.
    endpoint: Option<String>,
    /// How the order came about.
    strategy: &'static str,
    /// The route's name, when `model` is one.
    route: Option<String>,
    /// US dollars, by the request's length and an answer of middling length; a decimal.
    estimated_cost: Option<String>,
    /// Milliseconds until the first piece of an answer, as observed lately.
    estimated_latency: Option<f64>,
    /// How the provider's last attempts went.
    provider_health: ProviderHealth,
    /// Every target, in the order in which they would be tried.
    candidates: Vec<Candidate>,
}

/// One target.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Candidate {
    provider: String,
    model: String,
    /// US dollars; a decimal.
    estimated_cost: Option<String>,
    /// Milliseconds.
    estimated_latency: Option<f64>,
    /// Calls in progress.
    in_flight: u32,
    /// `closed`, `open` or `half_open`.
    circuit: &'static str,
    /// Why it has the place that it has.
    reason: String,
}

/// Explains where a chat completion with this body would go, without making it.
#[utoipa::path(
    post,
    path = "/v1/route",
    tag = "gateway",
    request_body(content = serde_json::Value, content_type = "application/json",
        description = "A chat completion request, or only its `model`"),
    responses(
        (status = 200, description = "The decision, as it would be taken now", body = Explained),
        (status = 400, description = "The request is wrong", body = serde_json::Value),
        (status = 401, description = "The key is not good", body = serde_json::Value),
        (status = 404, description = "Nothing has that model's name", body = serde_json::Value),
    ),
    security(("api_key" = []))
)]
pub(super) async fn explain(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    match decide(&shared, request).await {
        Ok(data) => Json(Explained { success: true, data }).into_response(),
        Err(error) => error.into_response(),
    }
}

async fn decide(shared: &Shared, request: Request) -> Result<Explanation, GatewayError> {
    let settings = shared.settings.load_full();
    let (parts, body) = request.into_parts();
    authorize(shared, &parts.headers).await?;
    let body = body::read(shared, &settings, &parts.headers, body).await?;
    let request = ChatRequest::parse(Door::Chat, body)?;
    let decided = chat::decide(shared, &settings, &request)?;
    let candidates = describe_all(shared, &request, &decided);
    // There is at least one target, or there would have been no decision.
    let first = &decided.targets[0];
    let endpoint =
        first
            .provider
            .address
            .of_call(first.provider.dialect, Door::Chat, &first.model, request.stream);
    Ok(Explanation {
        provider: first.provider.name.clone(),
        model: first.model.clone(),
        endpoint: endpoint.map(|uri| uri.to_string()),
        strategy: decided.strategy,
        estimated_cost: candidates[0].estimated_cost.clone(),
        estimated_latency: candidates[0].estimated_latency,
        provider_health: ProviderHealth::of(&first.provider),
        route: decided.route,
        candidates,
    })
}

fn describe_all(shared: &Shared, request: &ChatRequest, decided: &Candidates) -> Vec<Candidate> {
    let now = shared.clock.now();
    let now_ms = now.timestamp_millis();
    let tried_first = decided.targets.len() - decided.passed_over;
    let describe = |(place, target): (usize, &Target)| {
        let nanos = now.timestamp_nanos_opt();
        let cost = nanos.and_then(|nanos| chat::estimate(shared, request, target, nanos));
        let latency_us = target.load.latency_us(now_ms);
        let circuit = target.load.circuit(now_ms);
        Candidate {
            provider: target.provider.name.clone(),
            model: target.model.clone(),
            estimated_cost: cost.map(|cost: Decimal| cost.normalize().to_string()),
            estimated_latency: (latency_us > 0.0).then(|| (latency_us / 10.0).round() / 100.0),
            in_flight: target.load.in_flight(),
            circuit: circuit.as_str(),
            reason: reason(place, circuit, place >= tried_first, decided.strategy),
        }
    };
    decided.targets.iter().enumerate().map(describe).collect()
}

fn reason(place: usize, circuit: Circuit, passed_over: bool, strategy: &str) -> String {
    match (place, circuit) {
        _ if passed_over => {
            "passed over: it failed too often, or asked to be left alone, a short while ago".to_owned()
        }
        (0, Circuit::HalfOpen) => {
            format!("first by `{strategy}`; this call would find out whether it works again")
        }
        (0, _) => format!("first by `{strategy}`"),
        (place, _) => format!(
            "number {} by `{strategy}`: tried when those before it fail",
            place + 1
        ),
    }
}

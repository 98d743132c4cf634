//! `POST /v1/route`: where a call would go, and why, without making it.

use std::sync::Arc;
use std::time::{Duration, Instant};

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
use crate::record::{CallRecord, Explained as ExplainedTarget, RequestRecord};
use crate::route::facts::Facts;
use crate::route::load::Circuit;
use crate::route::overrides::Overrides;
use crate::route::{Candidates, LeftOut, QualityFrom, Target};
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
    /// The route's name, when `model` or a header names one.
    route: Option<String>,
    /// The route's rule that held.
    rule: Option<String>,
    /// The arm of the route's split that the call would be in.
    arm: Option<String>,
    /// The headers by which the caller decides something.
    overrides: Vec<&'static str>,
    /// The request's length in tokens, estimated.
    input_tokens: u64,
    /// US dollars, by the request's length and an answer of middling length; a decimal.
    estimated_cost: Option<String>,
    /// Milliseconds until the first piece of an answer, as observed lately.
    estimated_latency: Option<f64>,
    /// How the provider's last attempts went.
    provider_health: ProviderHealth,
    /// Every target, in the order in which they would be tried, and then those that this call may not use.
    candidates: Vec<Candidate>,
    /// Milliseconds after which a second target would be asked as well.
    hedge_after_ms: Option<u64>,
    /// Where a copy of this call would go, for nobody to see the answer.
    shadow: Option<String>,
}

/// One target.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Candidate {
    provider: String,
    model: String,
    /// Whether this call could go there at all.
    usable: bool,
    /// What the strategy goes by: dollars, calls in progress, microseconds, quality or the share that is used.
    score: Option<f64>,
    /// Where a quality is from: `scores`, `configuration` or `nowhere`; only for the strategy `quality`.
    quality_from: Option<&'static str>,
    /// How many answers were scored.
    scored_answers: Option<u64>,
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

/// Explains where a chat completion with this body and these headers would go, without making it.
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
        (status = 403, description = "The key may not use that model", body = serde_json::Value),
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
    let arrived = Instant::now();
    let (parts, body) = request.into_parts();
    let grant = authorize(shared, &parts.headers).await?;
    let settings = shared.settings_of(&grant);
    let body = body::read(shared, &settings, &parts.headers, body).await?;
    let request = ChatRequest::parse(Door::Chat, body)?;
    let mut record = chat::open_record(shared, &settings, &grant, &parts.headers, arrived);
    record.environment = chat::environment(&parts.headers)?;
    let overrides = Overrides::read(&parts.headers, &settings.timeouts, &settings.retries)?;
    let facts = Facts::of_call(&record, &parts.headers, &request);
    let decided = chat::decide(shared, &settings, &request, (&facts, &overrides, &grant.models))?;
    let input_tokens = facts.input_tokens();
    note(shared, record, &request, (&decided, &overrides));
    Ok(describe(shared, &request, decided, (overrides, input_tokens)))
}

/// Records the decision, as that of a call is recorded.
fn note(
    shared: &Shared,
    mut record: CallRecord,
    request: &ChatRequest,
    (decided, overrides): (&Candidates, &Overrides),
) {
    // There is at least one target, or there would have been no decision.
    let first = &decided.targets[0];
    record.explained = Some(ExplainedTarget {
        provider: first.provider.name.clone(),
        vendor: first.provider.vendor.clone(),
        model: first.model.clone(),
    });
    record.request = Some(RequestRecord {
        body: request.body.clone(),
        messages_at: request.messages_at.clone(),
        model: request.model.clone(),
        stream: request.stream,
    });
    // Guardrails have not seen what was asked.
    record.capture.content = false;
    record.overrides.clone_from(&overrides.sent);
    chat::note_decision(&mut record, decided);
    record.status = 200;
    record.ended = record.started.elapsed();
    shared.recorder.record(Box::new(record));
}

fn describe(
    shared: &Shared,
    request: &ChatRequest,
    decided: Candidates,
    (overrides, input_tokens): (Overrides, u64),
) -> Explanation {
    let candidates = describe_all(shared, request, &decided);
    // There is at least one target, or there would have been no decision.
    let first = &decided.targets[0];
    let endpoint =
        first
            .provider
            .address
            .of_call(first.provider.dialect, Door::Chat, &first.model, request.stream);
    let milliseconds = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    Explanation {
        provider: first.provider.name.clone(),
        model: first.model.clone(),
        endpoint: endpoint.map(|uri| uri.to_string()),
        strategy: decided.strategy,
        rule: decided.rule,
        arm: decided.arm,
        overrides: overrides.sent,
        input_tokens,
        estimated_cost: candidates[0].estimated_cost.clone(),
        estimated_latency: candidates[0].estimated_latency,
        provider_health: ProviderHealth::of(&first.provider),
        route: decided.route,
        candidates,
        hedge_after_ms: decided.hedge_after.map(milliseconds),
        shadow: decided.shadow.as_ref().map(Target::full_name),
    }
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
            usable: true,
            score: target.score.filter(|score| score.is_finite()),
            quality_from: target.quality_from.map(QualityFrom::as_str),
            scored_answers: match target.quality_from {
                Some(QualityFrom::Scores(answers)) => Some(answers),
                _ => None,
            },
            estimated_cost: cost.map(|cost: Decimal| cost.normalize().to_string()),
            estimated_latency: (latency_us > 0.0).then(|| (latency_us / 10.0).round() / 100.0),
            in_flight: target.load.in_flight(),
            circuit: circuit.as_str(),
            reason: reason(place, target, (circuit, place >= tried_first), decided.strategy),
        }
    };
    let usable = decided.targets.iter().enumerate().map(describe);
    usable.chain(decided.left_out.iter().map(left_out)).collect()
}

fn left_out(target: &LeftOut) -> Candidate {
    Candidate {
        provider: target.provider.clone(),
        model: target.model.clone(),
        usable: false,
        score: None,
        quality_from: None,
        scored_answers: None,
        estimated_cost: None,
        estimated_latency: None,
        in_flight: 0,
        circuit: Circuit::Closed.as_str(),
        reason: format!("left out: {}", target.reason),
    }
}

fn reason(place: usize, target: &Target, (circuit, passed_over): (Circuit, bool), strategy: &str) -> String {
    if !target.only_after.is_empty() {
        return "kept for after an attempt that fails in one of the ways of its `only_after`".to_owned();
    }
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

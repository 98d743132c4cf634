//! Which price applies to a model: what the table has, where it is from, and why it was chosen. For people who
//! wonder about a cost, and for those who write a price file.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{FromRef, State};
use brokle_http::{ApiError, ApiResult, Envelope, Failures, InPath, ProjectMember, Query, permission};
use brokle_model::clock::SharedClock;
use brokle_model::port::SessionResolver;
use brokle_model::price::{Found, PriceBook, PriceEntry, Priced, Quote, Step, fold_provider};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Longest name that is looked up.
const NAME_BYTES_MAX: usize = 500;

/// Answers what models cost.
#[derive(Clone)]
pub struct Prices {
    book: Arc<PriceBook>,
    sessions: Arc<dyn SessionResolver>,
    clock: SharedClock,
}

impl Prices {
    /// Over the prices in force.
    pub fn new(book: Arc<PriceBook>, sessions: Arc<dyn SessionResolver>, clock: SharedClock) -> Self {
        Self {
            book,
            sessions,
            clock,
        }
    }

    /// The route under `/api/v1/projects/{project_id}/prices`, and its description.
    pub fn router(self) -> OpenApiRouter {
        OpenApiRouter::new().routes(routes!(find_price)).with_state(self)
    }
}

impl FromRef<Prices> for Arc<dyn SessionResolver> {
    fn from_ref(prices: &Prices) -> Self {
        Self::clone(&prices.sessions)
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PriceParameters {
    /// The model, in any spelling.
    model: String,
    /// Who serves it, in any spelling.
    #[serde(default)]
    provider: String,
    /// When the call starts, RFC 3339; now when left out.
    at: Option<DateTime<Utc>>,
}

/// Which price applies to a model.
#[derive(Debug, Serialize, ToSchema)]
struct ModelPriceAnswer {
    /// The provider asked for, by its well-known name.
    provider: String,
    /// The model asked for.
    model: String,
    /// The instant asked for.
    at: DateTime<Utc>,
    reason: PriceReason,
    /// The price that applies; absent when nobody knows one.
    price: Option<Price>,
    /// All prices known for the model, oldest first.
    history: Vec<Dated>,
}

/// Why this price was chosen, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PriceReason {
    /// The provider's list has this very name.
    Exact,
    /// The provider's list has the model under another spelling.
    Spelling,
    /// The provider's list lacks the model; the list of its maker has it.
    MakersList,
    /// The model's name says that it is free.
    FreeByName,
    /// The model is known, but not at that time.
    NotYet,
    /// Nobody knows the model.
    Unknown,
}

/// A price.
#[derive(Debug, Serialize, ToSchema)]
struct Price {
    /// Whose list it is from.
    provider: String,
    /// The model's name there.
    model: String,
    #[serde(flatten)]
    dated: Dated,
    /// What a plain call costs at that instant first, then what differs by mode and size.
    steps: Vec<PriceStep>,
}

/// Where a price is from, and since when it holds.
#[derive(Debug, Serialize, ToSchema)]
struct Dated {
    /// The source, its version and its date: `price_version` of an observation.
    price_version: String,
    /// Since when; `null` for since ever.
    valid_from: Option<DateTime<Utc>>,
}

/// Prices of calls in a mode with more than a number of input tokens.
#[derive(Debug, Serialize, ToSchema)]
struct PriceStep {
    /// `standard`, `batch`, `flex`, `priority` or `fast`.
    mode: &'static str,
    /// For calls with more input tokens than this, and then for all of their tokens.
    above_input_tokens: u64,
    /// USD for a million tokens of each bucket; for one call under `request`. As decimals.
    #[schema(value_type = std::collections::HashMap<String, String>)]
    usd_per_million: BTreeMap<&'static str, String>,
}

/// Says which price applies to a model, and why.
#[utoipa::path(
    get, path = "/api/v1/projects/{project_id}/prices", tag = "prices", operation_id = "findPrice",
    params(("project_id" = String, Path, description = "Whose prices."), PriceParameters),
    security(("session" = [])),
    responses((status = 200, body = Envelope<ModelPriceAnswer>), Failures),
)]
async fn find_price(
    State(prices): State<Prices>,
    _member: ProjectMember<permission::TracesRead, InPath>,
    Query(asked): Query<PriceParameters>,
) -> ApiResult<Envelope<ModelPriceAnswer>> {
    for (field, name) in [("model", &asked.model), ("provider", &asked.provider)] {
        if name.len() > NAME_BYTES_MAX || (field == "model" && name.trim().is_empty()) {
            let message = format!("`{field}` must be a name of at most {NAME_BYTES_MAX} bytes");
            return Err(ApiError::invalid_field(field, message));
        }
    }
    let at = asked.at.unwrap_or_else(|| prices.clock.now());
    Ok(Envelope::new(answer(
        &prices.book,
        &asked.provider,
        &asked.model,
        at,
    )))
}

fn answer(book: &PriceBook, provider: &str, model: &str, at: DateTime<Utc>) -> ModelPriceAnswer {
    let asked = fold_provider(provider).into_owned();
    let found = book.look_up(provider, model);
    let at_ns = at.timestamp_nanos_opt().unwrap_or(i64::MAX);
    let quote = found.and_then(|found| found.price.at(at_ns));
    let reason = match (found, quote) {
        (None, _) => PriceReason::Unknown,
        (Some(_), None) => PriceReason::NotYet,
        (Some(found), Some(_)) => reason(&found, &asked, model),
    };
    ModelPriceAnswer {
        provider: asked,
        model: model.trim().to_owned(),
        at,
        reason,
        price: found.zip(quote).map(|(found, quote)| price(&found, quote)),
        history: found.map_or_else(Vec::new, |found| {
            found.price.entries().iter().map(dated).collect()
        }),
    }
}

fn reason(found: &Found<'_>, provider: &str, model: &str) -> PriceReason {
    if found.provider.is_empty() {
        PriceReason::FreeByName
    } else if found.provider != provider {
        PriceReason::MakersList
    } else if found.model.eq_ignore_ascii_case(model.trim()) {
        PriceReason::Exact
    } else {
        PriceReason::Spelling
    }
}

fn price(found: &Found<'_>, quote: Quote<'_>) -> Price {
    Price {
        provider: found.provider.to_owned(),
        model: found.model.to_owned(),
        dated: dated(quote.entry()),
        steps: quote.steps().iter().map(step).collect(),
    }
}

fn dated(entry: &PriceEntry) -> Dated {
    Dated {
        price_version: entry.version().to_string(),
        valid_from: entry.from_ns().map(DateTime::from_timestamp_nanos),
    }
}

fn step(step: &Step) -> PriceStep {
    let usd = |priced: Priced| (priced.as_str(), step.usd(priced).to_string());
    let charged = |priced: &Priced| *priced != Priced::Request || !step.usd(*priced).is_zero();
    PriceStep {
        mode: step.mode().as_str(),
        above_input_tokens: step.above(),
        usd_per_million: Priced::ALL.into_iter().filter(charged).map(usd).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn asked(provider: &str, model: &str, at: &str) -> Value {
        let mut book = PriceBook::embedded().unwrap();
        let file = "[[price]]\nprovider = \"p\"\nmodel = \"m\"\nvalid_from = 2026-06-01\ninput = 1\n";
        book.overlay(book.read_file(file).unwrap());
        serde_json::to_value(answer(&book, provider, model, at.parse().unwrap())).unwrap()
    }

    #[test]
    fn the_answer_says_which_price_applies_and_why() {
        let day = "2026-11-22T12:00:00Z";
        for (provider, model, reason, list) in [
            ("openai", "GPT-4o-mini", "exact", json!("openai")),
            (
                "OpenAI.chat",
                "ft:gpt-4o-mini-2024-07-18:a::b",
                "spelling",
                json!("openai"),
            ),
            ("my-proxy", "gpt-4o-mini", "makers_list", json!("openai")),
            ("openrouter", "x/y:free", "free_by_name", json!("")),
            ("openai", "gpt-99", "unknown", Value::Null),
            ("p", "m", "exact", json!("p")),
        ] {
            let answer = asked(provider, model, day);
            assert_eq!(
                (&answer["reason"], &answer["price"]["provider"]),
                (&json!(reason), &list),
                "{model}"
            );
        }
        let early = asked("p", "m", "2026-05-31T23:59:59Z");
        assert_eq!(
            (&early["reason"], &early["price"], &early["history"]),
            (
                &json!("not_yet"),
                &Value::Null,
                &json!([{"price_version": "prices file", "valid_from": "2026-06-01T00:00:00Z"}])
            )
        );
    }

    #[test]
    fn the_prices_stand_by_mode_and_size_in_usd_for_a_million_tokens() {
        let answer = asked("openai", "gpt-5.5", "2026-11-22T12:00:00Z");
        let steps = answer["price"]["steps"].as_array().unwrap();
        let places: Vec<Value> = steps
            .iter()
            .map(|step| {
                json!([
                    step["mode"],
                    step["above_input_tokens"],
                    step["usd_per_million"]["input"]
                ])
            })
            .collect();
        let expected = json!([
            ["standard", 0, "5"],
            ["standard", 272_000, "10"],
            ["batch", 0, "2.5"],
            ["batch", 272_000, "5"],
            ["flex", 0, "2.5"],
            ["flex", 272_000, "5"],
            ["priority", 0, "12.5"],
        ]);
        assert_eq!(Value::Array(places), expected);
        assert!(steps[0]["usd_per_million"].get("request").is_none());
    }
}

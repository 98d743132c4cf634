//! `model_list`: each entry is a deployment of a model group. A group becomes a route, a deployment one of its targets.

use super::providers::{Credentials, Upstream, split};
use super::routes::{Rates, Target};
use super::settings::Settings;
use super::source::Node;
use super::{Draft, clouds};

/// What decides nothing here: Brokle prices by its own table, and finds a model's abilities in its catalog.
const OF_NO_CONSEQUENCE: [&str; 6] = [
    "drop_params",
    "additional_drop_params",
    "merge_reasoning_content_in_choices",
    "use_in_pass_through",
    "stream_options",
    "mock_response",
];
const PRICES: [&str; 6] = [
    "input_cost_per_token",
    "output_cost_per_token",
    "input_cost_per_second",
    "output_cost_per_second",
    "cache_read_input_token_cost",
    "cache_creation_input_token_cost",
];

pub(super) fn import(root: &mut Node, credentials: &Credentials, settings: &Settings, draft: &mut Draft) {
    for mut entry in root.take_nodes("model_list", &mut draft.report) {
        let Some(group) = entry.take_text("model_name") else {
            draft
                .report
                .missing(entry.at("model_name"), "a deployment needs a model_name");
            continue;
        };
        note_info(&mut entry, draft);
        let Some(mut params) = entry.take_node("litellm_params", &mut draft.report) else {
            draft
                .report
                .missing(entry.at("litellm_params"), "a deployment needs them");
            continue;
        };
        deployment(&group, &mut params, credentials, settings, draft);
        params.report_rest(
            &mut draft.report,
            "Brokle sends a call's own parameters and adds none; send it with the call",
        );
        entry.report_rest(&mut draft.report, "Brokle has no such part of a deployment");
    }
}

/// `model_info` describes; only what would change behaviour is told.
fn note_info(entry: &mut Node, draft: &mut Draft) {
    let Some(mut info) = entry.take_node("model_info", &mut draft.report) else {
        return;
    };
    prices(&mut info, draft);
    if let Some(base) = info.take_text("base_model") {
        draft.report.changed(
            info.at("base_model"),
            format!("calls are priced by the name that the provider answers with; check that it is `{base}`"),
        );
    }
    if let Some(groups) = info.take("access_groups") {
        draft.report.missing(
            info.at("access_groups"),
            format!("give the keys concerned an allow-list of models instead: {groups}"),
        );
    }
    for name in info.names() {
        info.take(&name);
    }
}

fn prices(node: &mut Node, draft: &mut Draft) {
    let own: Vec<&str> = PRICES
        .into_iter()
        .filter(|name| node.take(name).is_some())
        .collect();
    if !own.is_empty() {
        draft.report.missing(
            node.path.clone(),
            format!(
                "prices of your own ({}) belong into Brokle's price file (docs/prices.md)",
                own.join(", ")
            ),
        );
    }
}

fn deployment(
    group: &str,
    params: &mut Node,
    credentials: &Credentials,
    settings: &Settings,
    draft: &mut Draft,
) {
    let Some(model) = params.take_text("model") else {
        draft
            .report
            .missing(params.at("model"), "a deployment needs a model");
        return;
    };
    let custom = params.take_text("custom_llm_provider");
    params.ignore(&OF_NO_CONSEQUENCE);
    prices(params, draft);
    note_limits(params, draft);
    let rates = Rates::take(params);
    let weight = weight(rates, params, settings, draft);
    let tags = tags(params, settings, draft);
    let order = params.take_number("order").unwrap_or_default();
    let (kind, dialect, name) = match split(&model, custom.as_deref()) {
        Ok(parts) => parts,
        Err(reason) => {
            draft
                .report
                .missing(params.at("model"), format!("`{model}`: {reason}"));
            for name in params.names() {
                params.take(&name);
            }
            return;
        }
    };
    // An address that is not OpenAI's makes it another provider of the same format.
    let has_address = params
        .names()
        .iter()
        .any(|name| name == "api_base" || name == "base_url");
    let kind = if kind == "openai" && has_address {
        "openai-compatible"
    } else {
        kind
    };
    let (region, name) = clouds::model(kind, &name);
    let upstream = Upstream::read(params, credentials, (kind, dialect, region), &mut draft.report);
    let needs_address = matches!(
        kind,
        "azure" | "azure-ai" | "vllm" | "openai-like" | "lm-studio" | "litellm-proxy"
    );
    if needs_address && upstream.base_url.is_none() {
        let reason =
            format!("`{model}` needs an `api_base`, which is not in the file: add the provider by hand");
        draft.report.missing(params.at("api_base"), reason);
        return;
    }
    let provider = draft.providers.name(&upstream, &params.path, &mut draft.report);
    if group.contains('*') || name.contains('*') {
        wildcard(group, &provider, &name, params, draft);
        return;
    }
    let target = Target {
        provider,
        model: name,
        weight,
        order,
        rates,
        tags,
        only_after: None,
    };
    draft.routes.add(group, target, &params.path);
}

/// `anthropic/*` is how Brokle names every model anyway; `claude-*` without a provider is a list on the provider.
fn wildcard(group: &str, provider: &str, name: &str, params: &Node, draft: &mut Draft) {
    let bare = group.rsplit('/').next().unwrap_or(group);
    let path = params.at("model");
    if group == "*" || bare == name && !group.contains('/') {
        draft.providers.serve(provider, bare);
        return;
    }
    if bare == name {
        draft
            .report
            .changed(path, format!("`{group}`: callers say `{provider}/MODEL`"));
        return;
    }
    draft.report.missing(
        path,
        format!("`{group}` renames models as it matches them (`{name}`), which Brokle does not: add a route for each model"),
    );
}

/// Limits of one deployment are its own; here they are one number for all.
fn note_limits(params: &mut Node, draft: &mut Draft) {
    for (name, instead) in [
        ("timeout", "gateway.timeouts.total_ms is for all"),
        ("stream_timeout", "gateway.timeouts.first_token_ms is for all"),
        ("max_retries", "gateway.retries is for all"),
        (
            "max_parallel_requests",
            "add a quota with concurrent_requests for this model",
        ),
        (
            "max_budget",
            "add a quota with cost_per_day or cost_per_month for this model",
        ),
        (
            "budget_duration",
            "add a quota with cost_per_day or cost_per_month for this model",
        ),
        (
            "organization",
            "Brokle sends no organization header: use a key of that organization",
        ),
    ] {
        if let Some(value) = params.take(name) {
            draft
                .report
                .missing(params.at(name), format!("{value} for this deployment: {instead}"));
        }
    }
}

/// The tags that a call may have to come here.
fn tags(params: &mut Node, settings: &Settings, draft: &mut Draft) -> Vec<String> {
    let tags = params.take_texts("tags");
    if !tags.is_empty() && !settings.filters_by_tag {
        let words = "tags choose nothing there without `enable_tag_filtering`; here calls are told apart by their own";
        draft.report.changed(params.at("tags"), words);
        return Vec::new();
    }
    tags
}

/// `LiteLLM` shuffles by weight, or by the rates that deployments are said to bear.
fn weight(rates: Rates, params: &mut Node, settings: &Settings, draft: &mut Draft) -> u32 {
    let given = params.take_number("weight");
    let rate = rates.first();
    if let Some((name, rate)) = rate {
        if settings.enforces_rates {
            draft.report.missing(
                params.at(name),
                format!(
                    "a limit of {rate} for this deployment: add a quota for the model as `provider/model`"
                ),
            );
        } else if given.is_none() && settings.strategy != "least_used" {
            draft.report.changed(
                params.at(name),
                format!("{rate} serves as the target's weight, as LiteLLM's shuffle has it"),
            );
        }
    }
    let weight = given.or(rate.map(|(_, rate)| rate)).unwrap_or(1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped just before"
    )]
    let weight = weight.round().clamp(0.0, 1e9) as u32;
    weight
}

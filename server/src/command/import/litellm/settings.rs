//! `router_settings`, `litellm_settings` and `general_settings`: what they decide, in our words.

use serde_json::Value as Json;
use toml::{Table, Value};

use super::Draft;
use super::source::{Node, variable};
use crate::command::import::report::Report;

/// A group, and those that stand in for it.
#[derive(Debug)]
pub(super) struct Fallback {
    /// `*` for any.
    pub(super) of: String,
    pub(super) to: Vec<String>,
    pub(super) path: String,
    /// Only after a failure of this kind.
    pub(super) only_after: Option<&'static str>,
}

/// What routes need to know.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) strategy: &'static str,
    /// Alias, group, and where it says so.
    pub(super) aliases: Vec<(String, String, String)>,
    pub(super) fallbacks: Vec<Fallback>,
    /// Whether a deployment's rates are limits and not only weights.
    pub(super) enforces_rates: bool,
    /// Whether a call's tags choose among the deployments of its group.
    pub(super) filters_by_tag: bool,
}

impl Settings {
    pub(super) fn read(root: &mut Node, draft: &mut Draft) -> Self {
        let mut settings = Self {
            strategy: "weighted",
            aliases: Vec::new(),
            fallbacks: Vec::new(),
            enforces_rates: false,
            filters_by_tag: false,
        };
        if let Some(mut node) = root.take_node("router_settings", &mut draft.report) {
            settings.router(&mut node, draft);
            node.report_rest(&mut draft.report, "Brokle's router has no such setting");
        }
        if let Some(mut node) = root.take_node("litellm_settings", &mut draft.report) {
            settings.library(&mut node, draft);
            node.report_rest(&mut draft.report, "Brokle has no such setting");
        }
        if let Some(mut node) = root.take_node("general_settings", &mut draft.report) {
            general(&mut node, draft);
            node.report_rest(&mut draft.report, "Brokle has no such setting");
        }
        settings
    }

    fn router(&mut self, node: &mut Node, draft: &mut Draft) {
        let path = node.at("routing_strategy");
        if let Some(word) = node.take_text("routing_strategy") {
            self.strategy = strategy(&word, &path, &mut draft.report);
        }
        self.aliases(node, &mut draft.report);
        self.shared(node, draft);
        self.filters_by_tag = node.take_flag("enable_tag_filtering") == Some(true);
        let checks = node.take_texts("optional_pre_call_checks");
        self.enforces_rates = node.take_flag("enable_pre_call_checks") == Some(true)
            || checks.iter().any(|check| check.contains("rate_limit"));
        for check in checks.iter().filter(|check| !check.contains("rate_limit")) {
            draft.report.missing(
                node.at("optional_pre_call_checks"),
                format!("`{check}`: Brokle has no such check"),
            );
        }
        if node.names().iter().any(|name| name.starts_with("redis_")) {
            draft.report.todo(
                node.at("redis_host"),
                "set REDIS_URL: Brokle's nodes then share counts and kept answers",
            );
            node.ignore(&[
                "redis_host",
                "redis_port",
                "redis_password",
                "redis_url",
                "redis_db",
                "redis_ssl",
                "redis_username",
            ]);
        }
        node.ignore(&[
            "set_verbose",
            "debug_level",
            "cache_responses",
            "client_ttl",
            "polling_interval",
        ]);
    }

    /// What may stand in `router_settings` and in `litellm_settings`.
    fn shared(&mut self, node: &mut Node, draft: &mut Draft) {
        retries(node, draft);
        for (name, only_after) in [
            ("fallbacks", None),
            ("context_window_fallbacks", Some("context_window")),
            ("content_policy_fallbacks", Some("content_filter")),
        ] {
            self.fallbacks(name, only_after, node, &mut draft.report);
        }
        self.default_fallbacks(node);
        for (name, words) in [
            (
                "retry_policy",
                "Brokle decides by class of error (docs/gateway.md): credentials are not retried, rates wait for retry-after",
            ),
            ("model_group_retry_policy", "retries are the same for all routes"),
            (
                "allowed_fails_policy",
                "a target is passed over after gateway.breaker.failures in a row, whatever they were",
            ),
        ] {
            if let Some(value) = node.take(name)
                && !value.as_array().is_some_and(Vec::is_empty)
            {
                draft.report.missing(node.at(name), words);
            }
        }
    }

    fn aliases(&mut self, node: &mut Node, report: &mut Report) {
        let Some(mut aliases) = node.take_node("model_group_alias", report) else {
            return;
        };
        for alias in aliases.names() {
            let path = aliases.at(&alias);
            let target = match aliases.take(&alias) {
                Some(Json::String(group)) => Some(group),
                Some(Json::Object(fields)) => fields.get("model").and_then(Json::as_str).map(str::to_owned),
                _ => None,
            };
            match target {
                Some(group) => self.aliases.push((alias, group, path)),
                None => report.missing(path, "an alias leads to a model"),
            }
        }
    }

    fn fallbacks(
        &mut self,
        name: &str,
        only_after: Option<&'static str>,
        node: &mut Node,
        report: &mut Report,
    ) {
        let path = node.at(name);
        for mut entry in node.take_nodes(name, report) {
            for of in entry.names() {
                let to = entry.take_texts(&of);
                if to.is_empty() {
                    report.missing(
                        entry.at(&of),
                        "a fallback that carries parameters of its own: name a model",
                    );
                }
                self.fallbacks.push(Fallback {
                    of,
                    to,
                    path: path.clone(),
                    only_after,
                });
            }
        }
    }

    fn default_fallbacks(&mut self, node: &mut Node) {
        let path = node.at("default_fallbacks");
        let to = node.take_texts("default_fallbacks");
        if !to.is_empty() {
            self.fallbacks.push(Fallback {
                of: "*".to_owned(),
                to,
                path,
                only_after: None,
            });
        }
    }

    fn library(&mut self, node: &mut Node, draft: &mut Draft) {
        self.shared(node, draft);
        self.aliases(node, &mut draft.report);
        cache(node, draft);
        callbacks(node, &mut draft.report);
        if node.take_flag("turn_off_message_logging") == Some(true) {
            set(&mut draft.tables, "capture", "content", Value::Boolean(false));
        }
        if node.take_flag("drop_params") == Some(true) {
            draft.report.changed(
                node.at("drop_params"),
                "Brokle leaves out what a provider's format has no place for when that changes nothing, says so in x-brokle-adapted, and refuses the rest",
            );
        }
        budget(node, draft);
        node.ignore(&[
            "set_verbose",
            "json_logs",
            "add_function_to_prompt",
            "request_timeout_seconds",
            "redact_user_api_key_info",
            "suppress_debug_info",
            "telemetry",
            "modify_params",
            "enable_json_schema_validation",
        ]);
    }
}

fn strategy(word: &str, path: &str, report: &mut Report) -> &'static str {
    match word {
        "simple-shuffle" => "weighted",
        "least-busy" => "least_busy",
        "latency-based-routing" => "lowest_latency",
        "cost-based-routing" => "lowest_cost",
        "usage-based-routing" | "usage-based-routing-v2" => {
            let words = format!(
                "`{word}`: `least_used` orders targets by what they can bear, and refuses no call; add quotas for that"
            );
            report.changed(path, words);
            "least_used"
        }
        other => {
            report.missing(path, format!("the strategy `{other}`; routes are `weighted`"));
            "weighted"
        }
    }
}

fn retries(node: &mut Node, draft: &mut Draft) {
    let tables = &mut draft.tables;
    if let Some(count) = node.take_number("num_retries") {
        set(tables, "retries", "per_target_max", whole(count, 0.0, 10.0));
        set(tables, "retries", "attempts_max", whole(count + 5.0, 1.0, 100.0));
    }
    if let Some(seconds) = node.take_number("retry_after").filter(|seconds| *seconds > 0.0) {
        set(
            tables,
            "retries",
            "backoff_ms",
            whole(seconds * 1000.0, 1.0, 5_000.0),
        );
    }
    for name in ["timeout", "request_timeout"] {
        if let Some(seconds) = node.take_number(name) {
            set(
                tables,
                "timeouts",
                "total_ms",
                whole(seconds * 1000.0, 1.0, 86_400_000.0),
            );
        }
    }
    if let Some(seconds) = node.take_number("stream_timeout") {
        set(
            tables,
            "timeouts",
            "first_token_ms",
            whole(seconds * 1000.0, 1.0, 86_400_000.0),
        );
    }
    if let Some(count) = node.take_number("allowed_fails") {
        set(tables, "breaker", "failures", whole(count + 1.0, 1.0, 1_000.0));
        draft.report.changed(
            node.at("allowed_fails"),
            "LiteLLM counts failures in a minute, Brokle failures in a row",
        );
    }
    if let Some(seconds) = node.take_number("cooldown_time").filter(|seconds| *seconds > 0.0) {
        set(
            &mut draft.tables,
            "breaker",
            "cooldown_ms",
            whole(seconds * 1000.0, 1.0, 300_000.0),
        );
    }
    if node.take_flag("disable_cooldowns") == Some(true) {
        set(&mut draft.tables, "breaker", "failures", Value::Integer(0));
    }
    if let Some(count) = node.take_number("max_fallbacks") {
        draft.report.changed(
            node.at("max_fallbacks"),
            format!("{count}; gateway.retries.attempts_max bounds a call's attempts instead"),
        );
    }
}

fn cache(node: &mut Node, draft: &mut Draft) {
    let on = node.take_flag("cache");
    let Some(mut params) = node.take_node("cache_params", &mut draft.report) else {
        if on == Some(true) {
            set(&mut draft.tables, "cache", "mode", "exact".into());
        }
        return;
    };
    let off_unless_asked = params.take_text("mode").as_deref() == Some("default_off");
    if on == Some(true) {
        let mode = if off_unless_asked { "on_request" } else { "exact" };
        set(&mut draft.tables, "cache", "mode", mode.into());
    }
    if let Some(seconds) = params.take_number("ttl") {
        set(
            &mut draft.tables,
            "cache",
            "time_to_live_seconds",
            whole(seconds, 1.0, 2_592_000.0),
        );
    }
    let kind = params.take_text("type").unwrap_or_else(|| "local".to_owned());
    match kind.as_str() {
        "local" => {}
        "redis" | "redis-cluster" => draft.report.todo(params.at("type"), "set REDIS_URL: Brokle's nodes then share kept answers"),
        kind if kind.ends_with("-semantic") => draft.report.changed(
            params.at("type"),
            "Brokle's semantic cache computes embeddings itself and needs no store: see [gateway.cache.semantic] in docs/gateway.md for the threshold",
        ),
        other => draft.report.missing(params.at("type"), format!("a cache of type `{other}`: Brokle keeps answers in memory or in Redis")),
    }
    if let Some(namespace) = params.take_text("namespace") {
        draft.report.changed(params.at("namespace"), format!("`{namespace}`: a project is a namespace already; a call may name one in x-brokle-cache-namespace"));
    }
    params.ignore(&[
        "host",
        "port",
        "password",
        "url",
        "username",
        "ssl",
        "db",
        "redis_startup_nodes",
        "supported_call_types",
        "similarity_threshold",
        "redis_semantic_cache_embedding_model",
        "qdrant_semantic_cache_embedding_model",
        "qdrant_api_base",
        "qdrant_api_key",
        "qdrant_collection_name",
        "qdrant_quantization_config",
    ]);
    params.report_rest(&mut draft.report, "Brokle's cache has no such setting");
}

/// What `LiteLLM` tells others, Brokle records itself.
fn callbacks(node: &mut Node, report: &mut Report) {
    for list in [
        "callbacks",
        "success_callback",
        "failure_callback",
        "service_callback",
        "audit_log_callbacks",
    ] {
        let path = node.at(list);
        for name in node.take_texts(list) {
            match name.as_str() {
                "prometheus" => report.changed(&path, "`prometheus`: figures are at /metrics"),
                "otel" | "arize_phoenix" | "langfuse_otel" => report.changed(
                    &path,
                    format!("`{name}`: Brokle records every call as a trace itself; a collector can forward them elsewhere"),
                ),
                "langfuse" | "langsmith" | "helicone" | "lunary" | "arize" | "braintrust" | "opik" | "logfire" => {
                    report.changed(&path, format!("`{name}`: Brokle records every call as a trace itself"));
                }
                "detect_prompt_injection" => report.missing(&path, "`detect_prompt_injection`: add a guardrail with prompt_injection (docs/guardrails.md)"),
                "hide_secrets" | "presidio" => report.missing(&path, format!("`{name}`: add a guardrail with detect (docs/guardrails.md)")),
                other => report.missing(&path, format!("`{other}`: Brokle calls no code of yours")),
            }
        }
    }
}

fn budget(node: &mut Node, draft: &mut Draft) {
    let Some(amount) = node.take_number("max_budget") else {
        return;
    };
    let path = node.at("budget_duration");
    let period = match node.take_text("budget_duration").as_deref() {
        Some("1d" | "24h") => "cost_per_day",
        Some("30d" | "31d" | "1mo") => "cost_per_month",
        other => {
            let other = other.unwrap_or("for ever").to_owned();
            draft.report.missing(
                path,
                format!("a budget of {amount} dollars `{other}`: Brokle's run by calendar day or month"),
            );
            return;
        }
    };
    let mut quota = Table::new();
    quota.insert("name".to_owned(), "imported-budget".into());
    quota.insert(period.to_owned(), Value::String(amount.to_string()));
    draft.quotas.push(Value::Table(quota));
}

fn general(node: &mut Node, draft: &mut Draft) {
    let report = &mut draft.report;
    if let Some(key) = node.take_text("master_key") {
        let whose = variable(&key).map_or_else(String::new, |name| format!(" (it was in {name})"));
        report.todo(
            node.at("master_key"),
            format!("create API keys in Brokle's dashboard{whose}: LiteLLM's are not taken over"),
        );
    }
    if node.take("database_url").is_some() {
        report.todo(node.at("database_url"), "LiteLLM's database stays as it is; Brokle keeps its own (DATABASE_URL for Postgres). Users, teams and virtual keys are not taken over");
    }
    if let Some(count) = node.take_number("global_max_parallel_requests") {
        set(
            &mut draft.tables,
            "limits",
            "in_flight_max",
            whole(count, 1.0, 1_048_576.0),
        );
    }
    if let Some(count) = node.take_number("max_parallel_requests") {
        let mut quota = Table::new();
        quota.insert("name".to_owned(), "imported-parallel".into());
        quota.insert("per".to_owned(), Value::Array(vec!["key".into()]));
        quota.insert("concurrent_requests".to_owned(), whole(count, 1.0, 1e9));
        draft.quotas.push(Value::Table(quota));
    }
    if let Some(megabytes) = node.take_number("max_request_size_mb") {
        set(
            &mut draft.tables,
            "limits",
            "request_bytes_max",
            whole(megabytes * 1_048_576.0, 1.0, 1_073_741_824.0),
        );
    }
    node.ignore(&[
        "store_model_in_db",
        "database_connection_pool_limit",
        "database_connection_timeout",
        "proxy_batch_write_at",
        "disable_spend_logs",
        "background_health_checks",
        "health_check_interval",
        "disable_master_key_return",
        "infer_model_from_keys",
        "proxy_budget_rescheduler_min_time",
        "proxy_budget_rescheduler_max_time",
        "use_redis_transaction_buffer",
        "disable_error_logs",
        "maximum_spend_logs_retention_period",
    ]);
}

fn set(tables: &mut Table, table: &str, key: &str, value: Value) {
    let entry = tables
        .entry(table.to_owned())
        .or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(entry) = entry {
        entry.insert(key.to_owned(), value);
    }
}

pub(super) fn whole(number: f64, min: f64, max: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "clamped to what fits")]
    let number = number.round().clamp(min, max) as i64;
    Value::Integer(number)
}

//! `guardrails`: those whose work ours do as well.

use toml::{Table, Value};

use super::Draft;
use super::source::Node;

/// Presidio's entities, and what finds them here.
const ENTITIES: [(&str, &str); 6] = [
    ("CREDIT_CARD", "credit_card"),
    ("EMAIL_ADDRESS", "email"),
    ("PHONE_NUMBER", "phone"),
    ("IBAN_CODE", "iban"),
    ("US_SSN", "ssn"),
    ("IP_ADDRESS", "ip_address"),
];
/// Prebuilt patterns of the content filter.
const PREBUILT: [(&str, &str); 10] = [
    ("us_ssn", "ssn"),
    ("email", "email"),
    ("us_phone", "phone"),
    ("phone", "phone"),
    ("visa", "credit_card"),
    ("mastercard", "credit_card"),
    ("amex", "credit_card"),
    ("credit_card", "credit_card"),
    ("ipv4", "ip_address"),
    ("aws_access_key", "api_key"),
];

pub(super) fn import(root: &mut Node, draft: &mut Draft) {
    for mut entry in root.take_nodes("guardrails", &mut draft.report) {
        let name = entry
            .take_text("guardrail_name")
            .unwrap_or_else(|| "guardrail".to_owned());
        entry.ignore(&["guardrail_info"]);
        let path = entry.path.clone();
        if let Some(mut params) = entry.take_node("litellm_params", &mut draft.report) {
            one(&name, &mut params, draft);
            params.report_rest(&mut draft.report, "Brokle's guardrails have no such setting");
        }
        entry.report_rest(&mut draft.report, "Brokle's guardrails have no such part");
        debug_assert!(!path.is_empty(), "every entry has a path");
    }
}

fn one(name: &str, params: &mut Node, draft: &mut Draft) {
    let kind = params.take_text("guardrail").unwrap_or_default();
    let stage = stage(&params.take_texts("mode"));
    if params.take_flag("default_on") != Some(true) {
        draft.report.changed(
            params.at("default_on"),
            format!("`{name}` ran for calls that asked for it; here it runs for every call: set models, routes, projects or keys"),
        );
    }
    let mut rules = Rules::new(name, stage);
    match kind.as_str() {
        "presidio" => presidio(params, &mut rules, draft),
        "litellm_content_filter" => content_filter(params, &mut rules, draft),
        "hide-secrets" | "hide_secrets" => rules.detect("MASK", "secrets"),
        other => {
            draft.report.missing(
                params.at("guardrail"),
                format!("`{name}` asks `{other}`: a webhook can (docs/guardrails.md)"),
            );
            for name in params.names() {
                params.take(&name);
            }
        }
    }
    params.ignore(&[
        "presidio_analyzer_api_base",
        "presidio_anonymizer_api_base",
        "output_parse_pii",
        "presidio_language",
        "presidio_ad_hoc_recognizers",
        "logging_only",
        "keyword_redaction_tag",
        "pattern_redaction_format",
    ]);
    draft.guardrails.extend(rules.into_values());
}

fn stage(modes: &[String]) -> &'static str {
    let before = modes
        .iter()
        .any(|mode| mode == "pre_call" || mode == "during_call");
    let after = modes.iter().any(|mode| mode == "post_call");
    match (before, after) {
        (true, false) => "input",
        (false, true) => "output",
        _ => "both",
    }
}

fn presidio(params: &mut Node, rules: &mut Rules, draft: &mut Draft) {
    let Some(mut entities) = params.take_node("pii_entities_config", &mut draft.report) else {
        rules.detect("MASK", "personal");
        return;
    };
    for entity in entities.names() {
        let action = entities.take_text(&entity).unwrap_or_default();
        match ENTITIES.iter().find(|(known, _)| *known == entity) {
            Some((_, kind)) => rules.detect(&action, kind),
            None => draft.report.missing(
                entities.at(&entity),
                "Brokle finds what has a form: no names, places or dates; a webhook can ask Presidio",
            ),
        }
    }
}

fn content_filter(params: &mut Node, rules: &mut Rules, draft: &mut Draft) {
    for mut word in params.take_nodes("blocked_words", &mut draft.report) {
        word.ignore(&["description"]);
        let action = word.take_text("action").unwrap_or_default();
        match word.take_text("keyword") {
            Some(keyword) => rules.list(&action, "words", keyword.into()),
            None => draft
                .report
                .missing(word.at("keyword"), "a blocked word needs one"),
        }
    }
    for mut pattern in params.take_nodes("patterns", &mut draft.report) {
        let action = pattern.take_text("action").unwrap_or_default();
        let name = pattern
            .take_text("pattern_name")
            .or_else(|| pattern.take_text("name"))
            .unwrap_or_else(|| "pattern".to_owned());
        pattern.ignore(&["pattern_type", "name"]);
        let prebuilt = PREBUILT.iter().find(|(known, _)| *known == name);
        match (pattern.take_text("pattern"), prebuilt) {
            (Some(expression), _) => {
                let name: String = name
                    .to_lowercase()
                    .chars()
                    .map(|character| {
                        if character.is_ascii_alphanumeric() {
                            character
                        } else {
                            '_'
                        }
                    })
                    .take(40)
                    .collect();
                match brokle_model::pattern::Custom::regex(&name, &expression) {
                    Ok(_) => rules.pattern(&action, &name, &expression),
                    Err(error) => draft.report.missing(pattern.at("pattern"), error.to_string()),
                }
            }
            (None, Some((_, kind))) => rules.detect(&action, kind),
            (None, None) => draft.report.missing(
                pattern.at("pattern_name"),
                format!("the prebuilt pattern `{name}`: write it as an expression under patterns"),
            ),
        }
    }
    for name in ["categories", "blocked_words_file"] {
        if params.take(name).is_some() {
            draft.report.missing(
                params.at(name),
                "Brokle ships no lists of words: write them under words or topics",
            );
        }
    }
}

/// One rule for each action, for a rule of ours has one.
struct Rules {
    name: String,
    stage: &'static str,
    redact: Table,
    block: Table,
}

impl Rules {
    fn new(name: &str, stage: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            stage,
            redact: Table::new(),
            block: Table::new(),
        }
    }

    fn table(&mut self, action: &str) -> &mut Table {
        if action.eq_ignore_ascii_case("block") {
            &mut self.block
        } else {
            &mut self.redact
        }
    }

    fn detect(&mut self, action: &str, kind: &str) {
        self.list(action, "detect", kind.into());
    }

    fn list(&mut self, action: &str, field: &str, value: Value) {
        let entry = self
            .table(action)
            .entry(field.to_owned())
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = entry
            && !list.contains(&value)
        {
            list.push(value);
        }
    }

    fn pattern(&mut self, action: &str, name: &str, expression: &str) {
        let entry = self
            .table(action)
            .entry("patterns".to_owned())
            .or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(patterns) = entry {
            patterns.insert(name.to_owned(), expression.into());
        }
    }

    fn into_values(self) -> impl Iterator<Item = Value> {
        let Self {
            name,
            stage,
            redact,
            block,
        } = self;
        let both = !redact.is_empty() && !block.is_empty();
        [("redact", redact), ("block", block)]
            .into_iter()
            .filter(|(_, table)| !table.is_empty())
            .map(move |(action, table)| {
                let mut entry = Table::new();
                let name = if both {
                    format!("{name}-{action}")
                } else {
                    name.clone()
                };
                let name: String = name
                    .chars()
                    .map(|character| {
                        if character.is_ascii_alphanumeric() || "._-".contains(character) {
                            character
                        } else {
                            '-'
                        }
                    })
                    .take(64)
                    .collect();
                entry.insert("name".to_owned(), name.into());
                entry.insert("stage".to_owned(), stage.into());
                entry.insert("action".to_owned(), action.into());
                entry.extend(table);
                Value::Table(entry)
            })
    }
}

//! A guardrail made ready: its expressions compiled, its schema and its webhook prepared.

use brokle_model::pattern::{Custom, Finding, Pattern, Scanner};
use jsonschema::Validator;
use serde_json::Value;

use super::place::{Form, Speaker, Text};
use super::webhook::Webhook;
use super::{Hit, injection, json};
use crate::config::{ConfigError, Detect, GuardAction, GuardConfig, GuardStage};
use crate::settings::Environment;
use crate::wildcard;

/// A guardrail, ready to use.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(super) config: GuardConfig,
    pub(super) scanner: Scanner,
    /// In lower case.
    allow: Vec<String>,
    only: Option<Scanner>,
    schema: Option<Schema>,
    pub(super) webhook: Option<Webhook>,
}

#[derive(Debug)]
enum Schema {
    /// The one that the request asks for.
    Request,
    Fixed(Box<Validator>),
}

/// What a rule is told beside the texts.
pub(super) struct About<'a> {
    pub(super) stage: GuardStage,
    pub(super) messages: usize,
    /// The schema that the request asks for.
    pub(super) schema: Option<&'a Value>,
}

impl Rule {
    pub(super) fn new(config: &GuardConfig, environment: Environment<'_>) -> Result<Self, ConfigError> {
        let wrong = |reason: String| ConfigError::Guard {
            guardrail: config.name.clone(),
            reason,
        };
        let mut customs = Vec::new();
        if !config.words.is_empty() {
            customs.push(Custom::words("words", &config.words));
        }
        for (topic, words) in &config.topics {
            customs.push(Custom::words(topic, words));
        }
        for (name, expression) in &config.patterns {
            customs.push(Custom::regex(name, expression));
        }
        let customs: Result<Vec<Custom>, _> = customs.into_iter().collect();
        let customs = customs.map_err(|error| wrong(error.to_string()))?;
        let only: Result<Vec<Custom>, _> = config.only.iter().map(|one| Custom::regex("only", one)).collect();
        let only = only.map_err(|error| wrong(error.to_string()))?;
        let kinds = config.detect.iter().flat_map(Detect::kinds).copied();
        let webhook = config.webhook.as_ref();
        let webhook = webhook
            .map(|webhook| Webhook::new(webhook, environment))
            .transpose();
        Ok(Self {
            scanner: Scanner::new(kinds, customs),
            allow: config.allow.iter().map(|text| text.to_lowercase()).collect(),
            only: (!only.is_empty()).then(|| Scanner::new([], only)),
            schema: config
                .json_schema
                .as_deref()
                .map(Schema::new)
                .transpose()
                .map_err(&wrong)?,
            webhook: webhook.map_err(&wrong)?,
            config: config.clone(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.config.name
    }

    pub(super) const fn action(&self) -> GuardAction {
        self.config.action
    }

    pub(super) fn is_at(&self, stage: GuardStage) -> bool {
        self.config.stage == GuardStage::Both || self.config.stage == stage
    }

    /// Whether it can only be decided when all of the answer is there.
    pub(super) fn needs_all(&self) -> bool {
        self.only.is_some() || self.schema.is_some() || self.webhook.is_some()
    }

    /// Whether what it finds must not be kept in the clear.
    pub(super) fn hides(&self) -> bool {
        self.action() != GuardAction::Flag
    }

    pub(super) fn counts(&self, text: &str) -> bool {
        if self.allow.is_empty() {
            return true;
        }
        let text = text.to_lowercase();
        !self.allow.iter().any(|pattern| wildcard::matches(pattern, &text))
    }

    fn find(&self, text: &str) -> Vec<Finding> {
        let mut findings = self.scanner.find(text);
        findings.retain(|finding| self.counts(&text[finding.start..finding.end]));
        findings
    }

    /// Looks at texts with everything but the webhook, and takes what it finds out of them unless it only flags.
    pub(super) fn examine(&self, texts: &mut [Text], about: &About<'_>) -> Vec<Hit> {
        let mut hits = self.examine_whole(texts, about);
        self.examine_sizes(texts, about, &mut hits);
        if !self.scanner.is_empty() {
            for text in texts {
                self.examine_text(text, &mut hits);
            }
        }
        hits
    }

    fn examine_sizes(&self, texts: &[Text], about: &About<'_>, hits: &mut Vec<Hit>) {
        let bytes: usize = texts.iter().map(|text| text.text.len()).sum();
        if self.config.bytes_max.is_some_and(|max| bytes > max) {
            hits.push(Hit::new("bytes_max"));
        }
        if about.stage == GuardStage::Input
            && self.config.messages_max.is_some_and(|max| about.messages > max)
        {
            hits.push(Hit::new("messages_max"));
        }
        if let Some(injection) = self.config.prompt_injection
            && about.stage == GuardStage::Input
        {
            let outside = texts
                .iter()
                .filter(|text| matches!(text.speaker, Speaker::User | Speaker::Tool))
                .map(|text| text.text.as_str());
            let (score, signs) = injection::score(outside);
            if score >= injection.threshold {
                hits.push(Hit {
                    score: Some(score),
                    count: signs.len(),
                    ..Hit::new("prompt_injection")
                });
            }
        }
    }

    /// What can only be said about all of a text.
    pub(super) fn examine_whole(&self, texts: &[Text], about: &About<'_>) -> Vec<Hit> {
        let mut hits = Vec::new();
        let said = || {
            let last = texts.iter().rev().find(|text| match about.stage {
                GuardStage::Input => text.speaker == Speaker::User,
                _ => text.form == Form::Plain,
            });
            last.map_or("", |text| text.text.as_str())
        };
        if let Some(only) = &self.only
            && only.find(said()).is_empty()
        {
            hits.push(Hit::new("only"));
        }
        if about.stage == GuardStage::Output
            && let Some(schema) = &self.schema
            && texts.iter().any(|text| text.form == Form::Plain)
            && !schema.is_kept_by(said(), about.schema)
        {
            hits.push(Hit::new("json_schema"));
        }
        hits
    }

    fn examine_text(&self, text: &mut Text, hits: &mut Vec<Hit>) {
        let redacted = self.redact_as(text.form, &text.text, hits);
        if let Some(redacted) = redacted.filter(|_| self.hides()) {
            text.replace(redacted);
        }
    }

    /// The text without what this rule finds; nothing when it finds nothing.
    pub(super) fn redact_as(&self, form: Form, text: &str, hits: &mut Vec<Hit>) -> Option<String> {
        match form {
            Form::Json => self.redact_json(text, hits),
            Form::Plain | Form::Sealed => self.redact_plain(text, hits),
        }
    }

    fn redact_plain(&self, text: &str, hits: &mut Vec<Hit>) -> Option<String> {
        let findings = self.find(text);
        for finding in &findings {
            Hit::count(hits, self.scanner.name(finding.pattern));
        }
        (!findings.is_empty()).then(|| self.scanner.replace(text, &findings))
    }

    /// Each string and number of the arguments by itself, so that they stay JSON.
    fn redact_json(&self, text: &str, hits: &mut Vec<Hit>) -> Option<String> {
        if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
            return self.redact_plain(text, hits);
        }
        let mut edits = Vec::new();
        json::walk(text, &mut |_, scalar| {
            let inner = if scalar.is_string() {
                scalar.text()
            } else {
                Some(scalar.raw.to_owned())
            };
            if let Some(redacted) = inner.and_then(|inner| self.redact_plain(&inner, hits)) {
                edits.push((scalar.at.clone(), json::quoted(&redacted)));
            }
        });
        (!edits.is_empty()).then(|| json::splice(text, &edits))
    }

    pub(super) fn placeholder(&self, pattern: Pattern) -> &str {
        self.scanner.placeholder(pattern)
    }
}

impl Schema {
    fn new(text: &str) -> Result<Self, String> {
        if text.trim() == "request" {
            return Ok(Self::Request);
        }
        let schema: Value = serde_json::from_str(text)
            .map_err(|error| format!("has a `json_schema` that is neither `request` nor JSON: {error}"))?;
        let validator = jsonschema::validator_for(&schema)
            .map_err(|error| format!("has a `json_schema` that is not a schema: {error}"))?;
        Ok(Self::Fixed(Box::new(validator)))
    }

    /// Whether a text is JSON that fits. What the request does not ask for is not missed.
    fn is_kept_by(&self, text: &str, requested: Option<&Value>) -> bool {
        let fits = |validator: &Validator| {
            serde_json::from_str(text).is_ok_and(|value: Value| validator.is_valid(&value))
        };
        match self {
            Self::Fixed(validator) => fits(validator),
            // A schema that cannot be read is the provider's to refuse.
            Self::Request => requested
                .and_then(|schema| jsonschema::validator_for(schema).ok())
                .is_none_or(|validator| fits(&validator)),
        }
    }
}

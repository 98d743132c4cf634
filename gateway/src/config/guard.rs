//! `[[gateway.guardrails]]`: what texts on their way to a model, and back, must not hold.

use std::collections::BTreeMap;

use brokle_model::pattern::Kind;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::validate::check_name;
use super::{ConfigError, hidden};

const GUARDRAILS_MAX: usize = 100;
const LISTED_MAX: usize = 10_000;

/// One guardrail: to which calls it applies, what it looks for, and what it does then.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GuardConfig {
    /// Tells it apart in errors, spans and figures.
    pub name: String,
    /// Which way the texts go.
    pub stage: GuardStage,
    /// What happens when it finds something.
    pub action: GuardAction,
    /// It applies to these models only, as callers name them or as `provider/model`; `*` stands for any run of
    /// characters.
    pub models: Vec<String>,
    /// It applies to these routes only; `*` as above.
    pub routes: Vec<String>,
    /// It applies to these projects only, by their ids.
    pub projects: Vec<String>,
    /// It applies to these API keys only, by their ids.
    pub keys: Vec<String>,
    /// Personal data and secrets to look for.
    pub detect: Vec<Detect>,
    /// Words and phrases to look for, whatever their case.
    pub words: Vec<String>,
    /// Topics to look for, each by its words and phrases.
    pub topics: BTreeMap<String, Vec<String>>,
    /// Regular expressions to look for, by a name of their own.
    pub patterns: BTreeMap<String, String>,
    /// Findings that do not count: the text itself, whatever its case; `*` as above.
    pub allow: Vec<String>,
    /// Regular expressions of which the last message of the user, or the answer, must match one.
    pub only: Vec<String>,
    /// The most bytes of text.
    pub bytes_max: Option<usize>,
    /// The most messages of a request.
    pub messages_max: Option<usize>,
    /// A JSON schema that an answer must fit: the schema itself, or `request` for the one that the request asks for.
    pub json_schema: Option<String>,
    /// Whether to look for attempts to take the model over, in what users and tools say.
    pub prompt_injection: Option<InjectionConfig>,
    /// Somebody to ask.
    pub webhook: Option<WebhookConfig>,
}

/// Which way texts go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardStage {
    /// To the model.
    Input,
    /// From the model.
    Output,
    /// Both.
    #[default]
    Both,
}

impl GuardStage {
    /// The word used in configuration and on spans.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Both => "both",
        }
    }
}

/// What happens when a guardrail finds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardAction {
    /// It is told about.
    Flag,
    /// A placeholder takes the finding's place.
    Redact,
    /// The call is refused, or its answer.
    #[default]
    Block,
}

impl GuardAction {
    /// The word used in configuration and on spans.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Redact => "redact",
            Self::Block => "block",
        }
    }
}

/// What to look for, one by one or together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Detect {
    /// One kind.
    Kind(Kind),
    /// Several.
    Group(DetectGroup),
}

/// Kinds that go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DetectGroup {
    /// E-mail, phone, card, IBAN, social security number and IP address.
    Personal,
    /// Keys of providers, tokens and private keys.
    Secrets,
}

impl Detect {
    /// The kinds meant.
    pub(crate) fn kinds(&self) -> &[Kind] {
        match self {
            Self::Kind(kind) => std::slice::from_ref(kind),
            Self::Group(DetectGroup::Personal) => &Kind::PERSONAL,
            Self::Group(DetectGroup::Secrets) => &Kind::SECRETS,
        }
    }
}

/// When a text counts as an attempt to take the model over.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InjectionConfig {
    /// From 0 to 1: the score at which it does.
    pub threshold: f64,
}

impl Default for InjectionConfig {
    fn default() -> Self {
        Self { threshold: 0.8 }
    }
}

/// Somebody to ask about a text.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Where to ask.
    pub url: String,
    /// The secret that signs what is sent.
    #[serde(default, serialize_with = "hidden")]
    pub secret: Option<SecretString>,
    /// Name of the environment variable that holds the secret.
    #[serde(default)]
    pub secret_env: Option<String>,
    /// The longest that the call waits for the answer.
    #[serde(default = "webhook_timeout_ms")]
    pub timeout_ms: u64,
    /// What an answer that does not come means.
    #[serde(default)]
    pub on_failure: OnFailure,
}

const fn webhook_timeout_ms() -> u64 {
    2_000
}

/// What it means that a webhook does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// The call goes on, and the span says so.
    #[default]
    Open,
    /// The call is refused.
    Closed,
}

/// Checks everything but the expressions, which are compiled when the configuration is resolved.
pub(super) fn validate(guardrails: &[GuardConfig]) -> Result<(), ConfigError> {
    for (index, guardrail) in guardrails.iter().enumerate() {
        check_name("guardrail", &guardrail.name)?;
        let wrong = |reason: &str| ConfigError::Guard {
            guardrail: guardrail.name.clone(),
            reason: reason.to_owned(),
        };
        let earlier = &guardrails[..index];
        if index >= GUARDRAILS_MAX {
            return Err(wrong("is one too many: 100 are allowed"));
        }
        if earlier.iter().any(|other| other.name == guardrail.name) {
            return Err(wrong("has the name of another"));
        }
        if let Some(reason) = guardrail.fault() {
            return Err(wrong(reason));
        }
    }
    Ok(())
}

impl GuardConfig {
    fn fault(&self) -> Option<&'static str> {
        let finds = !(self.detect.is_empty()
            && self.words.is_empty()
            && self.topics.is_empty()
            && self.patterns.is_empty());
        let judges = !self.only.is_empty()
            || self.bytes_max.is_some()
            || self.messages_max.is_some()
            || self.json_schema.is_some()
            || self.prompt_injection.is_some();
        let listed = self.words.len()
            + self.topics.values().map(Vec::len).sum::<usize>()
            + self.patterns.len()
            + self.allow.len();
        let threshold = self.prompt_injection.map_or(1.0, |injection| injection.threshold);
        if !finds && !judges && self.webhook.is_none() {
            Some(
                "looks for nothing: set detect, words, topics, patterns, only, bytes_max, messages_max, json_schema, prompt_injection or webhook",
            )
        } else if self.action == GuardAction::Redact && judges {
            Some(
                "cannot redact what only, bytes_max, messages_max, json_schema or prompt_injection find: let another guardrail block or flag it",
            )
        } else if self.json_schema.is_some() && self.stage == GuardStage::Input {
            Some("has a json_schema, which is for answers: set stage to `output` or `both`")
        } else if self.prompt_injection.is_some() && self.stage == GuardStage::Output {
            Some("has prompt_injection, which is for requests: set stage to `input` or `both`")
        } else if listed > LISTED_MAX {
            Some("lists more than 10,000 entries")
        } else if !(threshold > 0.0 && threshold <= 1.0) {
            Some("has a prompt_injection.threshold that is not above 0 and at most 1")
        } else {
            None
        }
    }
}

//! `[gateway]` of the configuration: providers, routes, and the bounds on everything.
//!
//! These are the words as the user writes them; [`GatewayConfig::resolve`] turns them into
//! [`crate::settings::GatewaySettings`], where names have become providers with addresses and credentials.
//! The environment is deliberately absent here: it is read once, by the server, and reaches us as a function.

use std::collections::BTreeMap;
use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};

mod cache;
mod error;
mod guard;
mod provider;
mod quality;
mod quota;
mod route;
mod validate;

pub use cache::{CacheConfig, CacheMode, SemanticCacheConfig};
pub use error::ConfigError;
pub use guard::{
    Detect, DetectGroup, GuardAction, GuardConfig, GuardStage, InjectionConfig, OnFailure, WebhookConfig,
};
pub use provider::KeyConfig;
pub use quality::QualityConfig;
pub(crate) use quota::nano_dollars;
pub use quota::{Per, QuotaAction, QuotaConfig};
pub use route::{
    Affinity, ArmConfig, ConditionConfig, FallbackClass, Need, RouteConfig, RuleConfig, ShadowConfig,
    SplitConfig, Strategy, TargetConfig,
};

/// Everything under `[gateway]`. Unknown keys are refused.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayConfig {
    /// A file with further providers and models, and with changes to those of the built-in table.
    pub catalog_file: Option<PathBuf>,
    /// Providers by name. A name of the built-in table needs only a key, which may also come from the
    /// environment; any other name needs a `base_url`.
    pub providers: BTreeMap<String, ProviderConfig>,
    /// Routes by the name that callers put into `model`.
    pub routes: BTreeMap<String, RouteConfig>,
    /// How long each step may take.
    pub timeouts: TimeoutConfig,
    /// When a failed attempt is repeated.
    pub retries: RetryConfig,
    /// When a target is passed over for a while.
    pub breaker: BreakerConfig,
    /// Bounds on sizes and numbers.
    pub limits: LimitConfig,
    /// What of a conversation is recorded.
    pub capture: CaptureConfig,
    /// Which answers are kept, and given again to the same request.
    pub cache: CacheConfig,
    /// Which of them are given to a question that means the same.
    pub semantic_cache: SemanticCacheConfig,
    /// How much may be used: requests, tokens, calls at once, money.
    pub quotas: Vec<QuotaConfig>,
    /// Which scores say how good a target's answers are.
    pub quality: QualityConfig,
    /// What organisations may configure for themselves.
    pub tenants: TenantsConfig,
    /// What texts to and from models must not hold.
    pub guardrails: Vec<GuardConfig>,
}

/// What organisations may configure for themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TenantsConfig {
    /// Whether their providers may have addresses of this machine or its network. Permit it where all of them are
    /// trusted with that.
    pub private_addresses: bool,
}

/// One upstream.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderConfig {
    /// The wire format that it speaks; the built-in provider's own, or else `openai`, when absent.
    pub dialect: Option<Dialect>,
    /// Address up to and including the version segment, such as `https://api.openai.com/v1`.
    pub base_url: Option<String>,
    /// Azure only: the `api-version` of its older form, in which the model is the deployment's name. Without it,
    /// the version that needs none.
    pub api_version: Option<String>,
    /// Bedrock and Vertex: where the models are, such as `eu-central-1`. Without it, what the environment says, and
    /// then, for Vertex, `global`.
    pub region: Option<String>,
    /// Vertex: the project that is charged. Without it, what the environment or the service account says.
    pub project: Option<String>,
    /// Vertex: a service account's key file. Without it, and without a key, `GOOGLE_APPLICATION_CREDENTIALS`.
    pub credentials_file: Option<PathBuf>,
    /// Bedrock: the id of an access key that requests are signed with, in place of an API key. Without it,
    /// `AWS_ACCESS_KEY_ID`, and so on.
    pub access_key_id: Option<String>,
    /// Bedrock: the access key's secret.
    #[serde(serialize_with = "hidden")]
    pub secret_access_key: Option<SecretString>,
    /// Bedrock: the token that belongs to a temporary access key.
    #[serde(serialize_with = "hidden")]
    pub session_token: Option<SecretString>,
    /// Speak HTTP/2 to it, over one connection for many calls; HTTP/1.1 over many when absent.
    pub http2: bool,
    /// Name of the environment variable that holds the key. A provider whose variable is not set is inactive.
    pub api_key_env: Option<String>,
    /// The key itself.
    #[serde(serialize_with = "hidden")]
    pub api_key: Option<SecretString>,
    /// Further keys. Calls take turns among all keys of a provider; one that is refused or out of capacity is left
    /// alone for a while.
    pub keys: Vec<KeyConfig>,
    /// The models that it serves, for callers who name a model without its provider. `*` may end an entry.
    pub models: Vec<String>,
    /// The name recorded as `gen_ai.provider.name`, by which calls are priced. Set it to `openai` for a
    /// mirror of `OpenAI`, for example. Without it, the entry's own name.
    pub provider_name: Option<String>,
    /// Whether the upstream speaks the Responses API beside chat completions. Without it, callers of that API are
    /// translated for it; the built-in `openai` has it.
    pub responses: Option<bool>,
    /// Whether the upstream understands `stream_options.include_usage`; yes when absent.
    pub stream_usage: Option<bool>,
}

/// A provider's wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// `OpenAI`'s, spoken by most.
    Openai,
    /// Anthropic's Messages.
    Anthropic,
    /// Google's Gemini.
    Gemini,
    /// Cohere's v2.
    Cohere,
    /// AWS Bedrock's Converse.
    Bedrock,
    /// Azure's variant of `OpenAI`'s.
    Azure,
    /// Google's Vertex AI: Gemini's, Anthropic's or `OpenAI`'s format, by the model.
    Vertex,
    /// `OpenAI`'s Responses, for providers that speak nothing else.
    Responses,
}

impl Dialect {
    const ALL: [Self; 8] = [
        Self::Openai,
        Self::Anthropic,
        Self::Gemini,
        Self::Cohere,
        Self::Bedrock,
        Self::Azure,
        Self::Vertex,
        Self::Responses,
    ];

    /// The dialect of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.as_str() == name)
    }

    /// The word used in configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Cohere => "cohere",
            Self::Bedrock => "bedrock",
            Self::Azure => "azure",
            Self::Vertex => "vertex",
            Self::Responses => "responses",
        }
    }
}

/// How long each step may take, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimeoutConfig {
    /// To open a connection to a provider.
    pub connect_ms: u64,
    /// From sending a streamed request to the first piece of its answer.
    pub first_token_ms: u64,
    /// Between two pieces of an answer.
    pub idle_ms: u64,
    /// One attempt from start to end.
    pub total_ms: u64,
    /// Until the caller has sent its whole request.
    pub request_body_ms: u64,
    /// How long a stream may be silent before the caller gets a `: keepalive` comment.
    pub keepalive_ms: u64,
}

impl Default for TimeoutConfig {
    fn default() -> Self {
        Self {
            connect_ms: 5_000,
            first_token_ms: 60_000,
            idle_ms: 60_000,
            total_ms: 600_000,
            request_body_ms: 60_000,
            keepalive_ms: 15_000,
        }
    }
}

/// When a failed attempt is repeated. Never after a byte of the answer has reached the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetryConfig {
    /// Attempts per call, over all targets.
    pub attempts_max: u32,
    /// Repeats on one target before the next is tried, for failures that time may heal.
    pub per_target_max: u32,
    /// First pause before a repeat; it doubles, with jitter.
    pub backoff_ms: u64,
    /// Longest pause, and the longest `retry-after` that is waited for.
    pub backoff_max_ms: u64,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            attempts_max: 6,
            per_target_max: 1,
            backoff_ms: 200,
            backoff_max_ms: 5_000,
        }
    }
}

/// When a target is passed over for a while. It is still tried when no other is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerConfig {
    /// Failures in a row after which a target is passed over; 0 for never.
    pub failures: u32,
    /// For how long, the first time; it doubles each time that the target fails its next trial.
    pub cooldown_ms: u64,
    /// The longest, and the longest `retry-after` that is kept.
    pub cooldown_max_ms: u64,
}

impl BreakerConfig {
    pub(crate) fn cooldown(&self) -> i64 {
        i64::try_from(self.cooldown_ms).unwrap_or(i64::MAX)
    }

    pub(crate) fn cooldown_max(&self) -> i64 {
        i64::try_from(self.cooldown_max_ms).unwrap_or(i64::MAX)
    }
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            failures: 5,
            cooldown_ms: 10_000,
            cooldown_max_ms: 300_000,
        }
    }
}

/// Bounds on sizes and numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitConfig {
    /// Calls in progress; further ones are answered 503.
    pub in_flight_max: usize,
    /// Bytes of all requests in progress together; further ones are answered 503.
    pub in_flight_bytes_max: usize,
    /// Bytes of a request.
    pub request_bytes_max: usize,
    /// Bytes of an answer that is not streamed, once decompressed.
    pub response_bytes_max: usize,
    /// Bytes of one frame of a stream.
    pub frame_bytes_max: usize,
    /// Idle connections kept per provider.
    pub idle_connections_max: usize,
}

impl Default for LimitConfig {
    fn default() -> Self {
        Self {
            in_flight_max: 10_000,
            in_flight_bytes_max: 512 << 20,
            request_bytes_max: 64 << 20,
            response_bytes_max: 64 << 20,
            frame_bytes_max: 16 << 20,
            idle_connections_max: 512,
        }
    }
}

/// What of a conversation is recorded on the spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CaptureConfig {
    /// Whether messages, tool definitions and answers are recorded at all.
    pub content: bool,
    /// Bytes of text recorded of the input, and again of the output; the rest is replaced by a marker.
    pub content_bytes_max: usize,
}

impl CaptureConfig {
    /// Bytes of text worth keeping.
    pub(crate) const fn budget(&self) -> usize {
        if self.content { self.content_bytes_max } else { 0 }
    }
}

impl Default for CaptureConfig {
    fn default() -> Self {
        Self {
            content: true,
            content_bytes_max: 512 << 10,
        }
    }
}

#[expect(clippy::ref_option, reason = "serde hands the field over as it is")]
fn hidden<S: Serializer>(key: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    match key {
        Some(_) => serializer.serialize_some("[hidden]"),
        None => serializer.serialize_none(),
    }
}

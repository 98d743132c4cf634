//! `[gateway.routes.NAME]`: where the calls that name a route go, and on what that depends.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A name for an ordered set of targets.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteConfig {
    /// In which order the targets are tried.
    #[serde(default)]
    pub strategy: Strategy,
    /// Where a call may go.
    pub targets: Vec<TargetConfig>,
    /// Further names of the route.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What calls must share to go to the same target under `affinity`.
    #[serde(default)]
    pub affinity: Affinity,
    /// Other targets for calls of which something holds. The first rule that holds decides.
    #[serde(default)]
    pub rules: Vec<RuleConfig>,
    /// Divides the calls for which no rule holds among arms, each with targets of its own.
    #[serde(default)]
    pub split: Option<SplitConfig>,
    /// Sends a share of the calls to another target as well, and throws its answers away.
    #[serde(default)]
    pub shadow: Option<ShadowConfig>,
    /// Milliseconds after which a call whose answer has not begun is sent to the next target as well; the answer
    /// that begins first is given, and the other call is ended. Both cost.
    #[serde(default)]
    pub hedge_after_ms: Option<u64>,
}

/// In which order a route's targets are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// As listed: the next only when the one before failed.
    #[default]
    Priority,
    /// At random by weight; the rest are fallbacks, again by weight.
    Weighted,
    /// Cheapest first, by the price table and the request's length; targets without a price come last.
    LowestCost,
    /// Soonest first piece of an answer first, of two drawn at random; observed, and weighed by the calls in
    /// progress.
    LowestLatency,
    /// Fewest calls in progress first.
    LeastBusy,
    /// At random by quality: what recent scores of their answers say, or else the targets' own `quality`.
    Quality,
    /// The same target for the same session, user or beginning of the conversation, as long as it answers.
    Affinity,
    /// The one first of whose `requests_per_minute` and `tokens_per_minute` the least is used.
    LeastUsed,
}

impl Strategy {
    /// Every strategy.
    pub const ALL: [Self; 8] = [
        Self::Priority,
        Self::Weighted,
        Self::LowestCost,
        Self::LowestLatency,
        Self::LeastBusy,
        Self::Quality,
        Self::Affinity,
        Self::LeastUsed,
    ];

    /// The word used in configuration and on spans.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Priority => "priority",
            Self::Weighted => "weighted",
            Self::LowestCost => "lowest_cost",
            Self::LowestLatency => "lowest_latency",
            Self::LeastBusy => "least_busy",
            Self::Quality => "quality",
            Self::Affinity => "affinity",
            Self::LeastUsed => "least_used",
        }
    }
}

/// One target of a route.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetConfig {
    /// A provider's name.
    pub provider: String,
    /// The model's name at that provider.
    pub model: String,
    /// Its share under `weighted` and `affinity`. A target of weight 0 is only ever a fallback.
    #[serde(default = "one")]
    pub weight: u32,
    /// How good its answers are, from 0 to 1; for `quality`, as long as too few were scored.
    #[serde(default)]
    pub quality: Option<f64>,
    /// What it can take, for `least_used`.
    #[serde(default)]
    pub requests_per_minute: Option<u64>,
    /// What it can take, for `least_used`.
    #[serde(default)]
    pub tokens_per_minute: Option<u64>,
    /// It is only tried after an attempt that failed in one of these ways.
    #[serde(default)]
    pub only_after: Vec<FallbackClass>,
}

impl Default for TargetConfig {
    fn default() -> Self {
        Self {
            provider: String::new(),
            model: String::new(),
            weight: one(),
            quality: None,
            requests_per_minute: None,
            tokens_per_minute: None,
            only_after: Vec::new(),
        }
    }
}

/// A way to fail that leads to targets that are kept for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FallbackClass {
    /// The conversation is longer than the model can take.
    ContextWindow,
    /// The provider refuses the content.
    ContentFilter,
    /// The provider has no capacity for us.
    RateLimited,
    /// The provider failed, was too slow, or could not be reached.
    ProviderError,
}

/// What calls must share to go to the same target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Affinity {
    /// The session, else the user, else the key.
    #[default]
    Session,
    /// The user, else the key.
    User,
    /// The API key.
    Key,
    /// The beginning of the conversation, which is what providers' prompt caches go by.
    Prefix,
    /// Nothing: each call is for itself. For `split` only.
    Call,
}

/// Other targets for calls of which something holds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    /// Told on the span and in explanations.
    pub name: String,
    /// What must hold; all of it.
    pub when: ConditionConfig,
    /// The route's own strategy when absent.
    #[serde(default)]
    pub strategy: Option<Strategy>,
    /// Where such a call may go.
    pub targets: Vec<TargetConfig>,
}

/// What must hold of a call. In patterns `*` stands for any run of characters; of a list, one entry must match.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConditionConfig {
    /// Request headers and patterns of their values.
    pub headers: BTreeMap<String, String>,
    /// Fields of the body's `metadata` and patterns of their values, or of one entry where that is a list.
    pub metadata: BTreeMap<String, String>,
    /// Users: `x-user-id`, or the body's `user`.
    pub users: Vec<String>,
    /// Environments: `x-environment`.
    pub environments: Vec<String>,
    /// What the caller named: the route or one of its aliases.
    pub models: Vec<String>,
    /// What the request needs; all of them.
    pub needs: Vec<Need>,
    /// Least length of the request, in tokens, estimated.
    pub input_tokens_min: Option<u64>,
    /// Greatest length of the request, in tokens, estimated.
    pub input_tokens_max: Option<u64>,
}

/// Something that not every model can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// It offers tools.
    Tools,
    /// It shows images.
    Vision,
    /// It demands JSON.
    Json,
    /// It asks for a stream.
    Stream,
}

/// Divides calls among arms.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitConfig {
    /// What calls must share to be in the same arm, today and on every node.
    #[serde(default)]
    pub by: Affinity,
    /// The arms.
    pub arms: Vec<ArmConfig>,
}

/// One arm of a split.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmConfig {
    /// Told on the span, so that arms can be compared.
    pub name: String,
    /// Its share of the calls, in percent. All arms' together are 100.
    pub percent: u8,
    /// The route's own strategy when absent.
    #[serde(default)]
    pub strategy: Option<Strategy>,
    /// Where its calls may go.
    pub targets: Vec<TargetConfig>,
}

/// Sends a share of the calls to another target as well.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShadowConfig {
    /// A provider's name.
    pub provider: String,
    /// The model's name at that provider.
    pub model: String,
    /// How many calls of a hundred.
    pub percent: u8,
}

const fn one() -> u32 {
    1
}

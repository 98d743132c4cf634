//! `[[gateway.quotas]]`: how much of what may be used, by whom, in which time.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::validate::check_name;
use crate::quota::Unit;

const QUOTAS_MAX: usize = 100;
const LISTED_MAX: usize = 1_000;

/// One quota. It counts the calls that it applies to, apart for each value of what `per` names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuotaConfig {
    /// Tells it apart in errors, headers and figures.
    pub name: String,
    /// What has a count of its own. Without any, all calls that the quota applies to share one.
    pub per: Vec<Per>,
    /// It applies to these models only, as callers name them or as `provider/model`; `*` stands for any run of
    /// characters.
    pub models: Vec<String>,
    /// It applies to these projects only, by their ids.
    pub projects: Vec<String>,
    /// It applies to these API keys only, by their ids.
    pub keys: Vec<String>,
    /// Calls in any minute.
    pub requests_per_minute: Option<u64>,
    /// Calls in any 24 hours.
    pub requests_per_day: Option<u64>,
    /// Input and output tokens in any minute.
    pub tokens_per_minute: Option<u64>,
    /// Input and output tokens in any 24 hours.
    pub tokens_per_day: Option<u64>,
    /// Calls in progress.
    pub concurrent_requests: Option<u64>,
    /// US dollars by calendar day (UTC); a decimal.
    pub cost_per_day: Option<Decimal>,
    /// US dollars by calendar month (UTC); a decimal.
    pub cost_per_month: Option<Decimal>,
    /// Shares of each limit that are told about when they are reached, in percent.
    pub alert_at_percent: Vec<u8>,
    /// What happens when a limit is reached.
    pub action: QuotaAction,
}

/// What a count belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// An API key.
    Key,
    /// A project.
    Project,
    /// A model, as callers name it.
    Model,
    /// An end user, as `x-user-id` says. Calls that name none share a count.
    User,
}

/// What happens when a limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuotaAction {
    /// Further calls are refused with 429.
    #[default]
    Block,
    /// They go through; it is only told about.
    Alert,
}

impl QuotaConfig {
    /// What is limited, and to how much.
    pub(crate) fn limits(&self) -> Vec<(Unit, u64)> {
        let counted = [
            (Unit::RequestsPerMinute, self.requests_per_minute),
            (Unit::RequestsPerDay, self.requests_per_day),
            (Unit::TokensPerMinute, self.tokens_per_minute),
            (Unit::TokensPerDay, self.tokens_per_day),
            (Unit::ConcurrentRequests, self.concurrent_requests),
            (Unit::CostPerDay, self.cost_per_day.map(nano_dollars)),
            (Unit::CostPerMonth, self.cost_per_month.map(nano_dollars)),
        ];
        let given = counted.into_iter();
        given.filter_map(|(unit, limit)| Some((unit, limit?))).collect()
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        check_name("quota", &self.name)?;
        let wrong = |reason| {
            Err(ConfigError::Quota {
                quota: self.name.clone(),
                reason,
            })
        };
        if self.limits().is_empty() {
            return wrong(
                "limits nothing: give it `requests_per_minute`, `tokens_per_day`, `cost_per_month` or the like",
            );
        }
        let costs = [self.cost_per_day, self.cost_per_month];
        if costs.into_iter().flatten().any(|cost| cost.is_sign_negative()) {
            return wrong("has a negative cost");
        }
        if self
            .alert_at_percent
            .iter()
            .any(|percent| !(1..=100).contains(percent))
        {
            return wrong("alerts at a share that is not between 1 and 100 percent");
        }
        let lists = [&self.models, &self.projects, &self.keys];
        if lists.iter().any(|list| list.len() > LISTED_MAX) {
            return wrong("lists more than 1000 models, projects or keys");
        }
        Ok(())
    }
}

/// Checks all quotas together.
pub(super) fn validate(quotas: &[QuotaConfig]) -> Result<(), ConfigError> {
    if quotas.len() > QUOTAS_MAX {
        return Err(ConfigError::Range {
            key: "quotas",
            value: quotas.len() as u64,
            min: 0,
            max: QUOTAS_MAX as u64,
        });
    }
    for (index, quota) in quotas.iter().enumerate() {
        quota.validate()?;
        if quotas[..index].iter().any(|other| other.name == quota.name) {
            return Err(ConfigError::Quota {
                quota: quota.name.clone(),
                reason: "shares its name with another one",
            });
        }
    }
    Ok(())
}

/// Whole nano-dollars, the unit that costs are counted in; a fraction counts as one.
pub(crate) fn nano_dollars(cost: Decimal) -> u64 {
    use rust_decimal::prelude::ToPrimitive as _;
    let nanos = cost
        .checked_mul(Decimal::from(1_000_000_000))
        .map(|nanos| nanos.ceil());
    nanos.and_then(|nanos| nanos.to_u64()).unwrap_or(u64::MAX)
}

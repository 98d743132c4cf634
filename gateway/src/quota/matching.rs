//! Which quotas a call draws on, and which counter of each is its own.

use std::fmt::Write as _;

use brokle_storage::quota::Demand;
use chrono::{DateTime, Utc};

use super::{Measure, Meter, Per, Quota};
use crate::record::CallRecord;
use crate::route::Target;
use crate::wildcard;

/// What a call is expected to use.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Expected {
    pub(super) tokens: u64,
    /// In nano-dollars.
    pub(super) cost: u64,
}

/// The counters that a call draws on.
pub(super) fn meters<'a>(
    quotas: &'a [Quota],
    call: &CallRecord,
    (model, targets): (&str, &[Target]),
    expected: impl Fn() -> Expected,
    now: DateTime<Utc>,
) -> Vec<Meter<'a>> {
    let mut meters = Vec::new();
    let applying = quotas.iter().filter(|quota| applies(quota, call, model, targets));
    for quota in applying {
        let owner = owner(quota, call, model);
        for &(unit, limit) in &quota.limits {
            let (window, period) = unit.window(now);
            let amount = match unit.measure() {
                Measure::Requests | Measure::Concurrency => 1,
                Measure::Tokens => expected().tokens,
                Measure::Cost => expected().cost,
            };
            let scope = &quota.scope;
            let key = format!("{scope}{}/{}/{period}/{owner}", quota.config.name, unit.as_str());
            meters.push(Meter {
                quota,
                unit,
                demand: Demand {
                    key,
                    window,
                    limit,
                    amount,
                },
            });
        }
    }
    meters
}

fn applies(quota: &Quota, call: &CallRecord, model: &str, targets: &[Target]) -> bool {
    let config = &quota.config;
    let listed = |list: &[String], id: &str| list.is_empty() || list.iter().any(|entry| entry == id);
    let first = targets.first();
    let names_model = |pattern: &String| {
        wildcard::matches(pattern, model)
            || first.is_some_and(|target| {
                let in_full = format!("{}/{}", target.provider.name, target.model);
                wildcard::matches(pattern, &target.model) || wildcard::matches(pattern, &in_full)
            })
    };
    listed(&config.projects, &call.project.to_string())
        && listed(&config.keys, &call.key.to_string())
        && (config.models.is_empty() || config.models.iter().any(names_model))
}

/// Whose counter it is. What callers may choose freely is of bounded length here.
fn owner(quota: &Quota, call: &CallRecord, model: &str) -> String {
    let mut owner = String::new();
    for per in &quota.config.per {
        let _ = match per {
            Per::Key => write!(owner, "key={};", call.key),
            Per::Project => write!(owner, "project={};", call.project),
            Per::Model => write!(owner, "model={model};"),
            Per::User => write!(
                owner,
                "project={};user={};",
                call.project,
                call.caller.user.as_deref().unwrap_or_default()
            ),
        };
    }
    owner
}

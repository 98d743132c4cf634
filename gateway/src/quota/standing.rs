//! How the counters stood for a call: for its headers and its span.

use std::fmt::Write as _;

use brokle_storage::quota::Window;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Measure, Meter, Standing, whole_seconds};
use crate::dialect::door::Door;

/// A counter after the call's reservation.
pub(super) struct Used<'a> {
    pub(super) meter: Meter<'a>,
    pub(super) standing: Standing,
}

impl<'a> Used<'a> {
    pub(super) fn new(meter: Meter<'a>, standing: Standing) -> Self {
        let limit = meter.demand.limit;
        Self {
            standing: Standing { limit, ..standing },
            meter,
        }
    }

    /// The quota's name and what of it is meant.
    pub(super) fn policy(&self) -> String {
        format!("{}/{}", self.meter.quota.config.name, self.meter.unit.as_str())
    }
}

/// What is told of a call's quotas.
#[derive(Debug, Default)]
pub(crate) struct QuotaRecord {
    /// One for each counter.
    limits: Vec<Limit>,
    /// Shares that this call made full.
    pub(crate) alerts: Vec<String>,
    /// The limit by which it was refused.
    pub(crate) refused_by: Option<String>,
}

#[derive(Debug)]
struct Limit {
    policy: String,
    measure: Measure,
    most: u64,
    remaining: u64,
    window_seconds: Option<u64>,
    reset_seconds: u64,
}

impl QuotaRecord {
    pub(super) fn new(standings: &[Used<'_>], alerts: Vec<String>, refused_by: Option<String>) -> Self {
        let limits = standings.iter().map(|used| Limit {
            policy: used.policy(),
            measure: used.meter.unit.measure(),
            most: used.standing.limit,
            remaining: used.standing.remaining(),
            window_seconds: match used.meter.demand.window {
                Window::Sliding { period } => Some(period.as_secs()),
                Window::Until { .. } | Window::Held { .. } => None,
            },
            reset_seconds: whole_seconds(used.standing.reset_after),
        });
        Self {
            limits: limits.collect(),
            alerts,
            refused_by,
        }
    }

    /// A refusal.
    pub(crate) fn refused(by: String) -> Self {
        Self {
            refused_by: Some(by),
            ..Self::default()
        }
    }

    /// `RateLimit` and `RateLimit-Policy` as the IETF's draft has them, for every counter; and in the words of the
    /// caller's own dialect, for the tightest of requests and of tokens.
    pub(crate) fn describe(&self, headers: &mut HeaderMap, door: Door, now: DateTime<Utc>) {
        let (mut policies, mut standings) = (String::new(), String::new());
        let counted = self.limits.iter().filter(|limit| limit.measure != Measure::Cost);
        for limit in counted {
            let Limit {
                policy,
                most,
                remaining,
                reset_seconds,
                ..
            } = limit;
            let comma = if policies.is_empty() { "" } else { ", " };
            let _ = write!(policies, "{comma}\"{policy}\";q={most}");
            if let Some(seconds) = limit.window_seconds {
                let _ = write!(policies, ";w={seconds}");
            }
            let _ = write!(standings, "{comma}\"{policy}\";r={remaining};t={reset_seconds}");
        }
        insert(headers, "ratelimit-policy", policies);
        insert(headers, "ratelimit", standings);
        for measure in [Measure::Requests, Measure::Tokens] {
            let of_measure = self.limits.iter().filter(|limit| limit.measure == measure);
            if let Some(tightest) = of_measure.min_by_key(|limit| limit.remaining) {
                tightest.describe(headers, door, now);
            }
        }
    }
}

impl Limit {
    fn describe(&self, headers: &mut HeaderMap, door: Door, now: DateTime<Utc>) {
        let [limit, remaining, reset] = names(door, self.measure);
        let seconds = TimeDelta::seconds(i64::try_from(self.reset_seconds).unwrap_or(0));
        let resets = match door {
            Door::Messages => (now + seconds).to_rfc3339_opts(SecondsFormat::Secs, true),
            Door::Chat | Door::Responses | Door::Other(_) => format!("{}s", self.reset_seconds),
        };
        headers.insert(HeaderName::from_static(limit), self.most.into());
        headers.insert(HeaderName::from_static(remaining), self.remaining.into());
        insert(headers, reset, resets);
    }
}

/// What the limit, what is left of it and when it starts anew are called by the callers of a door.
const fn names(door: Door, measure: Measure) -> [&'static str; 3] {
    match (door, measure) {
        (Door::Messages, Measure::Tokens) => [
            "anthropic-ratelimit-tokens-limit",
            "anthropic-ratelimit-tokens-remaining",
            "anthropic-ratelimit-tokens-reset",
        ],
        (Door::Messages, _) => [
            "anthropic-ratelimit-requests-limit",
            "anthropic-ratelimit-requests-remaining",
            "anthropic-ratelimit-requests-reset",
        ],
        (_, Measure::Tokens) => [
            "x-ratelimit-limit-tokens",
            "x-ratelimit-remaining-tokens",
            "x-ratelimit-reset-tokens",
        ],
        (_, _) => [
            "x-ratelimit-limit-requests",
            "x-ratelimit-remaining-requests",
            "x-ratelimit-reset-requests",
        ],
    }
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: String) {
    if let Ok(value) = HeaderValue::try_from(value)
        && !value.is_empty()
    {
        headers.insert(HeaderName::from_static(name), value);
    }
}

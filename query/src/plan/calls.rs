//! Which calls of the gateway are asked for, and by what their attempts are told apart.

use brokle_model::id::{ProjectId, TraceId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Cursor, PlanError, TimeRange};

/// Calls on a page when the caller does not say.
pub const REQUESTS_DEFAULT: usize = 100;
/// The most calls on a page.
pub const REQUESTS_MAX: usize = 1_000;
/// The most lines of a breakdown of attempts.
pub const ROUTING_LINES_MAX: usize = 200;

/// A column with a word, and the word that it must hold.
pub type Wanted = (&'static str, String);

/// What calls must be like. What is not set does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// Columns that must hold a word.
    pub words: Vec<Wanted>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// Whether it failed.
    pub failed: Option<bool>,
    /// The least duration, in microseconds.
    pub duration_us_min: Option<u64>,
    /// The trace.
    pub trace: Option<TraceId>,
    /// Also the copies of calls whose answers nobody got.
    pub shadows: bool,
}

/// One page of calls, newest first.
#[derive(Debug, Clone)]
pub struct RequestList {
    /// Whose.
    pub project: ProjectId,
    /// When they began; `None` for any time, which only a list of one trace's or one request id's may ask.
    pub range: Option<TimeRange>,
    /// Which.
    pub filter: RequestFilter,
    /// Where the page before ended.
    pub cursor: Option<Cursor>,
    /// Calls on the page.
    pub limit: usize,
}

/// By what attempts are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoutingKey {
    /// The provider, by the name that it is configured under.
    Provider,
    /// The model at the provider.
    Model,
    /// The route.
    Route,
    /// How the order of targets came about.
    Strategy,
    /// The route's rule that held.
    Rule,
    /// The arm of the route's split.
    Arm,
    /// The provider's key.
    ProviderKey,
    /// Such as `production`.
    Environment,
}

impl RoutingKey {
    const ALL: [Self; 8] = [
        Self::Provider,
        Self::Model,
        Self::Route,
        Self::Strategy,
        Self::Rule,
        Self::Arm,
        Self::ProviderKey,
        Self::Environment,
    ];

    /// Its column, and its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Route => "route",
            Self::Strategy => "strategy",
            Self::Rule => "rule",
            Self::Arm => "arm",
            Self::ProviderKey => "provider_key",
            Self::Environment => "environment",
        }
    }

    /// Reads a list of them, divided by commas; provider and model when there is none.
    pub fn read_all(text: Option<&str>) -> Result<Vec<Self>, PlanError> {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
            return Ok(vec![Self::Provider, Self::Model]);
        };
        let mut keys = Vec::new();
        for word in text.split(',').map(str::trim) {
            let known = Self::ALL.into_iter().find(|key| key.as_str() == word);
            let key = known.ok_or(PlanError::UnknownWord {
                field: "group_by",
                expected: "a list of provider, model, route, strategy, rule, arm, provider_key and environment",
            })?;
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        Ok(keys)
    }
}

/// Attempts added up.
#[derive(Debug, Clone)]
pub struct RoutingBreakdown {
    /// Whose.
    pub project: ProjectId,
    /// When they began.
    pub range: TimeRange,
    /// By what.
    pub keys: Vec<RoutingKey>,
    /// Columns that must hold a word.
    pub words: Vec<Wanted>,
    /// The most lines.
    pub limit: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_a_list_without_repetition() {
        let read = |text| RoutingKey::read_all(text);
        assert_eq!(read(None), Ok(vec![RoutingKey::Provider, RoutingKey::Model]));
        assert_eq!(
            read(Some("route, provider,route")),
            Ok(vec![RoutingKey::Route, RoutingKey::Provider])
        );
        assert!(matches!(
            read(Some("user")),
            Err(PlanError::UnknownWord {
                field: "group_by",
                ..
            })
        ));
    }
}

//! Charts and lists of figures: over which time, in which steps, of what, apart by what.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use brokle_model::id::ProjectId;
use chrono::{DateTime, Duration, Utc};
use rust_decimal::Decimal;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{BUCKETS_MAX, InvalidCursor, PlanError, TimeRange};

/// The width of what is rolled up.
pub const QUARTER_MS: i64 = 900_000;
/// The most steps in a chart whose step the caller chooses.
pub(super) const STEPS_MAX: i64 = 1_500;
/// Chart lines that are told apart; all others come together.
pub const SERIES_MAX: usize = 20;
/// Entries of a list when the caller does not say, and at most.
pub const TOP_DEFAULT: usize = 50;
/// The most entries of a list.
pub const TOP_MAX: usize = 200;

/// Something that tells figures apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// Such as `production`.
    Environment,
    /// Who answered.
    Provider,
    /// Which model.
    Model,
    /// Such as `generation`.
    Type,
    /// The trace's name.
    Name,
    /// The service of the trace's entry.
    Service,
    /// The status of the trace's entry.
    Status,
    /// The trace's user.
    User,
    /// The trace's session.
    Session,
}

/// By what a chart's lines are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// The model that answered, or was asked.
    Model,
    /// Who answered.
    Provider,
    /// Such as `production`.
    Environment,
    /// The user of the trace.
    User,
    /// The name of the trace.
    Name,
}

impl From<GroupBy> for Dimension {
    fn from(by: GroupBy) -> Self {
        match by {
            GroupBy::Model => Self::Model,
            GroupBy::Provider => Self::Provider,
            GroupBy::Environment => Self::Environment,
            GroupBy::User => Self::User,
            GroupBy::Name => Self::Name,
        }
    }
}

/// By what a list is ordered, highest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TopSort {
    /// What was spent.
    Cost,
    /// Model calls.
    Requests,
    /// Traces.
    Traces,
    /// Input and output tokens.
    Tokens,
    /// Failed observations.
    Errors,
    /// The latest first.
    LastSeen,
}

/// Figures of a stretch of time.
#[derive(Debug, Clone)]
pub struct Usage {
    /// Whose.
    pub project: ProjectId,
    /// Whole steps; those at the ends reach beyond what was asked for.
    pub range: TimeRange,
    /// The width of a step.
    pub interval_ms: i64,
    /// Only what has these values.
    pub only: Vec<(Dimension, String)>,
}

impl Usage {
    /// Chooses or checks the step, and widens the range to whole ones.
    pub fn new(
        project: ProjectId,
        range: TimeRange,
        interval_ms: Option<i64>,
        only: Vec<(Dimension, String)>,
    ) -> Result<Self, PlanError> {
        let interval_ms = match interval_ms {
            None => range.interval_ms(BUCKETS_MAX),
            Some(given) if is_step(given) && range.bucket_count(given) <= STEPS_MAX => given,
            Some(_) => return Err(PlanError::IntervalOutOfRange { steps_max: STEPS_MAX }),
        };
        Ok(Self {
            project,
            range: range.widened_to(interval_ms),
            interval_ms,
            only,
        })
    }

    /// For figures that are not laid out over time: whole quarters of an hour.
    pub fn in_quarters(project: ProjectId, range: TimeRange, only: Vec<(Dimension, String)>) -> Self {
        Self {
            project,
            range: range.widened_to(QUARTER_MS),
            interval_ms: QUARTER_MS,
            only,
        }
    }

    /// The same stretch of time, just before.
    #[must_use]
    pub fn before(&self) -> Self {
        let length = self.range.to - self.range.from;
        Self {
            range: TimeRange {
                from: (self.range.from - length).max(DateTime::<Utc>::UNIX_EPOCH),
                to: self.range.from,
            },
            ..self.clone()
        }
    }
}

/// Whole seconds that divide a quarter of an hour, or whole quarters.
const fn is_step(interval_ms: i64) -> bool {
    interval_ms >= 1_000
        && interval_ms % 1_000 == 0
        && (QUARTER_MS % interval_ms == 0 || interval_ms % QUARTER_MS == 0)
}

impl TimeRange {
    /// The range, widened to whole steps since 1970.
    #[must_use]
    pub fn widened_to(self, interval_ms: i64) -> Self {
        let floor = |instant: DateTime<Utc>| {
            DateTime::from_timestamp_millis(instant.timestamp_millis().div_euclid(interval_ms) * interval_ms)
                .unwrap_or(instant)
        };
        let to = floor(self.to);
        Self {
            from: floor(self.from),
            to: if to < self.to {
                to + Duration::milliseconds(interval_ms)
            } else {
                to
            },
        }
    }
}

/// Where a page of a list of figures ended: a place in its order, and not a count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopCursor {
    /// What the last entry was ordered by.
    pub value: Decimal,
    /// The last entry's own name or names.
    pub keys: Vec<String>,
}

const CURSOR_VERSION: &str = "t1";
const SEPARATOR: char = '\u{1f}';

impl TopCursor {
    /// The text that callers send back.
    pub fn encode(&self) -> String {
        let mut text = format!("{CURSOR_VERSION}{SEPARATOR}{}", self.value);
        for key in &self.keys {
            text.push(SEPARATOR);
            text.push_str(&hex::encode(key));
        }
        URL_SAFE_NO_PAD.encode(text)
    }

    /// Reads what [`Self::encode`] wrote for a list with this many names an entry.
    pub fn decode(text: &str, keys: usize) -> Result<Self, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let text = String::from_utf8(bytes).map_err(|_| InvalidCursor)?;
        let mut parts = text.split(SEPARATOR);
        if parts.next() != Some(CURSOR_VERSION) {
            return Err(InvalidCursor);
        }
        let value = parts
            .next()
            .and_then(|value| value.parse().ok())
            .ok_or(InvalidCursor)?;
        let decoded = parts.map(|part| String::from_utf8(hex::decode(part).ok()?).ok());
        let decoded: Vec<String> = decoded.collect::<Option<_>>().ok_or(InvalidCursor)?;
        if decoded.len() != keys {
            return Err(InvalidCursor);
        }
        Ok(Self { value, keys: decoded })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(from: &str, to: &str) -> TimeRange {
        TimeRange {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
        }
    }

    fn plan(range: TimeRange, interval_ms: Option<i64>) -> Result<Usage, PlanError> {
        Usage::new(ProjectId::from_u128(1), range, interval_ms, Vec::new())
    }

    #[test]
    fn a_range_is_widened_to_whole_steps() {
        let asked = range("2026-11-21T12:07:00Z", "2026-11-22T12:07:00Z");
        let plan = plan(asked, None).unwrap();
        assert_eq!(plan.interval_ms, QUARTER_MS);
        assert_eq!(plan.range, range("2026-11-21T12:00:00Z", "2026-11-22T12:15:00Z"));
        assert_eq!(plan.range.widened_to(QUARTER_MS), plan.range);
        assert_eq!(
            plan.before().range,
            range("2026-11-20T11:45:00Z", "2026-11-21T12:00:00Z")
        );
    }

    #[test]
    fn steps_must_fit_quarters_and_be_few() {
        let day = range("2026-11-21T12:00:00Z", "2026-11-22T12:00:00Z");
        for good in [60_000, 900_000, 3_600_000] {
            assert_eq!(plan(day, Some(good)).unwrap().interval_ms, good);
        }
        for bad in [0, -900_000, 1_500, 7_000, 1_000, 1_000_000] {
            assert!(
                matches!(plan(day, Some(bad)), Err(PlanError::IntervalOutOfRange { .. })),
                "{bad}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_cursor_survives_its_text(value in 0_i64..i64::MAX, scale in 0_u32..12, keys in prop::collection::vec(".*", 1..3)) {
            let cursor = TopCursor { value: Decimal::new(value, scale), keys };
            prop_assert_eq!(TopCursor::decode(&cursor.encode(), cursor.keys.len()), Ok(cursor));
        }

        #[test]
        fn other_texts_are_refused_without_panic(text in any::<String>()) {
            prop_assert_eq!(TopCursor::decode(&text, 1), Err(InvalidCursor));
        }
    }
}

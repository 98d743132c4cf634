//! Which quarters of a range cannot be read from the roll-up.

use brokle_model::id::ProjectId;
use brokle_storage::telemetry::SqlQuery;
use chrono::{DateTime, Duration};

use super::{BUCKET_S, NANOS, REACH_S};
use crate::plan::TimeRange;
use crate::sql::statement::Parameters;
use crate::sql::windows::{Window, merge};

/// More quarters than the longest range has.
const ROWS_MAX: usize = 40_000;

/// The stretches of a range that are to be read from the observations; empty when the roll-up has it all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stale {
    pub(super) windows: Vec<Window>,
}

impl Stale {
    /// From the starts of quarters, in seconds since 1970: few stretches that hold all of them.
    pub(crate) fn covering(starts_s: impl IntoIterator<Item = i64>) -> Self {
        let quarter = |start_s: i64| Window {
            first_ns: start_s.saturating_mul(NANOS),
            last_ns: start_s.saturating_add(BUCKET_S).saturating_mul(NANOS) - 1,
        };
        Self {
            windows: merge(starts_s.into_iter().map(quarter).collect()),
        }
    }

    /// All of a range: what no roll-up keeps apart is read from the observations.
    pub(crate) fn all(range: TimeRange) -> Self {
        let (from, to) = (crate::plan::to_nanos(range.from), crate::plan::to_nanos(range.to));
        Self {
            windows: vec![Window {
                first_ns: from,
                last_ns: to - 1,
            }],
        }
    }

    pub(super) fn covers(&self, range: TimeRange) -> bool {
        let (from, to) = (crate::plan::to_nanos(range.from), crate::plan::to_nanos(range.to));
        self.windows
            .iter()
            .any(|window| window.first_ns <= from && window.last_ns >= to - 1)
    }
}

/// The quarters of the range, which begins and ends with one, whose newest mark within reach is younger than
/// what their roll-up covers, or that have none. Quarters without a mark have no observations.
pub(crate) fn stale(project: ProjectId, range: TimeRange) -> SqlQuery {
    let mut parameters = Parameters::new(project);
    let quarters = marked_quarters(range, &mut parameters);
    let text = format!("{quarters}\nWHERE is_in_range AND covered <= marked\nORDER BY bucket");
    parameters.into_query(text, ROWS_MAX)
}

/// `SELECT bucket_s FROM ...` with the columns `bucket`, `marked`, `covered` and `is_in_range` to choose by.
pub(super) fn marked_quarters(range: TimeRange, parameters: &mut Parameters) -> String {
    let (from, to) = (parameters.seconds(range.from), parameters.seconds(range.to));
    let reach = Duration::seconds(REACH_S);
    // Storage's seconds begin in 1970, and would wrap around.
    let near_from = parameters.seconds((range.from - reach).max(DateTime::UNIX_EPOCH));
    let near_to = parameters.seconds(range.to + reach);
    format!(
        "\
SELECT toInt64(toUnixTimestamp(bucket)) AS bucket_s
FROM (
    SELECT bucket, bucket >= {from} AND bucket < {to} AS is_in_range,
        max(newest) OVER (ORDER BY toInt64(toUnixTimestamp(bucket)) RANGE BETWEEN {REACH_S} PRECEDING AND {REACH_S} FOLLOWING)
            AS marked
    FROM (
        SELECT bucket, max(marked_at) AS newest
        FROM usage_marks
        WHERE project_id = {{project_id:String}}
            AND bucket >= {near_from} AND bucket < {near_to}
        GROUP BY bucket
    )
) AS marks
LEFT JOIN (
    SELECT bucket, argMax(covers_until, computed_at) AS covered
    FROM usage_15m
    WHERE project_id = {{project_id:String}}
        AND bucket >= {from} AND bucket < {to}
    GROUP BY bucket
) AS computed USING (bucket)"
    )
}

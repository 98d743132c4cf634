//! Traces counted: over time, and by the values of a field.

use brokle_model::id::ProjectId;
use brokle_storage::telemetry::SqlQuery;

use super::condition::{self, ENTRY_NAME};
use super::statement::Parameters;
use crate::plan::{BUCKETS_MAX, Histogram, TimeRange, to_nanos};

/// Traces per bucket of time, each counted once, in the bucket of its earliest entry inside the range.
/// Buckets without any are absent from the answer.
pub(crate) fn histogram(plan: &Histogram) -> SqlQuery {
    let mut parameters = Parameters::new(plan.project);
    let mut conditions = entries_within(plan.range, &mut parameters);
    conditions.extend(condition::conditions(&plan.filter, plan.range, &mut parameters));
    let text = format!(
        "\
SELECT intDiv(toUnixTimestamp64Milli(first_start), {interval_ms}) * {interval_ms} AS bucket_ms,
    count() AS trace_count, countIf(status = 2) AS error_count
FROM (
    SELECT trace_id, min(start_time) AS first_start, argMin(status_code, (start_time, span_id)) AS status
    FROM observations_core
    WHERE {conditions}
    GROUP BY trace_id
)
GROUP BY bucket_ms
ORDER BY bucket_ms",
        interval_ms = plan.interval_ms,
        conditions = conditions.join("\n        AND "),
    );
    parameters.into_query(text, usize::try_from(BUCKETS_MAX).unwrap_or(usize::MAX) + 1)
}

/// A field whose frequent values are offered for filtering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facet {
    /// Its name in the filter language.
    pub(crate) field: &'static str,
    expression: &'static str,
    of_entries: bool,
}

/// The fields offered, in the order in which they are shown.
pub(crate) const FACETS: [Facet; 5] = [
    Facet {
        field: "environment",
        expression: "toString(environment)",
        of_entries: true,
    },
    Facet {
        field: "model",
        expression: "toString(if(model != '', model, model_requested))",
        of_entries: false,
    },
    Facet {
        field: "status",
        expression: "transform(status_code, [1, 2], ['ok', 'error'], 'unset')",
        of_entries: true,
    },
    Facet {
        field: "name",
        expression: "",
        of_entries: true,
    },
    Facet {
        field: "user",
        expression: "user_id",
        of_entries: false,
    },
];

/// Values offered per field.
const VALUES_MAX: usize = 20;

/// The values of a field with the most traces. Counts are exact up to some ten thousand traces and close
/// beyond.
pub(crate) fn facet(project: ProjectId, range: TimeRange, facet: Facet) -> SqlQuery {
    let mut parameters = Parameters::new(project);
    let mut conditions = entries_within(range, &mut parameters);
    if !facet.of_entries {
        conditions.pop();
    }
    let entry_name = format!("toString({ENTRY_NAME})");
    let expression = if facet.expression.is_empty() {
        &entry_name
    } else {
        facet.expression
    };
    let text = format!(
        "\
SELECT {expression} AS value, uniq(trace_id) AS trace_count
FROM observations_core
WHERE {}
GROUP BY value
HAVING value != ''
ORDER BY trace_count DESC, value
LIMIT {VALUES_MAX}",
        conditions.join("\n    AND ")
    );
    parameters.into_query(text, VALUES_MAX)
}

/// The rows of the range; the last condition keeps entries only.
fn entries_within(range: TimeRange, parameters: &mut Parameters) -> Vec<String> {
    vec![
        "project_id = {project_id:String}".to_owned(),
        format!("start_time >= {}", parameters.time(to_nanos(range.from))),
        format!("start_time < {}", parameters.time(to_nanos(range.to))),
        "is_deleted = 0".to_owned(),
        "is_entry".to_owned(),
    ]
}

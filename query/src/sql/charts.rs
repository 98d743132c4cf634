//! Traces counted over time, where the roll-up cannot: in narrow buckets, and under filters that ask more of
//! a trace than its name, status, environment and service. And the fields whose values are offered.

use brokle_model::telemetry::TRACE_ROW_TYPE;
use brokle_storage::telemetry::SqlQuery;
use serde::Deserialize;
use utoipa::ToSchema;

use super::condition;
use super::statement::Parameters;
use crate::plan::{BUCKETS_MAX, Dimension, Histogram, TimeRange, to_nanos};

/// Buckets up to this width are narrow beside the traces themselves.
const NARROW_INTERVAL_MS: i64 = 15 * 60 * 1_000;

/// Traces per bucket of time. Buckets without any are absent from the answer.
///
/// In narrow buckets each trace counts once, where its earliest entry of the range is. Over long ranges that
/// would mean a table of millions of traces; there a trace counts once in each bucket in which it has an
/// entry, which is the same for all but the few that lie across a border.
pub(crate) fn histogram(plan: &Histogram) -> SqlQuery {
    let mut parameters = Parameters::new(plan.project);
    let mut conditions = entries_within(plan.range, &mut parameters);
    conditions.extend(condition::conditions(
        &plan.filter,
        plan.range,
        None,
        &mut parameters,
    ));
    let conditions = conditions.join("\n    AND ");
    let bucket = |start: &str| {
        let interval_ms = plan.interval_ms;
        format!("intDiv(toUnixTimestamp64Milli({start}), {interval_ms}) * {interval_ms} AS bucket_ms")
    };
    let text = if plan.interval_ms <= NARROW_INTERVAL_MS {
        format!(
            "\
SELECT {}, count() AS trace_count, countIf(status = 2) AS error_count
FROM (
    SELECT min(start_time) AS first_start, argMin(status_code, (type = '{TRACE_ROW_TYPE}', start_time, span_id)) AS status
    FROM observations_core
    WHERE {conditions}
    GROUP BY reinterpretAsUInt128(trace_id)
)
GROUP BY bucket_ms
ORDER BY bucket_ms",
            bucket("first_start")
        )
    } else {
        format!(
            "\
SELECT {}, uniqExact(cityHash64(trace_id)) AS trace_count,
    uniqExactIf(cityHash64(trace_id), status_code = 2) AS error_count
FROM observations_core
WHERE {conditions}
GROUP BY bucket_ms
ORDER BY bucket_ms",
            bucket("start_time")
        )
    };
    parameters.into_query(text, usize::try_from(BUCKETS_MAX).unwrap_or(usize::MAX) + 1)
}

/// A field whose frequent values are offered for filtering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facet {
    /// Its name in the filter language.
    pub(crate) field: &'static str,
    pub(super) source: FacetSource,
}

/// What knows a field's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FacetSource {
    /// A dimension of which a trace has one value.
    Dimension(Dimension),
    /// A trace may have several values.
    OfTrace,
}

const fn of_entry(field: &'static str, dimension: Dimension) -> Facet {
    Facet {
        field,
        source: FacetSource::Dimension(dimension),
    }
}

const fn of_trace(field: &'static str) -> Facet {
    Facet {
        field,
        source: FacetSource::OfTrace,
    }
}

/// The fields offered, in the order in which they are shown.
pub(crate) const FACETS: [Facet; 9] = [
    of_entry("environment", Dimension::Environment),
    of_trace("model"),
    of_entry("status", Dimension::Status),
    of_entry("name", Dimension::Name),
    of_entry("user", Dimension::User),
    of_trace("provider"),
    of_trace("type"),
    of_trace("tag"),
    of_entry("service", Dimension::Service),
];

/// A field of [`FACETS`], as callers name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FacetName {
    Environment,
    Model,
    Status,
    Name,
    User,
    Provider,
    Type,
    Tag,
    Service,
}

impl FacetName {
    pub(crate) const fn facet(self) -> Facet {
        FACETS[self as usize]
    }
}

/// Values offered per field.
pub(crate) const FACET_VALUES_MAX: usize = 20;

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

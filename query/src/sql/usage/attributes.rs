//! The attributes that observations carry, and their frequent values.

use brokle_model::id::ProjectId;
use brokle_storage::telemetry::SqlQuery;

use super::compute::{background, quarters_of};
use super::read::{UsageQuery, fresh};
use super::{BUCKET_S, Stale};
use crate::plan::{AttributeScope, Attributes, TimeRange, to_nanos};
use crate::sql::condition::contains;
use crate::sql::statement::Parameters;
use crate::sql::windows::Window;

/// Longer values are no good for a list to choose from.
const VALUE_CHARACTERS_MAX: usize = 128;
/// Values kept per key and quarter, and keys with values per quarter.
const VALUES_PER_KEY_MAX: usize = 20;
const FOUND_MAX: usize = 5_000;

/// Computes the quarters of a range that begins and ends with one, each a row.
pub(crate) fn compute_attributes(project: ProjectId, range: TimeRange) -> SqlQuery {
    let mut parameters = Parameters::new(project);
    let window = Window {
        first_ns: to_nanos(range.from),
        last_ns: to_nanos(range.to) - 1,
    };
    let carried = carried(&[window], &mut parameters);
    let quarters = quarters_of(range, &mut parameters);
    let text = format!(
        "\
INSERT INTO attributes_15m (project_id, bucket, retention_days, computed_at, found.scope, found.key, found.value, found.observations)
SELECT {{project_id:String}}, bucket, retention_days, now64(6, 'UTC'), scopes, keys, found_values, counts
FROM {quarters} AS asked
LEFT JOIN (
    SELECT bucket, groupArray(scope) AS scopes, groupArray(key) AS keys, groupArray(value) AS found_values,
        groupArray(observations) AS counts
    FROM (
        SELECT bucket, scope, key, value, observations
        FROM (
            SELECT bucket, scope, key, value, count() AS observations
            FROM {carried}
            GROUP BY bucket, scope, key, value
            ORDER BY observations DESC, value
            LIMIT {VALUES_PER_KEY_MAX} BY bucket, scope, key
        )
        ORDER BY observations DESC, scope, key, value
        LIMIT {FOUND_MAX} BY bucket
    )
    GROUP BY bucket
) AS counted USING (bucket)"
    );
    background(parameters.into_query(text, 0))
}

/// The keys, or the values of one key, with the observations that carry them; most first.
pub(crate) fn attributes(plan: &Attributes, query: &UsageQuery<'_>) -> SqlQuery {
    let mut parameters = Parameters::new(plan.project);
    let mut parts = Vec::new();
    if !query.stale.covers(query.range) {
        let conditions = fresh(query, &mut parameters);
        parts.push(format!(
            "    SELECT found.scope AS scope, found.key AS key, found.value AS value, found.observations AS observations\n    \
             FROM attributes_15m FINAL\n    ARRAY JOIN found\n    WHERE {}",
            conditions.join(" AND ")
        ));
    }
    if !query.stale.windows.is_empty() {
        let carried = carried(&query.stale.windows, &mut parameters);
        parts.push(format!(
            "    SELECT scope, key, value, count() AS observations\n    FROM {carried}\n    GROUP BY scope, key, value"
        ));
    }
    let mut conditions = Vec::new();
    if let Some(scope) = plan.scope {
        conditions.push(format!("scope = '{}'", scope.word()));
    }
    let chosen = if let Some(key) = &plan.key {
        conditions.push(format!("key = {}", parameters.text(key)));
        conditions.push("value != ''".to_owned());
        "value"
    } else {
        "key"
    };
    if let Some(text) = &plan.text {
        conditions.push(contains(chosen, text, &mut parameters));
    }
    if conditions.is_empty() {
        conditions.push("true".to_owned());
    }
    let shown = if chosen == "key" { "''" } else { "value" };
    let text = format!(
        "\
SELECT toString(scope) AS found_scope, toString(key) AS found_key, {shown} AS found_value,
    toUInt64(sum(observations)) AS found_observations
FROM (
{parts}
)
WHERE {conditions}
GROUP BY found_scope, found_key, found_value
ORDER BY found_observations DESC, found_scope, found_key, found_value
LIMIT {limit}",
        parts = parts.join("\n    UNION ALL\n"),
        conditions = conditions.join(" AND "),
        limit = plan.limit,
    );
    parameters.into_query(text, plan.limit)
}

/// A subquery with a row for each attribute of each observation of the windows, in its latest version.
fn carried(windows: &[Window], parameters: &mut Parameters) -> String {
    let is_within = parameters.is_within(windows);
    let texts = |scope: AttributeScope, column: &str| {
        format!(
            "arrayMap((name, text) -> ('{scope}', toString(name), if(lengthUTF8(text) <= {VALUE_CHARACTERS_MAX}, text, '')), \
             mapKeys({column}), mapValues({column}))",
            scope = scope.word()
        )
    };
    let printed = |column: &str| {
        format!(
            "arrayMap((name, value) -> ('attribute', toString(name), toString(value)), mapKeys({column}), mapValues({column}))"
        )
    };
    format!(
        "\
(
    SELECT bucket, pair.1 AS scope, pair.2 AS key, pair.3 AS value
    FROM (
        SELECT bucket, arrayConcat({strings}, {ints}, {bools}, {resource}, {metadata}) AS pairs
        FROM (
            SELECT toDateTime(intDiv(toUnixTimestamp(start_time), {BUCKET_S}) * {BUCKET_S}, 'UTC') AS bucket, is_deleted,
                attributes_string, attributes_int, attributes_bool, resource_string, metadata
            FROM observations
            WHERE project_id = {{project_id:String}}
                AND {is_within}
            ORDER BY version DESC
            LIMIT 1 BY trace_id, span_id
        )
        WHERE is_deleted = 0
    )
    ARRAY JOIN pairs AS pair
)",
        strings = texts(AttributeScope::Attribute, "attributes_string"),
        ints = printed("attributes_int"),
        bools = printed("attributes_bool"),
        resource = texts(AttributeScope::Resource, "resource_string"),
        metadata = texts(AttributeScope::Metadata, "metadata"),
    )
}

/// What of the plan's range is read from where is the same as for figures.
pub(crate) fn attribute_query<'a>(plan: &'a Attributes, stale: &'a Stale) -> UsageQuery<'a> {
    UsageQuery {
        project: plan.project,
        range: plan.range,
        stale,
        only: &[],
        filter: None,
        measures: &[],
        bucket_s: BUCKET_S,
    }
}

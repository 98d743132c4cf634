//! Rolling up: what is to be computed, and the statement that does it.

use std::time::Duration;

use brokle_model::id::ProjectId;
use brokle_model::telemetry::RETENTION_DAYS;
use brokle_storage::maintenance::ProjectsQuery;
use brokle_storage::telemetry::{QueryLimits, SqlQuery};
use chrono::{DateTime, Utc};

use super::BUCKET_S;
use super::families::Family;
use super::measures::Measure;
use super::observed::observed;
use super::stale::marked_quarters;
use crate::plan::TimeRange;
use crate::plan::to_nanos;
use crate::sql::statement::Parameters;
use crate::sql::windows::Window;

/// Nobody waits for it, and it must end.
const TIMEOUT: Duration = Duration::from_mins(2);
/// Many times the busiest quarters that one statement is meant for; more fails rather than take the machine.
const ROWS_TO_READ_MAX: u64 = 50_000_000;
const PROJECTS_MAX: u64 = 1_000_000;

/// Projects with a mark since `since`.
pub(crate) fn marked_projects(since: DateTime<Utc>) -> ProjectsQuery {
    ProjectsQuery {
        text: "SELECT DISTINCT project_id FROM usage_marks WHERE marked_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')"
            .to_owned(),
        params: vec![("since".to_owned(), since.timestamp_micros().to_string())],
        limits: QueryLimits {
            rows_to_read_max: 0,
            result_rows_max: PROJECTS_MAX,
            timeout: TIMEOUT,
        },
    }
}

/// The newest quarters that are to be computed: marked since they were, and by nobody within reach for
/// `settle`, so that no insert is still on its way whose mark was seen before its rows.
pub(crate) fn pending(
    project: ProjectId,
    range: TimeRange,
    settle: Duration,
    quarters_max: usize,
) -> SqlQuery {
    let mut parameters = Parameters::new(project);
    let quarters = marked_quarters(range, &mut parameters);
    let settle = parameters.number(micros(settle));
    let text = format!(
        "{quarters}\nWHERE is_in_range AND covered <= marked AND marked <= now64(6, 'UTC') - toIntervalMicrosecond({settle})\n\
         ORDER BY bucket DESC\nLIMIT {quarters_max}"
    );
    parameters.into_query(text, quarters_max)
}

/// Computes the quarters of a range that begins and ends with one, each a row, also where there is nothing
/// (any more). The row covers marks up to `settle` before now: rows of younger ones may not have been visible.
pub(crate) fn compute(project: ProjectId, range: TimeRange, settle: Duration) -> SqlQuery {
    let mut parameters = Parameters::new(project);
    let window = Window {
        first_ns: to_nanos(range.from),
        last_ns: to_nanos(range.to) - 1,
    };
    let observed = observed(&[window], BUCKET_S, &mut parameters);
    let quarters = quarters_of(range, &mut parameters);
    let settle = parameters.number(micros(settle));
    let mut columns = Vec::new();
    let mut collected = Vec::new();
    for (number, family) in Family::ALL.into_iter().enumerate() {
        for column in family.columns() {
            let name = format!("{}_{column}", family.name());
            columns.push(format!("{}.{column}", family.name()));
            let source = family
                .dimensions()
                .iter()
                .find(|dimension| dimension.column() == column);
            let source = source.map_or(column, |dimension| family.of_observation(*dimension));
            collected.push(format!("groupArrayIf({source}, family = {number}) AS {name}"));
        }
    }
    let grouping_sets = Family::ALL.map(|family| {
        let keys: Vec<&str> = family
            .dimensions()
            .iter()
            .map(|dimension| family.of_observation(*dimension))
            .collect();
        format!("(bucket, {})", keys.join(", "))
    });
    let mut keys: Vec<&str> = Vec::new();
    for family in Family::ALL {
        for dimension in family.dimensions() {
            let key = family.of_observation(*dimension);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    let measures = Measure::ALL.map(|measure| format!("{} AS {}", measure.counted(), alias(measure)));
    let renamed = Measure::ALL.map(|measure| format!("{} AS {}", alias(measure), measure.column()));
    let names: Vec<String> = Family::ALL
        .into_iter()
        .flat_map(|family| {
            family
                .columns()
                .map(move |column| format!("{}_{column}", family.name()))
        })
        .collect();
    let text = format!(
        "\
INSERT INTO usage_15m (project_id, bucket, retention_days, computed_at, covers_until, {columns}, facets.field, facets.value, facets.traces)
SELECT {{project_id:String}}, bucket, retention_days, now64(6, 'UTC'),
    now64(6, 'UTC') - toIntervalMicrosecond({settle}),
    {names},
    arrayMap(key -> splitByChar('\\0', key)[1], mapKeys(facets)), arrayMap(key -> splitByChar('\\0', key)[2], mapKeys(facets)),
    mapValues(facets)
FROM {quarters} AS asked
LEFT JOIN (
    SELECT bucket, sumMapIf(facets, family = 1) AS facets,
        {collected}
    FROM (
        SELECT bucket, {keys}, family, facets, {renamed}
        FROM (
            SELECT bucket, {keys},
                multiIf(grouping(type) = 0, 0, grouping(trace_name) = 0, 1, grouping(session_id) = 0, 3, 2) AS family,
                sumMapIf(mapFromArrays(arrayMap(pair -> concat(pair.1, '\\0', pair.2), values),
                    arrayMap(pair -> toUInt64(1), values)), is_first) AS facets,
                {measures}
            FROM {observed}
            GROUP BY GROUPING SETS ({grouping_sets})
        )
    )
    GROUP BY bucket
) AS counted USING (bucket)",
        columns = columns.join(", "),
        names = names.join(", "),
        collected = collected.join(",\n        "),
        keys = keys.join(", "),
        renamed = renamed.join(", "),
        measures = measures.join(",\n                "),
        grouping_sets = grouping_sets.join(", "),
    );
    background(parameters.into_query(text, 0))
}

/// A subquery with the quarters of a range, whether there is anything in them or not. A quarter's row is kept for
/// as long as the observation in it that is kept longest.
pub(super) fn quarters_of(range: TimeRange, parameters: &mut Parameters) -> String {
    let (from, to) = (parameters.seconds(range.from), parameters.seconds(range.to));
    format!(
        "\
(
    SELECT bucket, if(days = 0, {RETENTION_DAYS}, days) AS retention_days
    FROM (
        SELECT toDateTime(arrayJoin(range(toUnixTimestamp({from}), toUnixTimestamp({to}), {BUCKET_S})), 'UTC') AS bucket
    ) AS every
    LEFT JOIN (
        SELECT bucket, max(retention_days) AS days
        FROM usage_marks
        WHERE project_id = {{project_id:String}} AND bucket >= {from} AND bucket < {to}
        GROUP BY bucket
    ) AS marked USING (bucket)
)"
    )
}

/// A statement that nobody waits for.
pub(super) fn background(statement: SqlQuery) -> SqlQuery {
    SqlQuery {
        limits: QueryLimits {
            rows_to_read_max: ROWS_TO_READ_MAX,
            result_rows_max: 0,
            timeout: TIMEOUT,
        },
        ..statement
    }
}

/// A name for a figure while the columns that it is counted from are still in sight.
fn alias(measure: Measure) -> String {
    format!("n_{}", measure.column())
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

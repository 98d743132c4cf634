//! The statements of tail sampling. Everything is computed where the rows are; what comes back are counts.

use std::time::Duration;

use brokle_model::id::ProjectId;
use brokle_model::telemetry_settings::TailSampling;
use brokle_storage::maintenance::ProjectsQuery;
use brokle_storage::telemetry::{QueryLimits, SqlQuery};
use chrono::{DateTime, TimeDelta, Utc};

/// What the marks of inserts are about.
pub(super) const QUARTER: TimeDelta = TimeDelta::minutes(15);
/// How far around a window the rest of its traces is looked for. What is farther apart is decided by what is near.
pub(super) const REACH: TimeDelta = TimeDelta::hours(1);

/// Nobody waits for these, and they must end.
const TIMEOUT: Duration = Duration::from_mins(2);
const ROWS_TO_READ_MAX: u64 = 50_000_000;
const PROJECTS_MAX: u64 = 1_000_000;
const QUARTERS_MAX: u64 = 100_000;

/// Whether an observation failed: the same words as in the lists.
const FAILED: &str = "(status_code = 2 OR lower(level) = 'error')";

/// A stretch of time, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from_s: i64,
    pub(super) until_s: i64,
}

/// Projects that anything was inserted for since `since`.
pub(super) fn marked_projects(since: DateTime<Utc>) -> ProjectsQuery {
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

/// The quarters of an hour that inserts have touched since `since`, in order.
pub(super) fn marked_quarters(project: ProjectId, since: DateTime<Utc>) -> SqlQuery {
    let text = "\
SELECT toInt64(toUnixTimestamp(bucket)) AS bucket
FROM (
    SELECT bucket, max(marked_at) AS marked
    FROM usage_marks
    WHERE project_id = {project_id:String}
    GROUP BY bucket
)
WHERE marked >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
ORDER BY bucket";
    let query = background(project, text).bind("since", since.timestamp_micros().to_string());
    SqlQuery {
        limits: QueryLimits {
            result_rows_max: QUARTERS_MAX,
            ..query.limits
        },
        ..query
    }
}

/// When the project was last decided about, in microseconds since 1970; zero for never.
pub(super) fn last_decision(project: ProjectId) -> SqlQuery {
    let text = "\
SELECT toUnixTimestamp64Micro(max(decided_at)) AS decided
FROM trace_decisions
WHERE project_id = {project_id:String}";
    background(project, text)
}

/// Decides the traces that have an observation in the window, nothing newer than `quiet_since`, and no decision.
pub(super) fn decide(
    project: ProjectId,
    tail: &TailSampling,
    window: Window,
    quiet_since: DateTime<Utc>,
) -> SqlQuery {
    let mut reasons = Vec::new();
    if tail.errors {
        reasons.push("errors > 0, 'error'");
    }
    if tail.slower_than_ms.is_some() {
        reasons.push("dateDiff('millisecond', trace_start, trace_end) > {slower_than_ms:UInt64}, 'slow'");
    }
    if tail.costs_more_than.is_some() {
        reasons.push("cost > toDecimal128({costs_more_than:String}, 12), 'cost'");
    }
    let merit = if reasons.is_empty() {
        "''".to_owned()
    } else {
        format!("multiIf({}, '')", reasons.join(", "))
    };
    let is_rest = "merit = '' AND fate < {rest:Float64}";
    let is_free = if tail.rest_per_minute_max.is_some() {
        " AND place + already <= {rest_per_minute_max:UInt64}"
    } else {
        ""
    };
    let text = format!(
        "\
INSERT INTO trace_decisions (project_id, trace_id, trace_start, decided_at, kept, reason, retention_days)
SELECT {{project_id:String}}, trace_id, trace_start, now64(6, 'UTC'), kept, reason, retention_days
FROM (
    SELECT trace_id, trace_start, retention_days,
        multiIf(merit != '', merit, {is_rest}{is_free}, 'rest', '') AS reason, reason != '' AS kept
    FROM (
        SELECT trace_id, trace_start, retention_days, merit, fate, minute,
            row_number() OVER (PARTITION BY minute, {is_rest} ORDER BY fate, trace_id) AS place
        FROM (
            SELECT trace_id, trace_start, retention_days, {merit} AS merit,
                sipHash64(trace_id) / 18446744073709551616.0 AS fate, toStartOfMinute(trace_start) AS minute
            FROM (
                SELECT trace_id, min(o_start) AS trace_start, max(o_end) AS trace_end, countIf(o_failed) AS errors,
                    sumIf(o_cost, o_counts) AS cost, max(o_days) AS retention_days
                FROM (
                    SELECT trace_id, span_id, start_time AS o_start, end_time AS o_end, version AS o_version,
                        is_deleted AS o_deleted, {FAILED} AS o_failed, total_cost AS o_cost, counts_usage AS o_counts,
                        retention_days AS o_days
                    FROM observations_core
                    WHERE project_id = {{project_id:String}} AND {near}
                    ORDER BY version DESC
                    LIMIT 1 BY trace_id, span_id
                )
                WHERE NOT o_deleted
                GROUP BY trace_id
                HAVING max(o_version) <= {{quiet_since:UInt64}} AND countIf({within}) > 0
            )
            WHERE trace_id GLOBAL NOT IN (
                SELECT trace_id FROM trace_decisions WHERE project_id = {{project_id:String}} AND {decided_near}
            )
        )
    ) AS found
    GLOBAL LEFT JOIN (
        SELECT toStartOfMinute(trace_start) AS minute, uniqExact(trace_id) AS already
        FROM trace_decisions
        WHERE project_id = {{project_id:String}} AND reason = 'rest' AND {decided_near}
        GROUP BY minute
    ) AS kept_before USING (minute)
)",
        near = around("start_time", 1),
        within = around("o_start", 0),
        decided_near = around("trace_start", 3),
    );
    let quiet_since = u64::try_from(quiet_since.timestamp_nanos_opt().unwrap_or(0)).unwrap_or(0);
    let mut query = in_window(background(project, text), window)
        .bind("quiet_since", quiet_since.to_string())
        .bind("rest", tail.rest.to_string());
    if let Some(milliseconds) = tail.slower_than_ms {
        query = query.bind("slower_than_ms", milliseconds.to_string());
    }
    if let Some(cost) = tail.costs_more_than {
        query = query.bind("costs_more_than", cost.to_string());
    }
    if let Some(most) = tail.rest_per_minute_max {
        query = query.bind("rest_per_minute_max", most.to_string());
    }
    query
}

/// How many observations of dropped traces are there still.
pub(super) fn count_doomed(project: ProjectId, window: Window) -> SqlQuery {
    let text = format!("SELECT count() AS items\nFROM {}", doomed());
    in_window(background(project, text), window)
}

/// Replaces the observations of dropped traces by tombstones. The views see those: lists forget the traces, and the
/// quarters that they were in are charted anew.
pub(super) fn bury(project: ProjectId, window: Window) -> SqlQuery {
    let text = format!(
        "\
INSERT INTO observations (project_id, trace_id, span_id, start_time, version, is_deleted, retention_days)
SELECT {{project_id:String}}, trace_id, span_id, start_time, version + 1, 1, retention_days
FROM {}",
        doomed()
    );
    in_window(background(project, text), window)
}

fn doomed() -> String {
    format!(
        "\
(
    SELECT trace_id, span_id, start_time, version, is_deleted, retention_days
    FROM observations_core
    WHERE project_id = {{project_id:String}} AND {near}
        AND trace_id GLOBAL IN (
            SELECT trace_id
            FROM trace_decisions
            WHERE project_id = {{project_id:String}} AND {decided_near}
            GROUP BY trace_id
            HAVING NOT argMin(kept, decided_at)
        )
    ORDER BY version DESC
    LIMIT 1 BY trace_id, span_id, start_time
)
WHERE is_deleted = 0",
        near = around("start_time", 1),
        decided_near = around("trace_start", 3),
    )
}

/// The condition that a time is in the window, or as many reaches around it.
fn around(column: &str, reaches: i32) -> String {
    let seconds = REACH.num_seconds() * i64::from(reaches);
    format!(
        "{column} >= toDateTime64({{from_s:Int64}} - {seconds}, 9, 'UTC') \
         AND {column} < toDateTime64({{until_s:Int64}} + {seconds}, 9, 'UTC')"
    )
}

fn in_window(query: SqlQuery, window: Window) -> SqlQuery {
    query
        .bind("from_s", window.from_s.to_string())
        .bind("until_s", window.until_s.to_string())
}

fn background(project: ProjectId, text: impl Into<String>) -> SqlQuery {
    SqlQuery {
        limits: QueryLimits {
            rows_to_read_max: ROWS_TO_READ_MAX,
            result_rows_max: 10,
            timeout: TIMEOUT,
        },
        ..SqlQuery::new(project, text)
    }
}

//! The observations themselves, each once, in its latest version, with what its trace says.

use brokle_model::telemetry::TRACE_ROW_TYPE;

use super::{NANOS, REACH_S};
use crate::sql::condition::FAILED;
use crate::sql::statement::Parameters;
use crate::sql::windows::{Window, merge};

/// What is read of an observation, under the name that rows have.
const COLUMNS: [(&str, &str); 22] = [
    ("span_id", "span_id"),
    ("start_time", "start_time"),
    ("end_time", "end_time"),
    ("type", "toString(type)"),
    ("failed", FAILED),
    ("environment", "toString(environment)"),
    ("provider", "toString(provider)"),
    ("model", "toString(if(model != '', model, model_requested))"),
    ("counts_usage", "counts_usage"),
    ("input_tokens", "input_tokens"),
    ("output_tokens", "output_tokens"),
    ("cache_read_tokens", "cache_read_tokens"),
    ("cache_write_tokens", "cache_write_tokens"),
    ("reasoning_tokens", "reasoning_tokens"),
    ("total_cost", "total_cost"),
    ("time_to_first_token_us", "time_to_first_token_us"),
    ("is_entry", "is_entry"),
    // Of these only the trace knows.
    ("own_name", "toString(name)"),
    ("own_trace_name", "toString(trace_name)"),
    ("own_user_id", "user_id"),
    ("own_session_id", "session_id"),
    ("own_tags", "CAST(tags, 'Array(String)')"),
];
/// How many of them stay with the observation.
const KEPT: usize = 16;

/// A subquery with one row per observation that starts inside of the windows. Copies are told apart within
/// the windows and [`REACH_S`] around them, which is also where the rest of each trace is looked for. What the
/// row of the trace says goes first, then the root's word, then what is said earliest. That row is here only where
/// it is all that there is of a trace.
pub(super) fn observed(windows: &[Window], bucket_s: i64, parameters: &mut Parameters) -> String {
    let reach = REACH_S * NANOS;
    let wide = windows.iter().map(|window| Window {
        first_ns: window.first_ns.saturating_sub(reach),
        last_ns: window.last_ns.saturating_add(reach),
    });
    let is_within = parameters.is_within(windows);
    let is_near = parameters.is_within(&merge(wide.collect()));
    let kept: Vec<&str> = COLUMNS.iter().take(KEPT).map(|(name, _)| *name).collect();
    let read: Vec<String> = COLUMNS
        .iter()
        .map(|(name, expression)| format!("{expression} AS o_{name}"))
        .collect();
    let is_observation = format!("(o_type != '{TRACE_ROW_TYPE}')");
    let first_of = |column: &str| {
        format!("argMinIf(o_{column}, ({is_observation}, NOT o_is_entry, o_start_time), o_{column} != '')")
    };
    let of_entry = |column: &str| {
        format!("argMin(o_{column}, (NOT o_is_entry, NOT {is_observation}, o_start_time, o_span_id))")
    };
    let unpacked: Vec<String> = kept
        .iter()
        .enumerate()
        .map(|(index, name)| format!("row.{} AS {name}", index + 1))
        .collect();
    let is_within = is_within.replace("start_time", "o_start_time");
    format!(
        "\
(
    SELECT toDateTime(intDiv(toUnixTimestamp(row.2), {bucket_s}) * {bucket_s}, 'UTC') AS bucket, {unpacked},
        trace_start, trace_end, trace_status_code, trace_service_name, user_id, session_id, values,
        if(said_name != '', said_name, entry_name) AS trace_name,
        if(entry_environment != '', entry_environment, said_environment) AS trace_environment,
        if(environment != '', environment, trace_environment) AS own_environment,
        has_entry AND row.1 = entry_span AS is_first,
        type IN ('generation', 'embedding') AND (counts_usage OR input_tokens + output_tokens = 0) AS is_request
    FROM (
        SELECT trace_id, countIf({is_observation}) AS observations_found, max(o_is_entry) AS has_entry,
            if(observations_found > 0, minIf(o_start_time, {is_observation}), min(o_start_time)) AS trace_start,
            if(observations_found > 0, maxIf(o_end_time, {is_observation}), max(o_end_time)) AS trace_end,
            {entry_span} AS entry_span, {entry_name} AS entry_name, {entry_environment} AS entry_environment,
            {entry_status} AS trace_status_code, {entry_service} AS trace_service_name,
            {said_name} AS said_name, {said_environment} AS said_environment,
            {user} AS user_id, {session} AS session_id,
            arrayConcat(
                arrayMap(value -> ('model', value), groupUniqArrayIf(o_model, o_model != '')),
                arrayMap(value -> ('provider', value), groupUniqArrayIf(o_provider, o_provider != '')),
                arrayMap(value -> ('type', value), groupUniqArrayIf(o_type, {is_observation})),
                arrayMap(value -> ('tag', value), groupUniqArrayArray(o_own_tags))) AS values,
            groupArrayIf(({packed}), {is_within}) AS rows
        FROM (
            SELECT trace_id, is_deleted, status_code AS o_status_code, toString(service_name) AS o_service_name,
                {read}
            FROM observations_core
            WHERE project_id = {{project_id:String}}
                AND {is_near}
            ORDER BY version DESC
            LIMIT 1 BY trace_id, span_id
        )
        WHERE is_deleted = 0
        GROUP BY trace_id
        HAVING notEmpty(rows)
    )
    ARRAY JOIN rows AS row
    WHERE row.4 != '{TRACE_ROW_TYPE}' OR (has_entry AND row.1 = entry_span)
)",
        unpacked = unpacked.join(", "),
        entry_span = of_entry("span_id"),
        entry_name = of_entry("own_name"),
        entry_environment = of_entry("environment"),
        entry_status = of_entry("status_code"),
        entry_service = of_entry("service_name"),
        said_name = first_of("own_trace_name"),
        said_environment = first_of("environment"),
        user = first_of("own_user_id"),
        session = first_of("own_session_id"),
        packed = kept.iter().map(|name| format!("o_{name}")).collect::<Vec<_>>().join(", "),
        read = read.join(",\n                "),
    )
}

//! What a list says about each trace: its entry, and sums over its observations, each counted once however
//! often it was sent.

use brokle_model::id::{ProjectId, TraceId};
use brokle_model::telemetry::TRACE_ROW_TYPE;
use brokle_storage::telemetry::SqlQuery;

use super::condition::{self, ENTRY_NAME, FAILED};
use super::statement::Parameters;
use super::windows::Window;
use crate::filter::Filter;

/// One row per trace. The entry is the earliest entry row or, while none has arrived, the earliest row. What the
/// row of the trace says goes first, then the entry's word, then what is said earliest. That row is no observation;
/// it is a trace by itself only when the trace was created by it.
/// `is_match` says whether the trace, in its latest version, still meets the filter.
pub(crate) fn summaries(
    project: ProjectId,
    traces: &[TraceId],
    windows: &[Window],
    filter: &Filter,
) -> SqlQuery {
    let mut parameters = Parameters::new(project);
    let is_within = parameters.is_within(windows);
    let is_one_of = parameters.is_one_of(traces);
    let mut matches = condition::entry_conditions(filter, &mut parameters);
    if matches.is_empty() {
        matches.push("true".to_owned());
    }
    let is_match = matches.join(" AND ");
    let said_first = "(is_observation, NOT is_entry, start_time)";
    let text = format!(
        "\
SELECT *, {is_match} AS is_match
FROM (
    SELECT trace_id, entry.1 AS span_id, entry.2 AS entry_start, entry.3 AS type, entry.4 AS status_code,
        entry.5 AS service_name, entry.6 AS input_preview, entry.7 AS output_preview, shared_name AS trace_name,
        if(shared_name != '', shared_name, entry.8) AS name, if(entry.9 != '', entry.9, any_environment) AS environment,
        first_start, last_end, user_id, session_id, tags, models, observation_count, error_count,
        input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, total_cost
    FROM (
        SELECT trace_id,
            argMin((span_id, start_time, if(is_observation, toString(type), 'span'), status_code, toString(service_name),
                input_preview, output_preview, toString({ENTRY_NAME}), toString(environment)),
                (NOT is_entry, NOT is_observation, start_time, span_id)) AS entry,
            argMinIf(toString(trace_name), {said_first}, trace_name != '') AS shared_name,
            argMinIf(toString(environment), (NOT is_observation, NOT is_entry, start_time), environment != '') AS any_environment,
            argMinIf(user_id, {said_first}, user_id != '') AS user_id,
            argMinIf(session_id, {said_first}, session_id != '') AS session_id,
            arraySort(groupUniqArrayArray(CAST(tags, 'Array(String)'))) AS tags,
            arraySort(groupUniqArrayIf(toString(if(model != '', model, model_requested)),
                model != '' OR model_requested != '')) AS models,
            countIf(is_observation) AS observation_count, countIf({FAILED}) AS error_count,
            if(observation_count > 0, minIf(start_time, is_observation), min(start_time)) AS first_start,
            if(observation_count > 0, maxIf(end_time, is_observation), max(end_time)) AS last_end,
            sumIf(input_tokens, counts_usage) AS input_tokens,
            sumIf(output_tokens, counts_usage) AS output_tokens,
            sumIf(cache_read_tokens, counts_usage) AS cache_read_tokens,
            sumIf(cache_write_tokens, counts_usage) AS cache_write_tokens,
            sumIf(reasoning_tokens, counts_usage) AS reasoning_tokens,
            toString(sumIf(total_cost, counts_usage)) AS total_cost
        FROM (
            SELECT trace_id, span_id, start_time, end_time, is_deleted, name, type, type != '{TRACE_ROW_TYPE}' AS is_observation,
                level, status_code, environment, service_name, model_requested, model, trace_name, user_id, session_id,
                tags, is_entry, counts_usage, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
                reasoning_tokens, total_cost, input_preview, output_preview
            FROM observations_core
            WHERE project_id = {{project_id:String}}
                AND {is_within}
                AND {is_one_of}
            ORDER BY version DESC
            LIMIT 1 BY trace_id, span_id
        ) AS observation
        WHERE is_deleted = 0
        GROUP BY trace_id
        HAVING observation_count > 0 OR max(is_entry)
    )
)"
    );
    parameters.into_query(text, traces.len())
}

/// The metadata that observations of one trace carry, that of the trace's row first, then the entry's.
pub(crate) fn trace_metadata(project: ProjectId, trace: TraceId, window: Window) -> SqlQuery {
    let mut parameters = Parameters::new(project);
    let is_within = parameters.is_within(&[window]);
    let trace = parameters.id(&trace.to_string());
    let text = format!(
        "\
SELECT metadata
FROM (
    SELECT span_id, start_time, is_entry, type, is_deleted, metadata
    FROM observations
    WHERE project_id = {{project_id:String}}
        AND {is_within}
        AND trace_id = {trace}
    ORDER BY version DESC
    LIMIT 1 BY span_id
)
WHERE is_deleted = 0 AND notEmpty(metadata)
ORDER BY type = '{TRACE_ROW_TYPE}' DESC, is_entry DESC, start_time, span_id
LIMIT {METADATA_ROWS_MAX}"
    );
    parameters.into_query(text, METADATA_ROWS_MAX)
}

/// Observations whose metadata is merged into their trace's.
const METADATA_ROWS_MAX: usize = 100;

//! The queries of pricing again. Copies of a row are told apart by their version, as everywhere.

use std::time::Duration;

use brokle_model::id::ProjectId;
use brokle_storage::telemetry::{QueryLimits, SqlQuery};

use super::RepriceRequest;
use super::correct::Chunk;

pub(super) const MINUTE_NS: i64 = 60_000_000_000;

/// Pricing again is no page that somebody waits for.
const TIMEOUT: Duration = Duration::from_mins(5);

/// The first and the last start of a call within a range.
pub(super) fn extent(project: ProjectId, range: (i64, i64)) -> SqlQuery {
    let text = "\
SELECT count() AS calls, toUnixTimestamp64Nano(min(start_time)) AS first, toUnixTimestamp64Nano(max(start_time)) AS last
FROM observations_core
WHERE project_id = {project_id:String} AND counts_usage
    AND start_time >= fromUnixTimestamp64Nano({from:Int64}, 'UTC')
    AND start_time < fromUnixTimestamp64Nano({to:Int64}, 'UTC')";
    query(project, text, range, 10)
}

/// How many calls each minute of a range has, copies included.
pub(super) fn minutes(project: ProjectId, range: (i64, i64)) -> SqlQuery {
    let text = "\
SELECT toInt64(toUnixTimestamp(toStartOfMinute(start_time))) AS minute, count() AS calls
FROM observations_core
WHERE project_id = {project_id:String} AND counts_usage
    AND start_time >= fromUnixTimestamp64Nano({from:Int64}, 'UTC')
    AND start_time < fromUnixTimestamp64Nano({to:Int64}, 'UTC')
GROUP BY minute
ORDER BY minute";
    query(project, text, range, 50_000)
}

/// The calls of a range, with all that their price depends on.
pub(super) fn calls(request: &RepriceRequest, range: (i64, i64), rows: u64) -> SqlQuery {
    let of_model = if request.model.is_some() {
        " AND (model = {model:String} OR model_requested = {model:String})"
    } else {
        ""
    };
    let text = format!(
        "\
SELECT trace_id, span_id, toUnixTimestamp64Nano(start_time) AS start_ns, version, provider, model, model_requested,
    price_mode, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens,
    usage_details['cache_write_1h'] AS cache_write_1h, usage_details['audio_input'] AS audio_input,
    usage_details['image_input'] AS image_input, usage_details['audio_output'] AS audio_output,
    usage_details['image_output'] AS image_output,
    arrayStringConcat(arrayMap((name, cost) -> concat(name, '=', toString(cost)), mapKeys(cost_details),
        mapValues(cost_details)), ';') AS costs,
    toString(total_cost) AS total, toInt64(cost_source) AS source, price_version, size
FROM (
    SELECT trace_id, span_id, start_time, version, is_deleted, counts_usage, provider, model, model_requested,
        price_mode, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens,
        usage_details, cost_details, total_cost, cost_source, price_version,
        length(input) + length(output) + length(events) + length(links) AS size
    FROM observations
    WHERE project_id = {{project_id:String}}
        AND start_time >= fromUnixTimestamp64Nano({{from:Int64}}, 'UTC')
        AND start_time < fromUnixTimestamp64Nano({{to:Int64}}, 'UTC')
    ORDER BY version DESC
    LIMIT 1 BY trace_id, span_id, start_time
)
WHERE is_deleted = 0 AND counts_usage{of_model}
ORDER BY start_time, trace_id, span_id"
    );
    let query = query(request.project, &text, range, rows);
    match &request.model {
        Some(model) => query.bind("model", model),
        None => query,
    }
}

/// The whole rows among which a chunk's corrections are. Only rows of its models are sorted: what another
/// version says is seen by the version.
pub(super) fn rows(project: ProjectId, chunk: &Chunk) -> SqlQuery {
    let text = "\
SELECT *
FROM (
    SELECT *
    FROM observations
    WHERE project_id = {project_id:String}
        AND start_time >= fromUnixTimestamp64Nano({from:Int64}, 'UTC')
        AND start_time < fromUnixTimestamp64Nano({to:Int64}, 'UTC')
        AND counts_usage AND model IN {models:Array(String)}
    ORDER BY version DESC
    LIMIT 1 BY trace_id, span_id, start_time
)
WHERE is_deleted = 0";
    let (from_ns, to_ns) = chunk.range();
    let query = query(project, text, (from_ns, to_ns), u64::MAX >> 1);
    query.bind_array("models", chunk.models())
}

fn query(project: ProjectId, text: &str, range: (i64, i64), rows: u64) -> SqlQuery {
    let query = SqlQuery::new(project, text)
        .bind("from", range.0.to_string())
        .bind("to", range.1.to_string());
    let limits = QueryLimits {
        rows_to_read_max: 0,
        result_rows_max: rows,
        timeout: TIMEOUT,
    };
    SqlQuery { limits, ..query }
}

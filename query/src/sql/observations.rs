//! The observations of one trace. A page is chosen by its keys and sizes first, so that the wide columns
//! are read for that page only, and the page ends before it grows too large to hold.

use brokle_model::id::{SpanId, TraceId};
use brokle_model::telemetry::TRACE_ROW_TYPE;
use brokle_storage::telemetry::SqlQuery;

use super::statement::Parameters;
use super::windows::Window;
use crate::plan::ObservationList;

/// The next observations' ids, start times and sizes, oldest first.
pub(crate) fn observation_keys(list: &ObservationList, window: Window, rows: usize) -> SqlQuery {
    let mut parameters = Parameters::new(list.project);
    let is_within = parameters.is_within(&[window]);
    let trace = parameters.id(&list.trace.to_string());
    let after = list.cursor.map_or_else(String::new, |cursor| {
        let start = parameters.time(cursor.start_ns);
        let span = parameters.id(&cursor.span.to_string());
        format!(" AND (start_time, span_id) > ({start}, {span})")
    });
    let text = format!(
        "\
SELECT span_id, start_time, size
FROM (
    SELECT span_id, start_time, is_deleted, type,
        length(input) + length(output) + length(events) + length(links) AS size
    FROM observations
    WHERE project_id = {{project_id:String}}
        AND {is_within}
        AND trace_id = {trace}
    ORDER BY version DESC
    LIMIT 1 BY span_id
)
WHERE is_deleted = 0 AND type != '{TRACE_ROW_TYPE}'{after}
ORDER BY start_time, span_id
LIMIT {rows}"
    );
    parameters.into_query(text, rows)
}

/// All columns of these observations of one trace.
pub(crate) fn observation_rows(list: &ObservationList, window: Window, spans: &[SpanId]) -> SqlQuery {
    let mut parameters = Parameters::new(list.project);
    let is_within = parameters.is_within(&[window]);
    let trace = parameters.id(&TraceId::to_string(&list.trace));
    let spans_text = parameters.texts(spans.iter().map(SpanId::to_string));
    let text = format!(
        "\
SELECT *
FROM (
    SELECT {COLUMNS}
    FROM observations
    WHERE project_id = {{project_id:String}}
        AND {is_within}
        AND trace_id = {trace}
        AND span_id IN (SELECT toFixedString(unhex(arrayJoin({spans_text})), 8))
    ORDER BY version DESC
    LIMIT 1 BY span_id
)
ORDER BY start_time, span_id"
    );
    parameters.into_query(text, spans.len())
}

const COLUMNS: &str = "\
trace_id, span_id, parent_span_id, start_time, end_time, name, type, kind, level, status_code,
        status_message, environment, service_name, provider, model_requested, model,
        input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens,
        CAST(usage_details, 'Map(String, Int64)') AS usage_details,
        mapApply((bucket, cost) -> (bucket, toString(cost)), cost_details) AS cost_details,
        toString(total_cost) AS total_cost, toString(cost_source) AS cost_source, time_to_first_token_us,
        attributes_string, attributes_int, attributes_double, attributes_bool, attributes_other,
        resource_string, resource_other, metadata, input, input_source, output, output_source, events, links,
        flags, trace_state, dropped_attributes_count, dropped_events_count, dropped_links_count,
        resource_dropped_attributes_count, resource_entity_refs, resource_schema_url, scope_name, scope_version, scope_attributes,
        scope_dropped_attributes_count, scope_schema_url";

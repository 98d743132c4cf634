//! Calls of the gateway, newest first, and their attempts: pages, one, and attempts added up.

use brokle_model::id::{ProjectId, SpanId, TraceId};
use brokle_storage::telemetry::SqlQuery;

use super::statement::Parameters;
use super::windows::Window;
use crate::plan::{RequestFilter, RequestList, RoutingBreakdown, RoutingKey, TimeRange, Wanted, to_nanos};

/// The most attempts that are shown with a call.
pub(crate) const ATTEMPTS_MAX: usize = 200;

/// The calls of a page.
pub(crate) fn requests(list: &RequestList, rows: usize) -> SqlQuery {
    let mut parameters = Parameters::new(list.project);
    let mut conditions = vec!["project_id = {project_id:String}".to_owned()];
    if let Some(range) = list.range {
        within(range, &mut parameters, &mut conditions);
    }
    if let Some(cursor) = list.cursor {
        let start = parameters.time(cursor.start_ns);
        let span = parameters.id(&cursor.span.to_string());
        conditions.push(format!("start_time <= {start}"));
        conditions.push(format!("(start_time, span_id) < ({start}, {span})"));
    }
    filters(&list.filter, &mut parameters, &mut conditions);
    let text = format!(
        "\
SELECT {REQUEST_COLUMNS}
FROM request_logs
WHERE {}
ORDER BY start_time DESC, span_id DESC
LIMIT 1 BY start_time, span_id
LIMIT {rows}
SETTINGS read_in_order_use_buffering = 0",
        conditions.join("\n    AND ")
    );
    parameters.into_query(text, rows)
}

/// One call.
pub(crate) fn request(project: ProjectId, span: SpanId) -> SqlQuery {
    let mut parameters = Parameters::new(project);
    let span = parameters.id(&span.to_string());
    let text = format!(
        "\
SELECT {REQUEST_COLUMNS}
FROM request_logs
WHERE project_id = {{project_id:String}}
    AND span_id = {span}
ORDER BY version DESC
LIMIT 1"
    );
    parameters.into_query(text, 1)
}

/// The attempts of a call, in the order in which they began.
pub(crate) fn attempts(project: ProjectId, trace: TraceId, call: SpanId, window: Window) -> SqlQuery {
    let mut parameters = Parameters::new(project);
    let (first, last) = (parameters.time(window.first_ns), parameters.time(window.last_ns));
    let (trace, call) = (
        parameters.id(&trace.to_string()),
        parameters.id(&call.to_string()),
    );
    let text = format!(
        "\
SELECT span_id, start_time, kind, attempt, provider, vendor, model, model_answered, provider_key, hedge, outcome,
    decision, status, error_type, duration_us, time_to_first_token_us, input_tokens, output_tokens,
    toString(total_cost) AS cost
FROM ai_routing_metrics
WHERE project_id = {{project_id:String}}
    AND start_time BETWEEN {first} AND {last}
    AND trace_id = {trace}
    AND call_span_id = {call}
ORDER BY start_time, span_id
LIMIT 1 BY start_time, span_id
LIMIT {ATTEMPTS_MAX}"
    );
    parameters.into_query(text, ATTEMPTS_MAX)
}

/// Attempts added up, the most frequent first. Answers from the cache are counted beside them, and decisions that
/// were only asked for as well.
pub(crate) fn routing(breakdown: &RoutingBreakdown) -> SqlQuery {
    let mut parameters = Parameters::new(breakdown.project);
    let mut conditions = vec!["project_id = {project_id:String}".to_owned()];
    within(breakdown.range, &mut parameters, &mut conditions);
    words(&breakdown.words, &mut parameters, &mut conditions);
    let names: Vec<&str> = breakdown.keys.iter().copied().map(RoutingKey::as_str).collect();
    let keys = names.join(", ");
    let limit = breakdown.limit;
    let text = format!(
        "\
SELECT {keys},
    countIf(kind = 'attempt') AS attempts,
    countIf(kind = 'attempt' AND outcome = 'answered') AS answered,
    countIf(kind = 'attempt' AND outcome = 'failed') AS failed,
    countIf(kind = 'attempt' AND outcome = 'cancelled') AS cancelled,
    countIf(kind = 'attempt' AND attempt > 1) AS resent,
    countIf(decision = 'retried') AS retries,
    countIf(decision = 'fell_back') AS fallbacks,
    countIf(hedge) AS hedges,
    countIf(shadow) AS shadows,
    countIf(kind = 'cache') AS cache_hits,
    countIf(kind = 'decision') AS decisions,
    sumMapIf(map(toString(error_type), toInt64(1)), kind = 'attempt' AND error_type != '') AS errors,
    CAST(quantilesTDigestIf(0.5, 0.95, 0.99)(time_to_first_token_us, time_to_first_token_us > 0), 'Array(Float64)')
        AS first_token,
    CAST(quantilesTDigestIf(0.5, 0.95, 0.99)(duration_us, kind = 'attempt'), 'Array(Float64)') AS duration,
    sum(input_tokens) AS tokens_in,
    sum(output_tokens) AS tokens_out,
    toString(sum(total_cost)) AS cost
FROM ai_routing_metrics
WHERE {}
GROUP BY {keys}
ORDER BY attempts DESC, {keys}
LIMIT {limit}",
        conditions.join("\n    AND ")
    );
    parameters.into_query(text, limit)
}

fn within(range: TimeRange, parameters: &mut Parameters, conditions: &mut Vec<String>) {
    conditions.push(format!("start_time >= {}", parameters.time(to_nanos(range.from))));
    conditions.push(format!("start_time < {}", parameters.time(to_nanos(range.to))));
}

fn words(words: &[Wanted], parameters: &mut Parameters, conditions: &mut Vec<String>) {
    for (column, word) in words {
        conditions.push(format!("{column} = {}", parameters.text(word)));
    }
}

fn filters(filter: &RequestFilter, parameters: &mut Parameters, conditions: &mut Vec<String>) {
    if let Some(trace) = filter.trace {
        conditions.push(format!("trace_id = {}", parameters.id(&trace.to_string())));
    }
    words(&filter.words, parameters, conditions);
    if let Some(status) = filter.status {
        conditions.push(format!("status = {}", parameters.unsigned(status.into())));
    }
    if let Some(failed) = filter.failed {
        let comparison = if failed { "!=" } else { "=" };
        conditions.push(format!("error_type {comparison} ''"));
    }
    if let Some(micros) = filter.duration_us_min {
        conditions.push(format!("duration_us >= {}", parameters.unsigned(micros)));
    }
    if !filter.shadows {
        conditions.push("NOT shadow".to_owned());
    }
}

const REQUEST_COLUMNS: &str = "\
start_time, trace_id, span_id, duration_us, environment, method, path, status, outcome, error_type, error_message,
    request_id, user_agent, api_key_id, user_id, session_id, model_requested, route, strategy, rule, arm, provider,
    vendor, model, attempts, stream, shadow, cache, refused_by, input_tokens, output_tokens, cache_read_tokens,
    cache_write_tokens, reasoning_tokens, toString(total_cost) AS cost, time_to_first_token_us, input_preview,
    output_preview";

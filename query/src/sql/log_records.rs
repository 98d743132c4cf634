//! Log records: pages of them, and those that hold a call's messages. A page is chosen by its keys and sizes first,
//! so that it ends before it grows too large to hold.

use brokle_model::id::{ProjectId, SpanId, TraceId};
use brokle_storage::telemetry::SqlQuery;

use super::condition::Words;
use super::statement::Parameters;
use super::windows::Window;
use crate::plan::{LogCursor, LogFilter, LogList, TimeOrder, TimeRange, to_nanos};

/// The most log records that are looked at for the messages of one page of observations.
pub(crate) const MESSAGE_RECORDS_MAX: usize = 20_000;

/// When a trace's log records are.
pub(crate) fn log_trace_window(project: ProjectId, trace: TraceId) -> SqlQuery {
    let mut parameters = Parameters::new(project);
    let trace = parameters.id(&trace.to_string());
    let text = format!(
        "\
SELECT min(first_time) AS first_start, max(last_time) AS last_start
FROM log_trace_index
WHERE project_id = {{project_id:String}}
    AND trace_id = {trace}
HAVING count() > 0"
    );
    parameters.into_query(text, 1)
}

/// The next records' places and sizes. A record that was sent twice may come twice, one after the other.
pub(crate) fn log_record_keys(list: &LogList, rows: usize) -> SqlQuery {
    let mut parameters = Parameters::new(list.project);
    let mut conditions = within(list.range, &mut parameters);
    let (comparison, direction) = match list.order {
        TimeOrder::NewestFirst => ("<", " DESC"),
        TimeOrder::OldestFirst => (">", ""),
    };
    if let Some(cursor) = list.cursor {
        let time = parameters.time(cursor.time_ns);
        let (request, row) = (
            parameters.unsigned(cursor.request),
            parameters.unsigned(cursor.row.into()),
        );
        conditions.push(format!("timestamp {comparison}= {time}"));
        conditions.push(format!(
            "(timestamp, request_hash, request_row) {comparison} ({time}, {request}, {row})"
        ));
    }
    conditions.extend(filters(&list.filter, &mut parameters));
    let text = format!(
        "\
SELECT timestamp, request_hash, request_row,
    length(body) + arraySum(text -> length(text), mapValues(attributes_string)) AS size
FROM logs
WHERE {}
ORDER BY timestamp{direction}, request_hash{direction}, request_row{direction}
LIMIT {rows}
SETTINGS read_in_order_use_buffering = 0",
        conditions.join("\n    AND ")
    );
    parameters.into_query(text, rows)
}

/// All columns of the records at these places, which are between the first and the last of them.
pub(crate) fn log_record_rows(list: &LogList, places: &[LogCursor]) -> SqlQuery {
    let mut parameters = Parameters::new(list.project);
    let times = || places.iter().map(|place| place.time_ns);
    let since = parameters.time(times().min().unwrap_or_default());
    let until = parameters.time(times().max().unwrap_or_default());
    let keys = places
        .iter()
        .map(|place| format!("{}.{}", place.request, place.row));
    let keys = parameters.texts(keys);
    let direction = match list.order {
        TimeOrder::NewestFirst => " DESC",
        TimeOrder::OldestFirst => "",
    };
    let text = format!(
        "\
SELECT {COLUMNS}
FROM logs
WHERE project_id = {{project_id:String}}
    AND timestamp BETWEEN {since} AND {until}
    AND concat(toString(request_hash), '.', toString(request_row)) IN (SELECT arrayJoin({keys}))
ORDER BY timestamp{direction}, request_hash{direction}, request_row{direction}
LIMIT 1 BY timestamp, request_hash, request_row"
    );
    parameters.into_query(text, places.len())
}

/// The events of these spans that can hold messages, oldest first.
pub(crate) fn message_records(
    project: ProjectId,
    trace: TraceId,
    window: Window,
    spans: &[SpanId],
) -> SqlQuery {
    let mut parameters = Parameters::new(project);
    let (first, last) = (parameters.time(window.first_ns), parameters.time(window.last_ns));
    let trace = parameters.id(&trace.to_string());
    let spans = parameters.texts(spans.iter().map(SpanId::to_string));
    let text = format!(
        "\
SELECT span_id, if(event_name != '', event_name, attributes_string['event.name']) AS event,
    attributes_string, attributes_int, attributes_double, attributes_bool, attributes_other,
    body, toString(body_kind) AS body_kind
FROM logs
WHERE project_id = {{project_id:String}}
    AND timestamp BETWEEN {first} AND {last}
    AND trace_id = {trace}
    AND span_id IN (SELECT toFixedString(unhex(arrayJoin({spans})), 8))
    AND startsWith(event, 'gen_ai.')
ORDER BY timestamp, request_hash, request_row
LIMIT 1 BY timestamp, request_hash, request_row
LIMIT {MESSAGE_RECORDS_MAX}"
    );
    parameters.into_query(text, MESSAGE_RECORDS_MAX)
}

fn within(range: TimeRange, parameters: &mut Parameters) -> Vec<String> {
    vec![
        "project_id = {project_id:String}".to_owned(),
        format!("timestamp >= {}", parameters.time(to_nanos(range.from))),
        format!("timestamp < {}", parameters.time(to_nanos(range.to))),
    ]
}

fn filters(filter: &LogFilter, parameters: &mut Parameters) -> Vec<String> {
    let mut conditions = Vec::new();
    if let Some(trace) = filter.trace {
        conditions.push(format!("trace_id = {}", parameters.id(&trace.to_string())));
    }
    if let Some(span) = filter.span {
        conditions.push(format!("span_id = {}", parameters.id(&span.to_string())));
    }
    if let Some(severity) = filter.severity_min {
        conditions.push(format!(
            "severity_number >= {}",
            parameters.number(severity.into())
        ));
    }
    let words = [
        ("service_name", &filter.service),
        ("environment", &filter.environment),
        ("event_name", &filter.event_name),
    ];
    for (column, word) in words {
        if let Some(word) = word {
            conditions.push(format!("{column} = {}", parameters.text(word)));
        }
    }
    if let Some(text) = &filter.text {
        conditions.push(Words::of(text, parameters).within("body"));
    }
    conditions
}

const COLUMNS: &str = "\
timestamp, request_hash, request_row, time_unix_nano, observed_time_unix_nano, trace_id, span_id, flags,
    severity_number, severity_text, event_name, environment, service_name, body, toString(body_kind) AS body_kind,
    attributes_string, attributes_int, attributes_double, attributes_bool, attributes_other,
    dropped_attributes_count, resource_string, resource_other, resource_dropped_attributes_count,
    resource_entity_refs, resource_schema_url, scope_name, scope_version, scope_attributes,
    scope_dropped_attributes_count, scope_schema_url";

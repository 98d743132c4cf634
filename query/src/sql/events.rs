//! Events, newest first. They are said once and never changed; one that is said again has the same id.

use brokle_storage::telemetry::SqlQuery;

use super::statement::Parameters;
use crate::plan::{EventList, to_nanos};

/// The events of a page.
pub(crate) fn events(list: &EventList, rows: usize) -> SqlQuery {
    let mut parameters = Parameters::new(list.project);
    let mut conditions = vec![
        "project_id = {project_id:String}".to_owned(),
        format!("start_time >= {}", parameters.time(to_nanos(list.range.from))),
        format!("start_time < {}", parameters.time(to_nanos(list.range.to))),
    ];
    if let Some(cursor) = &list.cursor {
        let start = parameters.time(cursor.start_ns);
        let id = parameters.text(&cursor.id);
        conditions.push(format!("start_time <= {start}"));
        conditions.push(format!("(start_time, event_id) < ({start}, {id})"));
    }
    if let Some(trace) = list.trace {
        conditions.push(format!("trace_id = {}", parameters.id(&trace.to_string())));
    }
    if let Some(name) = &list.name {
        conditions.push(match name.strip_suffix('*') {
            Some(beginning) => format!("startsWith(name, {})", parameters.text(beginning)),
            None => format!("name = {}", parameters.text(name)),
        });
    }
    for (column, word) in &list.words {
        conditions.push(format!("{column} = {}", parameters.text(word)));
    }
    let text = format!(
        "\
SELECT event_id, start_time, name, level, trace_id, span_id, session_id, user_id, environment, payload,
    CAST(received_at, 'DateTime64(9, \\'UTC\\')') AS received
FROM events
WHERE {}
ORDER BY start_time DESC, event_id DESC
LIMIT 1 BY event_id
LIMIT {rows}
SETTINGS read_in_order_use_buffering = 0",
        conditions.join("\n    AND ")
    );
    parameters.into_query(text, rows)
}

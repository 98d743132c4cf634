//! Which traces come next in a list, and where their rows are.

use brokle_model::id::{ProjectId, TraceId};
use brokle_model::telemetry::TRACE_ROW_TYPE;
use brokle_storage::telemetry::SqlQuery;

use super::condition;
use super::statement::Parameters;
use crate::filter::Filter;
use crate::plan::{Cursor, TimeRange, to_nanos};

/// A request for the next entry rows of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidates<'a> {
    pub(crate) project: ProjectId,
    pub(crate) range: TimeRange,
    pub(crate) filter: &'a Filter,
    pub(crate) cursor: Option<Cursor>,
    pub(crate) rows: usize,
}

impl Candidates<'_> {
    /// Whether the filter is answered by the entry rows alone.
    pub(crate) fn is_about_entries(filter: &Filter) -> bool {
        condition::is_about_entries(filter)
    }
}

/// Entry rows, newest first, and rows of traces, which lie where the entries are. A row may be a resent one, and
/// its trace may have an earlier entry: whoever reads them compares with the summaries.
///
/// The setting makes reading in order hand rows on as they come; buffering would fetch ten times the page.
pub(crate) fn candidates(request: &Candidates<'_>) -> SqlQuery {
    let mut parameters = Parameters::new(request.project);
    let mut conditions = vec![
        "project_id = {project_id:String}".to_owned(),
        format!("start_time >= {}", parameters.time(to_nanos(request.range.from))),
        format!("start_time < {}", parameters.time(to_nanos(request.range.to))),
        format!("(is_entry OR type = '{TRACE_ROW_TYPE}')"),
    ];
    if let Some(cursor) = request.cursor {
        let start = parameters.time(cursor.start_ns);
        let (trace, span) = (
            parameters.id(&cursor.trace.to_string()),
            parameters.id(&cursor.span.to_string()),
        );
        conditions.push(format!("start_time <= {start}"));
        conditions.push(format!(
            "(start_time, trace_id, span_id) < ({start}, {trace}, {span})"
        ));
    }
    conditions.extend(condition::conditions(
        request.filter,
        request.range,
        &mut parameters,
    ));
    let text = format!(
        "\
SELECT trace_id, span_id, start_time
FROM observations_core
WHERE {}
ORDER BY toStartOfMinute(start_time) DESC, start_time DESC, trace_id DESC, span_id DESC
LIMIT {}
SETTINGS read_in_order_use_buffering = 0",
        conditions.join("\n    AND "),
        request.rows
    );
    parameters.into_query(text, request.rows)
}

/// Between which start times each trace has rows.
pub(crate) fn trace_ranges(project: ProjectId, traces: &[TraceId]) -> SqlQuery {
    let mut parameters = Parameters::new(project);
    let is_one_of = parameters.is_one_of(traces);
    let text = format!(
        "\
SELECT trace_id, min(start_time) AS first_start, max(last_start_time) AS last_start
FROM trace_index
WHERE project_id = {{project_id:String}}
    AND {is_one_of}
GROUP BY trace_id"
    );
    parameters.into_query(text, traces.len())
}

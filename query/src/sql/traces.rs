//! Which traces come next in a list, and where their rows are.

use brokle_model::id::{ProjectId, TraceId};
use brokle_model::telemetry::TRACE_ROW_TYPE;
use brokle_storage::telemetry::SqlQuery;

use super::condition;
use super::statement::Parameters;
use super::windows::Window;
use crate::filter::{Condition, Filter};
use crate::plan::{Cursor, TimeRange, to_nanos};

/// A request for the next entry rows of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidates<'a> {
    pub(crate) project: ProjectId,
    pub(crate) range: TimeRange,
    pub(crate) filter: &'a Filter,
    pub(crate) cursor: Option<Cursor>,
    pub(crate) rows: usize,
    /// What the filter leaves of the range, if that is known.
    pub(crate) found: Option<&'a Found>,
}

/// All traces that one term of a filter leaves in a range, and where their rows are.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) term: usize,
    pub(crate) traces: Vec<TraceId>,
    pub(crate) windows: Vec<Window>,
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
    if let Some(found) = request.found {
        conditions.push(parameters.is_within(&found.windows));
        conditions.push(parameters.is_one_of(&found.traces));
    }
    // A text may be in the name of one entry of a trace and not in that of another, so each row is asked again.
    let answered = request.found.map(|found| found.term).filter(|term| {
        let term = request.filter.terms.get(*term);
        !term.is_some_and(|term| matches!(term.condition, Condition::Text(_)))
    });
    conditions.extend(condition::conditions(
        request.filter,
        request.range,
        answered,
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

/// The term of a filter that a search may start from, and the query for the traces that it leaves; up to `traces_max`
/// of them, in no order. Without such a term there is nothing to start from.
pub(crate) fn leading_traces(
    project: ProjectId,
    range: TimeRange,
    filter: &Filter,
    traces_max: usize,
) -> Option<(usize, SqlQuery)> {
    let index = condition::leading_term(filter)?;
    let mut parameters = Parameters::new(project);
    let traces = condition::traces_of(filter.terms.get(index)?, range, &mut parameters)?;
    let text = format!("SELECT DISTINCT trace_id\nFROM (\n{traces}\n)\nLIMIT {traces_max}");
    Some((index, parameters.into_query(text, traces_max)))
}

/// Between which start times each trace has rows.
pub(crate) fn trace_ranges(project: ProjectId, traces: &[TraceId]) -> SqlQuery {
    let mut parameters = Parameters::new(project);
    let is_one_of = parameters.is_one_of(traces);
    let text = format!(
        "\
SELECT trace_id, min(start_time) AS first_start, max(last_start_time) AS last_start
FROM trace_places
WHERE project_id = {{project_id:String}}
    AND {is_one_of}
GROUP BY trace_id"
    );
    parameters.into_query(text, traces.len())
}

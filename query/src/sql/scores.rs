//! Quality scores, newest first. Of the rows at one place the greatest version stands, and may be the end of the
//! score; conditions on what updates change are asked after that.

use brokle_storage::telemetry::SqlQuery;

use super::statement::Parameters;
use crate::plan::{ScoreList, to_nanos};

/// The scores of a page.
pub(crate) fn scores(list: &ScoreList, rows: usize) -> SqlQuery {
    let mut parameters = Parameters::new(list.project);
    let mut places = vec!["project_id = {project_id:String}".to_owned()];
    if let Some(range) = list.range {
        places.push(format!("start_time >= {}", parameters.time(to_nanos(range.from))));
        places.push(format!("start_time < {}", parameters.time(to_nanos(range.to))));
    }
    if let Some(trace) = list.trace {
        places.push(format!("trace_id = {}", parameters.id(&trace.to_string())));
    }
    if let Some(cursor) = &list.cursor {
        let start = parameters.time(cursor.start_ns);
        let id = parameters.text(&cursor.id);
        places.push(format!("start_time <= {start}"));
        places.push(format!("(start_time, score_id) < ({start}, {id})"));
    }
    let mut conditions = vec!["is_deleted = 0".to_owned()];
    if let Some(observation) = list.observation {
        conditions.push(format!("span_id = {}", parameters.id(&observation.to_string())));
    }
    for (column, wanted) in [
        ("session_id", &list.session),
        ("name", &list.name),
        ("source", &list.source),
        ("data_type", &list.data_type),
    ] {
        if let Some(wanted) = wanted {
            conditions.push(format!("{column} = {}", parameters.text(wanted)));
        }
    }
    let text = format!(
        "\
SELECT score_id, trace_id, span_id, session_id, start_time, toString(name) AS score_name, toString(data_type) AS score_type,
    value, string_value, toString(source) AS score_source, toString(evaluator_name) AS evaluator,
    toString(evaluator_version) AS evaluator_release, author_user_id, comment, metadata,
    toString(environment) AS score_environment, CAST(created_at, 'DateTime64(9, \\'UTC\\')') AS created,
    CAST(updated_at, 'DateTime64(9, \\'UTC\\')') AS updated
FROM (
    SELECT *
    FROM scores
    WHERE {}
    ORDER BY start_time DESC, score_id DESC, version DESC
    LIMIT 1 BY start_time, score_id
)
WHERE {}
ORDER BY start_time DESC, score_id DESC
LIMIT {rows}",
        places.join("\n        AND "),
        conditions.join(" AND "),
    );
    parameters.into_query(text, rows)
}

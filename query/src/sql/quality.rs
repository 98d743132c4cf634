//! How good the answers of each provider's model were, as quality scores say.
//!
//! A score is of an attempt when it is of its span, of the call above it, or of its trace as a whole. Scores whose values
//! are not all from 0 to 1 have a scale that nobody has told, so they say nothing here.

use brokle_model::id::ProjectId;
use brokle_storage::telemetry::SqlQuery;

use super::statement::Parameters;
use crate::plan::{TimeRange, to_nanos};

/// The most pairs of provider and model that are told apart.
const PAIRS_MAX: usize = 1_000;
/// The most traces whose scores count: the latest.
const TRACES_MAX: usize = 100_000;
/// A call is scored when it has ended: scores of the range are of calls that began this much before it at most.
const BEFORE_NS: i64 = 24 * 3_600 * 1_000_000_000;

/// Means by provider and model, of the scores of these names, or of all.
pub(crate) fn qualities(project: ProjectId, range: TimeRange, names: &[String]) -> SqlQuery {
    let mut parameters = Parameters::new(project);
    let (from, to) = (to_nanos(range.from), to_nanos(range.to));
    let began = parameters.time(from.saturating_sub(BEFORE_NS));
    let (from, to) = (parameters.time(from), parameters.time(to));
    let of_names = if names.is_empty() {
        String::new()
    } else {
        let names = parameters.texts(names.iter().map(String::as_str));
        format!("\n                    AND has({names}, name)")
    };
    let text = format!(
        "\
SELECT attempt.provider AS at_provider, attempt.model AS of_model, avg(marks.mark) AS mean, count() AS answers
FROM ai_routing_metrics AS attempt
GLOBAL INNER JOIN (
    SELECT trace_id, span_id AS scored_span, avg(score) AS mark
    FROM (
        SELECT trace_id, span_id, assumeNotNull(value) AS score,
            min(score) OVER (PARTITION BY name) AS least, max(score) OVER (PARTITION BY name) AS most
        FROM (
            SELECT trace_id, span_id, name, value, is_deleted
            FROM scores
            WHERE project_id = {{project_id:String}}
                AND start_time >= {from}
                AND start_time < {to}
                AND trace_id != toFixedString('', 16)
                AND data_type IN ('NUMERIC', 'BOOLEAN'){of_names}
            ORDER BY start_time DESC, score_id DESC, version DESC
            LIMIT 1 BY start_time, score_id
            LIMIT {TRACES_MAX}
        )
        WHERE is_deleted = 0 AND isNotNull(value)
    )
    WHERE least >= 0 AND most <= 1
    GROUP BY trace_id, scored_span
) AS marks ON attempt.trace_id = marks.trace_id
WHERE attempt.project_id = {{project_id:String}}
    AND attempt.start_time >= {began}
    AND attempt.start_time < {to}
    AND attempt.kind = 'attempt'
    AND attempt.outcome = 'answered'
    AND NOT attempt.shadow
    AND (marks.scored_span = toFixedString('', 8) OR marks.scored_span = attempt.span_id
        OR marks.scored_span = attempt.call_span_id)
GROUP BY at_provider, of_model
ORDER BY answers DESC
LIMIT {PAIRS_MAX}"
    );
    parameters.into_query(text, PAIRS_MAX)
}

//! The values worth filtering by, with the traces that have them.

use brokle_storage::telemetry::SqlQuery;

use super::BUCKET_S;
use super::measures::Measure;
use super::observed::observed;
use super::read::{UsageQuery, fresh, source};
use crate::plan::Dimension;
use crate::sql::charts::{Facet, FacetSource};
use crate::sql::condition::contains;
use crate::sql::statement::Parameters;

/// The values of a field with the most traces, most first; only those that contain `text`, if it is given.
pub(crate) fn usage_facet(
    query: &UsageQuery<'_>,
    facet: Facet,
    text: Option<&str>,
    values_max: usize,
) -> SqlQuery {
    let mut parameters = Parameters::new(query.project);
    let (value, source) = match facet.source {
        FacetSource::Dimension(dimension) => {
            let query = UsageQuery {
                measures: &[Measure::Traces],
                ..query.clone()
            };
            let column = match dimension {
                Dimension::Status => "transform(status_code, [1, 2], ['ok', 'error'], 'unset')".to_owned(),
                other => format!("toString({})", other.column()),
            };
            (column, source(&query, &[dimension], &mut parameters))
        }
        FacetSource::OfTrace => ("value".to_owned(), values(query, facet.field, &mut parameters)),
    };
    let has_text = text.map_or_else(String::new, |text| {
        format!(" AND {}", contains("facet_value", text, &mut parameters))
    });
    let text = format!(
        "\
SELECT {value} AS facet_value, toUInt64(sum(traces)) AS trace_count
FROM {source}
GROUP BY facet_value
HAVING facet_value != '' AND trace_count > 0{has_text}
ORDER BY trace_count DESC, facet_value
LIMIT {values_max}"
    );
    parameters.into_query(text, values_max)
}

fn values(query: &UsageQuery<'_>, field: &str, parameters: &mut Parameters) -> String {
    let mut parts = Vec::new();
    if !query.stale.covers(query.range) {
        let mut conditions = fresh(query, parameters);
        conditions.push(format!("facets.field = '{field}'"));
        parts.push(format!(
            "    SELECT facets.value AS value, facets.traces AS traces\n    FROM usage_15m FINAL\n    ARRAY JOIN facets\n    WHERE {}",
            conditions.join(" AND ")
        ));
    }
    if !query.stale.windows.is_empty() {
        let observed = observed(&query.stale.windows, BUCKET_S, parameters);
        parts.push(format!(
            "    SELECT pair.2 AS value, toUInt64(1) AS traces\n    FROM {observed}\n    ARRAY JOIN values AS pair\n    WHERE is_first AND pair.1 = '{field}'"
        ));
    }
    format!("(\n{}\n)", parts.join("\n    UNION ALL\n"))
}

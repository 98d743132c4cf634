//! Charts and lists over both sources at once: the roll-up for what it has, the observations for the rest.

use brokle_model::id::ProjectId;
use brokle_storage::telemetry::SqlQuery;

use super::families::Family;
use super::measures::Measure;
use super::observed::observed;
use super::stale::Stale;
use crate::filter::Filter;
use crate::plan::{Dimension, TimeRange, TopCursor, TopSort};
use crate::sql::condition;
use crate::sql::statement::Parameters;

/// What is counted, over which time, of what.
#[derive(Debug, Clone)]
pub(crate) struct UsageQuery<'a> {
    pub(crate) project: ProjectId,
    /// Begins and ends with a quarter.
    pub(crate) range: TimeRange,
    /// What of it is read from the observations.
    pub(crate) stale: &'a Stale,
    /// Only figures with these values.
    pub(crate) only: &'a [(Dimension, String)],
    /// Only traces whose entry meets this; for the family of names.
    pub(crate) filter: Option<&'a Filter>,
    pub(crate) measures: &'a [Measure],
    /// The width of what the source is cut into; less than a quarter of an hour only when all is stale.
    pub(crate) bucket_s: i64,
}

/// The figures per bucket of time, apart by `by` if that is given. Only `keys` are kept apart, if any are
/// given; all others come together under `is_other`. Buckets without any figure are absent.
pub(crate) fn series(
    query: &UsageQuery<'_>,
    interval_ms: i64,
    by: Option<(Dimension, &[String])>,
    rows_max: usize,
) -> SqlQuery {
    let mut parameters = Parameters::new(query.project);
    let source = source(
        query,
        by.map(|(dimension, _)| dimension).as_slice(),
        &mut parameters,
    );
    let (key, is_other) = match by {
        None => ("''".to_owned(), "false".to_owned()),
        Some((dimension, keys)) => {
            let (column, keys) = (dimension.column(), parameters.texts(keys));
            let is_known = format!("has({keys}, toString({column}))");
            (
                format!("if({is_known}, toString({column}), '')"),
                format!("NOT {is_known}"),
            )
        }
    };
    let text = format!(
        "\
SELECT intDiv(toInt64(toUnixTimestamp(bucket)) * 1000, {interval_ms}) * {interval_ms} AS bucket_ms, {key} AS key,
    {is_other} AS is_other, {measures}
FROM {source}
GROUP BY bucket_ms, key, is_other
ORDER BY bucket_ms, key, is_other",
        measures = outputs(query.measures),
    );
    parameters.into_query(text, rows_max)
}

/// The values of the dimensions with the highest figures, highest first; then by value.
pub(crate) fn top(
    query: &UsageQuery<'_>,
    by: &[Dimension],
    sort: TopSort,
    cursor: Option<&TopCursor>,
    rows: usize,
) -> SqlQuery {
    let mut parameters = Parameters::new(query.project);
    let read = if by == [Dimension::Session] {
        &[Dimension::Session, Dimension::User]
    } else {
        by
    };
    let source = source(query, read, &mut parameters);
    let mut keys: Vec<String> = by
        .iter()
        .map(|dimension| format!("toString({0}) AS key_{0}", dimension.column()))
        .collect();
    if by == [Dimension::Session] {
        keys.push("max(user_id) AS any_user".to_owned());
    }
    let aliases: Vec<String> = by
        .iter()
        .map(|dimension| format!("key_{}", dimension.column()))
        .collect();
    let named: Vec<String> = aliases.iter().map(|alias| format!("{alias} != ''")).collect();
    let rank = rank(sort);
    let after = cursor.map_or_else(String::new, |cursor| {
        let value = parameters.decimal(cursor.value);
        let keys: Vec<String> = cursor.keys.iter().map(|key| parameters.text(key)).collect();
        format!(
            "\nHAVING rank < {value} OR (rank = {value} AND ({}) > ({}))",
            aliases.join(", "),
            keys.join(", ")
        )
    });
    let ascending: Vec<&str> = aliases.iter().map(String::as_str).collect();
    let text = format!(
        "\
SELECT {keys}, {rank} AS rank, toString(rank) AS rank_text, toInt64(toUnixTimestamp(min(bucket))) AS first_bucket_s,
    toInt64(toUnixTimestamp(max(bucket))) AS last_bucket_s, {measures}
FROM {source}
WHERE {named}
GROUP BY {groups}{after}
ORDER BY rank DESC, {order}
LIMIT {rows}",
        keys = keys.join(", "),
        measures = outputs(query.measures),
        named = named.first().map_or("true", String::as_str),
        groups = aliases.join(", "),
        order = ascending.join(", "),
    );
    parameters.into_query(text, rows)
}

/// How many users and how many sessions there were.
pub(crate) fn people(query: &UsageQuery<'_>) -> SqlQuery {
    let mut parameters = Parameters::new(query.project);
    let source = source(query, &[Dimension::User, Dimension::Session], &mut parameters);
    let text = format!(
        "SELECT uniqExactIf(user_id, user_id != '') AS users, uniqExactIf(session_id, session_id != '') AS sessions\nFROM {source}"
    );
    parameters.into_query(text, 1)
}

fn rank(sort: TopSort) -> String {
    let column = match sort {
        TopSort::Cost => "sum(cost)",
        TopSort::Requests => "sum(requests)",
        TopSort::Traces => "sum(traces)",
        TopSort::Tokens => "sum(input_tokens) + sum(output_tokens)",
        TopSort::Errors => "sum(errors)",
        TopSort::LastSeen => "toUnixTimestamp(max(bucket))",
    };
    format!("toDecimal128({column}, 12)")
}

fn outputs(measures: &[Measure]) -> String {
    let each: Vec<String> = measures.iter().map(|measure| measure.output()).collect();
    each.join(", ")
}

/// A subquery with the columns `bucket`, the dimensions that are asked for, and the figures; a value may
/// occur in any number of its rows.
pub(super) fn source(query: &UsageQuery<'_>, by: &[Dimension], parameters: &mut Parameters) -> String {
    let mut dimensions: Vec<Dimension> = by.to_vec();
    dimensions.extend(query.only.iter().map(|(dimension, _)| *dimension));
    if query.filter.is_some() {
        dimensions.extend(Family::Names.dimensions());
    }
    let mut distinct: Vec<Dimension> = Vec::new();
    for dimension in dimensions {
        if !distinct.contains(&dimension) {
            distinct.push(dimension);
        }
    }
    let family = Family::keeping_apart(&distinct);
    let mut parts = Vec::new();
    if let Some(family) = family
        && !query.stale.covers(query.range)
    {
        parts.push(rolled_up(query, family, &distinct, parameters));
    }
    if !query.stale.windows.is_empty() {
        parts.push(raw(query, family.unwrap_or(Family::Kinds), &distinct, parameters));
    }
    let conditions = conditions(query, parameters);
    let both = parts.join("\n    UNION ALL\n");
    if conditions.is_empty() {
        format!("(\n{both}\n)")
    } else {
        format!(
            "(\n    SELECT * FROM (\n{both}\n    )\n    WHERE {}\n)",
            conditions.join(" AND ")
        )
    }
}

fn conditions(query: &UsageQuery<'_>, parameters: &mut Parameters) -> Vec<String> {
    let only = query.only.iter().map(|(dimension, value)| {
        let value = parameters.text(value);
        format!("{} = {value}", dimension.column())
    });
    let mut conditions: Vec<String> = only.collect();
    if let Some(filter) = query.filter {
        conditions.extend(condition::entry_conditions(filter, parameters));
    }
    conditions
}

/// The conditions on the quarters that are read from the roll-up.
pub(super) fn fresh(query: &UsageQuery<'_>, parameters: &mut Parameters) -> Vec<String> {
    let (from, to) = (
        parameters.seconds(query.range.from),
        parameters.seconds(query.range.to),
    );
    let mut conditions = vec![
        "project_id = {project_id:String}".to_owned(),
        format!("bucket >= {from} AND bucket < {to}"),
    ];
    for window in &query.stale.windows {
        let (first, last) = (parameters.time(window.first_ns), parameters.time(window.last_ns));
        conditions.push(format!("NOT (bucket BETWEEN {first} AND {last})"));
    }
    conditions
}

fn rolled_up(
    query: &UsageQuery<'_>,
    family: Family,
    dimensions: &[Dimension],
    parameters: &mut Parameters,
) -> String {
    let conditions = fresh(query, parameters);
    let columns = dimensions.iter().map(|dimension| dimension.column());
    let columns: Vec<&str> = columns
        .chain(query.measures.iter().map(|measure| measure.column()))
        .collect();
    let joined = columns
        .iter()
        .map(|column| format!("{}.{column} AS {column}", family.name()));
    let mut selected = vec!["bucket".to_owned()];
    selected.extend(columns.iter().map(|column| (*column).to_owned()));
    if query.filter.is_some() {
        selected.push("'' AS trace_name".to_owned());
    }
    format!(
        "\
    SELECT {selected}
    FROM usage_15m FINAL
    ARRAY JOIN {joined}
    WHERE {conditions}",
        selected = selected.join(", "),
        joined = joined.collect::<Vec<_>>().join(", "),
        conditions = conditions.join("\n        AND "),
    )
}

fn raw(
    query: &UsageQuery<'_>,
    family: Family,
    dimensions: &[Dimension],
    parameters: &mut Parameters,
) -> String {
    let observed = observed(&query.stale.windows, query.bucket_s, parameters);
    let keys = dimensions.iter().map(|dimension| {
        format!(
            "{} AS d_{}",
            family.of_observation(*dimension),
            dimension.column()
        )
    });
    let keys: Vec<String> = keys.collect();
    let measures: Vec<String> = query
        .measures
        .iter()
        .map(|measure| format!("{} AS n_{}", measure.counted(), measure.column()))
        .collect();
    let mut selected = vec!["bucket".to_owned()];
    selected.extend(
        dimensions
            .iter()
            .map(|dimension| format!("d_{0} AS {0}", dimension.column())),
    );
    selected.extend(
        query
            .measures
            .iter()
            .map(|measure| format!("n_{0} AS {0}", measure.column())),
    );
    if query.filter.is_some() {
        selected.push("'' AS trace_name".to_owned());
    }
    let mut inner = vec!["bucket".to_owned()];
    inner.extend(keys);
    let groups: Vec<String> = std::iter::once("bucket".to_owned())
        .chain(
            dimensions
                .iter()
                .map(|dimension| format!("d_{}", dimension.column())),
        )
        .collect();
    inner.extend(measures);
    format!(
        "\
    SELECT {selected}
    FROM (
    SELECT {inner}
    FROM {observed}
    GROUP BY {groups}
    )",
        selected = selected.join(", "),
        inner = inner.join(", "),
        groups = groups.join(", "),
    )
}

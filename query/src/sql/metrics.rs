//! Metrics: which there are, their points as they came, and the states that a chart is made of.
//!
//! A chart's statement reduces points to one state per series and step; what grows from step to step, what was reset,
//! and how series add up is worked out from the states in `shape::series`.

use brokle_storage::telemetry::SqlQuery;

use super::condition::contains;
use super::statement::Parameters;
use crate::plan::{MetricFilter, MetricNames, MetricPoints, MetricSeries, TimeRange, to_nanos};

/// The most states of one chart.
pub(crate) const STATES_MAX: usize = 50_000;
/// How far before a chart's range the state is looked for that its first step grew from.
pub(crate) const LOOKBACK_MS: i64 = 600_000;

/// A metric's kind as storage and the API call it, with what decides about its charts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stream {
    pub(crate) kind: String,
    pub(crate) unit: String,
    pub(crate) temporality: i32,
    pub(crate) is_monotonic: bool,
}

impl Stream {
    /// Whether each point holds all that was counted since a start. What may rise and fall is a level, not a count.
    pub(crate) fn counts_from_start(&self) -> bool {
        match self.kind.as_str() {
            "gauge" => false,
            "sum" => self.is_monotonic && !self.is_delta(),
            "summary" => true,
            _ => !self.is_delta(),
        }
    }

    /// `AGGREGATION_TEMPORALITY_DELTA`
    pub(crate) const fn is_delta(&self) -> bool {
        self.temporality == 1
    }
}

/// The next names, in their order, with what was said last of each.
pub(crate) fn metric_names(list: &MetricNames, name: Option<&str>, rows: usize) -> SqlQuery {
    let mut parameters = Parameters::new(list.project);
    let from = parameters.time(to_nanos(list.range.from));
    let to = parameters.time(to_nanos(list.range.to));
    let mut conditions = vec![
        "project_id = {project_id:String}".to_owned(),
        format!("day >= toDate({from})"),
        format!("day <= toDate({to})"),
    ];
    if let Some(name) = name {
        conditions.push(format!("name = {}", parameters.text(name)));
    }
    if let Some(cursor) = &list.cursor {
        conditions.push(format!("name > {}", parameters.text(&cursor.0)));
    }
    if let Some(service) = &list.service {
        conditions.push(format!("service_name = {}", parameters.text(service)));
    }
    if let Some(text) = &list.text {
        conditions.push(contains("name", text, &mut parameters));
    }
    let text = format!(
        "\
SELECT name, toString(argMax(source.kind, source.last_time)) AS kind,
    argMax(source.unit, source.last_time) AS unit,
    argMax(source.temporality, source.last_time) AS temporality,
    argMax(source.is_monotonic, source.last_time) AS is_monotonic,
    argMax(source.description, source.last_time) AS description,
    arraySort(groupUniqArray(20)(toString(source.service_name))) AS services,
    min(source.first_time) AS first_seen, max(source.last_time) AS last_seen
FROM metric_names AS source
WHERE {}
GROUP BY name
HAVING last_seen >= {from} AND first_seen < {to}
ORDER BY name
LIMIT {rows}",
        conditions.join("\n    AND ")
    );
    parameters.into_query(text, rows)
}

/// The next points, in the order of the table. One that was sent twice may come twice, one after the other.
pub(crate) fn metric_points(list: &MetricPoints, rows: usize) -> SqlQuery {
    let mut parameters = Parameters::new(list.project);
    let mut conditions = conditions(&list.name, list.range, 0, &list.filter, &mut parameters);
    if let Some(cursor) = list.cursor {
        let time = parameters.time(cursor.place.time_ns);
        let (series, request, row) = (
            parameters.unsigned(cursor.series),
            parameters.unsigned(cursor.place.request),
            parameters.unsigned(cursor.place.row.into()),
        );
        conditions.push(format!("toStartOfHour(timestamp) >= toStartOfHour({time})"));
        conditions.push(format!(
            "(toStartOfHour(timestamp), series, timestamp, request_hash, request_row) \
             > (toStartOfHour({time}), {series}, {time}, {request}, {row})"
        ));
    }
    let text = format!(
        "\
SELECT {POINT_COLUMNS}
FROM metrics
WHERE {}
ORDER BY toStartOfHour(timestamp), series, timestamp, request_hash, request_row
LIMIT {rows}
SETTINGS read_in_order_use_buffering = 0",
        conditions.join("\n    AND ")
    );
    parameters.into_query(text, rows)
}

/// One state per series and step of points of this stream.
pub(crate) fn metric_states(chart: &MetricSeries, stream: &Stream) -> SqlQuery {
    let mut parameters = Parameters::new(chart.project);
    let is_cumulative = stream.counts_from_start();
    let lookback = if is_cumulative { LOOKBACK_MS } else { 0 };
    let mut conditions = conditions(&chart.name, chart.range, lookback, &chart.filter, &mut parameters);
    conditions.push(format!("kind = {}", parameters.text(&stream.kind)));
    conditions.push(format!(
        "temporality = {}",
        parameters.number(stream.temporality.into())
    ));
    // A point without a value says only that there is none.
    conditions.push("bitAnd(flags, 1) = 0".to_owned());
    let labels: Vec<String> = chart
        .group_by
        .iter()
        .map(|name| attribute(name, &mut parameters))
        .collect();
    let labels = if labels.is_empty() {
        "emptyArrayString()".to_owned()
    } else {
        format!("[{}]", labels.join(", "))
    };
    let Reduced {
        columns,
        states,
        keys,
    } = reduced(&stream.kind, is_cumulative);
    let start = if is_cumulative {
        "start_time_unix_nano"
    } else {
        "toUInt64(0)"
    };
    let text = format!(
        "\
SELECT labels, series, start, bucket, {states}
FROM (
    SELECT {labels} AS labels, series, {start} AS start, timestamp,
        intDiv(toUnixTimestamp64Milli(timestamp), {step}) * {step} AS bucket, {columns}
    FROM metrics
    WHERE {conditions}
    LIMIT 1 BY series, timestamp, request_hash, request_row
)
GROUP BY labels, series, start, bucket{keys}
ORDER BY series, start, bucket
LIMIT {rows}",
        step = chart.interval_ms,
        conditions = conditions.join("\n        AND "),
        rows = STATES_MAX + 1
    );
    parameters.into_query(text, STATES_MAX + 1)
}

/// How the points of a kind become a state: what is read, what is made of it, and what keeps states apart besides.
struct Reduced {
    columns: &'static str,
    states: String,
    keys: &'static str,
}

fn reduced(kind: &str, is_cumulative: bool) -> Reduced {
    // The last state holds all that came before; changes are added up.
    let fold = |columns: &[(&str, &str)]| {
        let each = columns.iter().map(|(column, sum)| {
            let function = if is_cumulative { "argMax" } else { sum };
            let time = if is_cumulative { ", timestamp" } else { "" };
            format!("{function}({column}{time}) AS state_{column}")
        });
        each.collect::<Vec<_>>().join(", ")
    };
    match kind {
        "histogram" => Reduced {
            columns: "count, sum, bucket_counts, explicit_bounds",
            states: format!(
                "{}, explicit_bounds",
                fold(&[("count", "sum"), ("sum", "sum"), ("bucket_counts", "sumForEach")])
            ),
            keys: ", explicit_bounds",
        },
        "exponential_histogram" => Reduced {
            columns: "count, sum, scale, zero_count, zero_threshold, positive_offset, positive_counts, \
                      negative_offset, negative_counts",
            states: format!(
                "{}, scale, zero_threshold, positive_offset, negative_offset",
                fold(&[
                    ("count", "sum"),
                    ("sum", "sum"),
                    ("zero_count", "sum"),
                    ("positive_counts", "sumForEach"),
                    ("negative_counts", "sumForEach"),
                ])
            ),
            keys: ", scale, zero_threshold, positive_offset, negative_offset",
        },
        "summary" => Reduced {
            columns: "count, sum, quantiles, quantile_values",
            states: fold(&[
                ("count", "sum"),
                ("sum", "sum"),
                ("quantiles", "any"),
                ("quantile_values", "any"),
            ]),
            keys: "",
        },
        _ => Reduced {
            columns: "number",
            states: "count() AS points, sum(number) AS total, min(number) AS least, max(number) AS most, \
                     argMax(number, timestamp) AS last"
                .to_owned(),
            keys: "",
        },
    }
}

fn conditions(
    name: &str,
    range: TimeRange,
    lookback_ms: i64,
    filter: &MetricFilter,
    parameters: &mut Parameters,
) -> Vec<String> {
    let from = to_nanos(range.from).saturating_sub(lookback_ms * 1_000_000);
    let mut conditions = vec![
        "project_id = {project_id:String}".to_owned(),
        format!("name = {}", parameters.text(name)),
        format!("timestamp >= {}", parameters.time(from)),
        format!("timestamp < {}", parameters.time(to_nanos(range.to))),
    ];
    let words = [
        ("service_name", &filter.service),
        ("environment", &filter.environment),
    ];
    for (column, word) in words {
        if let Some(word) = word {
            conditions.push(format!("{column} = {}", parameters.text(word)));
        }
    }
    for (name, value) in &filter.attributes {
        let expression = attribute(name, parameters);
        conditions.push(format!("{expression} = {}", parameters.text(value)));
    }
    conditions
}

/// The text of an attribute of the point, or else of its resource; empty where neither has it.
fn attribute(name: &str, parameters: &mut Parameters) -> String {
    let name = parameters.text(name);
    let is_in = |map: &str| format!("mapContains({map}, {name})");
    format!(
        "multiIf({}, attributes_string[{name}], {}, toString(attributes_int[{name}]), \
         {}, if(attributes_bool[{name}], 'true', 'false'), {}, toString(attributes_double[{name}]), \
         resource_string[{name}])",
        is_in("attributes_string"),
        is_in("attributes_int"),
        is_in("attributes_bool"),
        is_in("attributes_double"),
    )
}

const POINT_COLUMNS: &str = "\
series, timestamp, request_hash, request_row, name, toString(kind) AS kind_word, temporality, is_monotonic, unit,
    description, metadata, flags, time_unix_nano, start_time_unix_nano, toString(number_kind) AS number_word, number,
    number_int, present, count, sum, min, max, bucket_counts, explicit_bounds, scale, zero_count, zero_threshold,
    positive_offset, positive_counts, negative_offset, negative_counts, quantiles, quantile_values, exemplars,
    attributes_string, attributes_int, attributes_double, attributes_bool, attributes_other,
    resource_string, resource_other, resource_dropped_attributes_count, resource_entity_refs, resource_schema_url,
    scope_name, scope_version, scope_attributes, scope_dropped_attributes_count, scope_schema_url";

//! A metric's chart from its states: what grew from step to step, added up over the series of a line, as numbers that
//! suit the metric's kind.
//!
//! A cumulative series counts from a start that its points name. Of states with the same start, the later less the
//! earlier is what happened between them. A new start, or a count that falls, means that the producer began anew, so
//! that the whole state is new; and so it is at the first state after a start that lies within the time looked at.
//! The first state of a series that began before is only what later ones are compared with.

mod distribution;

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use self::distribution::{Buckets, Distribution, Exponential};
use super::ShapeError;
use super::columns::Columns;
use crate::plan::{Aggregation, MetricSeries, PlanError, to_nanos};
use crate::sql::{LOOKBACK_MS, Stream};

/// The most lines of a chart; those with the greatest values are kept.
const LINES_MAX: usize = 50;

/// What one series had come to by the end of one step, or did in it.
#[derive(Debug, Clone, Default, PartialEq)]
struct State {
    labels: Vec<String>,
    series: u64,
    /// Nanoseconds since 1970; zero when unknown.
    start: u64,
    step_ms: i64,
    /// Of a gauge or sum: how many points there were, their sum, the least, the greatest and the last.
    points: u64,
    total: f64,
    least: f64,
    most: f64,
    last: f64,
    /// Of a histogram or summary.
    count: u64,
    sum: f64,
    buckets: Buckets,
}

/// A metric over time.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct MetricChart {
    /// The metric.
    pub name: String,
    /// `gauge`, `sum`, `histogram`, `exponential_histogram` or `summary`.
    pub kind: String,
    /// Its unit, in UCUM's words.
    pub unit: Option<String>,
    /// What each value is, such as `rate`.
    pub aggregation: String,
    /// The width of a step.
    pub interval_ms: i64,
    /// One line per combination of the attributes asked for.
    pub series: Vec<Line>,
    /// Lines beyond the most, which are not here.
    pub omitted: usize,
}

/// One line of a chart.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Line {
    /// What tells it from the others.
    #[schema(value_type = std::collections::HashMap<String, String>)]
    pub attributes: Map<String, Value>,
    /// The steps that have a value, oldest first.
    pub points: Vec<LinePoint>,
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub(crate) struct LinePoint {
    /// The step's beginning.
    pub time: DateTime<Utc>,
    /// None where it is not a number.
    #[schema(value_type = Option<f64>)]
    pub value: f64,
}

/// What suits a metric, and whether it suits what was asked for.
pub(crate) fn suitable(stream: &Stream, asked: Option<Aggregation>) -> Result<Aggregation, PlanError> {
    use Aggregation::{Avg, Count, Increase, Max, Min, Percentile, Rate, Sum};
    let is_counter = stream.is_monotonic || stream.is_delta();
    let (default, fits, expected): (_, fn(Aggregation) -> bool, _) = match stream.kind.as_str() {
        "gauge" => (
            Avg,
            |asked| matches!(asked, Avg | Min | Max | Sum),
            "avg, min, max or sum for a gauge",
        ),
        "sum" if is_counter => (
            Rate,
            |asked| matches!(asked, Rate | Increase),
            "rate or increase for a counter",
        ),
        "sum" => (
            Sum,
            |asked| matches!(asked, Avg | Min | Max | Sum),
            "avg, min, max or sum for a sum that may fall",
        ),
        "summary" => (
            Avg,
            |asked| matches!(asked, Avg | Count | Rate | Sum | Percentile(_)),
            "avg, count, rate, sum or a percentile for a summary",
        ),
        _ => (
            Percentile(95),
            |asked| matches!(asked, Avg | Count | Rate | Sum | Percentile(_)),
            "avg, count, rate, sum or a percentile for a histogram",
        ),
    };
    match asked {
        None => Ok(default),
        Some(asked) if fits(asked) => Ok(asked),
        Some(_) => Err(PlanError::UnknownWord {
            field: "aggregation",
            expected,
        }),
    }
}

/// The chart that these states make.
pub(crate) fn chart(
    batches: &[RecordBatch],
    plan: &MetricSeries,
    stream: &Stream,
    aggregation: Aggregation,
) -> Result<MetricChart, ShapeError> {
    let mut states = read(batches, &stream.kind)?;
    if stream.is_delta() {
        // What counts of changes is their sum.
        for state in &mut states {
            state.last = state.total;
        }
    }
    let states = if stream.counts_from_start() {
        let known_from = to_nanos(plan.range.from).saturating_sub(LOOKBACK_MS * 1_000_000);
        grown(states, u64::try_from(known_from).unwrap_or_default())
    } else {
        states
    };
    let first_ms = plan.range.from.timestamp_millis().div_euclid(plan.interval_ms) * plan.interval_ms;
    let states = states.into_iter().filter(|state| state.step_ms >= first_ms);
    let mut lines = lines(states, aggregation, plan.interval_ms);
    let omitted = lines.len().saturating_sub(LINES_MAX);
    if omitted > 0 {
        lines.sort_by(|left, right| peak(right).total_cmp(&peak(left)));
        lines.truncate(LINES_MAX);
        lines.sort_by(|left, right| left.0.cmp(&right.0));
    }
    let line = |(labels, points): (Vec<String>, Vec<LinePoint>)| Line {
        attributes: plan
            .group_by
            .iter()
            .cloned()
            .zip(labels.into_iter().map(Value::String))
            .collect(),
        points,
    };
    Ok(MetricChart {
        name: plan.name.clone(),
        kind: stream.kind.clone(),
        unit: super::present(&stream.unit),
        aggregation: aggregation.word(),
        interval_ms: plan.interval_ms,
        series: lines.into_iter().map(line).collect(),
        omitted,
    })
}

fn peak((_, points): &(Vec<String>, Vec<LinePoint>)) -> f64 {
    points.iter().map(|point| point.value.abs()).fold(0.0, f64::max)
}

fn read(batches: &[RecordBatch], kind: &str) -> Result<Vec<State>, ShapeError> {
    let mut states = Vec::new();
    for batch in batches {
        let columns = Columns::of(batch);
        for row in 0..batch.num_rows() {
            states.push(State::read(&columns, row, kind)?);
        }
    }
    Ok(states)
}

impl State {
    fn read(columns: &Columns<'_>, row: usize, kind: &str) -> Result<Self, ShapeError> {
        let mut state = Self {
            labels: columns.texts("labels", row)?,
            series: columns.number("series")?.get(row)?,
            start: columns.number("start")?.get(row)?,
            step_ms: columns.integer("bucket")?.value(row),
            ..Self::default()
        };
        if matches!(kind, "gauge" | "sum") {
            let double = |name| Ok::<_, ShapeError>(columns.float(name)?.value(row));
            state.points = columns.number("points")?.get(row)?;
            state.total = double("total")?;
            state.least = double("least")?;
            state.most = double("most")?;
            state.last = double("last")?;
            return Ok(state);
        }
        state.count = columns.number("state_count")?.get(row)?;
        state.sum = columns.float("state_sum")?.value(row);
        state.buckets = match kind {
            "histogram" => Buckets::Explicit {
                bounds: columns.doubles("explicit_bounds", row)?,
                counts: columns.counts("state_bucket_counts", row)?,
            },
            "exponential_histogram" => Buckets::Exponential(exponential(columns, row)?),
            _ => {
                let quantiles = columns.doubles("state_quantiles", row)?;
                let values = columns.doubles("state_quantile_values", row)?;
                Buckets::Quantiles(quantiles.into_iter().zip(values).collect())
            }
        };
        Ok(state)
    }

    /// What happened since `before`, which has the same start; all of it, if that counted more.
    fn since(&self, before: &Self) -> Self {
        let is_reset = self.count < before.count || self.last < before.last;
        if is_reset {
            return self.clone();
        }
        Self {
            last: self.last - before.last,
            count: self.count - before.count,
            sum: self.sum - before.sum,
            buckets: self.buckets.minus(&before.buckets),
            ..self.clone()
        }
    }
}

fn exponential(columns: &Columns<'_>, row: usize) -> Result<Exponential, ShapeError> {
    let side = |offset: &'static str, counts: &'static str| {
        let offset = columns.signed(offset)?.value(row);
        let counts = columns.counts(counts, row)?;
        let indexed = (offset..).zip(counts).filter(|(_, count)| *count > 0);
        Ok::<_, ShapeError>(indexed.collect())
    };
    Ok(Exponential {
        scale: columns.signed("scale")?.value(row),
        zero_count: columns.number("state_zero_count")?.get(row)?,
        zero_threshold: columns.float("zero_threshold")?.value(row),
        positive: side("positive_offset", "state_positive_counts")?,
        negative: side("negative_offset", "state_negative_counts")?,
    })
}

/// What happened in each step, from what it had come to by its end. States come by series, start and step.
fn grown(states: Vec<State>, known_from: u64) -> Vec<State> {
    let mut happened = Vec::with_capacity(states.len());
    let mut before: Option<State> = None;
    for state in states {
        let same = before
            .as_ref()
            .filter(|before| before.series == state.series && before.start == state.start);
        match same {
            Some(before) => happened.push(state.since(before)),
            // It began within what was looked at, so that nothing of it is missing.
            None if state.start >= known_from && state.start > 0 => happened.push(state.clone()),
            None => {}
        }
        before = Some(state);
    }
    happened
}

/// All series of a line in one step.
#[derive(Default)]
struct Step {
    points: u64,
    total: f64,
    least: Option<f64>,
    most: Option<f64>,
    last: f64,
    count: u64,
    sum: f64,
    spread: Distribution,
    quantiles: Vec<(f64, f64)>,
}

impl Step {
    fn add(&mut self, state: &State) {
        self.points += state.points;
        self.total += state.total;
        self.least = Some(self.least.map_or(state.least, |least| least.min(state.least)));
        self.most = Some(self.most.map_or(state.most, |most| most.max(state.most)));
        self.last += state.last;
        self.count += state.count;
        self.sum += state.sum;
        self.spread.add(&state.buckets);
        if let Buckets::Quantiles(pairs) = &state.buckets {
            self.quantiles.extend(pairs);
        }
    }

    fn value(&self, aggregation: Aggregation, is_number: bool, seconds: f64) -> Option<f64> {
        let mean = |sum: f64, count: u64| (count > 0).then(|| sum / count as f64);
        match (aggregation, is_number) {
            (Aggregation::Avg, true) => mean(self.total, self.points),
            (Aggregation::Avg, false) => mean(self.sum, self.count),
            (Aggregation::Min, _) => self.least,
            (Aggregation::Max, _) => self.most,
            (Aggregation::Sum | Aggregation::Increase, true) => Some(self.last),
            (Aggregation::Sum | Aggregation::Increase, false) => Some(self.sum),
            (Aggregation::Rate, true) => Some(self.last / seconds),
            (Aggregation::Rate, false) => Some(self.count as f64 / seconds),
            (Aggregation::Count, _) => Some(self.count as f64),
            (Aggregation::Percentile(percent), _) => self.percentile(f64::from(percent) / 100.0),
        }
    }

    /// Of quantiles that senders computed, the greatest is as much as can be said of all.
    fn percentile(&self, quantile: f64) -> Option<f64> {
        let sent = self
            .quantiles
            .iter()
            .filter(|pair| (pair.0 - quantile).abs() < 1e-9);
        let sent = sent.map(|pair| pair.1).filter(|value| value.is_finite());
        sent.reduce(f64::max).or_else(|| self.spread.quantile(quantile))
    }
}

fn lines(
    states: impl Iterator<Item = State>,
    aggregation: Aggregation,
    interval_ms: i64,
) -> Vec<(Vec<String>, Vec<LinePoint>)> {
    let mut lines: BTreeMap<Vec<String>, BTreeMap<i64, (bool, Step)>> = BTreeMap::new();
    for state in states {
        let is_number = state.points > 0;
        let steps = lines.entry(state.labels.clone()).or_default();
        let (number, step) = steps.entry(state.step_ms).or_default();
        *number |= is_number;
        step.add(&state);
    }
    let seconds = interval_ms as f64 / 1e3;
    let points = |steps: BTreeMap<i64, (bool, Step)>| {
        let values = steps.into_iter().filter_map(|(step_ms, (is_number, step))| {
            Some(LinePoint {
                time: DateTime::from_timestamp_millis(step_ms)?,
                value: step.value(aggregation, is_number, seconds)?,
            })
        });
        values.collect::<Vec<_>>()
    };
    let lines = lines.into_iter().map(|(labels, steps)| (labels, points(steps)));
    lines.filter(|(_, points)| !points.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(series: u64, start: u64, step: i64, last: f64) -> State {
        State {
            series,
            start,
            step_ms: step * 1_000,
            points: 1,
            total: last,
            least: last,
            most: last,
            last,
            ..State::default()
        }
    }

    fn rates(states: Vec<State>, known_from: u64) -> Vec<(i64, f64)> {
        let lines = lines(grown(states, known_from).into_iter(), Aggregation::Rate, 1_000);
        let points = lines.into_iter().flat_map(|(_, points)| points);
        points
            .map(|point| (point.time.timestamp(), point.value))
            .collect()
    }

    #[test]
    fn a_counter_grows_by_the_difference_of_its_states() {
        let states = vec![
            counter(1, 5, 10, 100.0),
            counter(1, 5, 11, 130.0),
            counter(1, 5, 12, 131.0),
        ];
        assert_eq!(rates(states.clone(), 7), [(11, 30.0), (12, 1.0)]);
        // One that began within sight has grown from nothing.
        assert_eq!(rates(states, 5), [(10, 100.0), (11, 30.0), (12, 1.0)]);
    }

    #[test]
    fn a_reset_loses_nothing_and_takes_nothing_away() {
        let new_start = vec![
            counter(1, 5, 10, 100.0),
            counter(1, 9, 11, 7.0),
            counter(1, 9, 12, 8.0),
        ];
        assert_eq!(rates(new_start, 7), [(11, 7.0), (12, 1.0)]);
        let no_start = vec![
            counter(1, 0, 10, 100.0),
            counter(1, 0, 11, 7.0),
            counter(1, 0, 12, 8.0),
        ];
        assert_eq!(rates(no_start, 7), [(11, 7.0), (12, 1.0)]);
    }

    #[test]
    fn series_of_one_line_add_up() {
        let states = vec![
            counter(1, 5, 10, 1.0),
            counter(1, 5, 11, 3.0),
            counter(2, 5, 10, 10.0),
            counter(2, 5, 11, 15.0),
        ];
        assert_eq!(rates(states, 7), [(11, 7.0)]);
    }

    #[test]
    fn what_does_not_suit_a_kind_is_refused_with_what_does() {
        let stream = |kind: &str, temporality, is_monotonic| Stream {
            kind: kind.to_owned(),
            unit: String::new(),
            temporality,
            is_monotonic,
        };
        assert_eq!(suitable(&stream("gauge", 0, false), None), Ok(Aggregation::Avg));
        assert_eq!(suitable(&stream("sum", 2, true), None), Ok(Aggregation::Rate));
        assert_eq!(suitable(&stream("sum", 2, false), None), Ok(Aggregation::Sum));
        assert_eq!(
            suitable(&stream("histogram", 1, false), None),
            Ok(Aggregation::Percentile(95))
        );
        let error = suitable(&stream("gauge", 0, false), Some(Aggregation::Rate)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`aggregation` must be avg, min, max or sum for a gauge"
        );
    }
}

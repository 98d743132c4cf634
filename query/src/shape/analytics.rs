//! Charts and lists of figures. Every step of a chart is there: a count of a step without anything is zero,
//! and a percentile of nothing is `null`.

use std::collections::{BTreeMap, HashMap};

use arrow_array::RecordBatch;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::columns::Columns;
use super::figures::{Figures, Percentiles};
use super::{ShapeError, Usage, present};
use crate::plan::{Dimension, TopCursor, Usage as UsagePlan};
use crate::sql::usage::Measure;

/// A stretch of time in figures, beside the one before.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Overview {
    /// The first instant counted: the beginning of a step.
    pub from: DateTime<Utc>,
    /// The first instant not counted.
    pub to: DateTime<Utc>,
    /// The width of a step.
    pub interval_ms: i64,
    /// All of it.
    pub totals: Totals,
    /// The same length of time, just before.
    pub previous: Totals,
    /// Step by step.
    pub points: Vec<OverviewPoint>,
}

/// Everything that is counted.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Totals {
    /// Model calls, each counted once.
    pub requests: u64,
    /// How many of them failed.
    pub request_errors: u64,
    /// Traces that began.
    pub traces: u64,
    /// How many of them failed.
    pub trace_errors: u64,
    /// Observations of any type.
    pub observations: u64,
    /// How many of them failed.
    pub errors: u64,
    /// Users that were named.
    pub users: u64,
    /// Sessions that were named.
    pub sessions: u64,
    /// Tokens, each counted once.
    pub usage: Usage,
    /// US dollars, as a decimal.
    #[schema(example = "0.0042")]
    pub total_cost: String,
    /// How long model calls took.
    pub latency: Option<Percentiles>,
    /// How long the first token took, where the calls say.
    pub time_to_first_token: Option<Percentiles>,
    /// How long traces took.
    pub trace_duration: Option<Percentiles>,
}

/// A step of the overview.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct OverviewPoint {
    /// When it begins.
    pub start: DateTime<Utc>,
    /// Model calls.
    pub requests: u64,
    /// How many of them failed.
    pub request_errors: u64,
    /// Traces that began.
    pub traces: u64,
    /// How many of them failed.
    pub trace_errors: u64,
    /// Tokens.
    pub usage: Usage,
    /// US dollars, as a decimal.
    pub total_cost: String,
    /// How long model calls took.
    pub latency: Option<Percentiles>,
}

/// A chart.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Chart<P> {
    /// The first instant counted: the beginning of a step.
    pub from: DateTime<Utc>,
    /// The first instant not counted.
    pub to: DateTime<Utc>,
    /// The width of a step.
    pub interval_ms: i64,
    /// Its lines, the highest first. One without `group_by`.
    pub series: Vec<Line<P>>,
}

/// A line of a chart.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Line<P> {
    /// What it counts, such as a model's name; `null` for everything, or for everything else.
    pub key: Option<String>,
    /// Whether it is everything that has no line of its own, or no value.
    pub is_other: bool,
    /// All steps together.
    pub total: P,
    /// Every step, oldest first.
    pub points: Vec<P>,
}

/// How much happened in a step.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct RequestsPoint {
    /// When it begins.
    pub start: DateTime<Utc>,
    /// Model calls.
    pub requests: u64,
    /// How many of them failed.
    pub request_errors: u64,
    /// Traces that began.
    pub traces: u64,
    /// How many of them failed.
    pub trace_errors: u64,
    /// Observations of any type.
    pub observations: u64,
    /// How many of them failed.
    pub errors: u64,
}

/// What a step cost.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct CostsPoint {
    /// When it begins.
    pub start: DateTime<Utc>,
    /// US dollars, as a decimal.
    pub total_cost: String,
    /// Tokens.
    pub usage: Usage,
}

/// How long things took in a step.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct LatencyPoint {
    /// When it begins.
    pub start: DateTime<Utc>,
    /// Model calls.
    pub requests: u64,
    /// How long they took.
    pub latency: Option<Percentiles>,
    /// How long their first token took, where they say.
    pub time_to_first_token: Option<Percentiles>,
    /// How long the traces that began took.
    pub trace_duration: Option<Percentiles>,
}

/// A step of a chart, made of its figures.
pub(crate) trait Point: Sized + PartialEq {
    const MEASURES: &'static [Measure];

    fn new(start: DateTime<Utc>, figures: &Figures) -> Self;
}

impl Point for RequestsPoint {
    const MEASURES: &'static [Measure] = &[
        Measure::Requests,
        Measure::RequestErrors,
        Measure::Traces,
        Measure::TraceErrors,
        Measure::Observations,
        Measure::Errors,
    ];

    fn new(start: DateTime<Utc>, figures: &Figures) -> Self {
        Self {
            start,
            requests: figures.requests,
            request_errors: figures.request_errors,
            traces: figures.traces,
            trace_errors: figures.trace_errors,
            observations: figures.observations,
            errors: figures.errors,
        }
    }
}

impl Point for CostsPoint {
    const MEASURES: &'static [Measure] = &[
        Measure::Cost,
        Measure::InputTokens,
        Measure::OutputTokens,
        Measure::CacheReadTokens,
        Measure::CacheWriteTokens,
        Measure::ReasoningTokens,
    ];

    fn new(start: DateTime<Utc>, figures: &Figures) -> Self {
        Self {
            start,
            total_cost: figures.total_cost(),
            usage: figures.usage(),
        }
    }
}

impl Point for LatencyPoint {
    const MEASURES: &'static [Measure] = &[
        Measure::Requests,
        Measure::Latency,
        Measure::FirstToken,
        Measure::TraceLatency,
    ];

    fn new(start: DateTime<Utc>, figures: &Figures) -> Self {
        Self {
            start,
            requests: figures.requests,
            latency: figures.latency(),
            time_to_first_token: figures.first_token(),
            trace_duration: figures.trace_latency(),
        }
    }
}

impl Point for OverviewPoint {
    const MEASURES: &'static [Measure] = &Measure::ALL;

    fn new(start: DateTime<Utc>, figures: &Figures) -> Self {
        Self {
            start,
            requests: figures.requests,
            request_errors: figures.request_errors,
            traces: figures.traces,
            trace_errors: figures.trace_errors,
            usage: figures.usage(),
            total_cost: figures.total_cost(),
            latency: figures.latency(),
        }
    }
}

impl Totals {
    /// From a chart's figures, and how many users and sessions there were.
    pub(crate) fn new(figures: &Figures, (users, sessions): (u64, u64)) -> Self {
        Self {
            requests: figures.requests,
            request_errors: figures.request_errors,
            traces: figures.traces,
            trace_errors: figures.trace_errors,
            observations: figures.observations,
            errors: figures.errors,
            users,
            sessions,
            usage: figures.usage(),
            total_cost: figures.total_cost(),
            latency: figures.latency(),
            time_to_first_token: figures.first_token(),
            trace_duration: figures.trace_latency(),
        }
    }
}

/// What was read for a chart: figures by line and step.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    by_line: HashMap<(String, bool), BTreeMap<i64, Figures>>,
}

impl Steps {
    pub(crate) fn read(batches: &[RecordBatch], measures: &[Measure]) -> Result<Self, ShapeError> {
        let mut steps = Self::default();
        for batch in batches {
            let columns = Columns::of(batch);
            let (starts, keys) = (columns.number("bucket_ms")?, columns.text("key")?);
            let is_other = columns.flag("is_other")?;
            for row in 0..batch.num_rows() {
                let start = i64::try_from(starts.get(row)?).unwrap_or(i64::MAX);
                let line = (keys.value(row).to_owned(), is_other.get(row));
                let figures = Figures::read(&columns, row, measures)?;
                steps
                    .by_line
                    .entry(line)
                    .or_default()
                    .entry(start)
                    .or_default()
                    .add(&figures);
            }
        }
        Ok(steps)
    }

    /// Everything, over all lines and steps.
    pub(crate) fn total(&self) -> Figures {
        let mut total = Figures::default();
        for figures in self.by_line.values().flat_map(BTreeMap::values) {
            total.add(figures);
        }
        total
    }

    /// A line's points, all steps of the plan included.
    pub(crate) fn points<P: Point>(&self, key: &str, is_other: bool, plan: &UsagePlan) -> Vec<P> {
        let nothing = Figures::default();
        let line = self.by_line.get(&(key.to_owned(), is_other));
        let starts = plan.range.bucket_starts(plan.interval_ms);
        let point = |start_ms: i64| {
            let start = DateTime::from_timestamp_millis(start_ms).unwrap_or_default();
            P::new(
                start,
                line.and_then(|line| line.get(&start_ms)).unwrap_or(&nothing),
            )
        };
        starts.map(point).collect()
    }

    fn line<P: Point>(&self, key: &str, is_other: bool, plan: &UsagePlan) -> Line<P> {
        let mut total = Figures::default();
        let figures = self.by_line.get(&(key.to_owned(), is_other));
        for figures in figures.into_iter().flat_map(BTreeMap::values) {
            total.add(figures);
        }
        Line {
            key: present(key),
            is_other,
            total: P::new(plan.range.from, &total),
            points: self.points(key, is_other, plan),
        }
    }
}

/// A chart of the lines `keys`, and of what has none if there is any.
pub(crate) fn chart<P: Point>(plan: &UsagePlan, steps: &Steps, keys: Option<&[String]>) -> Chart<P> {
    let mut series: Vec<Line<P>> = match keys {
        None => vec![steps.line("", false, plan)],
        Some(keys) => keys.iter().map(|key| steps.line(key, false, plan)).collect(),
    };
    let others: Line<P> = steps.line("", true, plan);
    if others.total != P::new(plan.range.from, &Figures::default()) {
        series.push(others);
    }
    Chart {
        from: plan.range.from,
        to: plan.range.to,
        interval_ms: plan.interval_ms,
        series,
    }
}

/// An entry of a list: a model, a provider, a user or a session, in figures.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct TopEntry {
    /// The model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The user; of a session, one that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Traces that began.
    pub traces: u64,
    /// Model calls.
    pub requests: u64,
    /// How many of them failed.
    pub request_errors: u64,
    /// Observations of any type.
    pub observations: u64,
    /// How many of them failed.
    pub errors: u64,
    /// Tokens.
    pub usage: Usage,
    /// US dollars, as a decimal.
    pub total_cost: String,
    /// How long model calls took; of models and providers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Percentiles>,
    /// How long their first token took; of models and providers, where calls say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_to_first_token: Option<Percentiles>,
    /// The quarter of an hour of the first observation in the range.
    pub first_seen: DateTime<Utc>,
    /// The quarter of an hour of the last one.
    pub last_seen: DateTime<Utc>,
}

/// Whose names a list's entries have, in the order of its cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TopList {
    Models,
    Providers,
    Users,
    Sessions,
}

impl TopList {
    /// The columns of a result that name an entry.
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Models => &["key_model", "key_provider"],
            Self::Providers => &["key_provider"],
            Self::Users => &["key_user_id"],
            Self::Sessions => &["key_session_id"],
        }
    }
}

/// Reads the entries of a list, each with its place.
pub(crate) fn top(
    list: TopList,
    batches: &[RecordBatch],
    measures: &[Measure],
) -> Result<Vec<(TopCursor, TopEntry)>, ShapeError> {
    let mut entries = Vec::new();
    for batch in batches {
        let columns = Columns::of(batch);
        for row in 0..batch.num_rows() {
            entries.push(entry(list, &columns, row, measures)?);
        }
    }
    Ok(entries)
}

fn entry(
    list: TopList,
    columns: &Columns<'_>,
    row: usize,
    measures: &[Measure],
) -> Result<(TopCursor, TopEntry), ShapeError> {
    let figures = Figures::read(columns, row, measures)?;
    let keys = list
        .keys()
        .iter()
        .map(|name| Ok(columns.text(name)?.value(row).to_owned()));
    let keys: Vec<String> = keys.collect::<Result<_, ShapeError>>()?;
    let name = |wanted: &str| {
        let found = list.keys().iter().zip(&keys).find(|(name, _)| **name == wanted);
        found.and_then(|(_, key)| present(key))
    };
    let seen = |column| {
        let seconds = i64::try_from(columns.number(column)?.get(row)?).unwrap_or(0);
        Ok::<_, ShapeError>(DateTime::from_timestamp(seconds, 0).unwrap_or_default())
    };
    let user_of_session = match list {
        TopList::Sessions => present(columns.text("any_user")?.value(row)),
        _ => None,
    };
    let entry = TopEntry {
        model: name("key_model"),
        provider: name("key_provider"),
        user_id: name("key_user_id").or(user_of_session),
        session_id: name("key_session_id"),
        traces: figures.traces,
        requests: figures.requests,
        request_errors: figures.request_errors,
        observations: figures.observations,
        errors: figures.errors,
        usage: figures.usage(),
        total_cost: figures.total_cost(),
        latency: figures.latency(),
        time_to_first_token: figures.first_token(),
        first_seen: seen("first_bucket_s")?,
        last_seen: seen("last_bucket_s")?,
    };
    let value = columns.text("rank_text")?.value(row).parse().unwrap_or_default();
    Ok((TopCursor { value, keys }, entry))
}

/// The values of a dimension, in the order of a result.
pub(crate) fn line_keys(by: Dimension, batches: &[RecordBatch]) -> Result<Vec<String>, ShapeError> {
    let name = match by {
        Dimension::Environment => "key_environment",
        Dimension::Provider => "key_provider",
        Dimension::Model => "key_model",
        Dimension::Type => "key_type",
        Dimension::Name => "key_name",
        Dimension::Service => "key_service_name",
        Dimension::Status => "key_status_code",
        Dimension::User => "key_user_id",
        Dimension::Session => "key_session_id",
    };
    let mut keys = Vec::new();
    for batch in batches {
        let column = Columns::of(batch).text(name)?;
        keys.extend(column.iter().flatten().map(str::to_owned));
    }
    Ok(keys)
}

/// The users and sessions of a result with one row.
pub(crate) fn people(batches: &[RecordBatch]) -> Result<(u64, u64), ShapeError> {
    let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) else {
        return Ok((0, 0));
    };
    let columns = Columns::of(batch);
    Ok((
        columns.number("users")?.get(0)?,
        columns.number("sessions")?.get(0)?,
    ))
}

/// Starts of quarters of an hour, in seconds since 1970.
pub(crate) fn quarters(batches: &[RecordBatch]) -> Result<Vec<i64>, ShapeError> {
    let mut starts = Vec::new();
    for batch in batches {
        let column = Columns::of(batch).number("bucket_s")?;
        for row in 0..batch.num_rows() {
            starts.push(i64::try_from(column.get(row)?).unwrap_or(i64::MAX));
        }
    }
    Ok(starts)
}

//! What was asked for, checked: a value of these types can be turned into SQL and run. No SQL here.

mod analytics;
mod attributes;
mod calls;
mod cursor;
mod error;
mod events;
mod log_records;
mod metrics;
mod place;
mod range;
mod scores;

use brokle_model::id::{ProjectId, TraceId};

pub use analytics::{
    Dimension, GroupBy, QUARTER_MS, SERIES_MAX, TOP_DEFAULT, TOP_MAX, TopCursor, TopSort, Usage,
};
pub use attributes::{ATTRIBUTES_DEFAULT, ATTRIBUTES_MAX, AttributeScope, Attributes};
pub use calls::{
    REQUESTS_DEFAULT, REQUESTS_MAX, ROUTING_LINES_MAX, RequestFilter, RequestList, RoutingBreakdown,
    RoutingKey, Wanted,
};
pub use cursor::{Cursor, InvalidCursor};
pub use error::PlanError;
pub use events::{EVENTS_DEFAULT, EVENTS_MAX, EventList};
pub use log_records::{
    LOG_RECORDS_DEFAULT, LOG_RECORDS_MAX, LogFilter, LogList, TimeOrder, severity, severity_word,
};
pub use metrics::{
    Aggregation, METRIC_NAMES_DEFAULT, METRIC_NAMES_MAX, MetricFilter, MetricNames, MetricPoints,
    MetricSeries, attributes, group_by, step_ms,
};
pub use place::{LogCursor, NameCursor, PointCursor};
pub use range::{FIRST_SLICE, FIRST_SLICE_IN_ORDER, TimeRange, to_nanos};
pub use scores::{IdCursor, SCORES_DEFAULT, SCORES_MAX, ScoreList};

use crate::filter::Filter;

/// Traces on a page when the caller does not say.
pub const TRACES_DEFAULT: usize = 50;
/// The most traces on a page.
pub const TRACES_MAX: usize = 200;
/// Observations on a page when the caller does not say.
pub const OBSERVATIONS_DEFAULT: usize = 1_000;
/// The most observations on a page.
pub const OBSERVATIONS_MAX: usize = 10_000;

/// One page of a project's traces, newest first.
#[derive(Debug, Clone)]
pub struct TraceList {
    /// Whose.
    pub project: ProjectId,
    /// When they began.
    pub range: TimeRange,
    /// Which.
    pub filter: Filter,
    /// Where the page before ended.
    pub cursor: Option<Cursor>,
    /// Traces on the page.
    pub limit: usize,
}

/// One page of a trace's observations, oldest first.
#[derive(Debug, Clone, Copy)]
pub struct ObservationList {
    /// Whose.
    pub project: ProjectId,
    /// Which trace.
    pub trace: TraceId,
    /// Where the page before ended.
    pub cursor: Option<Cursor>,
    /// Observations on the page.
    pub limit: usize,
}

/// Traces counted by when they began.
#[derive(Debug, Clone)]
pub struct Histogram {
    /// Whose.
    pub project: ProjectId,
    /// When they began.
    pub range: TimeRange,
    /// Which.
    pub filter: Filter,
    /// The width of a bucket.
    pub interval_ms: i64,
}

impl Histogram {
    /// Chooses the width of the buckets.
    pub fn new(project: ProjectId, range: TimeRange, filter: Filter) -> Self {
        let interval_ms = range.interval_ms(BUCKETS_MAX);
        Self {
            project,
            range,
            filter,
            interval_ms,
        }
    }
}

/// The most buckets in a histogram.
pub const BUCKETS_MAX: i64 = 120;

/// Checks a page's size.
pub fn limit(asked: Option<usize>, default: usize, max: usize) -> Result<usize, PlanError> {
    match asked {
        None => Ok(default),
        Some(limit) if (1..=max).contains(&limit) => Ok(limit),
        Some(_) => Err(PlanError::LimitOutOfRange { max }),
    }
}

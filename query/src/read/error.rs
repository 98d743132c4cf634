//! Why a read gave no answer.

use std::time::Duration;

use brokle_model::error::{Classify, ErrorKind};
use brokle_storage::telemetry::QueryError;

use crate::plan::PlanError;
use crate::shape::ShapeError;

/// Why a read gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The request cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// No such trace in this project.
    #[error("there is no such trace in this project")]
    TraceNotFound,
    /// No such call in this project.
    #[error("there is no such call in this project's request log")]
    RequestNotFound,
    /// No such metric in this project and time.
    #[error("there is no such metric in this project and time range")]
    MetricNotFound,
    /// The chart has too many series and steps.
    #[error(
        "the metric has too many series for so many steps: choose a longer `interval_ms`, a shorter time range, or \
         filter by `service` or `attributes`"
    )]
    TooManyStates,
    /// The answer would cost more than one request may.
    #[error(
        "this would read too much at once: choose a shorter time range, or add a filter on `name`, \
         `environment`, `status` or `service`"
    )]
    TooExpensive,
    /// Storage failed.
    #[error("telemetry storage failed")]
    Storage(#[source] QueryError),
    /// Storage answered something else.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

impl From<QueryError> for ReadError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::TooExpensive => Self::TooExpensive,
            other => Self::Storage(other),
        }
    }
}

impl Classify for ReadError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Plan(error) => error.kind(),
            Self::TraceNotFound | Self::RequestNotFound | Self::MetricNotFound => ErrorKind::NotFound,
            Self::TooExpensive | Self::TooManyStates => ErrorKind::Invalid,
            Self::Storage(QueryError::Unavailable { .. }) => ErrorKind::Unavailable,
            Self::Storage(_) => ErrorKind::Internal,
            Self::Shape(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Plan(error) => error.code(),
            Self::TraceNotFound => "trace_not_found",
            Self::RequestNotFound => "request_not_found",
            Self::MetricNotFound => "metric_not_found",
            Self::TooExpensive | Self::TooManyStates => "query_too_expensive",
            Self::Storage(QueryError::Unavailable { .. }) => "telemetry_unavailable",
            Self::Storage(_) => "internal",
            Self::Shape(error) => error.code(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        let is_away = matches!(self, Self::Storage(QueryError::Unavailable { .. }));
        is_away.then_some(Duration::from_secs(2))
    }
}

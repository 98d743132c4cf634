//! Why a request cannot be planned. All of these are the caller's to mend.

use brokle_model::error::{Classify, ErrorKind};

use super::cursor::InvalidCursor;
use crate::filter::FilterError;

/// Why a request cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A time that is not one.
    #[error("`{field}` must be a time such as 2026-11-22T09:30:00Z, not `{text}`")]
    InvalidTime {
        /// The parameter.
        field: &'static str,
        /// What it held.
        text: String,
    },
    /// The range is empty or backwards.
    #[error("`from` must be before `to`")]
    EmptyRange,
    /// The range is too long.
    #[error("the time range may span {days_max} days")]
    RangeTooLong {
        /// The limit.
        days_max: i64,
    },
    /// No such page size.
    #[error("`limit` must be between 1 and {max}")]
    LimitOutOfRange {
        /// The greatest.
        max: usize,
    },
    /// No such step.
    #[error(
        "`interval_ms` must be whole seconds that divide 15 minutes, or a multiple of 15 minutes, and give at most {steps_max} steps"
    )]
    IntervalOutOfRange {
        /// The most steps.
        steps_max: i64,
    },
    /// A word that the parameter does not know.
    #[error("`{field}` must be {expected}")]
    UnknownWord {
        /// The parameter.
        field: &'static str,
        /// What it knows.
        expected: &'static str,
    },
    /// Not a cursor of ours.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// Not a filter.
    #[error(transparent)]
    Filter(#[from] FilterError),
}

impl PlanError {
    /// The parameter at fault.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::InvalidTime { field, .. } | Self::UnknownWord { field, .. } => field,
            Self::EmptyRange | Self::RangeTooLong { .. } => "from",
            Self::LimitOutOfRange { .. } => "limit",
            Self::IntervalOutOfRange { .. } => "interval_ms",
            Self::Cursor(_) => "cursor",
            Self::Filter(_) => "filter",
        }
    }
}

impl Classify for PlanError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Cursor(_) => "invalid_cursor",
            Self::Filter(error) => error.code(),
            Self::InvalidTime { .. } | Self::EmptyRange | Self::RangeTooLong { .. } => "invalid_time_range",
            Self::UnknownWord { .. } => "invalid_parameter",
            Self::LimitOutOfRange { .. } => "invalid_limit",
            Self::IntervalOutOfRange { .. } => "invalid_interval",
        }
    }
}

//! Rows to answers: the dashboard's traces, observations, charts, and OTLP given back as it came.
//!
//! Absent is `null`, money is a decimal string, time is RFC 3339 in UTC, ids are lower-case hex. What a
//! chart has no row for is decided here, not left to the drawing.

pub(crate) mod analytics;
mod any_value;
pub(crate) mod calls;
pub(crate) mod charts;
mod columns;
pub(crate) mod event;
mod figures;
pub(crate) mod keys;
pub(crate) mod log_record;
pub(crate) mod messages;
pub(crate) mod metric;
pub(crate) mod observation;
mod origin;
pub(crate) mod otlp;
pub(crate) mod quality;
pub(crate) mod score;
pub(crate) mod series;
mod span_row;
pub(crate) mod trace;
mod usage;

use brokle_model::error::{Classify, ErrorKind};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use span_row::SpanRow;

/// Storage answered in another shape than the query asked for: our defect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the column `{column}` of a query's result is missing or not {expected}")]
pub(crate) struct ShapeError {
    column: &'static str,
    expected: &'static str,
}

impl Classify for ShapeError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Internal
    }

    fn code(&self) -> &'static str {
        "internal"
    }
}

/// Tokens, as the field counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are those of the API")]
pub(crate) struct Usage {
    /// All input tokens, cached ones included.
    pub input_tokens: u64,
    /// All output tokens, reasoning included.
    pub output_tokens: u64,
    /// Input tokens read from the provider's cache.
    pub cache_read_tokens: u64,
    /// Input tokens written to the provider's cache.
    pub cache_write_tokens: u64,
    /// Output tokens spent on reasoning.
    pub reasoning_tokens: u64,
    /// Input and output tokens.
    pub total_tokens: u64,
}

/// An instant from nanoseconds since 1970.
pub(crate) fn instant(nanos: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_nanos(nanos)
}

/// The milliseconds between two instants in nanoseconds; clocks that ran backwards give zero.
pub(crate) fn milliseconds(start_ns: i64, end_ns: i64) -> f64 {
    end_ns.saturating_sub(start_ns).max(0) as f64 / 1e6
}

/// A decimal without trailing zeros. Text that is none, which storage does not produce, stays as it is.
pub(crate) fn money(text: &str) -> String {
    text.parse::<Decimal>()
        .map_or_else(|_| text.to_owned(), |amount| amount.normalize().to_string())
}

/// `None` for the empty text, which is how storage says "absent".
pub(crate) fn present(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The word for an OTLP status code.
pub(crate) fn status_word(code: u8) -> &'static str {
    crate::filter::Status::from_code(code).as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_no_trailing_zeros_and_time_does_not_run_backwards() {
        assert_eq!(
            ["0.004200000000", "0", "12.000"].map(money),
            ["0.0042", "0", "12"]
        );
        assert!(milliseconds(5, 1).abs() < f64::EPSILON);
        assert!((milliseconds(0, 1_500_000) - 1.5).abs() < f64::EPSILON);
    }
}

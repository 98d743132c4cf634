//! Which log records are asked for.

use brokle_model::id::{ProjectId, SpanId, TraceId};

use super::{LogCursor, PlanError, TimeRange};

/// Log records on a page when the caller does not say.
pub const LOG_RECORDS_DEFAULT: usize = 100;
/// The most log records on a page.
pub const LOG_RECORDS_MAX: usize = 1_000;

/// What log records must be like. What is not set does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// The least severity, by OTLP's number.
    pub severity_min: Option<u8>,
    /// The service's name.
    pub service: Option<String>,
    /// The environment.
    pub environment: Option<String>,
    /// The event's name.
    pub event_name: Option<String>,
    /// Words of the body.
    pub text: Option<String>,
    /// The trace.
    pub trace: Option<TraceId>,
    /// The span.
    pub span: Option<SpanId>,
}

/// Which end of the time comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeOrder {
    /// As lists have it.
    NewestFirst,
    /// As a story is told.
    OldestFirst,
}

/// One page of log records.
#[derive(Debug, Clone)]
pub struct LogList {
    /// Whose.
    pub project: ProjectId,
    /// Of when.
    pub range: TimeRange,
    /// Which.
    pub filter: LogFilter,
    /// In which order.
    pub order: TimeOrder,
    /// Where the page before ended.
    pub cursor: Option<LogCursor>,
    /// Log records on the page.
    pub limit: usize,
}

/// The ranges of OTLP's severity numbers, by their first.
const SEVERITIES: [(&str, u8); 6] = [
    ("trace", 1),
    ("debug", 5),
    ("info", 9),
    ("warn", 13),
    ("error", 17),
    ("fatal", 21),
];

/// Reads a severity: one of six words, or a number from 1 to 24.
pub fn severity(text: &str) -> Result<u8, PlanError> {
    let word = text.trim().to_ascii_lowercase();
    let named = SEVERITIES.into_iter().find(|(name, _)| *name == word);
    let number = || word.parse().ok().filter(|number| (1..=24).contains(number));
    named
        .map(|(_, number)| number)
        .or_else(number)
        .ok_or(PlanError::UnknownWord {
            field: "severity",
            expected: "trace, debug, info, warn, error, fatal or a number from 1 to 24",
        })
}

/// The word for a severity number; none for 0 and for what OTLP has not named.
pub fn severity_word(number: i32) -> Option<&'static str> {
    if !(1..=24).contains(&number) {
        return None;
    }
    let mut words = SEVERITIES.into_iter().rev();
    words
        .find(|(_, first)| number >= i32::from(*first))
        .map(|(word, _)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_are_words_or_numbers() {
        assert_eq!(severity("WARN"), Ok(13));
        assert_eq!(severity("24"), Ok(24));
        for text in ["", "0", "25", "warning", "-1"] {
            assert!(severity(text).is_err(), "{text}");
        }
        let words = [
            (0, None),
            (1, Some("trace")),
            (12, Some("info")),
            (13, Some("warn")),
            (24, Some("fatal")),
        ];
        for (number, word) in words {
            assert_eq!(severity_word(number), word, "{number}");
        }
        assert_eq!(severity_word(25), None);
    }
}

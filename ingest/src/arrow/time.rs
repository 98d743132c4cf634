//! Times that storage can hold. OTLP's are any 64 bits; ClickHouse partitions by month, expires rows by
//! their start, and ends its nanosecond times in 2262.
//!
//! A start that is unknown (zero) or beyond 2262 becomes the time of arrival; an end before its start
//! becomes the start. What the sender said is then kept in the attributes `ORIGINAL_START` and
//! `ORIGINAL_END` of the model crate, so that it can be given back.

use chrono::{DateTime, Datelike, Utc};

/// 2262-01-01T00:00:00Z
const END_OF_TIME: i64 = 9_214_646_400_000_000_000;

/// The times of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) start: i64,
    pub(super) end: i64,
    /// What the sender said, when `start` is something else.
    pub(super) original_start: Option<u64>,
    /// What the sender said, when `end` is something else.
    pub(super) original_end: Option<u64>,
}

impl Times {
    pub(super) fn new(start: u64, end: u64, received: i64) -> Self {
        let kept = storable(start).filter(|start| *start != 0);
        let mut times = Self {
            start: kept.unwrap_or(received),
            end: 0,
            original_start: kept.is_none().then_some(start),
            original_end: None,
        };
        times.set_end(end);
        times
    }

    /// The same row, moved to the time of arrival.
    pub(super) fn moved(start: u64, end: u64, received: i64) -> Self {
        let mut times = Self {
            start: received,
            end: 0,
            original_start: Some(start),
            original_end: None,
        };
        times.set_end(end);
        times
    }

    fn set_end(&mut self, end: u64) {
        let kept = storable(end).filter(|end| *end >= self.start);
        self.end = kept.unwrap_or(self.start);
        self.original_end = kept.is_none().then_some(end);
    }
}

fn storable(nanos: u64) -> Option<i64> {
    i64::try_from(nanos).ok().filter(|nanos| *nanos < END_OF_TIME)
}

/// The time at which storage keeps an item of `nanos`, when only one time counts: its own, or that of its arrival
/// where that is unknown or cannot be stored. The original has a column of its own.
pub(super) fn or_received(nanos: u64, received: i64) -> i64 {
    storable(nanos).filter(|nanos| *nanos != 0).unwrap_or(received)
}

/// The time of arrival, as storage holds it.
pub(super) fn received_nanos(received_at: DateTime<Utc>) -> i64 {
    received_at
        .timestamp_nanos_opt()
        .unwrap_or(0)
        .clamp(0, END_OF_TIME - 1)
}

/// A calendar month, UTC, as ClickHouse's `toYYYYMM` writes it; remembers where the last one began and ended.
#[derive(Debug)]
pub(super) struct Months {
    start: i64,
    end: i64,
    number: u32,
}

impl Default for Months {
    fn default() -> Self {
        Self {
            start: i64::MAX,
            end: i64::MIN,
            number: 0,
        }
    }
}

impl Months {
    pub(super) fn of(&mut self, nanos: i64) -> u32 {
        if nanos < self.start || nanos >= self.end {
            self.find(nanos);
        }
        self.number
    }

    fn find(&mut self, nanos: i64) {
        let date = DateTime::from_timestamp_nanos(nanos).date_naive();
        let first = date.with_day(1).unwrap_or(date);
        let next = first.checked_add_months(chrono::Months::new(1)).unwrap_or(date);
        let nanos_of = |day: chrono::NaiveDate| {
            day.and_time(chrono::NaiveTime::MIN)
                .and_utc()
                .timestamp_nanos_opt()
                .unwrap_or(nanos)
        };
        (self.start, self.end) = (nanos_of(first), nanos_of(next));
        self.number = u32::try_from(date.year()).unwrap_or(1970) * 100 + date.month();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIVED: i64 = 1_795_000_000_000_000_000;

    #[test]
    fn ordinary_times_are_kept() {
        let times = Times::new(5, 9, RECEIVED);
        assert_eq!(
            times,
            Times {
                start: 5,
                end: 9,
                original_start: None,
                original_end: None
            }
        );
    }

    #[test]
    fn impossible_times_are_moved_and_remembered() {
        let unknown = Times::new(0, 0, RECEIVED);
        assert_eq!((unknown.start, unknown.end), (RECEIVED, RECEIVED));
        assert_eq!((unknown.original_start, unknown.original_end), (Some(0), Some(0)));
        let backwards = Times::new(100, 50, RECEIVED);
        assert_eq!(
            (backwards.start, backwards.end, backwards.original_end),
            (100, 100, Some(50))
        );
        let never = Times::new(u64::MAX, u64::MAX - 1, RECEIVED);
        assert_eq!((never.start, never.end), (RECEIVED, RECEIVED));
        assert_eq!(
            (never.original_start, never.original_end),
            (Some(u64::MAX), Some(u64::MAX - 1))
        );
    }

    #[test]
    fn months_are_those_of_the_utc_calendar() {
        let mut months = Months::default();
        let nanos = |text: &str| {
            text.parse::<DateTime<Utc>>()
                .unwrap()
                .timestamp_nanos_opt()
                .unwrap()
        };
        for (instant, expected) in [
            ("2026-11-30T23:59:59.999999999Z", 202_611),
            ("2026-12-01T00:00:00Z", 202_612),
            ("2026-11-01T00:00:00Z", 202_611),
            ("1970-01-01T00:00:00.000000001Z", 197_001),
            ("2261-12-31T23:59:59Z", 226_112),
        ] {
            assert_eq!(months.of(nanos(instant)), expected, "{instant}");
        }
        assert_eq!(END_OF_TIME, nanos("2262-01-01T00:00:00Z"));
    }
}

//! A bounded stretch of time, and the two ways of cutting it: into buckets for a chart, and into slices for
//! a search that begins with the newest.

use chrono::{DateTime, Duration, Utc};

use super::PlanError;

/// The range when the caller does not say.
const DEFAULT_HOURS: i64 = 24;
/// The longest range.
const DAYS_MAX: i64 = 366;
/// How far a list without an end reaches ahead.
const AHEAD_MINUTES: i64 = 5;
/// The first slice of a search that reads all of it. Each next one is four times as long, so that 366 days are eight.
pub const FIRST_SLICE: Duration = Duration::hours(1);
/// The first slice of a search that reads in order: a list of the last day, which reaches ahead a little, is one.
pub const FIRST_SLICE_IN_ORDER: Duration = Duration::hours(25);
const SLICE_GROWTH: i32 = 4;

/// From an instant up to, and without, another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// The first instant inside.
    pub from: DateTime<Utc>,
    /// The first instant behind.
    pub to: DateTime<Utc>,
}

impl TimeRange {
    /// Reads the parameters `from` and `to`; without them, the last day.
    pub fn resolve(from: Option<&str>, to: Option<&str>, now: DateTime<Utc>) -> Result<Self, PlanError> {
        let to = to.map_or(Ok(now), |text| instant("to", text))?;
        let from = from.map_or(Ok(to - Duration::hours(DEFAULT_HOURS)), |text| {
            instant("from", text)
        })?;
        if from >= to {
            return Err(PlanError::EmptyRange);
        }
        if to - from > Duration::days(DAYS_MAX) {
            return Err(PlanError::RangeTooLong { days_max: DAYS_MAX });
        }
        Ok(Self { from, to })
    }

    /// All time that anything can be of: for what is found by its id.
    pub fn everything(now: DateTime<Utc>) -> Self {
        Self {
            from: DateTime::UNIX_EPOCH,
            to: now + Duration::days(DAYS_MAX),
        }
    }

    /// The range with its end a little later: for lists without an end, which should show what clients
    /// send whose clocks run ahead of ours.
    #[must_use]
    pub fn reaching_ahead(self) -> Self {
        Self {
            to: self.to + Duration::minutes(AHEAD_MINUTES),
            ..self
        }
    }

    /// The range, from its end backwards, in pieces that grow from the `first` one on. Without an `end`, from the range's
    /// own.
    pub fn slices(self, end: Option<DateTime<Utc>>, first: Duration) -> Vec<Self> {
        let mut slices = Vec::new();
        let mut to = end.map_or(self.to, |end| end.min(self.to));
        let mut length = first;
        while to > self.from {
            let from = (to - length).max(self.from);
            slices.push(Self { from, to });
            to = from;
            length = length * SLICE_GROWTH;
        }
        slices
    }

    /// The narrowest round width that cuts the range into at most `buckets_max` aligned buckets.
    pub fn interval_ms(self, buckets_max: i64) -> i64 {
        let fits = |interval: &i64| self.bucket_count(*interval) <= buckets_max;
        // Whole weeks at the most; a year and a day is 53 of them.
        ROUND_INTERVALS_MS.into_iter().find(fits).unwrap_or(7 * DAY_MS)
    }

    /// The starts of all buckets that the range touches, in milliseconds since 1970.
    pub fn bucket_starts(self, interval_ms: i64) -> impl Iterator<Item = i64> {
        let first = self.from.timestamp_millis().div_euclid(interval_ms);
        (first..first + self.bucket_count(interval_ms)).map(move |bucket| bucket * interval_ms)
    }

    pub(super) fn bucket_count(self, interval_ms: i64) -> i64 {
        let first = self.from.timestamp_millis().div_euclid(interval_ms);
        let last = (to_nanos(self.to) - 1).div_euclid(interval_ms * 1_000_000);
        last - first + 1
    }
}

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
const ROUND_INTERVALS_MS: [i64; 16] = [
    SECOND_MS,
    2 * SECOND_MS,
    5 * SECOND_MS,
    10 * SECOND_MS,
    15 * SECOND_MS,
    30 * SECOND_MS,
    MINUTE_MS,
    2 * MINUTE_MS,
    5 * MINUTE_MS,
    10 * MINUTE_MS,
    15 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
    3 * HOUR_MS,
    6 * HOUR_MS,
    DAY_MS,
];

/// Nanoseconds since 1970; an instant outside of what 64 bits hold becomes the nearest inside.
pub fn to_nanos(instant: DateTime<Utc>) -> i64 {
    let limit = if instant.timestamp() < 0 {
        i64::MIN
    } else {
        i64::MAX
    };
    instant.timestamp_nanos_opt().unwrap_or(limit)
}

fn instant(field: &'static str, text: &str) -> Result<DateTime<Utc>, PlanError> {
    // A `+` that was not escaped in the URL arrives as a space.
    let parsed = DateTime::parse_from_rfc3339(&text.trim().replace(' ', "+"));
    let storable = |instant: &DateTime<Utc>| (0..=STORABLE_SECONDS_MAX).contains(&instant.timestamp());
    let invalid = || PlanError::InvalidTime {
        field,
        text: text.chars().take(64).collect(),
    };
    parsed
        .ok()
        .map(|instant| instant.to_utc())
        .filter(storable)
        .ok_or_else(invalid)
}

/// The year 2200: within what storage's nanoseconds reach, whatever is added to it here.
const STORABLE_SECONDS_MAX: i64 = 7_258_118_400;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn range(from: &str, to: &str) -> TimeRange {
        TimeRange {
            from: at(from),
            to: at(to),
        }
    }

    #[test]
    fn the_default_is_the_last_day() {
        let now = at("2026-11-22T12:00:00Z");
        let last_day = TimeRange::resolve(None, None, now).unwrap();
        assert_eq!(last_day, range("2026-11-21T12:00:00Z", "2026-11-22T12:00:00Z"));
        assert_eq!(last_day.reaching_ahead().to, at("2026-11-22T12:05:00Z"));
    }

    #[test]
    fn times_may_have_any_offset_even_unescaped() {
        let now = at("2026-11-22T12:00:00Z");
        let range = TimeRange::resolve(
            Some("2026-11-22T10:00:00 02:00"),
            Some("2026-11-22T09:00:00.5Z"),
            now,
        )
        .unwrap();
        assert_eq!(range.from, at("2026-11-22T08:00:00Z"));
        assert_eq!(range.to, at("2026-11-22T09:00:00.5Z"));
    }

    #[test]
    fn ranges_that_cannot_be_served_are_refused() {
        let now = at("2026-11-22T12:00:00Z");
        let refused = |from, to| TimeRange::resolve(from, to, now).unwrap_err();
        assert_eq!(refused(Some("2026-11-22T12:00:00Z"), None), PlanError::EmptyRange);
        assert_eq!(
            refused(Some("2025-11-01T00:00:00Z"), None),
            PlanError::RangeTooLong { days_max: 366 }
        );
        assert!(matches!(
            refused(Some("yesterday"), None),
            PlanError::InvalidTime { field: "from", .. }
        ));
        assert!(matches!(
            refused(None, Some("9999-01-01T00:00:00Z")),
            PlanError::InvalidTime { field: "to", .. }
        ));
    }

    #[test]
    fn slices_cover_the_range_from_its_end_without_gap_or_overlap() {
        let range = range("2025-11-22T00:00:00Z", "2026-11-22T12:30:00Z");
        let slices = range.slices(None, FIRST_SLICE);
        assert_eq!(slices.len(), 8);
        assert_eq!(
            slices[0],
            self::range("2026-11-22T11:30:00Z", "2026-11-22T12:30:00Z")
        );
        assert_eq!(slices[7].from, range.from);
        assert!(slices.windows(2).all(|pair| pair[0].from == pair[1].to));
        let late = range.slices(Some(at("2025-11-22T00:30:00Z")), FIRST_SLICE);
        assert_eq!(
            late,
            [self::range("2025-11-22T00:00:00Z", "2025-11-22T00:30:00Z")]
        );
        assert_eq!(range.slices(Some(range.from), FIRST_SLICE), []);
        assert_eq!(range.slices(None, FIRST_SLICE_IN_ORDER).len(), 6);
    }

    #[test]
    fn buckets_are_round_aligned_and_few() {
        let day = range("2026-11-21T12:00:00Z", "2026-11-22T12:00:00Z");
        assert_eq!(day.interval_ms(120), 15 * MINUTE_MS);
        let starts: Vec<i64> = day.bucket_starts(15 * MINUTE_MS).collect();
        assert_eq!((starts.len(), starts[0]), (96, day.from.timestamp_millis()));
        let odd = range("2026-11-22T11:59:59.999Z", "2026-11-22T12:00:00.001Z");
        assert_eq!(odd.bucket_starts(odd.interval_ms(120)).count(), 2);
        for hours in 1..=366 * 24 {
            let range = TimeRange {
                from: day.from - Duration::minutes(7),
                to: day.from + Duration::hours(hours),
            };
            let interval = range.interval_ms(120);
            assert!(
                (1..=120).contains(&range.bucket_starts(interval).count()),
                "{hours} h"
            );
        }
    }
}

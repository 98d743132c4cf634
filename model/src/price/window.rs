//! The hours of the week at which a price holds, as `0|12345:0000-0100,1000-2400|67:0000-2400`: by how many
//! hours weekdays are ahead of UTC, then weekdays (1 is Monday) with their hours in UTC.

const MINUTE_NS: i64 = 60_000_000_000;
const MINUTES_A_DAY: i64 = 1440;
/// The first of January 1970 was a Thursday: days since then, and three, start with a Monday.
const MONDAY_SHIFT: i64 = 3;

/// Hours of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Windows {
    weekday_ahead_minutes: i64,
    windows: Vec<Window>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    /// Bit 0 is Monday.
    weekdays: u8,
    /// Minutes since midnight in UTC: from the first on, before the second.
    from: i64,
    to: i64,
}

impl Windows {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('|');
        let hours_ahead: i64 = parts
            .next()?
            .parse()
            .ok()
            .filter(|hours| (-14..=14).contains(hours))?;
        let mut windows = Vec::new();
        for part in parts {
            let (days, hours) = part.split_once(':')?;
            let mut weekdays = 0;
            for day in days.chars() {
                let day = day.to_digit(10).filter(|day| (1..=7).contains(day))?;
                weekdays |= 1 << (day - 1);
            }
            for range in hours.split(',') {
                let (from, to) = range.split_once('-')?;
                let (from, to) = (minutes(from)?, minutes(to)?);
                windows.push(Window { weekdays, from, to });
            }
        }
        (!windows.is_empty()).then_some(Self {
            weekday_ahead_minutes: hours_ahead * 60,
            windows,
        })
    }

    /// Whether an instant, in nanoseconds since 1970, is within.
    pub(super) fn contain(&self, ns: i64) -> bool {
        let minutes = ns.div_euclid(MINUTE_NS);
        let of_day = minutes.rem_euclid(MINUTES_A_DAY);
        let days = (minutes + self.weekday_ahead_minutes).div_euclid(MINUTES_A_DAY);
        let weekday = (days + MONDAY_SHIFT).rem_euclid(7);
        let is_within = |window: &Window| {
            window.weekdays >> weekday & 1 == 1 && (window.from..window.to).contains(&of_day)
        };
        self.windows.iter().any(is_within)
    }
}

/// `0430` as minutes since midnight.
fn minutes(text: &str) -> Option<i64> {
    let (hours, minutes) = (text.get(..2)?, text.get(2..4).filter(|_| text.len() == 4)?);
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    let sum = hours * 60 + minutes;
    ((0..60).contains(&minutes) && (0..=MINUTES_A_DAY).contains(&sum)).then_some(sum)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;

    fn contain(windows: &str, time: &str) -> bool {
        let time: DateTime<Utc> = time.parse().unwrap();
        Windows::parse(windows)
            .unwrap()
            .contain(time.timestamp_nanos_opt().unwrap())
    }

    #[test]
    fn hours_and_weekdays_are_those_of_the_calendar() {
        let week = "0|12345:0000-0100,1000-2400|67:0000-2400";
        // 23 November 2026 is a Monday.
        for (time, expected) in [
            ("2026-11-23T00:59:59.999999999Z", true),
            ("2026-11-23T01:00:00Z", false),
            ("2026-11-23T09:59:59Z", false),
            ("2026-11-23T10:00:00Z", true),
            ("2026-11-22T05:00:00Z", true),
            ("2026-11-27T05:00:00Z", false),
            ("2026-11-28T05:00:00Z", true),
            ("1969-12-29T05:00:00Z", false),
        ] {
            assert_eq!(contain(week, time), expected, "{time}");
        }
        // In Shanghai Saturday begins at 16:00 UTC of Friday.
        assert!(contain("8|67:0000-2400", "2026-11-27T16:00:00Z"));
        assert!(!contain("8|67:0000-2400", "2026-11-29T16:00:00Z"));
    }

    #[test]
    fn what_is_no_week_is_refused() {
        for text in [
            "",
            "0",
            "0|",
            "0|8:0000-0100",
            "0|1:0000",
            "0|1:0060-0100",
            "0|1:2401-2500",
            "99|1:0000-0100",
            "0|1:é000-0100",
        ] {
            assert_eq!(Windows::parse(text), None, "{text}");
        }
    }
}

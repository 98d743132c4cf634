//! Partitions by month, as the tables of this module are cut.

use chrono::{DateTime, Datelike};

/// The month of an instant, as ClickHouse's `toYYYYMM` writes it.
pub(super) fn month_of(nanos: i64) -> u32 {
    let date = DateTime::from_timestamp_nanos(nanos).date_naive();
    u32::try_from(date.year()).unwrap_or(1970) * 100 + date.month()
}

//! How soon a provider sees that a caller has hung up: from the moment at which the caller lets go of its connection to
//! the moment at which the provider's own connection is closed.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Where a call stands when its caller hangs up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// Waiting for a whole answer.
    Plain,
    /// Waiting for a stream's first frame.
    BeforeFirstToken,
    /// In the middle of a stream.
    MidStream,
}

impl Moment {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Plain, Self::BeforeFirstToken, Self::MidStream];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "waiting for a whole answer",
            Self::BeforeFirstToken => "stream, before the first token",
            Self::MidStream => "stream, in its middle",
        }
    }
}

/// Hang-ups by call, and how long each took to be seen.
#[derive(Debug, Default)]
pub struct HangUps {
    left: Mutex<HashMap<u64, (Moment, Instant)>>,
    took: Mutex<Vec<(Moment, Duration)>>,
}

impl HangUps {
    /// The caller of this call is about to let go.
    pub fn left(&self, call: u64, moment: Moment) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.insert(call, (moment, Instant::now()));
    }

    /// The provider has seen this call's connection close.
    pub fn noticed(&self, call: u64, at: Instant) {
        let left = self
            .left
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&call);
        if let Some((moment, since)) = left {
            let mut took = self.took.lock().unwrap_or_else(PoisonError::into_inner);
            took.push((moment, at.saturating_duration_since(since)));
        }
    }

    /// Hang-ups that no provider has seen.
    pub fn unnoticed(&self) -> usize {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// How long those of one moment took, shortest first.
    pub fn took(&self, moment: Moment) -> Vec<Duration> {
        let took = self.took.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<Duration> = took
            .iter()
            .filter(|(of, _)| *of == moment)
            .map(|(_, took)| *took)
            .collect();
        found.sort_unstable();
        found
    }

    /// The times as a table in Markdown.
    pub fn table(&self) -> String {
        let mut text = String::from(
            "| the caller hangs up | hang-ups | p50 ms | p99 ms | most ms | above 50 ms |\n|---|--:|--:|--:|--:|--:|\n",
        );
        for moment in Moment::ALL {
            let took = self.took(moment);
            let late = took
                .iter()
                .filter(|took| **took > Duration::from_millis(50))
                .count();
            let _ = writeln!(
                text,
                "| {} | {} | {:.2} | {:.2} | {:.2} | {late} |",
                moment.name(),
                took.len(),
                at_ms(&took, 50),
                at_ms(&took, 99),
                at_ms(&took, 100),
            );
        }
        text
    }
}

/// A percentile of sorted times, in milliseconds; 0 of none.
fn at_ms(sorted: &[Duration], percent: usize) -> f64 {
    let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted
        .get(place)
        .map_or(0.0, |duration| duration.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hang_up_is_timed_once_and_an_unseen_one_stays() {
        let hang_ups = HangUps::default();
        hang_ups.left(1, Moment::Plain);
        hang_ups.left(2, Moment::Plain);
        hang_ups.noticed(1, Instant::now());
        hang_ups.noticed(1, Instant::now());
        hang_ups.noticed(3, Instant::now());
        assert_eq!((hang_ups.took(Moment::Plain).len(), hang_ups.unnoticed()), (1, 1));
        assert!(hang_ups.table().contains("| waiting for a whole answer | 1 |"));
    }
}

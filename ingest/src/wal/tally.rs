//! Items counted by signal. A fixed array, so that adding two costs no more than the loop: every request that
//! is written is added to its range.

use std::ops::{Add, AddAssign};

use brokle_model::telemetry::Signal;

/// Signal numbers are below this; [`Signal`]'s numbers are on disk and few.
const NUMBERS: usize = 16;

/// A count for each signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally([u64; NUMBERS]);

impl Tally {
    /// `items` of one signal.
    pub fn of(signal: Signal, items: u64) -> Self {
        let mut tally = Self::default();
        tally.0[Self::place(signal)] = items;
        tally
    }

    /// The count of one signal.
    pub fn get(&self, signal: Signal) -> u64 {
        self.0[Self::place(signal)]
    }

    /// All signals together.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The signals that have any, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (Signal, u64)> {
        let counts = Signal::ALL.iter().map(|signal| (*signal, self.get(*signal)));
        counts.filter(|(_, items)| *items > 0)
    }

    /// What is left without `other`; never below zero.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        self.zip(other, u64::saturating_sub)
    }

    /// The smaller count of each signal.
    #[must_use]
    pub(crate) fn at_most(self, other: Self) -> Self {
        self.zip(other, u64::min)
    }

    /// The first `total` items, signal by signal.
    pub(crate) fn first(self, total: u64) -> Self {
        let mut left = total;
        Self(self.0.map(|items| {
            let taken = items.min(left);
            left -= taken;
            taken
        }))
    }

    fn zip(self, other: Self, pick: impl Fn(u64, u64) -> u64) -> Self {
        let mut tally = self;
        for (mine, theirs) in tally.0.iter_mut().zip(other.0) {
            *mine = pick(*mine, theirs);
        }
        tally
    }

    fn place(signal: Signal) -> usize {
        usize::from(signal as u8) % NUMBERS
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.zip(other, u64::wrapping_add)
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_has_a_place_of_its_own() {
        let mut sum = Tally::default();
        for signal in Signal::ALL {
            assert_eq!(sum.get(*signal), 0);
            sum += Tally::of(*signal, 2);
        }
        assert_eq!(sum.total(), 2 * Signal::ALL.len() as u64);
        assert_eq!(sum.first(3).total(), 3);
        assert_eq!(sum.without(sum.first(3)).total(), sum.total() - 3);
    }
}

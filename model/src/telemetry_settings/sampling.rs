//! Which traces are kept, and the one decision that every signal shares.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Sampling at the door and after the fact.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// Decided by the trace id alone, before anything is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<HeadSampling>,
    /// Decided by what the whole trace turned out to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tail: Option<TailSampling>,
}

/// A share of all traces, chosen by their ids.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadSampling {
    /// The share that is kept, from 0 to 1.
    pub rate: f64,
    /// Whether log records of a trace that is not kept are left out as well. Records without a trace stay.
    #[serde(default)]
    pub logs: bool,
}

/// What makes a trace worth keeping. One reason is enough.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TailSampling {
    /// How long a trace must have been quiet before it is decided.
    pub decision_wait_s: u32,
    /// Traces with an error are kept.
    pub errors: bool,
    /// Traces that took longer are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slower_than_ms: Option<u64>,
    /// Traces that cost more are kept, in US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub costs_more_than: Option<Decimal>,
    /// The share of all others that is kept, from 0 to 1, chosen by their ids.
    pub rest: f64,
    /// Of those others, at most so many traces that began in the same minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rest_per_minute_max: Option<u32>,
}

impl Default for TailSampling {
    fn default() -> Self {
        Self {
            decision_wait_s: 60,
            errors: true,
            slower_than_ms: None,
            costs_more_than: None,
            rest: 0.1,
            rest_per_minute_max: None,
        }
    }
}

/// Where a trace stands among all traces: a number that is the same wherever and whenever it is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TraceFate(u64);

impl TraceFate {
    /// The fate of a trace. Ids need not be random: they are mixed first, so ids that count upwards, or that
    /// somebody has sampled before, are divided as evenly as any.
    pub fn of(trace_id: [u8; 16]) -> Self {
        let [high, low] = halves(trace_id);
        Self(mix(low ^ mix(high ^ 0x9e37_79b9_7f4a_7c15)))
    }

    /// Whether a trace of this fate is among the share `rate` that is kept. What is kept at one rate is kept
    /// at every higher one.
    pub fn is_within(self, rate: f64) -> bool {
        // 53 bits: as many as a double tells apart.
        let place = (self.0 >> 11) as f64 / (1_u64 << 53) as f64;
        place < rate
    }
}

/// The bytes as two numbers.
fn halves(bytes: [u8; 16]) -> [u64; 2] {
    let number = |half: &[u8]| half.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    let (high, low) = bytes.split_at(8);
    [number(high), number(low)]
}

/// The finaliser of `SplitMix64`.
const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_that_is_kept_is_the_one_asked_for_whatever_the_ids() {
        let counting = |number: u128| number.to_be_bytes();
        let random_looking = |number: u128| {
            number
                .wrapping_mul(0x1234_5678_9abc_def1_0fed_cba9_8765_4321)
                .to_be_bytes()
        };
        for ids in [counting, random_looking] {
            for rate in [0.01, 0.1, 0.5] {
                let kept = (1..=100_000)
                    .filter(|number| TraceFate::of(ids(*number)).is_within(rate))
                    .count();
                let share = kept as f64 / 100_000.0;
                assert!((share - rate).abs() < 0.01, "{share} instead of {rate}");
            }
        }
    }

    #[test]
    fn all_are_kept_at_one_and_none_at_zero() {
        for number in 1..1000_u128 {
            let fate = TraceFate::of(number.to_be_bytes());
            assert!(fate.is_within(1.0));
            assert!(!fate.is_within(0.0));
        }
    }

    #[test]
    fn a_fate_is_the_same_today_and_in_every_release() {
        let fate = TraceFate::of(*b"0123456789abcdef");
        assert_eq!(fate, TraceFate(FATE_OF_DIGITS));
    }

    const FATE_OF_DIGITS: u64 = 0x999a_e16b_bc0f_5033;
}

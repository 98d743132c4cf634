//! Figures that add up, and what is read from them: sums, percentiles, money as text.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use super::columns::Columns;
use super::{ShapeError, Usage};
use crate::sql::usage::Measure;

/// Bins to the doubling of a duration.
const BINS_PER_DOUBLING: f64 = 16.0;

/// How long things took. Each is right to within 4.5 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are those of the API")]
pub(crate) struct Percentiles {
    /// Half of them took no longer.
    pub p50_ms: f64,
    /// Nineteen of twenty took no longer.
    pub p95_ms: f64,
    /// Ninety-nine of a hundred took no longer.
    pub p99_ms: f64,
}

/// What was counted of one group.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Figures {
    pub(super) observations: u64,
    pub(super) errors: u64,
    pub(super) requests: u64,
    pub(super) request_errors: u64,
    pub(super) traces: u64,
    pub(super) trace_errors: u64,
    input_tokens: u64,
    output_tokens: u64,
    cache_read_tokens: u64,
    cache_write_tokens: u64,
    reasoning_tokens: u64,
    cost: Decimal,
    latency: Bins,
    first_token: Bins,
    trace_latency: Bins,
}

type Bins = BTreeMap<u16, u64>;

impl Figures {
    /// Those of `measures` in a row of a result.
    pub(super) fn read(columns: &Columns<'_>, row: usize, measures: &[Measure]) -> Result<Self, ShapeError> {
        let mut figures = Self::default();
        for measure in measures {
            let name = total_column(*measure);
            if let Some(bins) = figures.bins_mut(*measure) {
                for (bin, count) in columns.map(name)?.integers(row)? {
                    let bin = bin.parse().unwrap_or(u16::MAX);
                    *bins.entry(bin).or_default() += u64::try_from(count).unwrap_or(0);
                }
            } else if *measure == Measure::Cost {
                figures.cost = columns.text(name)?.value(row).parse().unwrap_or_default();
            } else if let Some(count) = figures.count_mut(*measure) {
                *count = columns.number(name)?.get(row)?;
            }
        }
        Ok(figures)
    }

    /// Adds another group's.
    pub(super) fn add(&mut self, other: &Self) {
        for measure in Measure::COUNTS {
            let mut other = other.clone();
            if let (Some(mine), Some(theirs)) = (self.count_mut(*measure), other.count_mut(*measure)) {
                *mine = mine.saturating_add(*theirs);
            }
        }
        self.cost = self.cost.saturating_add(other.cost);
        for (mine, theirs) in [
            (&mut self.latency, &other.latency),
            (&mut self.first_token, &other.first_token),
            (&mut self.trace_latency, &other.trace_latency),
        ] {
            for (bin, count) in theirs {
                *mine.entry(*bin).or_default() += count;
            }
        }
    }

    pub(super) fn usage(&self) -> Usage {
        Usage {
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            cache_read_tokens: self.cache_read_tokens,
            cache_write_tokens: self.cache_write_tokens,
            reasoning_tokens: self.reasoning_tokens,
            total_tokens: self.input_tokens.saturating_add(self.output_tokens),
        }
    }

    pub(super) fn total_cost(&self) -> String {
        self.cost.normalize().to_string()
    }

    /// How long model calls took.
    pub(super) fn latency(&self) -> Option<Percentiles> {
        percentiles(&self.latency)
    }

    /// How long their first token took.
    pub(super) fn first_token(&self) -> Option<Percentiles> {
        percentiles(&self.first_token)
    }

    /// How long traces took.
    pub(super) fn trace_latency(&self) -> Option<Percentiles> {
        percentiles(&self.trace_latency)
    }

    fn bins_mut(&mut self, measure: Measure) -> Option<&mut Bins> {
        match measure {
            Measure::Latency => Some(&mut self.latency),
            Measure::FirstToken => Some(&mut self.first_token),
            Measure::TraceLatency => Some(&mut self.trace_latency),
            _ => None,
        }
    }

    fn count_mut(&mut self, measure: Measure) -> Option<&mut u64> {
        Some(match measure {
            Measure::Observations => &mut self.observations,
            Measure::Errors => &mut self.errors,
            Measure::Requests => &mut self.requests,
            Measure::RequestErrors => &mut self.request_errors,
            Measure::Traces => &mut self.traces,
            Measure::TraceErrors => &mut self.trace_errors,
            Measure::InputTokens => &mut self.input_tokens,
            Measure::OutputTokens => &mut self.output_tokens,
            Measure::CacheReadTokens => &mut self.cache_read_tokens,
            Measure::CacheWriteTokens => &mut self.cache_write_tokens,
            Measure::ReasoningTokens => &mut self.reasoning_tokens,
            Measure::Cost | Measure::Latency | Measure::FirstToken | Measure::TraceLatency => return None,
        })
    }
}

/// The column of a result that holds a figure's sum.
const fn total_column(measure: Measure) -> &'static str {
    match measure {
        Measure::Observations => "observations_total",
        Measure::Errors => "errors_total",
        Measure::Requests => "requests_total",
        Measure::RequestErrors => "request_errors_total",
        Measure::Traces => "traces_total",
        Measure::TraceErrors => "trace_errors_total",
        Measure::InputTokens => "input_tokens_total",
        Measure::OutputTokens => "output_tokens_total",
        Measure::CacheReadTokens => "cache_read_tokens_total",
        Measure::CacheWriteTokens => "cache_write_tokens_total",
        Measure::ReasoningTokens => "reasoning_tokens_total",
        Measure::Cost => "cost_total",
        Measure::Latency => "latency_total",
        Measure::FirstToken => "first_token_total",
        Measure::TraceLatency => "trace_latency_total",
    }
}

fn percentiles(bins: &Bins) -> Option<Percentiles> {
    Some(Percentiles {
        p50_ms: percentile(bins, 50)?,
        p95_ms: percentile(bins, 95)?,
        p99_ms: percentile(bins, 99)?,
    })
}

/// The duration, in milliseconds, that `percent` of those counted did not exceed.
fn percentile(bins: &Bins, percent: u64) -> Option<f64> {
    let total: u64 = bins.values().sum();
    let rank = (total * percent).div_ceil(100).max(1);
    let mut below = 0;
    for (bin, count) in bins {
        if below + count >= rank {
            let share = ((rank - below) as f64 - 0.5) / *count as f64;
            let micros = if *bin == 0 {
                0.0
            } else {
                ((f64::from(*bin) - 1.0 + share) / BINS_PER_DOUBLING).exp2()
            };
            return Some((micros).round() / 1_000.0);
        }
        below += count;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bin(micros: f64) -> u16 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small positive numbers"
        )]
        let bin = (BINS_PER_DOUBLING * micros.log2()).floor() as u16;
        bin + 1
    }

    #[test]
    fn a_percentile_is_right_to_within_its_bin() {
        for micros in [1.0, 12.0, 950.0, 12_345.0, 60e6, 3.6e9] {
            let bins = Bins::from([(bin(micros), 10)]);
            let read = percentile(&bins, 95).unwrap() * 1_000.0;
            assert!(
                (read / micros - 1.0).abs() < 0.045 || (read - micros).abs() <= 1.0,
                "{micros} {read}"
            );
        }
    }

    #[test]
    fn percentiles_split_what_was_counted() {
        let bins = Bins::from([(bin(1_000.0), 95), (bin(64_000.0), 5)]);
        let read = percentiles(&bins).unwrap();
        assert!((read.p50_ms - 1.0).abs() < 0.05, "{read:?}");
        assert!((read.p95_ms - 1.0).abs() < 0.05, "{read:?}");
        assert!((read.p99_ms - 64.0).abs() < 3.0, "{read:?}");
        assert_eq!(percentiles(&Bins::new()), None);
    }

    #[test]
    fn groups_add_up() {
        let one = Figures {
            requests: 2,
            cost: Decimal::new(15, 1),
            latency: Bins::from([(3, 2)]),
            ..Figures::default()
        };
        let mut both = one.clone();
        both.add(&one);
        assert_eq!((both.requests, both.total_cost().as_str()), (4, "3"));
        assert_eq!(both.latency, Bins::from([(3, 4)]));
    }
}

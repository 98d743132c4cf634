//! How measured values are spread: what histograms of both kinds, of any bounds and resolution, have in common, and
//! what percentiles are read from.

use std::collections::BTreeMap;

/// Buckets as counted so far, or as added up.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Buckets {
    /// None.
    #[default]
    None,
    /// With the bounds between them.
    Explicit { bounds: Vec<f64>, counts: Vec<u64> },
    /// With bounds that grow exponentially.
    Exponential(Exponential),
    /// Quantiles that the sender computed, by quantile.
    Quantiles(Vec<(f64, f64)>),
}

/// The buckets of an exponential histogram: bucket `i` reaches from `base^i` to `base^(i+1)`, where `base` is
/// `2^(2^-scale)`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Exponential {
    pub(super) scale: i32,
    pub(super) zero_count: u64,
    pub(super) zero_threshold: f64,
    pub(super) positive: BTreeMap<i32, u64>,
    pub(super) negative: BTreeMap<i32, u64>,
}

impl Exponential {
    /// The same at a lower resolution.
    fn at(&self, scale: i32) -> Self {
        let shift = (self.scale - scale).clamp(0, 31);
        let coarser = |side: &BTreeMap<i32, u64>| {
            let mut merged = BTreeMap::new();
            for (index, count) in side {
                *merged.entry(index >> shift).or_insert(0) += count;
            }
            merged
        };
        Self {
            scale: self.scale - shift,
            positive: coarser(&self.positive),
            negative: coarser(&self.negative),
            ..self.clone()
        }
    }

    fn minus(&self, before: &Self) -> Self {
        let scale = self.scale.min(before.scale);
        let (now, before) = (self.at(scale), before.at(scale));
        let less = |now: &BTreeMap<i32, u64>, before: &BTreeMap<i32, u64>| {
            let each = now.iter().map(|(index, count)| {
                let known = before.get(index).copied().unwrap_or_default();
                (*index, count.saturating_sub(known))
            });
            each.collect()
        };
        Self {
            zero_count: now.zero_count.saturating_sub(before.zero_count),
            positive: less(&now.positive, &before.positive),
            negative: less(&now.negative, &before.negative),
            ..now
        }
    }
}

impl Buckets {
    /// What was counted since `before`, of the same series.
    pub(super) fn minus(&self, before: &Self) -> Self {
        match (self, before) {
            (
                Self::Explicit { bounds, counts },
                Self::Explicit {
                    bounds: old_bounds,
                    counts: old,
                },
            ) if bounds == old_bounds => Self::Explicit {
                bounds: bounds.clone(),
                counts: counts
                    .iter()
                    .enumerate()
                    .map(|(index, count)| count.saturating_sub(old.get(index).copied().unwrap_or_default()))
                    .collect(),
            },
            (Self::Exponential(now), Self::Exponential(before)) => Self::Exponential(now.minus(before)),
            _ => self.clone(),
        }
    }
}

/// Values spread evenly over an interval.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Interval {
    low: f64,
    high: f64,
    count: f64,
}

/// Intervals of values; they may overlap.
#[derive(Debug, Clone, Default)]
pub(super) struct Distribution {
    intervals: Vec<Interval>,
}

impl Distribution {
    /// Adds the values of a histogram.
    pub(super) fn add(&mut self, buckets: &Buckets) {
        match buckets {
            Buckets::None | Buckets::Quantiles(_) => {}
            Buckets::Explicit { bounds, counts } => self.add_explicit(bounds, counts),
            Buckets::Exponential(exponential) => self.add_exponential(exponential),
        }
    }

    /// The outermost buckets have no end: their values stand at the bound that they do have, or at zero where that
    /// is the lower one of positive bounds.
    fn add_explicit(&mut self, bounds: &[f64], counts: &[u64]) {
        for (index, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let below = index.checked_sub(1).and_then(|index| bounds.get(index)).copied();
            let (low, high) = match (below, bounds.get(index).copied()) {
                (Some(low), Some(high)) => (low, high),
                (None, Some(high)) => (if high > 0.0 { 0.0 } else { high }, high),
                (Some(low), None) => (low, low),
                // One bucket of everything says nothing.
                (None, None) => continue,
            };
            self.push(low, high, *count);
        }
    }

    fn add_exponential(&mut self, exponential: &Exponential) {
        let threshold = exponential.zero_threshold;
        self.push(-threshold, threshold, exponential.zero_count);
        let power = f64::from(-exponential.scale).exp2();
        let bound = |index: i32| (f64::from(index) * power).exp2();
        for (index, count) in &exponential.positive {
            self.push(bound(*index), bound(index.saturating_add(1)), *count);
        }
        for (index, count) in &exponential.negative {
            self.push(-bound(index.saturating_add(1)), -bound(*index), *count);
        }
    }

    fn push(&mut self, low: f64, high: f64, count: u64) {
        if count > 0 && low.is_finite() && high.is_finite() {
            self.intervals.push(Interval {
                low,
                high,
                count: count as f64,
            });
        }
    }

    /// The value below which the share `quantile` of all is; none of nothing.
    pub(super) fn quantile(&self, quantile: f64) -> Option<f64> {
        let total: f64 = self.intervals.iter().map(|interval| interval.count).sum();
        if total == 0.0 {
            return None;
        }
        let wanted = total * quantile;
        let mut bounds: Vec<f64> = self
            .intervals
            .iter()
            .flat_map(|interval| [interval.low, interval.high])
            .collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        let (mut low, mut below) = (*bounds.first()?, 0.0);
        for bound in bounds {
            let reached = self.below(bound);
            if reached >= wanted {
                // The values that stand at the lower bound itself are already below `low`.
                let open = self.strictly_below(bound);
                if open < wanted || open <= below {
                    return Some(bound);
                }
                let share = (wanted - below) / (open - below);
                return Some(low + (bound - low) * share);
            }
            (low, below) = (bound, reached);
        }
        Some(low)
    }

    /// How many values are at most `bound`.
    fn below(&self, bound: f64) -> f64 {
        self.count(|interval| {
            if bound >= interval.high {
                1.0
            } else if bound <= interval.low {
                0.0
            } else {
                (bound - interval.low) / (interval.high - interval.low)
            }
        })
    }

    /// How many values are less than `bound`.
    fn strictly_below(&self, bound: f64) -> f64 {
        self.count(|interval| {
            if interval.low >= bound {
                0.0
            } else if bound >= interval.high {
                1.0
            } else {
                (bound - interval.low) / (interval.high - interval.low)
            }
        })
    }

    fn count(&self, share: impl Fn(&Interval) -> f64) -> f64 {
        self.intervals
            .iter()
            .map(|interval| interval.count * share(interval))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(buckets: &Buckets) -> Distribution {
        let mut distribution = Distribution::default();
        distribution.add(buckets);
        distribution
    }

    fn close(found: Option<f64>, expected: f64) {
        let found = found.unwrap();
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn percentiles_lie_within_their_bucket() {
        let buckets = Buckets::Explicit {
            bounds: vec![10.0, 20.0],
            counts: vec![10, 10, 0],
        };
        close(of(&buckets).quantile(0.25), 5.0);
        close(of(&buckets).quantile(0.5), 10.0);
        close(of(&buckets).quantile(0.75), 15.0);
        close(of(&buckets).quantile(1.0), 20.0);
    }

    #[test]
    fn the_last_bucket_has_no_end_and_the_only_one_no_bounds() {
        let open = Buckets::Explicit {
            bounds: vec![10.0],
            counts: vec![1, 9],
        };
        close(of(&open).quantile(0.9), 10.0);
        let only = Buckets::Explicit {
            bounds: vec![],
            counts: vec![9],
        };
        assert_eq!(of(&only).quantile(0.5), None);
        assert_eq!(Distribution::default().quantile(0.5), None);
    }

    #[test]
    fn histograms_of_different_bounds_add_up() {
        let mut distribution = of(&Buckets::Explicit {
            bounds: vec![10.0],
            counts: vec![10, 0],
        });
        distribution.add(&Buckets::Explicit {
            bounds: vec![5.0, 10.0],
            counts: vec![0, 10, 0],
        });
        // Below 5 are 5 of 20, below 10 are all.
        close(distribution.quantile(0.25), 5.0);
        close(distribution.quantile(0.625), 7.5);
    }

    #[test]
    fn exponential_buckets_have_their_bounds_and_lose_resolution_only() {
        let fine = Exponential {
            scale: 1,
            zero_count: 2,
            positive: BTreeMap::from([(2, 4), (3, 4)]),
            negative: BTreeMap::from([(0, 2)]),
            ..Exponential::default()
        };
        // At scale 1, buckets 2 and 3 reach from 2 to 4.
        close(of(&Buckets::Exponential(fine.clone())).quantile(1.0), 4.0);
        close(of(&Buckets::Exponential(fine.clone())).quantile(0.25), 0.0);
        let coarse = fine.at(0);
        assert_eq!(
            (coarse.scale, coarse.positive, coarse.negative),
            (0, BTreeMap::from([(1, 8)]), BTreeMap::from([(0, 2)]))
        );
    }

    #[test]
    fn what_grew_is_the_difference_also_across_resolutions() {
        let before = Exponential {
            scale: 1,
            zero_count: 1,
            positive: BTreeMap::from([(2, 3), (3, 1)]),
            ..Exponential::default()
        };
        let now = Exponential {
            scale: 0,
            zero_count: 4,
            positive: BTreeMap::from([(1, 9), (5, 2)]),
            ..Exponential::default()
        };
        let grown = now.minus(&before);
        assert_eq!(
            (grown.scale, grown.zero_count, grown.positive),
            (0, 3, BTreeMap::from([(1, 5), (5, 2)]))
        );
    }
}

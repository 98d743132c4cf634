//! The orders in which a route's targets are tried: one function for each strategy. Sorting keeps the user's
//! order among equals.

use brokle_model::port::Quality;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::facts::spread;
use super::{Circumstances, QualityFrom, Target};
use crate::config::{Affinity, Strategy};

/// Of a target whose quality nobody has said.
const QUALITY_ASSUMED: f64 = 0.5;
/// Qualities are drawn in whole parts of this.
const QUALITY_PARTS: f64 = 1_000.0;

/// Puts targets in the order of a strategy.
pub(super) fn arrange(
    (strategy, affinity, route): (Strategy, Affinity, &str),
    targets: &mut Vec<Target>,
    circumstances: &mut Circumstances<'_>,
) {
    let now_ms = circumstances.now_ms;
    match strategy {
        Strategy::Priority => {}
        Strategy::Weighted => draw(targets, |target| u64::from(target.weight), circumstances.chance),
        Strategy::Quality => {
            for target in &mut *targets {
                let (quality, from) = quality_of(target, (circumstances.quality)(target));
                target.score = Some(quality);
                target.quality_from = Some(from);
            }
            draw(targets, quality_parts, circumstances.chance);
        }
        Strategy::LowestCost => by_cost(targets, circumstances.cost),
        Strategy::LeastBusy => {
            score(targets, |target| Some(f64::from(target.load.in_flight())));
            by_score(targets);
        }
        Strategy::LeastUsed => {
            score(targets, |target| Some(target.load.used(target.capacity, now_ms)));
            by_score(targets);
        }
        Strategy::LowestLatency => {
            score(targets, |target| Some(target.load.score(now_ms)));
            by_score(targets);
            prefer_of_two(targets, circumstances.chance);
        }
        Strategy::Affinity => match circumstances.facts.shared(affinity) {
            Some(shared) => by_affinity(targets, (route, &shared)),
            None => draw(targets, |target| u64::from(target.weight), circumstances.chance),
        },
    }
}

/// What scores say goes before what the configuration says.
fn quality_of(target: &Target, scored: Option<Quality>) -> (f64, QualityFrom) {
    match (scored, target.quality) {
        (Some(scored), _) => (scored.mean.clamp(0.0, 1.0), QualityFrom::Scores(scored.answers)),
        (None, Some(configured)) => (configured, QualityFrom::Configuration),
        (None, None) => (QUALITY_ASSUMED, QualityFrom::Nowhere),
    }
}

fn score(targets: &mut [Target], of: impl Fn(&Target) -> Option<f64>) {
    for target in targets {
        target.score = of(target);
    }
}

/// Least first.
fn by_score(targets: &mut [Target]) {
    let value = |target: &Target| target.score.unwrap_or(f64::INFINITY);
    targets.sort_by(|left, right| value(left).total_cmp(&value(right)));
}

/// Targets without a price come last.
fn by_cost(targets: &mut [Target], cost: &dyn Fn(&Target) -> Option<Decimal>) {
    for target in targets.iter_mut() {
        target.score = cost(target).and_then(|cost| cost.to_f64());
    }
    targets.sort_by_cached_key(|target| match cost(target) {
        Some(cost) => (false, cost),
        None => (true, Decimal::ZERO),
    });
}

/// The better of two drawn at random goes first: were it always the best, every caller would go there at once.
fn prefer_of_two(targets: &mut [Target], chance: &mut dyn FnMut(u64) -> u64) {
    let count = targets.len() as u64;
    if count > 2 {
        let first = chance(count);
        let second = (first + 1 + chance(count - 1)) % count;
        let better = usize::try_from(first.min(second)).unwrap_or(0);
        targets[..=better].rotate_right(1);
    }
}

/// A target of no quality at all is only ever a fallback.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "qualities are between 0 and 1"
)]
fn quality_parts(target: &Target) -> u64 {
    (target.score.unwrap_or(QUALITY_ASSUMED).clamp(0.0, 1.0) * QUALITY_PARTS).round() as u64
}

/// Draws without replacement, each time in proportion to the weights that are left; zeroes come last.
fn draw(targets: &mut Vec<Target>, weight: impl Fn(&Target) -> u64, chance: &mut dyn FnMut(u64) -> u64) {
    let mut left = std::mem::take(targets);
    while !left.is_empty() {
        let total: u64 = left.iter().map(&weight).sum();
        let mut ticket = if total == 0 { 0 } else { chance(total) };
        let drawn = left.iter().position(|target| {
            let weight = weight(target);
            let hit = ticket < weight;
            ticket = ticket.saturating_sub(weight);
            hit
        });
        targets.push(left.remove(drawn.unwrap_or(0)));
    }
}

/// Rendezvous hashing: each target gets a number from what the calls share and its own name, in proportion to its
/// weight, and the highest is first. Another target that comes or goes moves no call but its own.
fn by_affinity(targets: &mut [Target], (route, shared): (&str, &[u8])) {
    for target in targets.iter_mut() {
        let parts = [
            route.as_bytes(),
            target.provider.name.as_bytes(),
            target.model.as_bytes(),
            shared,
        ];
        target.score = Some(rendezvous(spread(&parts), target.weight));
    }
    by_score(targets);
    targets.reverse();
}

/// The weighted draw of one target: `-weight / ln(u)` for an even `u` between 0 and 1.
#[expect(clippy::cast_precision_loss, reason = "53 bits are plenty for a draw")]
fn rendezvous(drawn: u64, weight: u32) -> f64 {
    let even = ((drawn >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    -f64::from(weight) / even.ln()
}

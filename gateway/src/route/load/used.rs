//! What a target was given in the last minute, in slots of ten seconds.

use crate::settings::route::Capacity;

const SLOT_MS: i64 = 10_000;
const SLOTS: usize = 6;
/// The same, for reckoning with slots' numbers.
const SLOTS_SIGNED: i64 = 6;

/// Requests and tokens, by slot.
#[derive(Debug, Default)]
pub(super) struct Used {
    slots: [Slot; SLOTS],
}

#[derive(Debug, Default, Clone, Copy)]
struct Slot {
    /// Its number since 1970.
    number: i64,
    requests: u64,
    tokens: u64,
}

impl Used {
    pub(super) fn add(&mut self, requests: u64, tokens: u64, now_ms: i64) {
        let number = now_ms.div_euclid(SLOT_MS);
        let slot = &mut self.slots[index(number)];
        if slot.number != number {
            *slot = Slot {
                number,
                ..Slot::default()
            };
        }
        slot.requests += requests;
        slot.tokens += tokens;
    }

    /// The share of what the target can take that is used, the fuller of the two; without any word of that, a
    /// number that grows with the tokens.
    #[expect(clippy::cast_precision_loss, reason = "tokens of one minute")]
    pub(super) fn share(&self, capacity: Capacity, now_ms: i64) -> f64 {
        let newest = now_ms.div_euclid(SLOT_MS);
        let counted = self
            .slots
            .iter()
            .filter(|slot| slot.number > newest - SLOTS_SIGNED);
        let (requests, tokens) = counted.fold((0, 0), |(requests, tokens), slot| {
            (requests + slot.requests, tokens + slot.tokens)
        });
        let share = |used: u64, most: Option<u64>| most.map(|most| used as f64 / most.max(1) as f64);
        let shares = [share(requests, capacity.requests), share(tokens, capacity.tokens)];
        let fullest = shares.into_iter().flatten().reduce(f64::max);
        fullest.unwrap_or((requests + tokens) as f64)
    }
}

fn index(number: i64) -> usize {
    usize::try_from(number.rem_euclid(SLOTS_SIGNED)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fuller_of_requests_and_tokens_counts_for_a_minute() {
        let mut used = Used::default();
        let capacity = Capacity {
            requests: Some(10),
            tokens: Some(1_000),
        };
        used.add(1, 500, 0);
        used.add(2, 100, 15_000);
        let is = |used: &Used, now_ms, expected: f64| (used.share(capacity, now_ms) - expected).abs() < 1e-9;
        assert!(is(&used, 20_000, 0.6));
        assert!(is(&used, 60_000, 0.2));
        assert!(is(&used, 80_000, 0.0));
        let unbounded = used.share(Capacity::default(), 20_000);
        assert!((unbounded - 603.0).abs() < 1e-9);
    }
}

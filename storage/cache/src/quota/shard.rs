//! Some of the counters: found by key, bounded in number.

use brokle_storage::quota::{Demand, Standing, Window, period_ms};
use hashbrown::{Equivalent, HashMap};

use super::count::{Calendar, Count, fits};
use super::stand_in::Owed;

/// The part of the counters that goes at once when there is no room and none is idle.
const FORGOTTEN_PART: usize = 8;

/// What tells counters apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Sliding { period_ms: i64 },
    Until,
    Held,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct CounterKey {
    kind: Kind,
    key: String,
}

/// Names a counter without owning its key. Hashes as [`CounterKey`] does.
#[derive(Debug, Clone, Copy, Hash)]
pub(super) struct CounterRef<'a> {
    kind: Kind,
    key: &'a str,
}

impl<'a> CounterRef<'a> {
    pub(super) fn of(demand: &'a Demand) -> Self {
        Self::new(&demand.key, demand.window)
    }

    pub(super) fn new(key: &'a str, window: Window) -> Self {
        let kind = match window {
            Window::Sliding { period } => Kind::Sliding {
                period_ms: period_ms(period),
            },
            Window::Until { .. } => Kind::Until,
            Window::Held { .. } => Kind::Held,
        };
        Self { kind, key }
    }
}

impl Equivalent<CounterKey> for CounterRef<'_> {
    fn equivalent(&self, key: &CounterKey) -> bool {
        self.kind == key.kind && self.key == key.key
    }
}

impl From<&CounterRef<'_>> for CounterKey {
    fn from(counter: &CounterRef<'_>) -> Self {
        Self {
            kind: counter.kind,
            key: counter.key.to_owned(),
        }
    }
}

#[derive(Debug)]
struct Counter {
    count: Count,
    used_at_ms: i64,
}

/// Some of the counters.
#[derive(Debug)]
pub(super) struct Shard {
    counters: HashMap<CounterKey, Counter>,
    counters_max: usize,
    forgotten: u64,
}

impl Shard {
    pub(super) fn new(counters_max: usize) -> Self {
        Self {
            counters: HashMap::new(),
            counters_max,
            forgotten: 0,
        }
    }

    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Takes what is asked, if it fits.
    pub(super) fn take(&mut self, counter: &CounterRef<'_>, demand: &Demand, id: u128, now_ms: i64) -> bool {
        let used = self
            .counters
            .get_mut(counter)
            .map_or(0, |found| found.count.used(now_ms));
        if !fits(used, demand.amount, demand.limit) {
            return false;
        }
        self.counter(counter, demand.window, now_ms)
            .add(demand, id, now_ms);
        true
    }

    pub(super) fn settle(
        &mut self,
        counter: &CounterRef<'_>,
        demand: &Demand,
        id: u128,
        at_ms: i64,
        used: u64,
        now_ms: i64,
    ) {
        // A counter that is gone has nothing to give back, but must be told what was used.
        let counts = used > 0 && counter.kind != Kind::Held;
        if counts || self.counters.contains_key(counter) {
            self.counter(counter, demand.window, now_ms)
                .settle(demand, id, at_ms, used, now_ms);
        }
    }

    pub(super) fn raise(&mut self, counter: &CounterRef<'_>, window: Window, value: u64, now_ms: i64) {
        self.counter(counter, window, now_ms).raise(value);
    }

    /// See [`Count::observe`].
    pub(super) fn observe(&mut self, counter: &CounterRef<'_>, window: Window, used: u64, now_ms: i64) {
        if used > 0 || self.counters.contains_key(counter) {
            self.counter(counter, window, now_ms).observe(used, now_ms);
        }
    }

    /// The calendar counters that `wanted` picks, with what they owe, which they owe no longer.
    pub(super) fn take_owed(&mut self, wanted: impl Fn(&Calendar) -> bool) -> Vec<Owed> {
        let mut taken = Vec::new();
        for (key, counter) in &mut self.counters {
            if let Some(calendar) = counter.count.calendar()
                && wanted(calendar)
            {
                taken.push(Owed {
                    key: key.key.clone(),
                    until_ms: calendar.until_ms,
                    base: calendar.base,
                    delta: calendar.owed,
                });
                calendar.base = calendar.base.saturating_add_signed(calendar.owed);
                calendar.owed = 0;
            }
        }
        taken
    }

    pub(super) fn standing(
        &mut self,
        counter: &CounterRef<'_>,
        demand: &Demand,
        amount: u64,
        now_ms: i64,
    ) -> Standing {
        match self.counters.get_mut(counter) {
            Some(found) => found.count.standing(demand.limit, amount, now_ms),
            None => Count::new(demand.window).standing(demand.limit, amount, now_ms),
        }
    }

    fn counter(&mut self, counter: &CounterRef<'_>, window: Window, now_ms: i64) -> &mut Count {
        if self.counters.len() >= self.counters_max && !self.counters.contains_key(counter) {
            self.make_room(now_ms);
        }
        let found = self.counters.entry_ref(counter).or_insert_with(|| Counter {
            count: Count::new(window),
            used_at_ms: now_ms,
        });
        found.used_at_ms = now_ms;
        &mut found.count
    }

    fn make_room(&mut self, now_ms: i64) {
        self.counters.retain(|_, counter| !counter.count.is_idle(now_ms));
        let spare = (self.counters_max / FORGOTTEN_PART).max(1);
        let kept_max = self.counters_max - spare;
        if self.counters.len() <= kept_max {
            return;
        }
        let mut by_worth: Vec<(bool, i64, CounterKey)> = self
            .counters
            .iter()
            .map(|(key, counter)| (counter.count.is_calendar(), counter.used_at_ms, key.clone()))
            .collect();
        by_worth.sort_unstable_by_key(|(is_calendar, used_at_ms, _)| (*is_calendar, *used_at_ms));
        by_worth.truncate(self.counters.len() - kept_max);
        for (.., key) in by_worth {
            self.counters.remove(&key);
            self.forgotten += 1;
        }
    }
}

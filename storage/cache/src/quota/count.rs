//! The arithmetic of one counter, for each kind of window. Times are milliseconds of the Unix epoch.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use brokle_storage::quota::{Demand, Standing, UNITS_MAX, Window, period_ms, slot_ms};

/// How long a calendar period's counter outlives the period: calls that began in it may still ask.
const AFTER_END_MS: i64 = 60_000;

/// One counter.
#[derive(Debug)]
pub(super) enum Count {
    Sliding(Slots),
    Until(Calendar),
    Held(Holds),
}

impl Count {
    pub(super) fn new(window: Window) -> Self {
        match window {
            Window::Sliding { period } => Self::Sliding(Slots {
                slot_ms: slot_ms(period),
                period_ms: period_ms(period),
                units: VecDeque::new(),
                total: 0,
            }),
            Window::Until { until_ms } => Self::Until(Calendar {
                until_ms,
                base: 0,
                owed: 0,
            }),
            Window::Held { .. } => Self::Held(Holds::default()),
        }
    }

    pub(super) fn used(&mut self, now_ms: i64) -> u64 {
        match self {
            Self::Sliding(slots) => {
                slots.drop_lapsed(now_ms);
                slots.total
            }
            Self::Until(calendar) => calendar.used(),
            Self::Held(holds) => {
                holds.drop_lapsed(now_ms);
                holds.total
            }
        }
    }

    pub(super) fn add(&mut self, demand: &Demand, id: u128, now_ms: i64) {
        match self {
            Self::Sliding(slots) => slots.change(now_ms, 0, demand.amount),
            Self::Until(calendar) => {
                calendar.until_ms = end(demand.window).unwrap_or(calendar.until_ms);
                calendar.change(0, demand.amount);
            }
            Self::Held(holds) => holds.add(lapse(demand.window, now_ms), id, demand.amount),
        }
    }

    /// Puts `used` in the place of what `demand` took at `at_ms`.
    pub(super) fn settle(&mut self, demand: &Demand, id: u128, at_ms: i64, settled: u64, now_ms: i64) {
        match self {
            Self::Sliding(slots) => {
                slots.drop_lapsed(now_ms);
                if slots.lapses_at(slots.slot(at_ms)) > now_ms {
                    slots.change(at_ms, demand.amount, settled);
                }
            }
            Self::Until(calendar) => calendar.change(demand.amount, settled),
            Self::Held(holds) => holds.release(lapse(demand.window, at_ms), id, demand.amount),
        }
    }

    pub(super) fn raise(&mut self, value: u64) {
        if let Self::Until(calendar) = self {
            calendar.base += value.min(UNITS_MAX).saturating_sub(calendar.used());
        }
    }

    /// Takes over what the shared store says that this counter stands at. Units held are not taken over:
    /// whose they are, and when they lapse, is not in that figure.
    pub(super) fn observe(&mut self, used: u64, now_ms: i64) {
        match self {
            Self::Sliding(slots) => slots.become_total(used.min(UNITS_MAX), now_ms),
            Self::Until(calendar) => calendar.base = used.min(UNITS_MAX),
            Self::Held(_) => {}
        }
    }

    pub(super) fn calendar(&mut self) -> Option<&mut Calendar> {
        match self {
            Self::Until(calendar) => Some(calendar),
            Self::Sliding(_) | Self::Held(_) => None,
        }
    }

    pub(super) fn standing(&mut self, limit: u64, amount: u64, now_ms: i64) -> Standing {
        let used = self.used(now_ms);
        let reset_after = until(self.empty_at(now_ms), now_ms);
        let retry_after = if fits(used, amount, limit) {
            Duration::ZERO
        } else if amount > limit {
            reset_after
        } else {
            until(self.freed_at(used.saturating_add(amount) - limit, now_ms), now_ms)
        };
        Standing {
            used,
            limit,
            retry_after,
            reset_after,
        }
    }

    /// Whether forgetting it would change nothing.
    pub(super) fn is_idle(&mut self, now_ms: i64) -> bool {
        match self {
            Self::Until(calendar) => {
                let is_over = now_ms.saturating_sub(calendar.until_ms) > AFTER_END_MS;
                is_over || (calendar.base == 0 && calendar.owed == 0)
            }
            _ => self.used(now_ms) == 0,
        }
    }

    pub(super) fn is_calendar(&self) -> bool {
        matches!(self, Self::Until(_))
    }

    fn empty_at(&self, now_ms: i64) -> i64 {
        match self {
            Self::Sliding(slots) => slots
                .units
                .back()
                .map_or(now_ms, |(slot, _)| slots.lapses_at(*slot)),
            Self::Until(calendar) => calendar.until_ms,
            Self::Held(holds) => holds.leases.last_key_value().map_or(now_ms, |(key, _)| key.0),
        }
    }

    /// When `units` of what counts now have come back.
    fn freed_at(&self, units: u64, now_ms: i64) -> i64 {
        match self {
            Self::Sliding(slots) => {
                let parts = slots
                    .units
                    .iter()
                    .map(|(slot, units)| (slots.lapses_at(*slot), *units));
                when_freed(parts, units, now_ms)
            }
            Self::Until(calendar) => calendar.until_ms,
            Self::Held(holds) => {
                let parts = holds.leases.iter().map(|(key, units)| (key.0, *units));
                when_freed(parts, units, now_ms)
            }
        }
    }
}

/// Units of a calendar period.
#[derive(Debug)]
pub(super) struct Calendar {
    pub(super) until_ms: i64,
    /// What a shared store knows of, when this store stands in for one.
    pub(super) base: u64,
    /// What was counted here since.
    pub(super) owed: i64,
}

impl Calendar {
    fn used(&self) -> u64 {
        self.base.saturating_add_signed(self.owed).min(UNITS_MAX)
    }

    fn change(&mut self, less: u64, more: u64) {
        // Amounts that were granted are within the units that fit.
        let signed = |units: u64| i64::try_from(units.min(UNITS_MAX)).unwrap_or(0);
        self.owed = self.owed.saturating_add(signed(more) - signed(less));
    }
}

/// Units by slot, oldest first.
#[derive(Debug)]
pub(super) struct Slots {
    slot_ms: i64,
    period_ms: i64,
    units: VecDeque<(i64, u64)>,
    total: u64,
}

impl Slots {
    fn slot(&self, at_ms: i64) -> i64 {
        at_ms.div_euclid(self.slot_ms)
    }

    /// A slot counts until all of it is older than the period.
    fn lapses_at(&self, slot: i64) -> i64 {
        (slot + 1) * self.slot_ms + self.period_ms
    }

    fn drop_lapsed(&mut self, now_ms: i64) {
        while let Some((slot, units)) = self.units.front().copied()
            && self.lapses_at(slot) <= now_ms
        {
            self.units.pop_front();
            self.total -= units;
        }
        // A clock set back by more than a period leaves slots that it would take that long to outlive.
        while let Some((slot, units)) = self.units.back().copied()
            && slot * self.slot_ms - now_ms > self.period_ms
        {
            self.units.pop_back();
            self.total -= units;
        }
    }

    /// More counts from now; less is taken from the newest.
    fn become_total(&mut self, total: u64, now_ms: i64) {
        self.drop_lapsed(now_ms);
        self.change(now_ms, 0, total.saturating_sub(self.total));
        while self.total > total
            && let Some((_, units)) = self.units.back_mut()
        {
            let less = (self.total - total).min(*units);
            *units -= less;
            self.total -= less;
            if *units == 0 {
                self.units.pop_back();
            }
        }
    }

    fn change(&mut self, at_ms: i64, less: u64, more: u64) {
        let slot = self.slot(at_ms);
        let place = self.units.partition_point(|(other, _)| *other < slot);
        if self.units.get(place).is_none_or(|(other, _)| *other != slot) {
            if more == 0 {
                return;
            }
            self.units.insert(place, (slot, 0));
        }
        let units = &mut self.units[place].1;
        let after = units.saturating_sub(less).saturating_add(more).min(UNITS_MAX);
        self.total = (self.total - *units).saturating_add(after);
        *units = after;
        if after == 0 {
            self.units.remove(place);
        }
    }
}

/// Units by the end of their lease and the reservation.
#[derive(Debug, Default)]
pub(super) struct Holds {
    leases: BTreeMap<(i64, u128), u64>,
    total: u64,
}

impl Holds {
    fn drop_lapsed(&mut self, now_ms: i64) {
        while let Some(entry) = self.leases.first_entry()
            && entry.key().0 <= now_ms
        {
            self.total -= entry.remove();
        }
    }

    fn add(&mut self, lapses_at: i64, id: u128, units: u64) {
        if units > 0 {
            *self.leases.entry((lapses_at, id)).or_insert(0) += units;
            self.total += units;
        }
    }

    fn release(&mut self, lapses_at: i64, id: u128, units: u64) {
        if let Some(held) = self.leases.get_mut(&(lapses_at, id)) {
            let released = units.min(*held);
            *held -= released;
            self.total -= released;
            if *held == 0 {
                self.leases.remove(&(lapses_at, id));
            }
        }
    }
}

/// Whether `amount` more stay within `limit`.
pub(super) fn fits(used: u64, amount: u64, limit: u64) -> bool {
    used.saturating_add(amount) <= limit.min(UNITS_MAX)
}

fn when_freed(parts: impl Iterator<Item = (i64, u64)>, wanted: u64, now_ms: i64) -> i64 {
    let mut freed = 0_u64;
    let mut at_ms = now_ms;
    for (lapses_at, units) in parts {
        if freed >= wanted {
            break;
        }
        freed = freed.saturating_add(units);
        at_ms = lapses_at;
    }
    at_ms
}

fn end(window: Window) -> Option<i64> {
    match window {
        Window::Until { until_ms } => Some(until_ms),
        Window::Sliding { .. } | Window::Held { .. } => None,
    }
}

fn lapse(window: Window, at_ms: i64) -> i64 {
    match window {
        Window::Held { lease } => at_ms + period_ms(lease),
        Window::Sliding { .. } | Window::Until { .. } => at_ms,
    }
}

fn until(at_ms: i64, now_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(at_ms.saturating_sub(now_ms)).unwrap_or(0))
}

//! Demands as the scripts take them, and what the scripts answer.

use std::time::Duration;

use brokle_storage::quota::{Demand, Reservation, Standing, UNITS_MAX, Window, period_ms, slot_ms};
use redis::{ErrorKind, RedisError, Script, ScriptInvocation};

use crate::link::{Away, Link};
use crate::script::{self, Unit};

/// A reservation that is not settled within this (or its longest lease) stays as it was reserved.
const UNSETTLED_MAX_MS: i64 = 6 * 3_600_000;
/// How long a calendar period's counter outlives the period.
const AFTER_END_MS: i64 = 60_000;

/// The number of the demand that did not fit, or zero; then three figures for each demand.
pub(super) type Stand = Vec<i64>;

pub(super) struct Scripts {
    link: Link,
    quota: Script,
    settle: Script,
    raise: Script,
}

impl Scripts {
    pub(super) fn new(link: Link) -> Self {
        Self {
            link,
            quota: script::quota(),
            settle: script::settle(),
            raise: script::raise(),
        }
    }

    pub(super) fn reserve(&self, reservation: &Reservation) -> ScriptInvocation<'_> {
        let leases = reservation.demands.iter().map(|demand| match demand.window {
            Window::Held { lease } => period_ms(lease),
            Window::Sliding { .. } | Window::Until { .. } => 0,
        });
        let kept_ms = leases.fold(UNSETTLED_MAX_MS, i64::max);
        self.ask("take", &reservation.demands, reservation.id, kept_ms)
    }

    pub(super) fn stand(&self, demands: &[Demand]) -> ScriptInvocation<'_> {
        self.ask("stand", demands, 0, 1)
    }

    fn ask(&self, what: &str, demands: &[Demand], id: u128, kept_ms: i64) -> ScriptInvocation<'_> {
        let mut invocation = self.quota.prepare_invoke();
        self.add_keys(&mut invocation, demands, id);
        script::arg_now(&mut invocation, self.link.config(), Unit::Millis);
        invocation.arg(what).arg(name(id)).arg(kept_ms);
        for demand in demands {
            add_window(&mut invocation, demand.window);
            // One unit beyond what fits is never granted, and exact in a script's numbers.
            invocation
                .arg(demand.limit.min(UNITS_MAX))
                .arg(demand.amount.min(UNITS_MAX + 1));
        }
        invocation
    }

    pub(super) fn settle(&self, reservation: &Reservation, used: &[u64]) -> ScriptInvocation<'_> {
        let mut invocation = self.settle.prepare_invoke();
        self.add_keys(&mut invocation, &reservation.demands, reservation.id);
        script::arg_now(&mut invocation, self.link.config(), Unit::Millis);
        invocation.arg(name(reservation.id));
        for (demand, used) in reservation.demands.iter().zip(used) {
            add_window(&mut invocation, demand.window);
            invocation.arg(demand.amount).arg((*used).min(UNITS_MAX));
        }
        invocation
    }

    pub(super) fn raise(
        &self,
        id: u128,
        (key, until_ms): (&str, i64),
        (base, delta): (u64, i64),
        now_ms: i64,
    ) -> ScriptInvocation<'_> {
        let mut invocation = self.raise.prepare_invoke();
        let window = Window::Until { until_ms };
        let left_ms = end_ms(until_ms).saturating_sub(now_ms).max(0) + AFTER_END_MS;
        invocation
            .key(self.counter(key, window))
            .key(self.link.key("quota", &name(id)))
            .arg(base.min(UNITS_MAX))
            .arg(delta)
            .arg(left_ms);
        invocation
    }

    fn add_keys(&self, invocation: &mut ScriptInvocation<'_>, demands: &[Demand], id: u128) {
        for demand in demands {
            invocation.key(self.counter(&demand.key, demand.window));
        }
        invocation.key(self.link.key("quota", &name(id)));
    }

    fn counter(&self, key: &str, window: Window) -> String {
        match window {
            Window::Sliding { period } => self.link.key(&format!("quota:s{}", period_ms(period)), key),
            Window::Until { .. } => self.link.key("quota:u", key),
            Window::Held { .. } => self.link.key("quota:h", key),
        }
    }
}

fn add_window(invocation: &mut ScriptInvocation<'_>, window: Window) {
    match window {
        Window::Sliding { period } => invocation
            .arg("sliding")
            .arg(slot_ms(period))
            .arg(period_ms(period)),
        Window::Until { until_ms } => invocation.arg("until").arg(end_ms(until_ms)).arg(0),
        Window::Held { lease } => invocation.arg("held").arg(period_ms(lease)).arg(0),
    };
}

/// Within what a script's numbers hold exactly.
fn end_ms(until_ms: i64) -> i64 {
    until_ms.clamp(0, i64::MAX >> 12)
}

fn name(id: u128) -> String {
    format!("r{id:032x}")
}

/// Reads an answer: the index of the demand that did not fit, and how the counters stand.
pub(super) fn standings(demands: &[Demand], answer: &Stand) -> Result<(Option<usize>, Vec<Standing>), Away> {
    let unreadable = || RedisError::from((ErrorKind::UnexpectedReturnType, "not an answer of the script"));
    let (refused, figures) = answer.split_first().ok_or_else(unreadable)?;
    if figures.len() != 3 * demands.len() {
        return Err(unreadable().into());
    }
    let figure = |value: i64| u64::try_from(value).unwrap_or(0);
    let standing = |(demand, three): (&Demand, &[i64])| Standing {
        used: figure(three[0]),
        limit: demand.limit,
        retry_after: Duration::from_millis(figure(three[1])),
        reset_after: Duration::from_millis(figure(three[2])),
    };
    let standings = demands.iter().zip(figures.chunks_exact(3)).map(standing);
    let index = usize::try_from(*refused).unwrap_or(0).checked_sub(1);
    Ok((index, standings.collect()))
}

//! What is known of a target by the calls that it had: how many are in progress, how soon it answers, and
//! whether it is worth a try. Passive: no probe costs money; a target that failed too often is passed over for
//! a while, and then one call at a time tries it again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::retry::FailureClass;
use crate::config::BreakerConfig;
use crate::settings::route::Capacity;

mod used;

use used::Used;

/// After this long without a sample, an observed latency has lost most of its weight.
const MEMORY_MS: f64 = 10_000.0;
/// A call that was let through to try a target, and of which nothing was heard, is forgotten after this.
const PROBE_MS: i64 = 30_000;
/// Targets remembered per provider; callers may name any model.
const TARGETS_MAX: usize = 1_000;

/// The targets of one provider.
#[derive(Debug, Default)]
pub(crate) struct Loads(Mutex<HashMap<String, Arc<Load>>>);

impl Loads {
    /// What is known of `model` there. Beyond the bound, new names share nothing and are forgotten.
    pub(crate) fn of(&self, model: &str) -> Arc<Load> {
        let mut loads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(load) = loads.get(model) {
            return Arc::clone(load);
        }
        let load = Arc::new(Load::default());
        if loads.len() < TARGETS_MAX {
            loads.insert(model.to_owned(), Arc::clone(&load));
        }
        load
    }
}

/// One target.
#[derive(Debug, Default)]
pub(crate) struct Load {
    in_flight: AtomicU32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Until the first piece of an answer, in microseconds: a peak that decays.
    latency_us: f64,
    sampled_ms: i64,
    failures_in_a_row: u32,
    /// How often in a row the circuit has opened.
    trips: u32,
    /// The circuit is open until then; 0 when it is closed.
    open_until_ms: i64,
    /// One call is trying the target, until then at the latest; 0 when none is.
    probing_until_ms: i64,
    used: Used,
}

/// Whether a target is worth a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Circuit {
    /// As far as is known.
    Closed,
    /// It failed too often, or asked to be left alone.
    Open,
    /// Its time is over, and nobody has tried it yet.
    HalfOpen,
}

impl Circuit {
    /// The word for explanations.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// A call in progress at a target.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Load>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Load {
    /// Counts a call until what it gives is dropped. Of a half-open target, the call is the one that tries it.
    pub(crate) fn begin(self: &Arc<Self>, now_ms: i64) -> Busy {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let mut state = self.state();
        state.used.add(1, 0, now_ms);
        if state.open_until_ms != 0 && now_ms >= state.open_until_ms {
            state.probing_until_ms = now_ms + PROBE_MS;
        }
        Busy(Arc::clone(self))
    }

    /// Calls in progress.
    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Notes how soon an answer began.
    pub(crate) fn succeeded(&self, latency: Duration, now_ms: i64) {
        let sample = latency.as_secs_f64() * 1e6;
        let mut state = self.state();
        state.latency_us = state.decayed(sample, now_ms);
        state.sampled_ms = now_ms;
        state.failures_in_a_row = 0;
        state.trips = 0;
        state.open_until_ms = 0;
        state.probing_until_ms = 0;
    }

    /// Notes a failure of the provider's own.
    pub(crate) fn failed(
        &self,
        class: FailureClass,
        retry_after: Option<Duration>,
        policy: &BreakerConfig,
        now_ms: i64,
    ) {
        let mut state = self.state();
        if !class.blames_provider() {
            state.probing_until_ms = 0;
            return;
        }
        state.failures_in_a_row += 1;
        let was_open = state.open_until_ms != 0;
        let asked = retry_after.filter(|_| class == FailureClass::Rate);
        if let Some(asked) = asked {
            let asked = i64::try_from(asked.as_millis()).unwrap_or(i64::MAX);
            state.open(now_ms, asked.min(policy.cooldown_max()));
        } else if policy.failures > 0
            && (was_open || class == FailureClass::Credential || state.failures_in_a_row >= policy.failures)
        {
            let doubled = policy.cooldown().saturating_mul(1 << state.trips.min(16));
            state.open(now_ms, doubled.min(policy.cooldown_max()));
            state.trips += 1;
        }
    }

    /// Whether it is worth a try.
    pub(crate) fn circuit(&self, now_ms: i64) -> Circuit {
        let state = self.state();
        if state.open_until_ms == 0 {
            Circuit::Closed
        } else if now_ms < state.open_until_ms || now_ms < state.probing_until_ms {
            Circuit::Open
        } else {
            Circuit::HalfOpen
        }
    }

    /// The latency expected, in microseconds; 0 when nothing is known.
    pub(crate) fn latency_us(&self, now_ms: i64) -> f64 {
        let state = self.state();
        state.latency_us * weight(now_ms - state.sampled_ms)
    }

    /// Notes tokens that a call used.
    pub(crate) fn note_tokens(&self, tokens: u64, now_ms: i64) {
        self.state().used.add(0, tokens, now_ms);
    }

    /// The share of what it can take that was used in the last minute.
    pub(crate) fn used(&self, capacity: Capacity, now_ms: i64) -> f64 {
        self.state().used.share(capacity, now_ms)
    }

    /// What one more call would wait: the latency, for each in progress and for itself. What is not known is
    /// tried first.
    pub(crate) fn score(&self, now_ms: i64) -> f64 {
        self.latency_us(now_ms) * (f64::from(self.in_flight()) + 1.0)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A slower answer counts at once, a faster one little by little.
    fn decayed(&self, sample: f64, now_ms: i64) -> f64 {
        let weight = weight(now_ms - self.sampled_ms);
        if sample >= self.latency_us {
            sample
        } else {
            self.latency_us * weight + sample * (1.0 - weight)
        }
    }

    fn open(&mut self, now_ms: i64, for_ms: i64) {
        self.open_until_ms = now_ms.saturating_add(for_ms).max(1);
        self.probing_until_ms = 0;
        self.failures_in_a_row = 0;
    }
}

/// What is left of an observation after `elapsed_ms`.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of a few minutes")]
fn weight(elapsed_ms: i64) -> f64 {
    (-(elapsed_ms.max(0) as f64) / MEMORY_MS).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: BreakerConfig = BreakerConfig {
        failures: 3,
        cooldown_ms: 1_000,
        cooldown_max_ms: 3_000,
    };

    fn load() -> Arc<Load> {
        Arc::new(Load::default())
    }

    #[test]
    fn a_circuit_opens_after_failures_in_a_row_and_lets_one_call_try() {
        let load = load();
        for _ in 0..2 {
            load.failed(FailureClass::Server, None, &POLICY, 10);
        }
        load.succeeded(Duration::from_millis(1), 10);
        for _ in 0..2 {
            load.failed(FailureClass::Server, None, &POLICY, 10);
            assert_eq!(load.circuit(10), Circuit::Closed);
        }
        load.failed(FailureClass::Timeout, None, &POLICY, 10);
        assert_eq!(
            (load.circuit(1_009), load.circuit(1_010)),
            (Circuit::Open, Circuit::HalfOpen)
        );
        let _busy = load.begin(1_010);
        assert_eq!(load.circuit(1_011), Circuit::Open);
        load.succeeded(Duration::from_millis(1), 1_020);
        assert_eq!(load.circuit(1_020), Circuit::Closed);
    }

    #[test]
    fn a_target_that_fails_its_trial_is_left_alone_for_longer_up_to_a_bound() {
        let load = load();
        let mut now = 0;
        for expected in [1_000, 2_000, 3_000, 3_000] {
            let failures = if now == 0 { 3 } else { 1 };
            for _ in 0..failures {
                load.failed(FailureClass::Connect, None, &POLICY, now);
            }
            assert_eq!(load.circuit(now + expected - 1), Circuit::Open);
            now += expected;
            assert_eq!(load.circuit(now), Circuit::HalfOpen);
        }
    }

    #[test]
    fn a_rate_limit_counts_as_long_as_it_says_and_a_dead_key_at_once() {
        let limited = load();
        limited.failed(FailureClass::Rate, Some(Duration::from_millis(500)), &POLICY, 0);
        assert_eq!(
            (limited.circuit(499), limited.circuit(500)),
            (Circuit::Open, Circuit::HalfOpen)
        );
        let dead = load();
        dead.failed(FailureClass::Credential, None, &POLICY, 0);
        assert_eq!(dead.circuit(1), Circuit::Open);
        let wrong = load();
        for _ in 0..9 {
            wrong.failed(FailureClass::Request, None, &POLICY, 0);
        }
        assert_eq!(wrong.circuit(1), Circuit::Closed);
    }

    #[test]
    fn a_peak_counts_at_once_and_fades() {
        let load = load();
        load.succeeded(Duration::from_millis(100), 0);
        load.succeeded(Duration::from_millis(500), 100);
        assert!((load.latency_us(100) - 500_000.0).abs() < 1.0);
        load.succeeded(Duration::from_millis(100), 1_100);
        let after = load.latency_us(1_100);
        assert!(after > 400_000.0 && after < 500_000.0, "{after}");
        assert!(load.latency_us(60_000) < 2_000.0);
    }

    #[test]
    fn calls_in_progress_make_a_target_less_attractive_until_they_end() {
        let load = load();
        load.succeeded(Duration::from_millis(100), 0);
        let alone = load.score(0);
        let busy = [load.begin(0), load.begin(0)];
        assert!((load.score(0) / alone - 3.0).abs() < 1e-9);
        drop(busy);
        assert_eq!(load.in_flight(), 0);
    }
}

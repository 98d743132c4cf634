//! Quotas: how many requests, tokens, calls at once or units of money something may use, counted over all
//! nodes of one installation. What is asked is reserved before the work and settled by what it really used.
//!
//! Absent on purpose: what a quota applies to, and what happens when it is used up. Callers name counters by
//! keys of their own, and decide.

#[cfg(feature = "contract")]
pub mod contract;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use crate::shared::SharedStateError;

/// The most units that a counter can tell apart; a limit above it is one that is never reached.
pub const UNITS_MAX: u64 = (1 << 53) - 1;

/// The slots that a sliding period is counted in.
const SLOTS: u64 = 60;

/// What one call asks of one counter. Counters of different windows (or periods) are different counters,
/// whatever their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// Names the counter. Shared stores prefix it; it should not hold what a stranger may not read.
    pub key: String,
    /// How long units count.
    pub window: Window,
    /// Units that the counter may stand at, this demand included.
    pub limit: u64,
    /// Units asked for. With zero it is granted as long as the counter does not exceed its limit.
    pub amount: u64,
}

/// How long units count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Units in any `period`: counted in slots of a sixtieth of it (one millisecond at least), each of which
    /// counts until all of it is older than the period. So never more than the limit in any span of `period`,
    /// and units come back at most a slot late.
    Sliding {
        /// The span.
        period: Duration,
    },
    /// A calendar period that ends at `until_ms` (milliseconds of the Unix epoch). The key names the period:
    /// units never come back, the next period has another key.
    Until {
        /// When the period ends; the counter is forgotten some time later.
        until_ms: i64,
    },
    /// Held until settled, and for `lease` at most: what a node that died held comes back.
    Held {
        /// Longer than any work that is reserved for.
        lease: Duration,
    },
}

/// How one counter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Units used or reserved now. More than `limit` when settling added to them.
    pub used: u64,
    /// The demand's limit.
    pub limit: u64,
    /// How long until the amount asked for would fit, were nobody else to ask: zero when it was granted or
    /// would fit now. Held units may come back any moment before. An amount above the limit never fits; it
    /// is told the time of `reset_after`.
    pub retry_after: Duration,
    /// How long until the counter is at zero, were nobody else to ask; for a calendar period, until its end.
    pub reset_after: Duration,
}

impl Standing {
    /// Units left.
    pub fn remaining(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }
}

/// What [`QuotaStore::reserve`] decided. Standings are in the order of the demands, as they are after it.
#[derive(Debug)]
pub enum Verdict {
    /// Every demand was taken.
    Granted {
        /// To settle when the work is done. When it is dropped instead, held units come back with their
        /// lease and the others stay used.
        reservation: Reservation,
        /// How the counters stand.
        standings: Vec<Standing>,
    },
    /// None was taken.
    Refused {
        /// The first demand that did not fit.
        index: usize,
        /// How the counters stand.
        standings: Vec<Standing>,
    },
}

/// Units taken, to be settled once. Clones are the same reservation.
#[derive(Debug, Clone)]
pub struct Reservation {
    /// Names it within its store.
    pub id: u128,
    /// What was taken.
    pub demands: Vec<Demand>,
    /// When, in milliseconds of the Unix epoch by the store's clock: settling credits the slot of this time.
    pub at_ms: i64,
    /// Whether this process counted it by itself, because the shared store was away. It is settled there.
    pub in_process: bool,
    settled: Arc<AtomicBool>,
}

impl Reservation {
    /// For implementations.
    pub fn new(id: u128, demands: Vec<Demand>, at_ms: i64, in_process: bool) -> Self {
        Self {
            id,
            demands,
            at_ms,
            in_process,
            settled: Arc::new(AtomicBool::new(false)),
        }
    }

    /// For implementations: true for the first caller, who settles.
    pub fn claim_settlement(&self) -> bool {
        !self.settled.swap(true, Ordering::AcqRel)
    }

    /// For implementations: `used` names each demand.
    pub fn check_used(&self, used: &[u64]) -> Result<(), SharedStateError> {
        if used.len() == self.demands.len() {
            return Ok(());
        }
        let message = format!(
            "{} amounts settle {} demands; it must be one for each",
            used.len(),
            self.demands.len()
        );
        Err(SharedStateError { message })
    }
}

/// Counts what is used, over all nodes of one installation.
#[async_trait]
pub trait QuotaStore: Send + Sync + 'static {
    /// Takes every demand or none, atomically. Demands on the same counter add up.
    async fn reserve(&self, demands: &[Demand]) -> Result<Verdict, SharedStateError>;

    /// Replaces the reserved amount of each demand by what was really used, less or more, in the slot or
    /// period that it was reserved in; units held are released whatever `used` says. Settling again changes
    /// nothing.
    async fn settle(&self, reservation: Reservation, used: &[u64]) -> Result<(), SharedStateError>;

    /// How each counter stands now; `amount` decides `retry_after` and takes nothing.
    async fn standing(&self, demands: &[Demand]) -> Result<Vec<Standing>, SharedStateError>;

    /// Raises the counter of a calendar period to `value`, and never lowers it: restores what was spent
    /// before a start. Other windows cannot be raised.
    async fn raise(&self, key: &str, window: Window, value: u64) -> Result<(), SharedStateError>;
}

/// The width of a sliding period's slots, in milliseconds.
pub fn slot_ms(period: Duration) -> i64 {
    let slot = period_ms(period).unsigned_abs().div_ceil(SLOTS).max(1);
    i64::try_from(slot).unwrap_or(i64::MAX)
}

/// A duration as the milliseconds that counters reckon in, rounded up and within a thousand years.
pub fn period_ms(period: Duration) -> i64 {
    const MS_MAX: i64 = 1_000 * 366 * 86_400_000;
    let ms = period.as_nanos().div_ceil(1_000_000);
    i64::try_from(ms).unwrap_or(MS_MAX).min(MS_MAX)
}

/// For implementations: raising needs a calendar period.
pub fn calendar_end(window: Window) -> Result<i64, SharedStateError> {
    match window {
        Window::Until { until_ms } => Ok(until_ms),
        Window::Sliding { .. } | Window::Held { .. } => Err(SharedStateError {
            message: "only the counter of a calendar period can be raised".into(),
        }),
    }
}

//! What Redis must still be told about quotas. Each of it takes effect once, however often it is said.

use std::sync::Arc;

use brokle_storage::quota::Reservation;
use prometheus_client::metrics::counter::Counter;
use redis::ScriptInvocation;

use super::wire::Scripts;
use crate::backlog::Waiting;
use crate::link::{Away, Link, Live};

const DEBTS_MAX: usize = 20_000;

/// One thing to tell.
#[derive(Debug, Clone)]
pub(super) enum Debt {
    Settle {
        reservation: Reservation,
        used: Vec<u64>,
    },
    Raise {
        id: u128,
        key: String,
        until_ms: i64,
        base: u64,
        delta: i64,
    },
}

impl Debt {
    pub(super) fn settle(reservation: Reservation, used: Vec<u64>) -> Self {
        Self::Settle { reservation, used }
    }

    /// Gives everything back that Redis may have taken.
    pub(super) fn undo(reservation: Reservation) -> Self {
        let used = vec![0; reservation.demands.len()];
        Self::Settle { reservation, used }
    }

    pub(super) fn raise(key: String, until_ms: i64, base: u64, delta: i64) -> Self {
        Self::Raise {
            id: rand::random(),
            key,
            until_ms,
            base,
            delta,
        }
    }

    fn words<'a>(&self, scripts: &'a Scripts, now_ms: i64) -> ScriptInvocation<'a> {
        match self {
            Self::Settle { reservation, used } => scripts.settle(reservation, used),
            Self::Raise {
                id,
                key,
                until_ms,
                base,
                delta,
            } => scripts.raise(*id, (key, *until_ms), (*base, *delta), now_ms),
        }
    }
}

/// All that waits.
pub(super) struct Debts {
    waiting: Waiting<Debt>,
    lost: Counter,
}

impl Debts {
    pub(super) fn new(lost: Counter) -> Self {
        Self {
            waiting: Waiting::new(DEBTS_MAX),
            lost,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn push(&self, debt: Debt) {
        if !self.waiting.push(debt) {
            self.lost.inc();
        }
    }

    /// Will be paid later unless it is [`Open::done`] now, also when the caller goes away.
    pub(super) fn unless_done(self: &Arc<Self>, debt: Debt) -> Open {
        Open {
            debts: Arc::clone(self),
            debt: Some(debt),
        }
    }

    pub(super) async fn pay_all(&self, scripts: &Scripts, live: &Live, now_ms: i64) -> Result<(), Away> {
        // What comes in meanwhile is for the next time.
        for _ in 0..self.waiting.len() {
            let Some(debt) = self.waiting.pop() else { break };
            match live.invoke::<i64>(&debt.words(scripts, now_ms)).await {
                Ok(_) => {}
                // Redis refuses this one, and would again.
                Err(Away::Failed(error)) if !error.is_io_error() => {
                    tracing::warn!(%error, "Redis refused to be told what a quota used");
                    self.lost.inc();
                }
                Err(away) => {
                    if !self.waiting.push_front(debt) {
                        self.lost.inc();
                    }
                    return Err(away);
                }
            }
        }
        Ok(())
    }
}

/// A debt that somebody is about to pay.
pub(super) struct Open {
    debts: Arc<Debts>,
    debt: Option<Debt>,
}

impl Open {
    pub(super) async fn pay(&self, scripts: &Scripts, link: &Link, now_ms: i64) -> Result<(), Away> {
        if let Some(debt) = &self.debt {
            link.invoke::<i64>(&debt.words(scripts, now_ms)).await?;
        }
        Ok(())
    }

    pub(super) fn done(mut self) {
        self.debt = None;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(debt) = self.debt.take() {
            self.debts.push(debt);
        }
    }
}

//! Quotas on Redis: one script takes all demands of a call, or none, so that nodes together are exact.
//!
//! While Redis is away each node goes on from what it heard last: a budget that is spent stays spent, a
//! sliding limit may be had once on every node, and calls at once are counted by each node alone. What was
//! counted in calendar periods meanwhile (money) is added when Redis is back; if Redis lost its data, each
//! node also restores what it knew. Settling that Redis did not confirm is repeated until it does; so is
//! giving back what a reservation took that nobody holds: the answer came too late, or the caller was gone.

mod debt;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use brokle_model::clock::SharedClock;
use brokle_storage::quota::{Demand, QuotaStore, Reservation, Standing, Verdict, Window, calendar_end};
use brokle_storage::shared::SharedStateError;
use brokle_storage_cache::MemoryQuota;

use self::debt::{Debt, Debts};
use self::wire::{Scripts, Stand};
use crate::backlog::Backlog;
use crate::link::{Away, Link, Live};

/// Counters that this node knows.
const COUNTERS_MAX: usize = 200_000;

/// Quotas counted on Redis.
pub struct RedisQuota {
    link: Link,
    scripts: Scripts,
    alone: MemoryQuota,
    clock: SharedClock,
    debts: Arc<Debts>,
}

impl RedisQuota {
    pub(crate) fn new(link: Link, clock: SharedClock) -> Self {
        let debts = Arc::new(Debts::new(link.figures().lost.clone()));
        Self {
            scripts: Scripts::new(link.clone()),
            link,
            alone: MemoryQuota::new(COUNTERS_MAX, Arc::clone(&clock)),
            clock,
            debts,
        }
    }

    async fn reserve_shared(&self, demands: &[Demand]) -> Result<Verdict, Away> {
        let id = rand::random::<u128>();
        let reservation = Reservation::new(id, demands.to_vec(), self.now_ms(), false);
        // If this future is dropped while Redis works on it, nobody holds what it takes.
        let undo = self.debts.unless_done(Debt::undo(reservation.clone()));
        let answer = self.link.invoke(&self.scripts.reserve(&reservation)).await;
        if !matches!(&answer, Err(away) if away.is_ambiguous()) {
            undo.done();
        }
        let (refused, standings) = wire::standings(demands, &answer?)?;
        self.alone.observe(demands, &standings);
        Ok(match refused {
            Some(index) => Verdict::Refused { index, standings },
            None => Verdict::Granted {
                reservation,
                standings,
            },
        })
    }

    fn now_ms(&self) -> i64 {
        self.clock.now().timestamp_millis()
    }
}

#[async_trait]
impl QuotaStore for RedisQuota {
    async fn reserve(&self, demands: &[Demand]) -> Result<Verdict, SharedStateError> {
        match self.reserve_shared(demands).await {
            Ok(verdict) => Ok(verdict),
            Err(_) => self.alone.reserve(demands).await,
        }
    }

    async fn settle(&self, reservation: Reservation, used: &[u64]) -> Result<(), SharedStateError> {
        if reservation.in_process {
            return self.alone.settle(reservation, used).await;
        }
        reservation.check_used(used)?;
        if !reservation.claim_settlement() {
            return Ok(());
        }
        let debt = self.debts.unless_done(Debt::settle(reservation, used.to_vec()));
        if debt.pay(&self.scripts, &self.link, self.now_ms()).await.is_ok() {
            debt.done();
        }
        Ok(())
    }

    async fn standing(&self, demands: &[Demand]) -> Result<Vec<Standing>, SharedStateError> {
        let answer = self.link.invoke(&self.scripts.stand(demands)).await;
        match answer.and_then(|answer: Stand| wire::standings(demands, &answer)) {
            Ok((_, standings)) => {
                self.alone.observe(demands, &standings);
                Ok(standings)
            }
            Err(_) => self.alone.standing(demands).await,
        }
    }

    async fn raise(&self, key: &str, window: Window, value: u64) -> Result<(), SharedStateError> {
        let until_ms = calendar_end(window)?;
        self.alone.raise(key, window, value).await?;
        let debt = self
            .debts
            .unless_done(Debt::raise(key.into(), until_ms, value, 0));
        if debt.pay(&self.scripts, &self.link, self.now_ms()).await.is_ok() {
            debt.done();
        }
        Ok(())
    }
}

#[async_trait]
impl Backlog for RedisQuota {
    async fn pay(&self, live: &Live, data_lost: bool) -> Result<(), Away> {
        for owed in self.alone.take_owed(data_lost) {
            let base = if data_lost { owed.base } else { 0 };
            self.debts
                .push(Debt::raise(owed.key, owed.until_ms, base, owed.delta));
        }
        self.debts.pay_all(&self.scripts, live, self.now_ms()).await
    }

    fn len(&self) -> usize {
        self.debts.len()
    }
}

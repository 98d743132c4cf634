//! Quotas counted in this process, exact however many tasks ask at once: the counters lie in shards, and a
//! reservation holds the locks of all shards that it touches, in ascending order, while it takes everything
//! or nothing.
//!
//! The number of counters is bounded. Room is made by forgetting counters at zero first, then those used
//! longest ago, and those of calendar periods (money) last.

mod count;
mod shard;
mod stand_in;

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use brokle_model::clock::SharedClock;
use brokle_storage::quota::{Demand, QuotaStore, Reservation, Standing, Verdict, Window, calendar_end};
use brokle_storage::shared::SharedStateError;

use self::shard::{CounterRef, Shard};

pub use self::stand_in::Owed;

const SHARDS: usize = 64;

/// Quotas of this process.
pub struct MemoryQuota {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    next_id: AtomicU64,
    clock: SharedClock,
}

impl MemoryQuota {
    /// Remembers about `counters_max` counters at most.
    pub fn new(counters_max: usize, clock: SharedClock) -> Self {
        let each = counters_max.div_ceil(SHARDS).max(1);
        Self {
            shards: (0..SHARDS).map(|_| Mutex::new(Shard::new(each))).collect(),
            hasher: RandomState::new(),
            next_id: AtomicU64::new(0),
            clock,
        }
    }

    /// Counters that were forgotten for want of room while they still counted something.
    pub fn forgotten(&self) -> u64 {
        self.shards.iter().map(|shard| lock(shard).forgotten()).sum()
    }

    /// What [`QuotaStore::reserve`] decides; nothing here waits.
    fn decide(&self, demands: &[Demand]) -> Verdict {
        let now_ms = self.now_ms();
        let id = u128::from(self.next_id.fetch_add(1, Ordering::Relaxed));
        let mut locked = self.lock_for(demands);
        for (index, demand) in demands.iter().enumerate() {
            let counter = CounterRef::of(demand);
            if locked.shard(&counter).take(&counter, demand, id, now_ms) {
                continue;
            }
            for taken in &demands[..index] {
                let counter = CounterRef::of(taken);
                locked
                    .shard(&counter)
                    .settle(&counter, taken, id, now_ms, 0, now_ms);
            }
            let standings = locked.standings(demands, now_ms, false);
            return Verdict::Refused { index, standings };
        }
        let standings = locked.standings(demands, now_ms, true);
        let reservation = Reservation::new(id, demands.to_vec(), now_ms, true);
        Verdict::Granted {
            reservation,
            standings,
        }
    }

    fn now_ms(&self) -> i64 {
        self.clock.now().timestamp_millis()
    }

    fn shard_index(&self, counter: &CounterRef<'_>) -> usize {
        // The remainder of a division by 64 fits.
        usize::try_from(self.hasher.hash_one(counter) % SHARDS as u64).unwrap_or(0)
    }

    fn lock_for(&self, demands: &[Demand]) -> Locked<'_> {
        let mut wanted: Vec<usize> = demands
            .iter()
            .map(|demand| self.shard_index(&CounterRef::of(demand)))
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        let guards = wanted.into_iter().map(|index| (index, lock(&self.shards[index])));
        Locked {
            store: self,
            guards: guards.collect(),
        }
    }
}

#[async_trait]
impl QuotaStore for MemoryQuota {
    async fn reserve(&self, demands: &[Demand]) -> Result<Verdict, SharedStateError> {
        Ok(self.decide(demands))
    }

    async fn settle(&self, reservation: Reservation, used: &[u64]) -> Result<(), SharedStateError> {
        reservation.check_used(used)?;
        if !reservation.claim_settlement() {
            return Ok(());
        }
        let now_ms = self.now_ms();
        for (demand, used) in reservation.demands.iter().zip(used) {
            let counter = CounterRef::of(demand);
            let mut shard = lock(&self.shards[self.shard_index(&counter)]);
            shard.settle(&counter, demand, reservation.id, reservation.at_ms, *used, now_ms);
        }
        Ok(())
    }

    async fn standing(&self, demands: &[Demand]) -> Result<Vec<Standing>, SharedStateError> {
        let now_ms = self.now_ms();
        Ok(self.lock_for(demands).standings(demands, now_ms, false))
    }

    async fn raise(&self, key: &str, window: Window, value: u64) -> Result<(), SharedStateError> {
        calendar_end(window)?;
        let counter = CounterRef::new(key, window);
        let mut shard = lock(&self.shards[self.shard_index(&counter)]);
        shard.raise(&counter, window, value, self.now_ms());
        Ok(())
    }
}

/// The shards of one reservation.
struct Locked<'a> {
    store: &'a MemoryQuota,
    guards: Vec<(usize, MutexGuard<'a, Shard>)>,
}

impl Locked<'_> {
    fn shard(&mut self, counter: &CounterRef<'_>) -> &mut Shard {
        let index = self.store.shard_index(counter);
        let place = self.guards.binary_search_by_key(&index, |(index, _)| *index);
        // Every counter that is asked for is one that was locked for.
        &mut self.guards[place.unwrap_or(0)].1
    }

    fn standings(&mut self, demands: &[Demand], now_ms: i64, granted: bool) -> Vec<Standing> {
        let stand = |demand: &Demand| {
            let counter = CounterRef::of(demand);
            let asked = if granted { 0 } else { demand.amount };
            self.shard(&counter).standing(&counter, demand, asked, now_ms)
        };
        demands.iter().map(stand).collect()
    }
}

/// A panic while a lock was held leaves at worst one counter off by one demand.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

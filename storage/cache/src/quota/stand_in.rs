//! What a store in process needs to stand in for a shared one that is away: it follows the shared counters
//! while that one answers, so that a budget which is spent stays spent, and tells afterwards what it counted
//! in the meantime.

use brokle_storage::quota::{Demand, Standing};

use super::shard::CounterRef;
use super::{MemoryQuota, lock};

/// What the shared store should be told of one calendar counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// The demand's key.
    pub key: String,
    /// The end of the period.
    pub until_ms: i64,
    /// What the shared store said last.
    pub base: u64,
    /// What was counted here beside it; negative when settling gave back.
    pub delta: i64,
}

impl MemoryQuota {
    /// Follows the shared counters.
    pub fn observe(&self, demands: &[Demand], standings: &[Standing]) {
        let now_ms = self.now_ms();
        for (demand, standing) in demands.iter().zip(standings) {
            let counter = CounterRef::of(demand);
            let mut shard = lock(&self.shards[self.shard_index(&counter)]);
            shard.observe(&counter, demand.window, standing.used, now_ms);
        }
    }

    /// What was counted here in calendar periods that have not ended; from now on it counts as known to the
    /// shared store. With `known_too`, also the counters that owe nothing, for a store that lost its data.
    pub fn take_owed(&self, known_too: bool) -> Vec<Owed> {
        let now_ms = self.now_ms();
        let mut taken = Vec::new();
        for shard in &self.shards {
            let wanted = lock(shard)
                .take_owed(|calendar| calendar.until_ms > now_ms && (known_too || calendar.owed != 0));
            taken.extend(wanted);
        }
        taken
    }
}

//! What a call holds while it runs, settled when it ends by what it used.

use std::sync::Arc;

use brokle_model::price::PriceBook;
use brokle_storage::quota::{QuotaStore, Reservation};
use futures_util::FutureExt as _;
use tokio_util::task::TaskTracker;

use super::{Measure, Meter, Quotas};
use crate::cost;
use crate::record::CallRecord;

/// Tokens and money that a call used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Spending {
    pub(crate) tokens: u64,
    /// In nano-dollars.
    pub(crate) cost: u64,
}

/// All that a call has reserved.
pub(crate) struct Settling {
    pub(super) holds: Vec<Hold>,
    pub(super) prices: Arc<PriceBook>,
}

impl Settling {
    /// The call is over.
    pub(crate) fn settle(self, record: &CallRecord) {
        let spending = cost::of_call(&self.prices, record);
        for hold in self.holds {
            hold.settle(spending);
        }
    }
}

/// A reservation to be settled.
pub(super) struct Hold {
    store: Arc<dyn QuotaStore>,
    reservation: Reservation,
    measures: Vec<Measure>,
    tracker: TaskTracker,
}

impl Hold {
    pub(super) fn new(quotas: &Quotas, reservation: Reservation, meters: &[Meter<'_>]) -> Self {
        Self {
            store: Arc::clone(&quotas.store),
            reservation,
            measures: meters.iter().map(|meter| meter.unit.measure()).collect(),
            tracker: quotas.settling.clone(),
        }
    }

    /// Settles at once, as a store of this process can; on a task of its own when there is something to wait for.
    fn settle(self, spending: Spending) {
        let used: Vec<u64> = self
            .measures
            .iter()
            .map(|measure| match measure {
                Measure::Requests => 1,
                Measure::Tokens => spending.tokens,
                Measure::Cost => spending.cost,
                Measure::Concurrency => 0,
            })
            .collect();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let tracker = self.tracker.clone();
        let mut settle = Box::pin(async move {
            if let Err(error) = self.store.settle(self.reservation, &used).await {
                tracing::warn!(%error, "a call's use could not be settled; what it had reserved stays counted");
            }
        });
        if settle.as_mut().now_or_never().is_none() {
            tracker.spawn_on(settle, &runtime);
        }
    }
}

//! What was spent in the calendar periods that run, to be kept over a restart: counters in this process's memory
//! would forget it.

use std::sync::PoisonError;

use brokle_storage::quota::{Demand, UNITS_MAX};
use serde::{Deserialize, Serialize};

use super::{Measure, Meter, Quotas, Window};

/// Beyond this, counters are not kept over a restart.
const BUDGETS_MAX: usize = 100_000;

/// One budget's counter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// The counter.
    pub key: String,
    /// When its period ends, in milliseconds of the Unix epoch.
    pub until_ms: i64,
    /// What was spent, in nano-dollars.
    pub nano_dollars: u64,
}

impl Quotas {
    /// Keeps one counter in mind.
    pub(super) fn remember(&self, key: String, until_ms: i64) {
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        if budgets.len() < BUDGETS_MAX {
            budgets.insert(key, until_ms);
        }
    }

    /// Keeps in mind which counters to ask for.
    pub(super) fn remember_budgets(&self, meters: &[Meter<'_>]) {
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        for meter in meters
            .iter()
            .filter(|meter| meter.unit.measure() == Measure::Cost)
        {
            if let Window::Until { until_ms } = meter.demand.window
                && !budgets.contains_key(&meter.demand.key)
                && budgets.len() < BUDGETS_MAX
            {
                budgets.insert(meter.demand.key.clone(), until_ms);
            }
        }
    }

    /// What was spent in the periods that run.
    pub(crate) async fn spent(&self) -> Vec<Spent> {
        let now_ms = self.clock.now().timestamp_millis();
        let demands: Vec<Demand> = {
            let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
            budgets.retain(|_, until_ms| *until_ms > now_ms);
            let counters = budgets.iter();
            let demand = |(key, until_ms): (&String, &i64)| Demand {
                key: key.clone(),
                window: Window::Until { until_ms: *until_ms },
                limit: UNITS_MAX,
                amount: 0,
            };
            counters.map(demand).collect()
        };
        if demands.is_empty() {
            return Vec::new();
        }
        let standings = self.store.standing(&demands).await.unwrap_or_default();
        let pairs = demands.into_iter().zip(standings);
        let spent = pairs.map(|(demand, standing)| Spent {
            until_ms: match demand.window {
                Window::Until { until_ms } => until_ms,
                Window::Sliding { .. } | Window::Held { .. } => 0,
            },
            key: demand.key,
            nano_dollars: standing.used,
        });
        spent.collect()
    }

    /// Restores what was spent before a start. What is counted already is never lowered.
    pub(crate) async fn restore(&self, spent: &[Spent]) {
        let now_ms = self.clock.now().timestamp_millis();
        for budget in spent.iter().filter(|budget| budget.until_ms > now_ms) {
            let window = Window::Until {
                until_ms: budget.until_ms,
            };
            if let Err(error) = self.store.raise(&budget.key, window, budget.nano_dollars).await {
                tracing::warn!(%error, "what was spent before the start could not be restored");
                return;
            }
            let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
            budgets.insert(budget.key.clone(), budget.until_ms);
        }
    }
}

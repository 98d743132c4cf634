//! How much may be used: requests, tokens, calls at once and money, counted per key, project, model or user.
//!
//! What a call may use is reserved before its first attempt and settled when it ends, by what it did use. The
//! counts live in a [`QuotaStore`], in this process or shared by the nodes; when it cannot be asked, calls go
//! through: a store that is away is not an outage.
//!
//! Deliberately absent: who may call at all, which is the key's business.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use brokle_model::clock::SharedClock;
use brokle_model::id::OrganizationId;
use brokle_model::port::TelemetrySink;
use brokle_storage::quota::{Demand, QuotaStore, Standing, Verdict, Window};
use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, Utc};
use rust_decimal::Decimal;
use tokio_util::task::TaskTracker;

use crate::config::{Per, QuotaAction, QuotaConfig};

mod alert;
mod budgets;
mod hold;
mod matching;
mod reserve;
pub(crate) mod standing;

pub use budgets::Spent;
use hold::Hold;
pub(crate) use hold::{Settling, Spending};
pub(crate) use reserve::{Exceeded, reserve, reserve_money};
pub(crate) use standing::QuotaRecord;

/// Beyond this many counters, an alert may be told more than once.
const ALERTED_MAX: usize = 100_000;
/// Longer than any call lasts.
const LEASE: Duration = Duration::from_hours(2);
const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

/// Nano-dollars as dollars.
fn dollars(nano_dollars: u64) -> String {
    let amount = Decimal::from_i128_with_scale(i128::from(nano_dollars), 9);
    amount.normalize().to_string()
}

/// Rounded up.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// What is counted, and in which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Unit {
    RequestsPerMinute,
    RequestsPerDay,
    TokensPerMinute,
    TokensPerDay,
    ConcurrentRequests,
    CostPerDay,
    CostPerMonth,
}

/// What a unit is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    Requests,
    Tokens,
    Concurrency,
    /// In nano-dollars.
    Cost,
}

impl Unit {
    /// The word of the configuration.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::RequestsPerMinute => "requests_per_minute",
            Self::RequestsPerDay => "requests_per_day",
            Self::TokensPerMinute => "tokens_per_minute",
            Self::TokensPerDay => "tokens_per_day",
            Self::ConcurrentRequests => "concurrent_requests",
            Self::CostPerDay => "cost_per_day",
            Self::CostPerMonth => "cost_per_month",
        }
    }

    pub(crate) const fn measure(self) -> Measure {
        match self {
            Self::RequestsPerMinute | Self::RequestsPerDay => Measure::Requests,
            Self::TokensPerMinute | Self::TokensPerDay => Measure::Tokens,
            Self::ConcurrentRequests => Measure::Concurrency,
            Self::CostPerDay | Self::CostPerMonth => Measure::Cost,
        }
    }

    /// The window at a moment, and the name of its period when it is one of the calendar.
    fn window(self, now: DateTime<Utc>) -> (Window, String) {
        let sliding = |period| (Window::Sliding { period }, String::new());
        match self {
            Self::RequestsPerMinute | Self::TokensPerMinute => sliding(MINUTE),
            Self::RequestsPerDay | Self::TokensPerDay => sliding(DAY),
            Self::ConcurrentRequests => (Window::Held { lease: LEASE }, String::new()),
            Self::CostPerDay => {
                let today = now.date_naive();
                (until(today.checked_add_days(Days::new(1))), today.to_string())
            }
            Self::CostPerMonth => {
                let first = now.date_naive().with_day(1).unwrap_or_default();
                let period = format!("{}-{:02}", now.year(), now.month());
                (until(first.checked_add_months(Months::new(1))), period)
            }
        }
    }
}

fn until(day: Option<NaiveDate>) -> Window {
    let midnight = day.and_then(|day| day.and_hms_opt(0, 0, 0));
    let until_ms = midnight.map_or(i64::MAX, |midnight| midnight.and_utc().timestamp_millis());
    Window::Until { until_ms }
}

/// A quota as the settings hold it.
#[derive(Debug)]
pub(crate) struct Quota {
    pub(crate) config: QuotaConfig,
    limits: Vec<(Unit, u64)>,
    /// What tells its counters from those of a quota of the same name elsewhere.
    scope: String,
}

impl Quota {
    pub(crate) fn new(config: &QuotaConfig) -> Self {
        Self {
            limits: config.limits(),
            config: config.clone(),
            scope: String::new(),
        }
    }

    /// One of an organisation's own.
    pub(crate) fn of_tenant(config: &QuotaConfig, organization: OrganizationId) -> Self {
        Self {
            scope: format!("{organization}/"),
            ..Self::new(config)
        }
    }

    fn blocks(&self) -> bool {
        self.config.action == QuotaAction::Block
    }
}

/// The quotas of a gateway.
pub(crate) struct Quotas {
    store: Arc<dyn QuotaStore>,
    clock: SharedClock,
    /// Where what happened to a quota is told.
    sink: Arc<dyn TelemetrySink>,
    /// Counters and shares that were told about.
    alerted: Mutex<HashSet<(String, u8)>>,
    /// Calendar counters in use, by when they end.
    budgets: Mutex<BTreeMap<String, i64>>,
    /// Calls that ended and are being settled.
    settling: TaskTracker,
}

impl Quotas {
    pub(crate) fn new(store: Arc<dyn QuotaStore>, clock: SharedClock, sink: Arc<dyn TelemetrySink>) -> Self {
        Self {
            store,
            clock,
            sink,
            alerted: Mutex::default(),
            budgets: Mutex::default(),
            settling: TaskTracker::new(),
        }
    }

    /// Waits until every call that has ended is settled. To be used when no more calls come.
    pub(crate) async fn settled(&self) {
        self.settling.close();
        self.settling.wait().await;
    }

    /// True once for each counter and share.
    fn alert_once(&self, key: &str, percent: u8) -> bool {
        let mut alerted = self.alerted.lock().unwrap_or_else(PoisonError::into_inner);
        if alerted.len() >= ALERTED_MAX {
            alerted.clear();
        }
        alerted.insert((key.to_owned(), percent))
    }
}

/// One counter that a call draws on.
#[derive(Debug, Clone)]
struct Meter<'a> {
    quota: &'a Quota,
    unit: Unit,
    demand: Demand,
}

//! What is told when a share of a quota is used, or a budget is used up: once for each counter, share and period.
//!
//! A log line, a figure and the call's span say it at once; an event is kept with the project of the call. A share that
//! this process has told is remembered here. Whether another node, or this one before a restart, has told it, the store
//! of the counters knows: a counter beside the budget's own, of which there is one unit.

use brokle_model::telemetry::SystemEvent;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::standing::Used;
use super::{Demand, Measure, Meter, Quotas, Verdict, Window, dollars};
use crate::metrics::Metrics;
use crate::record::CallRecord;

/// What is told of a budget that is used up, in the place of a share.
const USED_UP: u8 = u8::MAX;

/// Tells of the shares that a call made full. Gives them in words, for its span.
pub(super) async fn shares(
    quotas: &Quotas,
    metrics: &Metrics,
    call: &CallRecord,
    standings: &[Used<'_>],
) -> Vec<String> {
    let mut told = Vec::new();
    for used in standings {
        for &percent in &used.meter.quota.config.alert_at_percent {
            let limit = used.meter.demand.limit;
            let threshold = u128::from(limit) * u128::from(percent);
            let is_reached = u128::from(used.standing.used) * 100 >= threshold;
            if !is_reached || !quotas.alert_once(&used.meter.demand.key, percent) {
                continue;
            }
            let words = format!("{} {percent}%", used.policy());
            tracing::warn!(quota = words.as_str(), project = %call.project, "a share of a quota is used");
            metrics.quota_alert();
            told.push(words);
            if quotas.is_first_to_tell(&used.meter, percent).await {
                let is_money = used.meter.unit.measure() == Measure::Cost;
                let name = if is_money {
                    "budget.threshold_reached"
                } else {
                    "quota.threshold_reached"
                };
                let used_units = Some(used.standing.used);
                quotas.tell(call, &used.meter, (name, "WARNING"), (percent, used_units));
            }
        }
    }
    told
}

/// Tells that a budget has refused a call.
pub(super) async fn used_up(quotas: &Quotas, call: &CallRecord, meter: &Meter<'_>) {
    let is_money = meter.unit.measure() == Measure::Cost;
    if is_money
        && quotas.alert_once(&meter.demand.key, USED_UP)
        && quotas.is_first_to_tell(meter, USED_UP).await
    {
        tracing::warn!(quota = meter.quota.config.name.as_str(), project = %call.project, "a budget is used up");
        quotas.tell(call, meter, ("budget.used_up", "ERROR"), (USED_UP, None));
    }
}

impl Quotas {
    /// Whether nobody has told it in the counter's period. A store that cannot be asked says nothing against it.
    async fn is_first_to_tell(&self, meter: &Meter<'_>, percent: u8) -> bool {
        let window = match meter.demand.window {
            // A place is held for as long as a call lasts; telling it again and again helps nobody.
            Window::Held { .. } => Window::Sliding { period: super::DAY },
            window => window,
        };
        let key = format!("told/{percent}/{}", meter.demand.key);
        let demand = Demand {
            key: key.clone(),
            window,
            limit: 1,
            amount: 1,
        };
        if let Window::Until { until_ms } = window {
            // Kept over a restart, as the budget itself is.
            self.remember(key, until_ms);
        }
        match self.store.reserve(&[demand]).await {
            Ok(Verdict::Refused { .. }) => false,
            Ok(Verdict::Granted { .. }) => true,
            Err(error) => {
                tracing::warn!(%error, "it is not known whether another node has told of a quota");
                true
            }
        }
    }

    fn tell(
        &self,
        call: &CallRecord,
        meter: &Meter<'_>,
        (name, level): (&'static str, &'static str),
        (percent, used): (u8, Option<u64>),
    ) {
        let now = self.clock.now();
        let period = match meter.demand.window {
            Window::Until { .. } => String::new(),
            Window::Sliding { .. } | Window::Held { .. } => now.timestamp_millis().to_string(),
        };
        let digest: [u8; 32] = Sha256::digest(format!("{}\0{percent}\0{period}", meter.demand.key)).into();
        let id = digest
            .iter()
            .take(16)
            .fold(0, |id: u128, byte| id << 8 | u128::from(*byte));
        let event = SystemEvent {
            project: call.project,
            id: format!("quota-{id:032x}"),
            name,
            level,
            at: now,
            environment: call.environment.clone(),
            trace: Some(call.trace.trace),
            observation: Some(call.span),
            user: call.caller.user.clone(),
            session: call.caller.session.clone(),
            payload: payload(meter, percent, used),
        };
        if self.sink.tell(event).is_err() {
            tracing::warn!(
                quota = meter.quota.config.name.as_str(),
                "the telemetry queue is full: an event about a quota is lost"
            );
        }
    }
}

fn payload(meter: &Meter<'_>, percent: u8, used: Option<u64>) -> Map<String, Value> {
    let amount = |units: u64| match meter.unit.measure() {
        Measure::Cost => json!(dollars(units)),
        Measure::Requests | Measure::Tokens | Measure::Concurrency => json!(units),
    };
    let mut payload = Map::new();
    payload.insert("quota".to_owned(), json!(meter.quota.config.name));
    payload.insert("unit".to_owned(), json!(meter.unit.as_str()));
    payload.insert("limit".to_owned(), amount(meter.demand.limit));
    if let Some(used) = used {
        payload.insert("used".to_owned(), amount(used));
        payload.insert("percent".to_owned(), json!(percent));
    }
    payload.insert("action".to_owned(), json!(meter.quota.config.action));
    if let Window::Until { until_ms } = meter.demand.window {
        let until = chrono::DateTime::from_timestamp_millis(until_ms);
        payload.insert("period_ends_at".to_owned(), json!(until));
    }
    payload
}

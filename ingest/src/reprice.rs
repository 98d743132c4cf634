//! Prices stored calls again, with the table in force now.
//!
//! A call whose price comes out otherwise is written once more, whole and with the next version, through the
//! ordinary insert: so the narrow table, the roll-ups and whatever else follows from a row stay true by
//! themselves, on one node and on a cluster. A caller's own cost stays the total; only ours beside it changes.
//! Calls whose money is right already are left alone, whatever table priced them: a second run changes
//! nothing, and one that was stopped goes on where it is wrong. Rows with a newer version than the one that
//! was looked at are left to the table that priced that version.
//! Usage is not derived again, and spans that carried no model call then carry none now.

use std::sync::Arc;
use std::time::Duration;

use brokle_model::id::ProjectId;
use brokle_model::price::PriceBook;
use brokle_storage::telemetry::{
    InsertError, QueryError, QueryOutput, SqlQuery, TelemetryReader, TelemetryWriter,
};
use chrono::{DateTime, Datelike, Utc};
use rust_decimal::Decimal;

mod call;
mod correct;
mod sql;

use crate::normalize::PriceMemo;
use call::Call;
use correct::Chunk;

/// Calls looked at in one step.
const STEP_CALLS: u64 = 50_000;
/// A step that holds more than this after all is halved.
const STEP_CALLS_MAX: u64 = 4 * STEP_CALLS;
/// No step is halved below this.
const STEP_NS_MIN: i64 = 1_000_000;
/// How often an answer of "unavailable" is tried again, each time after twice the pause.
const RETRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// What to price again.
#[derive(Debug, Clone)]
pub struct RepriceRequest {
    /// Whose calls.
    pub project: ProjectId,
    /// Those that started at this instant or later; `None` for all.
    pub from: Option<DateTime<Utc>>,
    /// Those that started before this instant; `None` for all.
    pub to: Option<DateTime<Utc>>,
    /// Only calls of this model, by the name that answered or the one asked for.
    pub model: Option<String>,
    /// Compute, and change nothing.
    pub dry_run: bool,
}

/// What pricing again came to, or has come to so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RepriceReport {
    /// Calls looked at.
    pub calls: u64,
    /// Calls whose money changed, or would.
    pub changed: u64,
    /// Of those, calls that a newer version replaced before they could be.
    pub overtaken: u64,
    /// Calls for which nobody knows a price now.
    pub unpriced: u64,
    /// What all of them cost, callers' word first: before and after.
    pub total: (Decimal, Decimal),
    /// What they cost by our prices: before and after.
    pub priced: (Decimal, Decimal),
}

/// Why calls were not priced again. What was written until then is right and stays.
#[derive(Debug, thiserror::Error)]
pub enum RepriceError {
    /// Reading failed.
    #[error("calls cannot be read: {0}")]
    Read(#[from] QueryError),
    /// Writing failed.
    #[error("prices cannot be written: {0}")]
    Write(#[from] InsertError),
    /// The tables are not those that this release writes.
    #[error("the column `{0}` of observations is missing or of another type; are all migrations applied?")]
    Column(&'static str),
    /// Arrow refused the corrected columns: our defect.
    #[error("the corrected columns do not form a batch: {0}")]
    Batch(#[from] arrow_schema::ArrowError),
}

/// Prices stored calls again.
pub struct Repricer {
    reader: Arc<dyn TelemetryReader>,
    writer: Arc<dyn TelemetryWriter>,
    prices: Arc<PriceBook>,
}

impl Repricer {
    /// Over one store, with the prices in force.
    pub fn new(
        reader: Arc<dyn TelemetryReader>,
        writer: Arc<dyn TelemetryWriter>,
        prices: Arc<PriceBook>,
    ) -> Self {
        Self {
            reader,
            writer,
            prices,
        }
    }

    /// Does it, step by step; `progress` hears after each how far it has come, from 0 to 1.
    pub async fn run(
        &self,
        request: &RepriceRequest,
        mut progress: impl FnMut(f64, &RepriceReport),
    ) -> Result<RepriceReport, RepriceError> {
        let mut report = RepriceReport::default();
        let steps = self.steps(request).await?;
        let count = steps.len().max(1) as f64;
        for (step, number) in steps.into_iter().zip(1_u32..) {
            // A step in which more is found than was expected is halved until its parts fit.
            let mut parts = vec![step];
            while let Some((from_ns, to_ns)) = parts.pop() {
                match self.step(request, (from_ns, to_ns), &mut report).await {
                    Err(RepriceError::Read(QueryError::TooExpensive)) if to_ns - from_ns > STEP_NS_MIN => {
                        let middle = from_ns + (to_ns - from_ns) / 2;
                        parts.push((middle, to_ns));
                        parts.push((from_ns, middle));
                    }
                    outcome => outcome?,
                }
            }
            progress(f64::from(number) / count, &report);
        }
        Ok(report)
    }

    /// Time cut into ranges, each within a month, of about [`STEP_CALLS`] calls.
    async fn steps(&self, request: &RepriceRequest) -> Result<Vec<(i64, i64)>, RepriceError> {
        let bound = |time: Option<DateTime<Utc>>| time.and_then(|time| time.timestamp_nanos_opt());
        let range = (
            bound(request.from).unwrap_or(0),
            bound(request.to).unwrap_or(i64::MAX),
        );
        let mut steps: Vec<(i64, i64)> = Vec::new();
        let mut calls_in_last = 0;
        for month in self.months(request.project, range).await? {
            let minutes = self.query(&sql::minutes(request.project, month)).await?;
            for (minute, calls) in call::minutes(&minutes)? {
                let part = (minute.max(month.0), (minute + sql::MINUTE_NS).min(month.1));
                match steps.last_mut() {
                    Some(last) if last.0 >= month.0 && calls_in_last + calls <= STEP_CALLS => {
                        last.1 = part.1;
                        calls_in_last += calls;
                    }
                    _ => {
                        steps.push(part);
                        calls_in_last = calls;
                    }
                }
            }
        }
        Ok(steps)
    }

    /// The months between the first call and the last, as ranges.
    async fn months(&self, project: ProjectId, range: (i64, i64)) -> Result<Vec<(i64, i64)>, RepriceError> {
        let extent = self.query(&sql::extent(project, range)).await?;
        let Some((first, last)) = call::extent(&extent)? else {
            return Ok(Vec::new());
        };
        let (mut at, end) = (first.max(range.0), last.saturating_add(1).min(range.1));
        let mut months = Vec::new();
        while at < end {
            let next = next_month(at).min(end);
            months.push((at, next));
            at = next;
        }
        Ok(months)
    }

    async fn step(
        &self,
        request: &RepriceRequest,
        range: (i64, i64),
        report: &mut RepriceReport,
    ) -> Result<(), RepriceError> {
        let query = sql::calls(request, range, STEP_CALLS_MAX);
        let calls = Call::read_all(&self.query(&query).await?)?;
        let mut memo = PriceMemo::new(&self.prices);
        let priced: Vec<_> = calls
            .into_iter()
            .map(|call| {
                let verdict = call.price_again(&mut memo);
                (call, verdict)
            })
            .collect();
        for (call, verdict) in &priced {
            report.add(call, verdict);
        }
        if request.dry_run {
            return Ok(());
        }
        for chunk in Chunk::cut(priced) {
            let rows = self.query(&sql::rows(request.project, &chunk)).await?;
            let (written, inserts) = chunk.corrected(request.project, &rows)?;
            report.overtaken += chunk.corrections() - written;
            for insert in inserts {
                self.insert(insert).await?;
            }
        }
        Ok(())
    }

    async fn query(&self, query: &SqlQuery) -> Result<QueryOutput, QueryError> {
        let mut pause = FIRST_PAUSE;
        for _ in 0..RETRIES {
            match self.reader.query(query.clone()).await {
                Err(QueryError::Unavailable { .. }) => tokio::time::sleep(pause).await,
                answer => return answer,
            }
            pause *= 2;
        }
        self.reader.query(query.clone()).await
    }

    async fn insert(&self, insert: brokle_storage::telemetry::Insert) -> Result<(), InsertError> {
        let mut pause = FIRST_PAUSE;
        for _ in 0..RETRIES {
            match self.writer.insert(insert.clone()).await {
                Err(InsertError::Unavailable { .. }) => tokio::time::sleep(pause).await,
                answer => return answer,
            }
            pause *= 2;
        }
        self.writer.insert(insert).await
    }
}

impl RepriceReport {
    fn add(&mut self, call: &Call, verdict: &call::Verdict) {
        self.calls += 1;
        self.changed += u64::from(verdict.changes(call));
        self.unpriced += u64::from(verdict.ours().is_none());
        let add = |sum: &mut Decimal, picos: i128| {
            *sum = sum.saturating_add(money(picos));
        };
        add(&mut self.total.0, call.cost.total);
        add(&mut self.total.1, verdict.cost.total);
        add(&mut self.priced.0, call.cost.ours().unwrap_or(0));
        add(&mut self.priced.1, verdict.ours().unwrap_or(0));
    }

    /// Adds another project's.
    pub fn merge(&mut self, other: &Self) {
        self.calls += other.calls;
        self.changed += other.changed;
        self.overtaken += other.overtaken;
        self.unpriced += other.unpriced;
        self.total = (
            self.total.0.saturating_add(other.total.0),
            self.total.1.saturating_add(other.total.1),
        );
        self.priced = (
            self.priced.0.saturating_add(other.priced.0),
            self.priced.1.saturating_add(other.priced.1),
        );
    }
}

fn money(picos: i128) -> Decimal {
    Decimal::try_from_i128_with_scale(picos, brokle_model::price::COST_SCALE).unwrap_or_default()
}

/// The beginning of the month after the one of this instant.
fn next_month(ns: i64) -> i64 {
    let time = DateTime::from_timestamp_nanos(ns);
    let (year, month) = if time.month() == 12 {
        (time.year() + 1, 1)
    } else {
        (time.year(), time.month() + 1)
    };
    let first = chrono::NaiveDate::from_ymd_opt(year, month, 1);
    let midnight = first.map(|day| day.and_time(chrono::NaiveTime::MIN).and_utc());
    midnight
        .and_then(|time| time.timestamp_nanos_opt())
        .unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_end_where_the_next_begins() {
        let ns = |text: &str| {
            let time: DateTime<Utc> = text.parse().unwrap();
            time.timestamp_nanos_opt().unwrap()
        };
        assert_eq!(
            next_month(ns("2026-11-30T23:59:59.999999999Z")),
            ns("2026-12-01T00:00:00Z")
        );
        assert_eq!(next_month(ns("2026-12-01T00:00:00Z")), ns("2027-01-01T00:00:00Z"));
        assert_eq!(next_month(i64::MAX), i64::MAX);
    }
}

//! Tail sampling: whole traces kept or dropped for what they turned out to be.
//!
//! Nothing waits for a decision. A trace is stored as it comes, is to be seen at once, and is decided when it has
//! been quiet for a while, in storage, where all of it is, whichever node took which of its spans. The decision is
//! written down before anything follows from it; then the spans of dropped traces are replaced by tombstones, and
//! so are those that come later. Every step may be done twice, by two nodes, or after a crash: of two decisions the
//! first stands, and what has a tombstone needs none.
//!
//! Deliberately absent: any state but how far a project has been looked at. It is found again in the decisions.

mod sql;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt64Type};
use brokle_model::clock::SharedClock;
use brokle_model::id::ProjectId;
use brokle_model::port::{SettingsUnknown, TelemetryPolicies};
use brokle_model::telemetry_settings::TailSampling;
use brokle_storage::maintenance::TelemetryMaintenance;
use brokle_storage::telemetry::{QueryError, QueryOutput, TelemetryReader};
use chrono::{DateTime, TimeDelta, Utc};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

use sql::{QUARTER, REACH, Window};

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(10);
/// How far apart this clock and storage's may be, and how long an insert may take from its mark to its rows.
const MARGIN: TimeDelta = TimeDelta::minutes(2);
/// After a start, traces that came earlier than this are left as they are.
const LOOK_BACK_MAX: TimeDelta = TimeDelta::days(2);
/// The longest stretch of time that one statement looks at.
const WINDOW_MAX: TimeDelta = TimeDelta::hours(1);

/// What tail sampling has done.
#[derive(Debug, Clone, Default)]
pub struct TailMetrics {
    /// Items of dropped traces. They were accepted and stored before, and count as such.
    pub sampled: Counter,
}

impl TailMetrics {
    /// Registers everything below `brokle_ingest`.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.sub_registry_with_prefix("brokle_ingest").register(
            "tail_sampled_items",
            "Items that were stored and then removed with their traces by tail sampling",
            metrics.sampled.clone(),
        );
        metrics
    }
}

/// Why a look ended early.
#[derive(Debug, thiserror::Error)]
pub enum TailError {
    /// Storage failed, or found a statement too expensive.
    #[error(transparent)]
    Storage(#[from] QueryError),
    /// What projects have set is not known yet.
    #[error(transparent)]
    Settings(#[from] SettingsUnknown),
    /// Storage answered something else: our defect.
    #[error("storage answered without the column `{0}`")]
    Column(&'static str),
}

/// How far a project has been looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// It does not sample.
    Off,
    /// Marks since then have not been looked at.
    Since(DateTime<Utc>),
}

/// The job.
pub struct TailSampler {
    reader: Arc<dyn TelemetryReader>,
    maintenance: Arc<dyn TelemetryMaintenance>,
    policies: Arc<dyn TelemetryPolicies>,
    clock: SharedClock,
    metrics: TailMetrics,
}

impl TailSampler {
    /// Builds the job over its ports.
    pub fn new(
        reader: Arc<dyn TelemetryReader>,
        maintenance: Arc<dyn TelemetryMaintenance>,
        policies: Arc<dyn TelemetryPolicies>,
        clock: SharedClock,
        metrics: TailMetrics,
    ) -> Self {
        Self {
            reader,
            maintenance,
            policies,
            clock,
            metrics,
        }
    }

    /// Looks again and again, until told to stop.
    pub async fn run(&self, stop: CancellationToken) {
        let mut looks = Looks::default();
        loop {
            match self.look(&mut looks, &stop).await {
                Ok(0) => {}
                Ok(items) => tracing::debug!(items, "removed traces by tail sampling"),
                Err(TailError::Storage(QueryError::Unavailable { message })) => {
                    tracing::debug!(message, "tail sampling waits for storage");
                }
                Err(error) => tracing::warn!(%error, "tail sampling failed; traces are kept meanwhile"),
            }
            let pause = tokio::time::sleep(PAUSE);
            if stop.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    }

    /// Decides and removes what there is to decide and remove. Returns how many items were removed.
    pub async fn look(&self, looks: &mut Looks, stop: &CancellationToken) -> Result<u64, TailError> {
        let now = self.clock.now();
        let since = looks.last.map_or(now - LOOK_BACK_MAX, |last| last - MARGIN);
        let projects = self.maintenance.projects_of(sql::marked_projects(since)).await?;
        let open = looks.open();
        let (mut removed, mut failure) = (0, None);
        for project in projects
            .into_iter()
            .chain(open)
            .collect::<std::collections::BTreeSet<_>>()
        {
            if stop.is_cancelled() {
                return Ok(removed);
            }
            let settings = self.policies.of(project)?;
            let Some(tail) = &settings.sampling.tail else {
                looks.progress.insert(project, Progress::Off);
                continue;
            };
            // The others have their turn all the same.
            match self.turn(project, tail, looks, now).await {
                Ok(items) => removed += items,
                Err(error) => failure = Some(error),
            }
        }
        looks.last = Some(now);
        failure.map_or(Ok(removed), Err)
    }

    /// One project's turn.
    async fn turn(
        &self,
        project: ProjectId,
        tail: &TailSampling,
        looks: &mut Looks,
        now: DateTime<Utc>,
    ) -> Result<u64, TailError> {
        let wait = TimeDelta::seconds(i64::from(tail.decision_wait_s));
        let since = match looks.progress.get(&project) {
            Some(Progress::Since(since)) => *since,
            Some(Progress::Off) => now - wait - MARGIN,
            None => self.resume(project).await?.unwrap_or(now) - wait - MARGIN,
        };
        let since = since.max(now - LOOK_BACK_MAX);
        let marked = self.reader.query(sql::marked_quarters(project, since)).await?;
        let mut removed = 0;
        for window in windows(&numbers(&marked, "bucket")?) {
            self.maintenance
                .maintain(sql::decide(project, tail, window, now - wait))
                .await?;
            let doomed = self.reader.query(sql::count_doomed(project, window)).await?;
            let items = count(&doomed)?;
            if items > 0 {
                self.maintenance.maintain(sql::bury(project, window)).await?;
                self.metrics.sampled.inc_by(items);
                removed += items;
            }
        }
        // A trace that is not quiet yet is looked at again: its marks are younger than this.
        looks
            .progress
            .insert(project, Progress::Since(now - wait - MARGIN));
        Ok(removed)
    }

    /// When the project was last decided about, by any node.
    async fn resume(&self, project: ProjectId) -> Result<Option<DateTime<Utc>>, TailError> {
        let found = self.reader.query(sql::last_decision(project)).await?;
        let micros = numbers(&found, "decided")?.first().copied().unwrap_or(0);
        Ok(DateTime::from_timestamp_micros(micros).filter(|_| micros > 0))
    }
}

/// How far projects have been looked at, by one process.
#[derive(Debug, Default)]
pub struct Looks {
    last: Option<DateTime<Utc>>,
    progress: HashMap<ProjectId, Progress>,
}

impl Looks {
    /// Projects that may have traces that were not quiet at the last look.
    fn open(&self) -> Vec<ProjectId> {
        let sampling = self.progress.iter();
        sampling
            .filter(|(_, progress)| **progress != Progress::Off)
            .map(|(project, _)| *project)
            .collect()
    }
}

/// Stretches of time around marked quarters, in seconds since 1970; neighbours together.
fn windows(quarters: &[i64]) -> Vec<Window> {
    let mut windows: Vec<Window> = Vec::new();
    let longest = WINDOW_MAX.num_seconds();
    for start in quarters {
        let end = start + QUARTER.num_seconds();
        match windows.last_mut() {
            Some(last) if last.until_s == *start && end - last.from_s <= longest => last.until_s = end,
            _ => windows.push(Window {
                from_s: *start,
                until_s: end,
            }),
        }
    }
    debug_assert!(REACH >= QUARTER);
    windows
}

fn numbers(output: &QueryOutput, column: &'static str) -> Result<Vec<i64>, TailError> {
    let of = |batch: &RecordBatch| {
        let values = batch.column_by_name(column)?.as_primitive_opt::<Int64Type>()?;
        Some(values.values().to_vec())
    };
    let columns: Option<Vec<Vec<i64>>> = output.batches.iter().map(of).collect();
    Ok(columns.ok_or(TailError::Column(column))?.concat())
}

fn count(output: &QueryOutput) -> Result<u64, TailError> {
    let of = |batch: &RecordBatch| {
        let values = batch.column_by_name("items")?.as_primitive_opt::<UInt64Type>()?;
        values.values().first().copied()
    };
    output
        .batches
        .first()
        .and_then(of)
        .ok_or(TailError::Column("items"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_quarters_are_looked_at_together_up_to_an_hour() {
        let quarter = QUARTER.num_seconds();
        let at = |numbers: &[i64]| -> Vec<i64> { numbers.iter().map(|number| number * quarter).collect() };
        let window = |from: i64, until: i64| Window {
            from_s: from * quarter,
            until_s: until * quarter,
        };
        assert_eq!(windows(&at(&[])), []);
        assert_eq!(windows(&at(&[1, 2, 4])), [window(1, 3), window(4, 5)]);
        assert_eq!(windows(&at(&[0, 1, 2, 3, 4, 5])), [window(0, 4), window(4, 6)]);
    }
}

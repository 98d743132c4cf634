//! The job that rolls observations up into quarters of an hour.
//!
//! Every insert marks the quarters that it touches. The job looks for marked quarters that have settled, newest
//! first, and computes them anew from the observations, a few neighbouring quarters of one project per
//! statement. It may run on any number of servers at once: a quarter is replaced as a whole, the one computed
//! last wins, and what it covers is written in the same row, so two servers at the same quarter waste work but
//! cannot disagree. Nothing depends on the job having run: what it has not computed is read from the
//! observations.
//!
//! Deliberately absent: a lease between servers, and any state of its own but what it has yet to look at.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use brokle_model::clock::SharedClock;
use brokle_model::id::ProjectId;
use brokle_storage::maintenance::TelemetryMaintenance;
use brokle_storage::telemetry::{QueryError, TelemetryReader};
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::plan::TimeRange;
use crate::shape::ShapeError;
use crate::shape::analytics::quarters;
use crate::sql::usage::{BUCKET_S, compute, compute_attributes, marked_projects, pending};

/// Quarters looked up at once.
const PENDING_MAX: usize = 64;
/// Neighbouring quarters computed by one statement.
const RUN_MAX: usize = 16;
/// Look-ups for one project before the next one has its turn.
const TURNS_MAX: usize = 8;
/// How far apart the server's clock and storage's may be.
const CLOCKS_APART: Duration = Duration::from_mins(1);
/// How often projects are looked at that nobody has marked lately: what was left behind by a fault.
const EVERYTHING_EVERY: Duration = Duration::from_mins(10);
/// How far ahead of now observations may start and still be rolled up.
const AHEAD_DAYS: i64 = 366;

/// When the job looks, and what it leaves alone.
#[derive(Debug, Clone, Copy)]
pub struct RollUpConfig {
    /// Between two looks.
    pub pause: Duration,
    /// How long a quarter must have been left alone. Longer than an insert may take from its mark to its rows.
    pub settle: Duration,
}

impl Default for RollUpConfig {
    fn default() -> Self {
        Self {
            pause: Duration::from_secs(10),
            settle: Duration::from_mins(5),
        }
    }
}

/// Why a look ended early.
#[derive(Debug, thiserror::Error)]
pub enum RollUpError {
    /// Storage failed, or found a statement too expensive.
    #[error(transparent)]
    Storage(#[from] QueryError),
    /// Storage answered something else: our defect.
    #[error("storage answered in another shape: {0}")]
    Shape(String),
}

impl From<ShapeError> for RollUpError {
    fn from(error: ShapeError) -> Self {
        Self::Shape(error.to_string())
    }
}

/// Rolls up.
pub struct RollUps {
    reader: Arc<dyn TelemetryReader>,
    maintenance: Arc<dyn TelemetryMaintenance>,
    clock: SharedClock,
    config: RollUpConfig,
}

/// What the job has yet to look at.
#[derive(Debug, Default)]
struct Backlog {
    /// Marks since then have not been looked at.
    since: DateTime<Utc>,
    /// Projects that were left before they were done.
    projects: BTreeSet<ProjectId>,
}

impl RollUps {
    /// Builds the job over its ports.
    pub fn new(
        reader: Arc<dyn TelemetryReader>,
        maintenance: Arc<dyn TelemetryMaintenance>,
        clock: SharedClock,
        config: RollUpConfig,
    ) -> Self {
        Self {
            reader,
            maintenance,
            clock,
            config,
        }
    }

    /// Looks again and again, until told to stop.
    pub async fn run(&self, stop: CancellationToken) {
        let mut backlog = Backlog::default();
        let mut everything_at = self.clock.now() + EVERYTHING_EVERY;
        loop {
            let started = self.clock.now();
            if started >= everything_at {
                backlog.since = DateTime::UNIX_EPOCH;
                everything_at = started + EVERYTHING_EVERY;
            }
            match self.look(&mut backlog, &stop).await {
                Ok(0) => {}
                Ok(computed) => tracing::debug!(computed, "rolled up quarters of an hour"),
                Err(RollUpError::Storage(QueryError::Unavailable { message })) => {
                    tracing::debug!(message, "rolling up waits for storage");
                }
                Err(error) => {
                    tracing::warn!(%error, "rolling up failed; charts read the observations meanwhile");
                }
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.config.pause) => {}
            }
        }
    }

    /// Computes everything that has settled, once. Returns how many quarters that were.
    pub async fn catch_up(&self, stop: &CancellationToken) -> Result<u64, RollUpError> {
        let mut backlog = Backlog::default();
        let mut computed = 0;
        loop {
            computed += self.look(&mut backlog, stop).await?;
            if backlog.projects.is_empty() || stop.is_cancelled() {
                return Ok(computed);
            }
        }
    }

    /// One turn for every project with something to do.
    async fn look(&self, backlog: &mut Backlog, stop: &CancellationToken) -> Result<u64, RollUpError> {
        let started = self.clock.now();
        let marked = self
            .maintenance
            .projects_of(marked_projects(backlog.since))
            .await?;
        backlog.projects.extend(marked);
        backlog.since = started - self.config.settle - CLOCKS_APART;
        let mut computed = 0;
        let mut failure = None;
        for project in std::mem::take(&mut backlog.projects) {
            if stop.is_cancelled() {
                backlog.projects.insert(project);
                continue;
            }
            match self.turn(project, stop, &mut computed).await {
                Ok(true) => {}
                Ok(false) => {
                    backlog.projects.insert(project);
                }
                // The others have their turn; this one when everything is looked at again.
                Err(error) => failure = Some(error),
            }
        }
        failure.map_or(Ok(computed), Err)
    }

    /// Computes a project's settled quarters; `false` when there are more than one turn has time for.
    async fn turn(
        &self,
        project: ProjectId,
        stop: &CancellationToken,
        computed: &mut u64,
    ) -> Result<bool, RollUpError> {
        for _ in 0..TURNS_MAX {
            let range = TimeRange {
                from: DateTime::UNIX_EPOCH,
                to: self.clock.now() + chrono::Duration::days(AHEAD_DAYS),
            };
            let found = self
                .reader
                .query(pending(project, range, self.config.settle, PENDING_MAX))
                .await?;
            let found = quarters(&found.batches)?;
            if found.is_empty() {
                return Ok(true);
            }
            for run in runs(&found) {
                if stop.is_cancelled() {
                    return Ok(false);
                }
                self.compute(project, run).await?;
                *computed += run.quarters;
            }
        }
        Ok(false)
    }

    /// Computes neighbouring quarters; if that is too much at once, one half after the other.
    async fn compute(&self, project: ProjectId, run: Run) -> Result<(), RollUpError> {
        let mut parts = vec![run];
        while let Some(part) = parts.pop() {
            match self.compute_part(project, part).await {
                Err(QueryError::TooExpensive) if part.quarters > 1 => parts.extend(part.halves()),
                outcome => outcome?,
            }
        }
        Ok(())
    }

    /// The figures last: their row says what both cover.
    async fn compute_part(&self, project: ProjectId, part: Run) -> Result<(), QueryError> {
        let attributes = compute_attributes(project, part.range());
        self.maintenance.maintain(attributes).await?;
        let figures = compute(project, part.range(), self.config.settle);
        self.maintenance.maintain(figures).await
    }
}

/// Neighbouring quarters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    /// In seconds since 1970.
    first_s: i64,
    quarters: u64,
}

impl Run {
    fn end_s(self) -> i64 {
        let quarters = i64::try_from(self.quarters).unwrap_or(0);
        self.first_s + quarters * BUCKET_S
    }

    fn range(self) -> TimeRange {
        let instant = |seconds| DateTime::from_timestamp(seconds, 0).unwrap_or_default();
        TimeRange {
            from: instant(self.first_s),
            to: instant(self.end_s()),
        }
    }

    fn halves(self) -> [Self; 2] {
        let first = Self {
            quarters: self.quarters / 2,
            ..self
        };
        let second = Self {
            first_s: first.end_s(),
            quarters: self.quarters - first.quarters,
        };
        [first, second]
    }
}

/// Neighbours put together, from starts in descending order.
fn runs(starts_s: &[i64]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for start_s in starts_s {
        match runs.last_mut() {
            Some(run) if run.first_s - BUCKET_S == *start_s && run.quarters < RUN_MAX as u64 => {
                run.first_s = *start_s;
                run.quarters += 1;
            }
            _ => runs.push(Run {
                first_s: *start_s,
                quarters: 1,
            }),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_computed_together_up_to_a_number() {
        let run = |first, quarters| Run {
            first_s: first * BUCKET_S,
            quarters,
        };
        assert_eq!(runs(&[]), []);
        let starts: Vec<i64> = [9, 8, 7, 3, 1].map(|quarter| quarter * BUCKET_S).to_vec();
        assert_eq!(runs(&starts), [run(7, 3), run(3, 1), run(1, 1)]);
        let many: Vec<i64> = (0..20).rev().map(|quarter| quarter * BUCKET_S).collect();
        assert_eq!(runs(&many), [run(4, 16), run(0, 4)]);
        assert_eq!(run(4, 3).halves(), [run(4, 1), run(5, 2)]);
    }
}

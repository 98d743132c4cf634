//! What quality scores say of providers' models, kept in memory for the gateway, which asks for it in the middle of a
//! call. Read again and again in the background, for the projects that were asked about and no others.
//!
//! What could not be read for long is not told any more: the gateway goes by its configuration then.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use brokle_model::clock::SharedClock;
use brokle_model::id::ProjectId;
use brokle_model::port::{Quality, QualitySource};
use brokle_storage::telemetry::{QueryError, TelemetryReader};
use tokio_util::sync::CancellationToken;

use crate::plan::TimeRange;
use crate::shape::ShapeError;
use crate::shape::quality::{Qualities, qualities};
use crate::sql;

/// Projects in memory; calls of further ones go by the configuration.
const PROJECTS_MAX: usize = 10_000;
/// A project that was not asked about for so long is forgotten.
const FORGOTTEN_AFTER_MS: i64 = 3_600_000;

/// Which scores count, and how often they are read.
#[derive(Debug, Clone)]
pub struct QualityScoresConfig {
    /// By name; all when there is none.
    pub names: Vec<String>,
    /// Days that a score counts.
    pub days: u16,
    /// Scored answers that a model must have.
    pub answers_min: u64,
    /// Between two looks at who is due.
    pub pause: Duration,
    /// A project's scores are read so often.
    pub refresh: Duration,
    /// What is older than this is not told.
    pub stale_after: Duration,
}

impl Default for QualityScoresConfig {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            days: 14,
            answers_min: 20,
            pause: Duration::from_secs(2),
            refresh: Duration::from_mins(2),
            stale_after: Duration::from_mins(15),
        }
    }
}

/// Means of scores by project.
pub struct QualityScores {
    reader: Arc<dyn TelemetryReader>,
    clock: SharedClock,
    config: QualityScoresConfig,
    known: RwLock<HashMap<ProjectId, Arc<Known>>>,
}

#[derive(Debug)]
struct Known {
    asked_ms: AtomicI64,
    /// Nothing before they were read for the first time.
    read_ms: Option<i64>,
    means: Qualities,
}

/// Why a project's scores were not read.
#[derive(Debug, thiserror::Error)]
enum RefreshError {
    #[error(transparent)]
    Storage(#[from] QueryError),
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

impl QualityScores {
    /// Knows nothing yet.
    pub fn new(reader: Arc<dyn TelemetryReader>, clock: SharedClock, config: QualityScoresConfig) -> Self {
        Self {
            reader,
            clock,
            config,
            known: RwLock::default(),
        }
    }

    /// Reads again and again, until told to stop.
    pub async fn run(&self, stop: CancellationToken) {
        loop {
            self.refresh(&stop).await;
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.config.pause) => {}
            }
        }
    }

    /// Reads the scores of the projects that are due, once. Returns how many that were.
    pub async fn refresh(&self, stop: &CancellationToken) -> usize {
        let now_ms = self.now_ms();
        let due = self.due(now_ms);
        let mut read = 0;
        for project in due {
            if stop.is_cancelled() {
                break;
            }
            match self.read(project).await {
                Ok(means) => {
                    self.keep(project, means);
                    read += 1;
                }
                Err(error) => {
                    tracing::debug!(%project, %error, "quality scores could not be read; tried again soon");
                }
            }
        }
        read
    }

    fn due(&self, now_ms: i64) -> Vec<ProjectId> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, known| now_ms - known.asked_ms.load(Ordering::Relaxed) < FORGOTTEN_AFTER_MS);
        let refresh_ms = millis(self.config.refresh);
        let is_due = |known: &Known| known.read_ms.is_none_or(|read_ms| now_ms - read_ms >= refresh_ms);
        let due = known.iter().filter(|(_, known)| is_due(known));
        due.map(|(project, _)| *project).collect()
    }

    async fn read(&self, project: ProjectId) -> Result<Qualities, RefreshError> {
        let now = self.clock.now();
        let range = TimeRange {
            from: now - chrono::Duration::days(self.config.days.into()),
            to: now,
        };
        let query = sql::qualities(project, range.reaching_ahead(), &self.config.names);
        Ok(qualities(&self.reader.query(query).await?.batches)?)
    }

    fn keep(&self, project: ProjectId, means: Qualities) {
        let now_ms = self.now_ms();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let asked_ms = known
            .get(&project)
            .map(|known| known.asked_ms.load(Ordering::Relaxed));
        let new = Known {
            asked_ms: AtomicI64::new(asked_ms.unwrap_or(now_ms)),
            read_ms: Some(now_ms),
            means,
        };
        known.insert(project, Arc::new(new));
    }

    fn note(&self, project: ProjectId, now_ms: i64) -> Option<Arc<Known>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(&project) {
            known.asked_ms.store(now_ms, Ordering::Relaxed);
            return Some(Arc::clone(known));
        }
        drop(known);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < PROJECTS_MAX {
            known.entry(project).or_insert_with(|| {
                Arc::new(Known {
                    asked_ms: AtomicI64::new(now_ms),
                    read_ms: None,
                    means: Qualities::new(),
                })
            });
        }
        None
    }

    fn now_ms(&self) -> i64 {
        self.clock.now().timestamp_millis()
    }
}

impl QualitySource for QualityScores {
    fn of(&self, project: ProjectId, provider: &str, model: &str) -> Option<Quality> {
        let now_ms = self.now_ms();
        let known = self.note(project, now_ms)?;
        let is_fresh = now_ms - known.read_ms? < millis(self.config.stale_after);
        let quality = known.means.get(provider)?.get(model)?;
        (is_fresh && quality.answers >= self.config.answers_min).then_some(*quality)
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

//! What a project's settings do to its telemetry before anything is written to the log: the head sample leaves
//! traces out, rules and patterns make values unreadable, long values are cut.
//!
//! [`Processors`] answers, for each request, which [`Plan`] is in force. A project that has set nothing pays for
//! that question and for nothing else.
//!
//! - `rewrite`, `shape`: the one pass over a request, whatever its signal.
//! - `redact`, `keys`, `json`: what is made unreadable. `cap`: what is cut. `fields`: the same for the SDK routes.
//!
//! Deliberately absent: tail sampling, which decides about stored traces, and forwarding.

mod cap;
mod fields;
mod json;
mod keys;
mod metrics;
mod redact;
mod rewrite;
mod shape;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use brokle_model::id::ProjectId;
use brokle_model::port::{SettingsUnknown, SinkFull, TelemetryPolicies, TelemetrySink};
use brokle_model::telemetry::{CallDays, Signal, Submission, SystemEvent};
use brokle_model::telemetry_settings::{EffectiveSettings, HeadSampling};
use bytes::Bytes;

use crate::changes::told;
use crate::otlp::wire::WireError;
pub(crate) use keys::Glob;
pub use metrics::ProcessMetrics;
pub use redact::HashKey;
use redact::{Redactor, Work};
use rewrite::{Rewrite, Steps};
use shape::Shape;

/// Projects whose compiled rules are kept at once.
const COMPILED_MAX: usize = 10_000;

/// Plans by project.
pub struct Processors {
    policies: Arc<dyn TelemetryPolicies>,
    hash_key: HashKey,
    metrics: ProcessMetrics,
    compiled: RwLock<HashMap<ProjectId, Compiled>>,
}

#[derive(Clone)]
struct Compiled {
    settings: Arc<EffectiveSettings>,
    steps: Arc<Steps>,
}

/// What is done to one project's telemetry.
#[derive(Debug, Clone)]
pub struct Plan {
    settings: Arc<EffectiveSettings>,
    /// Absent where bodies stay as they are.
    steps: Option<Arc<Steps>>,
    metrics: ProcessMetrics,
}

/// A body after the plan.
#[derive(Debug, Clone)]
pub struct Processed {
    /// The body, empty when no item is left.
    pub body: Bytes,
    /// Items left in it.
    pub items: u32,
}

impl Processors {
    /// Processors that obey `policies`; hashes are made with `hash_key`.
    pub fn new(
        policies: Arc<dyn TelemetryPolicies>,
        hash_key: HashKey,
        metrics: ProcessMetrics,
    ) -> Arc<Self> {
        Arc::new(Self {
            policies,
            hash_key,
            metrics,
            compiled: RwLock::default(),
        })
    }

    /// Processors with the same settings for every project, and figures of their own.
    pub fn fixed(settings: EffectiveSettings) -> Arc<Self> {
        let policies: Arc<dyn TelemetryPolicies> = Arc::new(Arc::new(settings));
        Self::new(policies, HashKey::new(b""), ProcessMetrics::default())
    }

    /// What is in force for a project now.
    pub fn plan(&self, project: ProjectId) -> Result<Plan, SettingsUnknown> {
        let settings = self.policies.of(project)?;
        let steps = (!settings.leaves_as_is()).then(|| self.steps(project, &settings));
        Ok(Plan {
            settings,
            steps,
            metrics: self.metrics.clone(),
        })
    }

    fn steps(&self, project: ProjectId, settings: &Arc<EffectiveSettings>) -> Arc<Steps> {
        let compiled = self.compiled.read().unwrap_or_else(PoisonError::into_inner);
        let known = compiled.get(&project);
        if let Some(known) = known.filter(|known| Arc::ptr_eq(&known.settings, settings)) {
            return Arc::clone(&known.steps);
        }
        drop(compiled);
        let redaction = &settings.redaction;
        let redactor = (!redaction.is_empty()).then(|| Redactor::new(redaction, project, &self.hash_key));
        let value_bytes_max = settings.size_caps.value_bytes_max;
        let steps = Arc::new(Steps {
            redactor,
            value_bytes_max: value_bytes_max.and_then(|bytes| usize::try_from(bytes).ok()),
        });
        let mut compiled = self.compiled.write().unwrap_or_else(PoisonError::into_inner);
        if compiled.len() >= COMPILED_MAX {
            compiled.clear();
        }
        let new = Compiled {
            settings: Arc::clone(settings),
            steps: Arc::clone(&steps),
        };
        compiled.insert(project, new);
        steps
    }

    /// Lets telemetry that Brokle makes itself go the same way.
    pub fn before(self: &Arc<Self>, sink: Arc<dyn TelemetrySink>) -> Arc<dyn TelemetrySink> {
        Arc::new(ProcessedSink {
            processors: Arc::clone(self),
            sink,
        })
    }
}

impl Plan {
    /// How many days the signal is kept.
    pub fn retention_days(&self, signal: Signal) -> u16 {
        self.settings.retention_days.of(signal)
    }

    /// How many days the rows of a gateway's call are kept.
    pub fn call_days(&self) -> CallDays {
        self.settings.retention_days.of_calls()
    }

    /// Does to a validated body what the project has set.
    pub fn apply(&self, signal: Signal, body: Bytes, items: u32) -> Result<Processed, WireError> {
        let (Some(steps), Some(shape)) = (&self.steps, Shape::of(signal)) else {
            return Ok(Processed { body, items });
        };
        let mut work = Work::default();
        let rewrite = Rewrite {
            steps,
            rate: self.rate(signal),
            work: &mut work,
            changed: false,
        };
        let body = rewrite.request(shape, &body)?;
        self.metrics.count(signal, &work);
        let items = items.saturating_sub(work.sampled);
        let body = if items == 0 { Bytes::new() } else { body };
        Ok(Processed { body, items })
    }

    fn rate(&self, signal: Signal) -> Option<f64> {
        let HeadSampling { rate, logs } = self.settings.sampling.head?;
        let is_sampled = signal == Signal::Traces || (signal == Signal::Logs && logs);
        is_sampled.then_some(rate)
    }
}

impl std::fmt::Debug for Processors {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Processors").finish_non_exhaustive()
    }
}

struct ProcessedSink {
    processors: Arc<Processors>,
    sink: Arc<dyn TelemetrySink>,
}

impl TelemetrySink for ProcessedSink {
    fn submit(&self, submission: Submission) -> Result<(), SinkFull> {
        // Settings are known before the first call is served.
        let plan = self.processors.plan(submission.project).map_err(|_| SinkFull)?;
        let Submission {
            signal,
            body,
            items,
            calls,
            ..
        } = submission;
        // What Brokle writes itself is well-formed.
        let Processed { body, items } = plan.apply(signal, body, items).map_err(|_| SinkFull)?;
        if items == 0 {
            return Ok(());
        }
        self.sink.submit(Submission {
            body,
            items,
            retention_days: plan.retention_days(signal),
            calls: calls.map(|_| plan.call_days()),
            ..submission
        })
    }

    fn tell(&self, event: SystemEvent) -> Result<(), SinkFull> {
        let plan = self.processors.plan(event.project).map_err(|_| SinkFull)?;
        let mut fields = told::fields(&event);
        plan.apply_to_fields(&mut fields);
        let days = plan.retention_days(Signal::Changes);
        self.sink
            .submit(told::submission(event, fields, days).ok_or(SinkFull)?)
    }
}

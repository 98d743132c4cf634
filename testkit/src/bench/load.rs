//! What a sender is told, and what it tells afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::payload::{Encoding, Template};

/// Where the bodies come from.
#[derive(Debug, Clone)]
pub enum Bodies {
    /// Copies of a template, as many as it takes.
    Template,
    /// These, each once.
    Ready(Arc<Vec<Vec<u8>>>),
}

/// What to send, where, how fast and how long.
#[derive(Debug, Clone)]
pub struct Plan {
    /// `host:port`.
    pub address: String,
    /// The API key.
    pub key: String,
    /// The spans.
    pub template: Arc<Template>,
    /// Where their bodies come from.
    pub bodies: Bodies,
    /// How these are compressed.
    pub encoding: Encoding,
    /// Requests under way at most.
    pub lanes: usize,
    /// Requests a second; `None`: each lane sends when it has its answer.
    pub rate: Option<f64>,
    /// How long.
    pub length: Duration,
    /// The number of the first request: no other plan of a run has it.
    pub first: u64,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Requests that were acknowledged.
    pub acknowledged: u64,
    /// Requests that were not, and what was said of the first.
    pub failed: u64,
    /// The first failure.
    pub failure: Option<String>,
    /// From sending, or from when it was due, to the acknowledgement; sorted, in seconds.
    pub latencies: Vec<f64>,
    /// From the first request to the last acknowledgement.
    pub elapsed: Duration,
}

impl Outcome {
    /// Adds another lane's.
    pub fn merge(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.failed += other.failed;
        self.failure = self.failure.take().or(other.failure);
        self.latencies.extend(other.latencies);
    }

    /// The latency below which a share of the requests lies, in milliseconds.
    pub fn latency_ms(&self, share: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a length"
        )]
        let at = (last as f64 * share) as usize;
        self.latencies.get(at).copied().unwrap_or(0.0) * 1e3
    }
}

/// Hands out requests to lanes.
#[derive(Debug)]
pub struct Schedule {
    started: Instant,
    plan: Plan,
    next: AtomicU64,
}

/// A request to be made.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// Its place in the plan.
    pub index: u64,
    /// When it is due.
    pub due: Instant,
}

impl Schedule {
    /// Starts the clock.
    pub fn start(plan: Plan) -> Self {
        Self {
            started: Instant::now(),
            plan,
            next: AtomicU64::new(0),
        }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// When it began.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// The next request, until time or bodies are used up.
    pub fn turn(&self) -> Option<Turn> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let due = match self.plan.rate {
            Some(rate) => self.started + Duration::from_secs_f64(index as f64 / rate),
            None => Instant::now(),
        };
        let is_over = due.duration_since(self.started) >= self.plan.length;
        let has_body = match &self.plan.bodies {
            Bodies::Template => true,
            Bodies::Ready(bodies) => index < bodies.len() as u64,
        };
        (!is_over && has_body).then_some(Turn { index, due })
    }

    /// The body of a request; `buffer` is the lane's own.
    pub fn body<'b>(&'b self, turn: Turn, buffer: &'b mut Vec<u8>) -> &'b [u8] {
        match &self.plan.bodies {
            Bodies::Template => {
                if buffer.is_empty() {
                    *buffer = self.plan.template.buffer();
                }
                self.plan.template.fill(buffer, self.plan.first + turn.index);
                buffer
            }
            Bodies::Ready(bodies) => usize::try_from(turn.index)
                .ok()
                .and_then(|at| bodies.get(at))
                .map_or(&[], |body| body),
        }
    }
}

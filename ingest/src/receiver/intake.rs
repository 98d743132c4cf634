//! What both transports do with a request once they have taken it apart.

use std::sync::Arc;

use ::http::HeaderMap;
use axum::body::Body;
use brokle_http::presented_key;
use brokle_model::clock::SharedClock;
use brokle_model::id::ProjectId;
use brokle_model::port::{KeyResolver, authorize_key};
use brokle_model::principal::Scope;
use brokle_model::telemetry::{Signal, Submission};
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::accept::{AcceptError, Acceptor};
use super::body::{self, Announced};
use super::config::ReceiverConfig;
use super::inflate::{Compression, inflate};
use super::metrics::{ReceiverMetrics, Transport};
use super::refusal::Refusal;
use crate::otlp::json;
use crate::otlp::rejections::Rejections;
use crate::otlp::validate::{Limits, Validated, validate};
use crate::process::{Plan, Processed, Processors};
use crate::wal::{MemoryBudget, Reservation};

/// Bodies up to this size are decoded where they arrive: moving them would cost more.
const INLINE_BYTES_MAX: usize = 64 * 1024;

const DAY_NANOS: u64 = 24 * 60 * 60 * 1_000_000_000;
const ENVIRONMENT_BYTES_MAX: usize = 64;
const ENVIRONMENT_HEADERS: [&str; 2] = ["x-environment", "x-brokle-environment"];

/// The receivers' shared state: one for both transports and all ports.
pub struct Receiver {
    acceptor: Arc<dyn Acceptor>,
    keys: Arc<dyn KeyResolver>,
    processors: Arc<Processors>,
    clock: SharedClock,
    memory: Arc<MemoryBudget>,
    slots: Arc<Semaphore>,
    pub(super) config: ReceiverConfig,
    pub(super) metrics: ReceiverMetrics,
}

/// A request that may be read.
#[derive(Debug)]
pub struct Admission {
    /// The tenant.
    pub project: ProjectId,
    /// The caller's tag, or empty.
    pub environment: String,
    _slot: OwnedSemaphorePermit,
}

/// A body that has been read, and its share of the memory budget.
#[derive(Debug)]
pub struct Held {
    /// The bytes.
    pub body: Bytes,
    /// What covers them.
    pub reservation: Reservation,
}

/// How a body spells its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`
    Protobuf,
    /// `application/json`
    Json,
}

impl Receiver {
    /// Receivers that resolve keys with `keys`, do to bodies what `processors` say and hand them to `acceptor`.
    pub fn new(
        acceptor: Arc<dyn Acceptor>,
        keys: Arc<dyn KeyResolver>,
        processors: Arc<Processors>,
        clock: SharedClock,
        config: ReceiverConfig,
        metrics: ReceiverMetrics,
    ) -> Arc<Self> {
        let memory = acceptor.memory();
        let slots = Arc::new(Semaphore::new(config.requests_in_flight_max));
        Arc::new(Self {
            acceptor,
            keys,
            processors,
            clock,
            memory,
            slots,
            config,
            metrics,
        })
    }

    /// Decides by the head alone whether the body is worth reading.
    pub async fn admit(&self, headers: &HeaderMap) -> Result<Admission, Refusal> {
        let slot = Arc::clone(&self.slots)
            .try_acquire_owned()
            .map_err(|_| Refusal::Overloaded)?;
        let grant = authorize_key(self.keys.as_ref(), presented_key(headers), Scope::Ingest).await?;
        Ok(Admission {
            project: grant.project,
            environment: environment(headers)?,
            _slot: slot,
        })
    }

    /// Reads a body.
    pub async fn read(
        &self,
        body: &mut Body,
        announced: Announced,
        bytes_max: usize,
    ) -> Result<Held, Refusal> {
        let mut reservation = self.memory.reserve(0).map_err(|_| Refusal::Overloaded)?;
        let body = body::read(
            body,
            announced,
            bytes_max,
            self.config.body_timeout,
            &mut reservation,
        )
        .await?;
        Ok(Held { body, reservation })
    }

    /// Undoes a body's content encoding.
    pub async fn inflate(
        &self,
        held: Held,
        compression: Compression,
        transport: Transport,
    ) -> Result<Held, Refusal> {
        let Held {
            body,
            mut reservation,
        } = held;
        let (wire_bytes, bytes_max) = (body.len(), self.config.body_bytes_max);
        // What inflates may grow a thousandfold, so only the smallest stays on this thread.
        let is_inline = compression == Compression::Identity || wire_bytes <= INLINE_BYTES_MAX / 64;
        let held = run(is_inline, move || {
            let body = inflate(body, compression, bytes_max, &mut reservation)?;
            Ok(Held { body, reservation })
        })
        .await?;
        self.metrics.count_body(transport, wire_bytes, held.body.len());
        Ok(held)
    }

    /// Takes an uncompressed request for good, or says why not.
    pub async fn take(
        &self,
        signal: Signal,
        admission: &Admission,
        held: Held,
        encoding: Encoding,
        transport: Transport,
    ) -> Result<Rejections, Refusal> {
        let Held {
            body,
            mut reservation,
        } = held;
        let plan = self.processors.plan(admission.project)?;
        let retention_days = plan.retention_days(signal);
        let limits = self.limits(retention_days);
        let is_inline = body.len() <= INLINE_BYTES_MAX;
        let (processed, accepted, rejections, reservation) = run(is_inline, move || {
            let Validated {
                body,
                accepted,
                rejections,
            } = decode(signal, body, encoding, limits, &mut reservation)?;
            let processed = plan.apply(signal, body, accepted)?;
            reservation
                .resize(processed.body.len() as u64)
                .map_err(|_| Refusal::Overloaded)?;
            Ok((processed, accepted, rejections, reservation))
        })
        .await?;
        let Processed { body, items } = processed;
        if items > 0 {
            let environment = admission.environment.clone();
            let project = admission.project;
            let submission = Submission {
                project,
                environment,
                signal,
                body,
                items,
                retention_days,
                calls: None,
            };
            self.accept(submission, reservation).await?;
        }
        self.metrics.count_taken(transport, accepted, &rejections);
        Ok(rejections)
    }

    /// The memory that bodies may take.
    pub(crate) fn memory(&self) -> &Arc<MemoryBudget> {
        &self.memory
    }

    /// The largest body.
    pub(crate) fn body_bytes_max(&self) -> usize {
        self.config.body_bytes_max
    }

    /// Nanoseconds since 1970.
    pub(crate) fn now_ns(&self) -> i64 {
        self.clock.now().timestamp_nanos_opt().unwrap_or(i64::MAX)
    }

    /// What the project has set about its telemetry.
    pub(crate) fn plan(&self, project: ProjectId) -> Result<Plan, Refusal> {
        Ok(self.processors.plan(project)?)
    }

    /// The earliest and the latest start that can be stored of what is kept so long.
    pub(crate) fn start_bounds_ns(&self, retention_days: u16) -> (i64, i64) {
        let limits = self.limits(retention_days);
        let signed = |nanos: u64| i64::try_from(nanos).unwrap_or(i64::MAX);
        (signed(limits.earliest_unix_nano), signed(limits.latest_unix_nano))
    }

    /// Takes a body that has been checked for good, or says why not.
    pub(crate) async fn keep(&self, submission: Submission, held: Reservation) -> Result<(), Refusal> {
        self.accept(submission, held).await
    }

    async fn accept(&self, submission: Submission, held: Reservation) -> Result<(), Refusal> {
        let accepting = self.acceptor.accept(submission, held);
        match tokio::time::timeout(self.config.accept_timeout, accepting).await {
            Ok(outcome) => outcome.map_err(|error: AcceptError| Refusal::Accept(error)),
            Err(_) => Err(Refusal::AcceptTimeout),
        }
    }

    fn limits(&self, retention_days: u16) -> Limits {
        let now = u64::try_from(self.clock.now().timestamp_nanos_opt().unwrap_or(i64::MAX)).unwrap_or(0);
        let ahead = u64::try_from(self.config.clock_ahead_max.as_nanos()).unwrap_or(u64::MAX);
        let kept = u64::from(retention_days) * DAY_NANOS;
        Limits {
            earliest_unix_nano: now.saturating_sub(kept),
            latest_unix_nano: now.saturating_add(ahead),
        }
    }
}

fn decode(
    signal: Signal,
    body: Bytes,
    encoding: Encoding,
    limits: Limits,
    reservation: &mut Reservation,
) -> Result<Validated, Refusal> {
    let body = match encoding {
        Encoding::Protobuf => body,
        Encoding::Json => {
            // For a moment both forms are here.
            let text_bytes = body.len() as u64;
            reservation
                .resize(text_bytes * (1 + json::growth_max(signal)))
                .map_err(|_| Refusal::Overloaded)?;
            Bytes::from(json::to_protobuf(signal, &body)?)
        }
    };
    let validated = validate(signal, &body, limits)?;
    reservation
        .resize(validated.body.len() as u64)
        .map_err(|_| Refusal::Overloaded)?;
    Ok(validated)
}

/// Runs `work` here, or on the blocking pool when it may take long enough to hold up other requests.
async fn run<T: Send + 'static>(
    is_inline: bool,
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    if is_inline {
        return work();
    }
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        tracing::error!("decoding a request failed: {error}");
        Err(Refusal::Internal)
    })
}

fn environment(headers: &HeaderMap) -> Result<String, Refusal> {
    let Some(value) = ENVIRONMENT_HEADERS.into_iter().find_map(|name| headers.get(name)) else {
        return Ok(String::new());
    };
    let text = value.to_str().map_err(|_| Refusal::Environment)?.trim();
    let sane = text.len() <= ENVIRONMENT_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
    if sane {
        Ok(text.to_owned())
    } else {
        Err(Refusal::Environment)
    }
}

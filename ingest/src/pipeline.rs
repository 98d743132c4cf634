//! From the log to storage, and the handle that the rest of the process holds.
//!
//! One task takes ranges, oldest first, and a bounded number of them is on its way at a time
//! (`insert`): read, decoded on blocking threads (`decode`), inserted once per table and partition, released.
//! Storage that is away is waited for; a request that storage refuses for its content is found by halving
//! and kept as a dead letter ([`dead_letter`]), while its neighbours are stored.

pub mod batch;
pub mod dead_letter;
pub(crate) mod decode;
mod insert;
pub(crate) mod pause;
pub mod replay;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use brokle_model::clock::SharedClock;
use brokle_model::error::Classify;
use brokle_model::port::{SinkFull, TelemetrySink};
use brokle_model::telemetry::{RETENTION_DAYS, Submission, SystemEvent};
use brokle_storage::telemetry::{TelemetryReader, TelemetryWriter};
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::changes::assemble::Assembler;
use crate::changes::told;
use crate::config::{Config, InvalidConfig};
use crate::forward::{self, Forwarders};
use crate::metrics::{ItemCounts, LogFigures, LogGauge, Metrics, RefusalLabels, register_log};
use crate::pipeline::dead_letter::DeadLetters;
use crate::pipeline::decode::Decoder;
pub use crate::pipeline::decode::RangeEncoder;
use crate::pipeline::insert::Inserter;
use crate::pipeline::replay::Replayer;
use crate::wal::disk::{Directory, Disk};
use crate::wal::{Acknowledged, AppendError, AppendOutcome, MemoryBudget, Reservation, Wal, WalOpenError};

/// How long an append waits for the disk before the caller is told that it failed.
const APPEND_TIMEOUT: Duration = Duration::from_secs(30);
/// How long tasks may take to end after they were told to.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a drain waits before it asks a failing disk again.
const SEAL_AGAIN: Duration = Duration::from_millis(200);

/// Why ingestion could not be started.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A setting cannot work.
    #[error(transparent)]
    Config(#[from] InvalidConfig),
    /// The log cannot be opened.
    #[error(transparent)]
    Wal(#[from] WalOpenError),
    /// A further destination cannot be used.
    #[error(transparent)]
    Forward(#[from] forward::OpenError),
    /// The folder of dead letters cannot be used.
    #[error("the folder of dead letters cannot be used")]
    DeadLetters(#[source] io::Error),
}

/// What a shutdown left in the log for the next start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Ranges that storage does not have.
    pub waiting_ranges: u64,
    /// Items in them.
    pub waiting_items: u64,
}

/// Ingestion, running. Clones are the same one; the last to go stops the tasks and leaves the rest in the log.
#[derive(Clone)]
pub struct Ingest {
    inner: Arc<Inner>,
}

struct Inner {
    wal: Arc<Wal>,
    clock: SharedClock,
    metrics: Metrics,
    dead_letters: Arc<DeadLetters>,
    forwarders: Arc<Forwarders>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Ingest {
    /// Opens the log, starts to send what it holds, and takes requests. Must be called on a tokio runtime;
    /// reads the whole log, so not on one of its I/O threads when the log may be large.
    pub fn open(
        config: &Config,
        (writer, reader): (Arc<dyn TelemetryWriter>, Arc<dyn TelemetryReader>),
        encoder: Arc<dyn RangeEncoder>,
        clock: SharedClock,
        registry: &mut Registry,
    ) -> Result<Self, OpenError> {
        config.validate()?;
        let disk = Directory::open(&config.wal_directory).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => WalOpenError::Locked {
                directory: config.wal_directory.clone(),
            },
            _ => WalOpenError::Io(error),
        })?;
        Self::open_on(Arc::new(disk), config, (writer, reader), encoder, clock, registry)
    }

    /// [`Ingest::open`], on any disk.
    pub fn open_on(
        disk: Arc<dyn Disk>,
        config: &Config,
        (writer, reader): (Arc<dyn TelemetryWriter>, Arc<dyn TelemetryReader>),
        encoder: Arc<dyn RangeEncoder>,
        clock: SharedClock,
        registry: &mut Registry,
    ) -> Result<Self, OpenError> {
        config.validate()?;
        let metrics = Metrics::register(registry);
        let dead_letters = DeadLetters::open(&config.dead_letter_directory, config.dead_letter_bytes_max);
        let dead_letters = Arc::new(dead_letters.map_err(OpenError::DeadLetters)?);
        let wal = Arc::new(Wal::open(disk, config, metrics.clone())?);
        let gauge = Gauge {
            wal: Arc::downgrade(&wal),
            clock: Arc::clone(&clock),
        };
        register_log(registry, Arc::new(gauge));
        let forwarders = Forwarders::open(&config.forward, &config.forward_directory, registry)?;
        let forwarders = Arc::new(forwarders);
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let decoder = Arc::new(Decoder::new(encoder, config.decoders_max));
        let inserter = Inserter {
            wal: Arc::clone(&wal),
            assembler: Assembler::new(reader, Arc::clone(&writer), Arc::clone(&decoder)),
            writer,
            decoder,
            dead_letters: Arc::clone(&dead_letters),
            forwarders: Arc::clone(&forwarders),
            metrics: metrics.clone(),
            config: config.clone(),
            stop: stop.clone(),
            tasks: tasks.clone(),
        };
        tasks.spawn(Arc::new(inserter).run());
        let replayer = Replayer {
            wal: Arc::clone(&wal),
            letters: Arc::clone(&dead_letters),
            clock: Arc::clone(&clock),
        };
        tasks.spawn(replayer.run(stop.clone()));
        Ok(Self {
            inner: Arc::new(Inner {
                wal,
                clock,
                metrics,
                dead_letters,
                forwarders,
                stop,
                tasks,
            }),
        })
    }

    /// Takes a validated request; returns when it is on disk, as the sync policy understands that.
    pub async fn append(&self, submission: Submission) -> Result<Acknowledged, AppendError> {
        self.append_within(submission, None).await
    }

    /// [`Ingest::append`], with memory that was reserved before the body was read.
    pub async fn append_reserved(
        &self,
        submission: Submission,
        reservation: Reservation,
    ) -> Result<Acknowledged, AppendError> {
        self.append_within(submission, Some(reservation)).await
    }

    async fn append_within(
        &self,
        submission: Submission,
        reservation: Option<Reservation>,
    ) -> Result<Acknowledged, AppendError> {
        let now_ns = self.now_ns();
        let passed_on = (!self.inner.forwarders.is_empty()).then(|| submission.clone());
        let queued = self.inner.wal.append(submission, now_ns, reservation);
        let outcome = match queued {
            Ok(outcome) => wait(outcome).await,
            Err(error) => Err(error),
        };
        if let (Some(submission), Ok(_)) = (passed_on, &outcome) {
            self.inner.forwarders.offer(&submission, now_ns);
        }
        outcome.inspect_err(|error| self.count_refusal(error))
    }

    /// The memory that request bodies may take, in receivers and here together.
    pub fn memory(&self) -> &Arc<MemoryBudget> {
        self.inner.wal.budget()
    }

    /// What became of all items so far.
    pub fn items(&self) -> ItemCounts {
        self.inner.metrics.items.tallies().total()
    }

    /// The requests that storage refused for their content.
    pub fn dead_letters(&self) -> &DeadLetters {
        &self.inner.dead_letters
    }

    /// The log itself.
    pub fn wal(&self) -> &Wal {
        &self.inner.wal
    }

    /// Stops taking requests, makes a range of the rest and waits until storage has everything, but no longer
    /// than `deadline`; what is left then stays in the log. May be called again with a shorter deadline.
    pub async fn shutdown(&self, deadline: Duration) -> Drained {
        self.inner.wal.refuse();
        let is_stopped = self.inner.stop.is_cancelled();
        let drain = async {
            if !is_stopped && tokio::time::timeout(deadline, self.drain()).await.is_err() {
                tracing::warn!(
                    "not everything could be stored before the deadline; the rest stays in the log"
                );
            }
        };
        tokio::join!(drain, self.inner.forwarders.shutdown(deadline));
        self.inner.stop.cancel();
        self.inner.tasks.close();
        if tokio::time::timeout(STOP_TIMEOUT, self.inner.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("a task of the collector did not end in time");
        }
        let wal = Arc::clone(&self.inner.wal);
        if tokio::task::spawn_blocking(move || wal.close()).await.is_err() {
            tracing::error!("closing the log failed");
        }
        let waiting = self.inner.wal.waiting();
        Drained {
            waiting_ranges: waiting.ranges,
            waiting_items: waiting.items.total(),
        }
    }

    async fn drain(&self) {
        while !self.inner.wal.seal().await {
            tokio::time::sleep(SEAL_AGAIN).await;
        }
        self.inner.wal.wait_until_released().await;
    }

    fn now_ns(&self) -> i64 {
        self.inner.clock.now().timestamp_nanos_opt().unwrap_or(i64::MAX)
    }

    fn count_refusal(&self, error: &AppendError) {
        let labels = RefusalLabels { reason: error.code() };
        self.inner.metrics.refused_requests.get_or_create(&labels).inc();
    }
}

impl TelemetrySink for Ingest {
    fn submit(&self, submission: Submission) -> Result<(), SinkFull> {
        let now_ns = self.now_ns();
        let passed_on = (!self.inner.forwarders.is_empty()).then(|| submission.clone());
        let queued = self.inner.wal.submit(submission, now_ns);
        if let (Some(submission), Ok(())) = (passed_on, &queued) {
            self.inner.forwarders.offer(&submission, now_ns);
        }
        queued
            .inspect_err(|error| self.count_refusal(error))
            .map_err(|_| SinkFull)
    }

    fn tell(&self, event: SystemEvent) -> Result<(), SinkFull> {
        let fields = told::fields(&event);
        self.submit(told::submission(event, fields, RETENTION_DAYS).ok_or(SinkFull)?)
    }
}

async fn wait(outcome: AppendOutcome) -> Result<Acknowledged, AppendError> {
    match tokio::time::timeout(APPEND_TIMEOUT, outcome).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) | Err(_) => Err(AppendError::Failed),
    }
}

/// Tells the scraper about the log without keeping it open.
struct Gauge {
    wal: std::sync::Weak<Wal>,
    clock: SharedClock,
}

impl LogGauge for Gauge {
    fn figures(&self) -> LogFigures {
        let Some(wal) = self.wal.upgrade() else {
            return LogFigures::default();
        };
        let waiting = wal.waiting();
        let now_ns = self.clock.now().timestamp_nanos_opt().unwrap_or(i64::MAX);
        let age_ns = waiting
            .oldest_received_ns
            .map_or(0, |received_ns| now_ns.saturating_sub(received_ns).max(0));
        LogFigures {
            wal_bytes: wal.disk_bytes(),
            oldest_age_seconds: age_ns as f64 / 1e9,
            waiting_ranges: waiting.ranges,
            queued_requests: wal.queued() as u64,
            memory_bytes: wal.budget().used(),
        }
    }
}

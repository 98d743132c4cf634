//! Telemetry passed on to further OTLP endpoints, so that Brokle can sit in front of another backend.
//!
//! Each destination has a log of its own, of the same make as the collector's: what was accepted is written there
//! beside the acknowledgement, which never waits for it, and leaves it when the destination has answered for it.
//! A destination that is slow or away fills its own log and nothing else; when that is full, what is new is not
//! passed on, and counted.
//!
//! Every item gets there at least once. After a crash what had not reached storage is offered again; a
//! destination's log knows what it has, so only what had been passed on already goes twice.
//!
//! - [`config`]: what can be set. `filter`: what is meant for a destination.
//! - `batch`: requests put together. `send`, `answer`: one export and what came of it. `worker`: again and again.
//!
//! Deliberately absent: changes to what is passed on. It is what was accepted: redacted, and sampled at the door.

mod answer;
mod batch;
pub mod config;
mod filter;
mod metrics;
mod send;
mod worker;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use brokle_model::telemetry::Submission;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::forward::config::{Destination, ForwardError};
use crate::forward::filter::Filter;
use crate::forward::metrics::{DestinationMetrics, ForwardMetrics};
use crate::forward::send::Sender;
use crate::forward::worker::Worker;
use crate::metrics::Metrics;
use crate::wal::disk::Directory;
use crate::wal::range::LoggedRequest;
use crate::wal::{AppendError, Wal, WalOpenError};

/// How long a task may take to end after it was told to.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a drain tries a destination that fails, and how often it looks.
const DRAIN_PATIENCE: Duration = Duration::from_secs(3);
const DRAIN_LOOK: Duration = Duration::from_millis(100);
/// How long a drain waits before it asks a failing disk again.
const SEAL_AGAIN: Duration = Duration::from_millis(200);

/// Why forwarding could not be started.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A destination cannot be used.
    #[error(transparent)]
    Config(#[from] ForwardError),
    /// Its log cannot be opened.
    #[error("the queue of forward destination `{name}` cannot be opened")]
    Wal {
        /// Whose.
        name: String,
        /// Why.
        #[source]
        source: WalOpenError,
    },
}

/// All destinations.
#[derive(Default)]
pub(crate) struct Forwarders {
    all: Vec<Forwarder>,
}

struct Forwarder {
    name: String,
    filter: Arc<Filter>,
    wal: Arc<Wal>,
    metrics: DestinationMetrics,
    is_failing: Arc<AtomicBool>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Forwarders {
    /// Opens the destinations' logs and starts to send. Must be called on a tokio runtime.
    pub(crate) fn open(
        destinations: &[Destination],
        directory: &Path,
        registry: &mut Registry,
    ) -> Result<Self, OpenError> {
        if destinations.is_empty() {
            return Ok(Self::default());
        }
        let metrics = ForwardMetrics::register(registry);
        let all = destinations.iter().map(|destination| {
            let directory = directory.join(&destination.name);
            Forwarder::open(destination, &directory, &metrics)
        });
        Ok(Self {
            all: all.collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Queues what was just accepted, wherever it is meant to go. Never waits.
    pub(crate) fn offer(&self, submission: &Submission, received_ns: i64) {
        for forwarder in &self.all {
            forwarder.offer(submission, received_ns);
        }
    }

    /// Offers what was found in the log after a start; returns when the destinations' logs have it.
    pub(crate) async fn offer_again(&self, requests: &[LoggedRequest]) {
        for forwarder in &self.all {
            for request in requests {
                forwarder.offer_again(request).await;
            }
        }
    }

    /// Sends what is queued, but no longer than `deadline`; the rest stays for the next start.
    pub(crate) async fn shutdown(&self, deadline: Duration) {
        let each = self.all.iter().map(|forwarder| forwarder.shutdown(deadline));
        futures_util::future::join_all(each).await;
    }
}

impl Forwarder {
    fn open(
        destination: &Destination,
        directory: &Path,
        metrics: &ForwardMetrics,
    ) -> Result<Self, OpenError> {
        let filter = Arc::new(Filter::new(&destination.filter));
        let sender = Sender::new(destination)?;
        let failed = |source| OpenError::Wal {
            name: destination.name.clone(),
            source,
        };
        std::fs::create_dir_all(directory).map_err(|error| failed(error.into()))?;
        let disk = Directory::open(directory).map_err(|error| {
            failed(match error.kind() {
                io::ErrorKind::WouldBlock => WalOpenError::Locked {
                    directory: directory.to_owned(),
                },
                _ => WalOpenError::Io(error),
            })
        })?;
        // Its figures are told by destination; the log's own have no place among the collector's.
        let unseen = Metrics::register(&mut Registry::default());
        let config = wal_config(destination, directory);
        let wal = Arc::new(Wal::open(Arc::new(disk), &config, unseen).map_err(failed)?);
        let metrics = metrics.of(&destination.name, &wal);
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let is_failing = Arc::new(AtomicBool::new(false));
        let worker = Worker {
            name: destination.name.clone(),
            wal: Arc::clone(&wal),
            filter: Arc::clone(&filter),
            sender,
            metrics: metrics.clone(),
            retry: destination.retry(),
            batch_bytes_max: destination.batch_bytes_max,
            is_failing: Arc::clone(&is_failing),
            stop: stop.clone(),
        };
        tasks.spawn(worker.run());
        Ok(Self {
            name: destination.name.clone(),
            filter,
            wal,
            metrics,
            is_failing,
            stop,
            tasks,
        })
    }

    fn offer(&self, submission: &Submission, received_ns: i64) {
        if !self
            .filter
            .concerns(submission.project, &submission.environment, submission.signal)
        {
            return;
        }
        // Nobody waits for the answer: a log that fails to write drops these with a message of its own.
        if let Err(error) = self.wal.append(submission.clone(), received_ns, None) {
            self.drop_items(submission.items, &error);
        }
    }

    async fn offer_again(&self, request: &LoggedRequest) {
        if !self
            .filter
            .concerns(request.project, &request.environment, request.signal)
        {
            return;
        }
        let submission = Submission {
            project: request.project,
            environment: request.environment.to_string(),
            signal: request.signal,
            body: request.body.clone(),
            items: request.items,
            retention_days: request.retention_days,
            calls: None,
        };
        let outcome = match self.wal.append(submission, request.received_ns, None) {
            Ok(outcome) => outcome.await.unwrap_or(Err(AppendError::Failed)),
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            self.drop_items(request.items, &error);
        }
    }

    fn drop_items(&self, items: u32, error: &AppendError) {
        if self.metrics.dropped.inc_by(u64::from(items)) == 0 {
            tracing::warn!(destination = self.name, %error, "telemetry is not passed on");
        }
    }

    async fn shutdown(&self, deadline: Duration) {
        self.wal.refuse();
        let is_stopped = self.stop.is_cancelled();
        let drain = async {
            tokio::select! {
                () = self.drain() => true,
                () = self.fails_for(DRAIN_PATIENCE) => false,
            }
        };
        if !is_stopped && !tokio::time::timeout(deadline, drain).await.unwrap_or(false) {
            tracing::warn!(
                destination = self.name,
                items = self.wal.waiting().items.total(),
                "not everything could be passed on; the rest stays for the next start"
            );
        }
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(STOP_TIMEOUT, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!(destination = self.name, "forwarding did not end in time");
        }
        let wal = Arc::clone(&self.wal);
        if tokio::task::spawn_blocking(move || wal.close()).await.is_err() {
            tracing::error!(destination = self.name, "closing the queue failed");
        }
    }

    /// Returns when the destination has not taken anything for so long: a stop need not wait for one that is away.
    async fn fails_for(&self, patience: Duration) {
        let mut failing = Duration::ZERO;
        while failing < patience {
            tokio::time::sleep(DRAIN_LOOK).await;
            let is_failing = self.is_failing.load(Ordering::Relaxed);
            failing = if is_failing {
                failing + DRAIN_LOOK
            } else {
                Duration::ZERO
            };
        }
    }

    async fn drain(&self) {
        while !self.wal.seal().await {
            tokio::time::sleep(SEAL_AGAIN).await;
        }
        self.wal.wait_until_released().await;
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A destination's log: small files, short ranges, and its own bounds.
fn wal_config(destination: &Destination, directory: &Path) -> Config {
    const SEGMENT_BYTES: u64 = 8 << 20;
    let defaults = Config::in_directory(directory);
    Config {
        wal_directory: directory.to_owned(),
        segment_bytes: SEGMENT_BYTES.min(destination.queue_bytes_max / 4),
        range_bytes_max: destination.batch_bytes_max.min(SEGMENT_BYTES),
        range_age_max: Duration::from_millis(200),
        wal_bytes_max: destination.queue_bytes_max,
        ..defaults
    }
}

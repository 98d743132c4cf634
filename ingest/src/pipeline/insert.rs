//! The way of one range into storage, and what happens when storage says no.
//!
//! Exactly once rests on two things: a range's token names it for ever, and whatever changes the ranges (a
//! split) is on disk before anything is sent under the new names. What a range had stored before it was
//! split is part of the split's record, so the halves leave it out.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use brokle_storage::telemetry::{Insert, InsertError, TelemetryWriter};
use futures_util::{StreamExt, stream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::changes::assemble::{AssembleError, Assembler};
use crate::config::Config;
use crate::forward::Forwarders;
use crate::metrics::Metrics;
use crate::pipeline::batch::TableBatch;
use crate::pipeline::dead_letter::{DeadLetters, StoreError};
use crate::pipeline::decode::Decoder;
use crate::pipeline::pause::Pauses;
use crate::wal::range::{FirstItems, LoggedRequest, RangeId, SealedRange, Split, StoredPart};
use crate::wal::record::stride;
use crate::wal::tally::Tally;
use crate::wal::{RangeContent, TakenRange, Wal};

/// Tables and partitions of one range that are inserted side by side.
const INSERTS_PER_RANGE_MAX: usize = 4;

/// What a range needs on its way.
pub(crate) struct Inserter {
    pub(crate) wal: Arc<Wal>,
    pub(crate) writer: Arc<dyn TelemetryWriter>,
    pub(crate) decoder: Arc<Decoder>,
    pub(crate) assembler: Assembler,
    pub(crate) dead_letters: Arc<DeadLetters>,
    pub(crate) forwarders: Arc<Forwarders>,
    pub(crate) metrics: Metrics,
    pub(crate) config: Config,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

/// Storage, or the decoder, refuses a range for its content.
struct Refusal {
    reason: String,
    /// What storage has of the range all the same.
    stored: Vec<StoredPart>,
}

impl Inserter {
    /// Takes ranges, oldest first, until told to stop.
    pub(crate) async fn run(self: Arc<Self>) {
        let places = Arc::new(Semaphore::new(self.config.inserts_in_flight_max));
        loop {
            let next = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (place, self.wal.take().await)
            };
            let (place, taken) = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                next = next => next,
            };
            let inserter = Arc::clone(&self);
            self.tasks.spawn(async move {
                let stop = inserter.stop.clone();
                // Cut short, the range stays in the log under the same name.
                let _ = stop.run_until_cancelled(inserter.carry(taken)).await;
                drop(place);
            });
        }
    }

    /// Brings one range to its end: stored, split, or kept as a dead letter.
    async fn carry(self: &Arc<Self>, taken: TakenRange) {
        let (range, content) = self.read(taken).await;
        let requests: Arc<[LoggedRequest]> = content.requests.into();
        if self.wal.is_recovered(range.id()) {
            // The process that accepted them may have ended before a destination's queue had them.
            self.forwarders.offer_again(&requests).await;
        }
        match self.store(&range, &requests).await {
            Ok(()) => {
                let stored = range.items().without(content.damaged_items);
                self.metrics
                    .items
                    .settle(stored, Tally::default(), content.damaged_items);
                self.wal.release(range.id());
            }
            Err(refusal) if requests.len() > 1 => self.split(&range, &requests, refusal.stored).await,
            Err(refusal) => {
                for request in requests.iter() {
                    self.keep_as_dead_letter(request, &refusal.reason).await;
                }
                let kept = range.items().without(content.damaged_items);
                self.metrics
                    .items
                    .settle(Tally::default(), kept, content.damaged_items);
                self.wal.release(range.id());
            }
        }
    }

    /// The range's requests. A disk that cannot be read is asked again, for ever: they are accepted.
    async fn read(self: &Arc<Self>, mut taken: TakenRange) -> (SealedRange, RangeContent) {
        let mut pauses = self.pauses();
        loop {
            let wal = Arc::clone(&self.wal);
            let read = tokio::task::spawn_blocking(move || {
                let content = wal.read(&mut taken);
                (taken, content)
            });
            let Ok((back, content)) = read.await else {
                // The runtime is going down.
                return std::future::pending().await;
            };
            taken = back;
            match content {
                Ok(content) => return (taken.range, content),
                Err(error) => tracing::error!(%error, range = %taken.range.id(), "cannot read the log"),
            }
            pauses.wait().await;
        }
    }

    async fn store(&self, range: &SealedRange, requests: &Arc<[LoggedRequest]>) -> Result<(), Refusal> {
        let stored = range.stored.as_ref().clone();
        let batches = match self.decoder.decode(Arc::clone(requests)).await {
            Ok(batches) => batches,
            Err(error) => {
                return Err(Refusal {
                    reason: error.to_string(),
                    stored,
                });
            }
        };
        let missing = batches
            .into_iter()
            .filter(|batch| !range.has_stored(batch.table, &batch.partition));
        let inserts = missing.map(|batch| self.insert(range.id(), batch));
        let outcomes: Vec<_> = stream::iter(inserts)
            .buffer_unordered(INSERTS_PER_RANGE_MAX)
            .collect()
            .await;
        let mut refusal = Refusal {
            reason: String::new(),
            stored,
        };
        for outcome in outcomes {
            match outcome {
                Ok(part) => refusal.stored.push(part),
                Err(reason) if refusal.reason.is_empty() => refusal.reason = reason,
                Err(_) => {}
            }
        }
        if refusal.reason.is_empty()
            && let Err(reason) = self.assemble(range.id(), requests).await
        {
            refusal.reason = reason;
        }
        if refusal.reason.is_empty() {
            Ok(())
        } else {
            Err(refusal)
        }
    }

    /// Writes the rows that follow from the range's changes, however long storage is away. The error is why
    /// they cannot be written at all.
    async fn assemble(&self, range: RangeId, requests: &[LoggedRequest]) -> Result<(), String> {
        let mut pauses = self.pauses();
        loop {
            match self.assembler.assemble(requests).await {
                Ok(()) => return Ok(()),
                Err(AssembleError::Refused(reason)) => return Err(reason),
                Err(AssembleError::Unavailable(error)) => {
                    tracing::warn!(%error, %range, "changes will be assembled again");
                }
            }
            self.metrics.insert_retries.inc();
            pauses.wait().await;
        }
    }

    /// Inserts one table's rows, however long storage is away. The error is why storage refuses them.
    async fn insert(&self, range: RangeId, batch: TableBatch) -> Result<StoredPart, String> {
        let TableBatch {
            table,
            partition,
            rows,
        } = batch;
        let token = format!("{:032x}:{range}:{table}:{partition}", self.wal.id());
        let mut pauses = self.pauses();
        loop {
            let insert = Insert {
                table,
                token: token.clone(),
                rows: rows.clone(),
            };
            let started = Instant::now();
            let outcome = tokio::time::timeout(self.config.insert_timeout, self.writer.insert(insert)).await;
            self.metrics
                .insert_seconds
                .observe(started.elapsed().as_secs_f64());
            match outcome {
                Ok(Ok(())) => return Ok((table.to_owned(), partition)),
                Ok(Err(refused @ InsertError::Rejected { .. })) => return Err(refused.to_string()),
                Ok(Err(error @ InsertError::Unavailable { .. })) => {
                    tracing::warn!(%error, %range, table, "an insert will be sent again");
                }
                Err(_) => tracing::warn!(%range, table, "an insert took too long and will be sent again"),
            }
            self.metrics.insert_retries.inc();
            pauses.wait().await;
        }
    }

    /// Cuts a refused range in two, so that what is good in it gets through.
    async fn split(&self, range: &SealedRange, requests: &[LoggedRequest], stored: Vec<StoredPart>) {
        let first = &requests[..requests.len() / 2];
        let Some(last) = first.last() else { return };
        let bytes = |request: &LoggedRequest| stride(request.environment.len() + request.body.len());
        let split = Split {
            whole: range.id(),
            middle: last.sequence,
            first_items: FirstItems::BySignal(first.iter().map(LoggedRequest::tally).sum()),
            first_bytes: first.iter().map(bytes).sum(),
            stored,
        };
        let mut pauses = self.pauses();
        while !self.wal.split(split.clone()).await {
            pauses.wait().await;
        }
        self.metrics.range_splits.inc();
    }

    /// Keeps a request beside the log. A disk that refuses is asked again, for ever: the request is accepted.
    async fn keep_as_dead_letter(&self, request: &LoggedRequest, reason: &str) {
        let mut pauses = self.pauses();
        loop {
            let folder = Arc::clone(&self.dead_letters);
            let (wal_id, kept, why) = (self.wal.id(), request.clone(), reason.to_owned());
            let stored = tokio::task::spawn_blocking(move || folder.store(wal_id, &kept, &why)).await;
            match stored.unwrap_or_else(|_| Err(StoreError::Io(io::ErrorKind::Interrupted.into()))) {
                Ok(name) => {
                    self.metrics.dead_letters.inc();
                    tracing::error!(project = %request.project, name, reason, "a request became a dead letter");
                    return;
                }
                Err(error) => tracing::error!(%error, "cannot keep a dead letter; its range waits"),
            }
            pauses.wait().await;
        }
    }

    fn pauses(&self) -> Pauses {
        Pauses::new(self.config.retry_pause_min, self.config.retry_pause_max)
    }
}

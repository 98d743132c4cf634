//! Turns finished calls into telemetry, on a task of its own behind a bounded queue. When the queue is full,
//! by number or by bytes, the call that ends does the work itself: callers slow down before spans are lost
//! or memory grows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use brokle_model::port::{SinkFull, TelemetrySink};
use brokle_model::telemetry::{CallDays, RETENTION_DAYS, Signal, Submission};
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use super::{Answer, CallRecord, otlp};
use crate::metrics::Metrics;
use crate::tokens;

const QUEUE_RECORDS_MAX: usize = 4096;
const QUEUE_BYTES_MAX: usize = 64 << 20;
const COUNTED_RECORDS_MAX: usize = 1024;
/// Pauses while the telemetry queue is full: about six seconds in all, then the spans are given up.
const FULL_PAUSES_MS: [u64; 8] = [25, 50, 100, 200, 400, 800, 1600, 3200];

/// Takes finished calls.
#[derive(Debug)]
pub(crate) struct Recorder {
    queue: mpsc::Sender<Box<CallRecord>>,
    queued_bytes: AtomicUsize,
    closing: Notify,
    counting: Counting,
    writer: Writer,
}

/// Calls that have ended and whose tokens are still being counted; they are handed over afterwards.
#[derive(Debug)]
struct Counting {
    tasks: TaskTracker,
    /// One permit per call that is counted or waits for it.
    places: Arc<Semaphore>,
}

impl Counting {
    fn new() -> Self {
        Self {
            tasks: TaskTracker::new(),
            places: Arc::new(Semaphore::new(COUNTED_RECORDS_MAX)),
        }
    }
}

/// Writes one call's spans.
struct Writer {
    sink: Arc<dyn TelemetrySink>,
    metrics: Arc<Metrics>,
    /// Whether the last submission was refused, so that a streak is logged once.
    refused: AtomicBool,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Recorder {
    /// Starts the task. Needs a tokio runtime.
    pub(crate) fn start(sink: Arc<dyn TelemetrySink>, metrics: Arc<Metrics>) -> (Arc<Self>, JoinHandle<()>) {
        let (queue, records) = mpsc::channel(QUEUE_RECORDS_MAX);
        let writer = Writer {
            sink,
            metrics,
            refused: AtomicBool::new(false),
        };
        let recorder = Arc::new(Self {
            queue,
            queued_bytes: AtomicUsize::new(0),
            closing: Notify::new(),
            counting: Counting::new(),
            writer,
        });
        let task = tokio::spawn(Arc::clone(&recorder).run(records));
        (recorder, task)
    }

    /// Hands a call over. Never waits.
    pub(crate) fn record(&self, record: Box<CallRecord>) {
        let bytes = weight(&record);
        let before = self.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > QUEUE_BYTES_MAX {
            return self.write_here(bytes, *record);
        }
        match self.queue.try_send(record) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(record) | mpsc::error::TrySendError::Closed(record)) => {
                self.write_here(bytes, *record);
            }
        }
    }

    /// Does the counting for a call that has ended, apart from callers, a few at a time. With too many waiting, it is
    /// done here and now.
    pub(super) fn count(&self, runtime: &Handle, work: impl FnOnce() + Send + 'static) {
        let Ok(place) = Arc::clone(&self.counting.places).try_acquire_owned() else {
            return work();
        };
        let count = async move {
            // A count that panicked has lost its call, and told so.
            let _ = tokens::apart(&tokens::ENDED_CALLS, work).await;
            drop(place);
        };
        self.counting.tasks.spawn_on(count, runtime);
    }

    /// Waits until every call that has ended is counted and handed over. To be used when no more calls come.
    pub(crate) async fn counted(&self) {
        self.counting.tasks.close();
        self.counting.tasks.wait().await;
    }

    /// Asks the task to write what is queued and end. Calls that end later write for themselves.
    pub(crate) fn close(&self) {
        self.closing.notify_one();
    }

    fn write_here(&self, bytes: usize, record: CallRecord) {
        self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
        let submission = self.writer.encode(record);
        if self.writer.submit(&submission).is_err() {
            self.writer.give_up(&submission);
        }
    }

    async fn run(self: Arc<Self>, mut records: mpsc::Receiver<Box<CallRecord>>) {
        let mut open = true;
        loop {
            let record = tokio::select! {
                biased;
                () = self.closing.notified(), if open => {
                    records.close();
                    open = false;
                    continue;
                }
                record = records.recv() => record,
            };
            let Some(record) = record else { return };
            let bytes = weight(&record);
            self.writer.write(*record).await;
            self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}

impl Writer {
    async fn write(&self, record: CallRecord) {
        let submission = self.encode(record);
        for pause_ms in FULL_PAUSES_MS {
            if self.submit(&submission).is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        }
        if self.submit(&submission).is_err() {
            self.give_up(&submission);
        }
    }

    fn encode(&self, record: CallRecord) -> Submission {
        if record.explained.is_none() {
            self.metrics.observe(&record);
        }
        let (project, environment) = (record.project, record.environment.clone());
        let encoded = otlp::encode(record, |record, attempt, usage| {
            self.metrics.observe_usage(record, attempt, usage);
        });
        Submission {
            project,
            environment,
            signal: Signal::Traces,
            body: encoded.body,
            items: encoded.spans,
            // The collector puts the project's own in their place.
            retention_days: RETENTION_DAYS,
            calls: Some(CallDays::BUILT_IN),
        }
    }

    fn submit(&self, submission: &Submission) -> Result<(), SinkFull> {
        self.sink.submit(submission.clone())?;
        self.refused.store(false, Ordering::Relaxed);
        Ok(())
    }

    fn give_up(&self, submission: &Submission) {
        self.metrics.lose_spans(submission.items);
        if !self.refused.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                spans = submission.items,
                "the telemetry queue stayed full: spans of gateway calls are being lost"
            );
        }
    }
}

/// Bytes that a record keeps alive.
fn weight(record: &CallRecord) -> usize {
    let request = record.request.as_ref().map_or(0, |request| request.body.len());
    let answers = record.attempts.iter().map(|attempt| match &attempt.answer {
        Answer::Nothing => 0,
        Answer::Body(whole) => whole.body.len(),
        Answer::Streamed(reply) => reply.kept_bytes(),
    });
    request + answers.sum::<usize>()
}

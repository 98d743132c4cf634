//! The loop of one destination: its log's ranges, oldest first, each sent until it is taken or refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::answer::Answer;
use super::batch::{Export, put_together};
use super::filter::Filter;
use super::metrics::DestinationMetrics;
use super::send::Sender;
use crate::pipeline::pause::Pauses;
use crate::wal::range::LoggedRequest;
use crate::wal::{TakenRange, Wal};

/// What a destination needs on its way.
pub(crate) struct Worker {
    pub(crate) name: String,
    pub(crate) wal: Arc<Wal>,
    pub(crate) filter: Arc<Filter>,
    pub(crate) sender: Sender,
    pub(crate) metrics: DestinationMetrics,
    /// The first and the longest pause.
    pub(crate) retry: (Duration, Duration),
    pub(crate) batch_bytes_max: u64,
    /// Whether the last export has to be sent again.
    pub(crate) is_failing: Arc<AtomicBool>,
    pub(crate) stop: CancellationToken,
}

impl Worker {
    /// Sends until told to stop. What was not taken by then stays in the log.
    pub(crate) async fn run(self) {
        let stop = self.stop.clone();
        let work = async {
            loop {
                let taken = self.wal.take().await;
                self.carry(taken).await;
            }
        };
        let _ = stop.run_until_cancelled(work).await;
    }

    async fn carry(&self, taken: TakenRange) {
        let range = taken.range.id();
        let requests = self.read(taken).await;
        for export in self.exports(requests) {
            self.settle(export).await;
        }
        self.wal.release(range);
    }

    /// The range's requests. A disk that cannot be read is asked again.
    async fn read(&self, mut taken: TakenRange) -> Vec<LoggedRequest> {
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
                Ok(content) => {
                    self.metrics.refuse("damaged", content.damaged_items.total());
                    return content.requests;
                }
                Err(error) => tracing::error!(destination = self.name, %error, "cannot read the queue"),
            }
            pauses.wait().await;
        }
    }

    fn exports(&self, requests: Vec<LoggedRequest>) -> Vec<Export> {
        let selected = requests.into_iter().filter_map(|request| {
            // What was accepted is well-formed; if it is not, there is nothing to select from.
            let selected = self.filter.select(&request.body, request.items).ok();
            let items = selected.as_ref().map_or(0, |selected| selected.items);
            self.metrics
                .filtered
                .inc_by(u64::from(request.items.saturating_sub(items)));
            let selected = selected.filter(|selected| selected.items > 0)?;
            Some((request.signal, request.environment, selected))
        });
        put_together(selected, self.batch_bytes_max)
    }

    /// Sends an export until every item of it is taken or refused for good.
    async fn settle(&self, export: Export) {
        let mut parts = vec![export];
        let mut pauses = self.pauses();
        while let Some(part) = parts.pop() {
            let answer = self.sender.send(&part).await;
            let is_failing = matches!(answer, Answer::Later { .. });
            self.is_failing.store(is_failing, Ordering::Relaxed);
            match answer {
                Answer::Taken { rejected, message } => {
                    let rejected = rejected.min(part.items());
                    self.metrics.sent.inc_by(part.items() - rejected);
                    if rejected > 0 {
                        self.metrics.refuse("partial_success", rejected);
                        tracing::warn!(destination = self.name, rejected, message, "items were refused");
                    }
                    pauses = self.pauses();
                }
                Answer::Refused { reason, message } => match part.halves() {
                    // The first half is sent first.
                    Ok([first, second]) => parts.extend([second, first]),
                    Err(single) => {
                        self.metrics.refuse(reason, single.items());
                        tracing::warn!(destination = self.name, reason, message, "a request was refused");
                    }
                },
                Answer::Later {
                    reason,
                    after,
                    message,
                } => {
                    self.metrics.retry(reason);
                    tracing::debug!(
                        destination = self.name,
                        reason,
                        message,
                        "an export will be sent again"
                    );
                    parts.push(part);
                    match after {
                        Some(wait) => tokio::time::sleep(wait).await,
                        None => pauses.wait().await,
                    }
                }
            }
        }
    }

    fn pauses(&self) -> Pauses {
        Pauses::new(self.retry.0, self.retry.1)
    }
}

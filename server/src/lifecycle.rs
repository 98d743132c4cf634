//! Stopping. The first signal asks: stop accepting, drain, exit. A second one, or the deadline, insists:
//! what is left stays in the write-ahead log for the next start.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long tasks may take to end once they are cut short: they only have to be dropped.
const CUT_SHORT_TIMEOUT: Duration = Duration::from_secs(2);

/// The two stages of stopping, and the tasks that must end before the process may.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lifecycle {
    /// Stop accepting and drain.
    pub(crate) soft: CancellationToken,
    /// Leave at once: cancelled by [`Self::insisted`], and when time is up for the tasks.
    pub(crate) hard: CancellationToken,
    /// Somebody has sent a second signal. Unlike `hard`, the deadline of the tasks says nothing of it: what
    /// comes after them has time of its own.
    pub(crate) insisted: CancellationToken,
    /// Every task that serves or drains.
    pub(crate) tasks: TaskTracker,
    /// Stop the embedded engine: last of all, since draining needs it.
    pub(crate) engine: CancellationToken,
    /// The engine's supervisor.
    pub(crate) engine_tasks: TaskTracker,
}

impl Lifecycle {
    /// Turns `SIGTERM` and `SIGINT` into the soft stage, a second signal into insisting.
    pub(crate) fn listen_for_signals(&self) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let this = self.clone();
        // Not tracked: it must still listen while the tracked tasks are being waited for.
        tokio::spawn(async move {
            for token in [&this.soft, &this.insisted] {
                tokio::select! {
                    _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
                    _ = interrupt.recv() => tracing::info!("SIGINT: stopping"),
                }
                token.cancel();
            }
        });
        Ok(())
    }

    /// After the soft stage has begun: gives the tasks until `deadline` or a second signal, then cuts them short.
    pub(crate) async fn wind_down(&self, deadline: Duration) {
        self.tasks.close();
        tokio::select! {
            () = self.tasks.wait() => return,
            () = tokio::time::sleep(deadline) => tracing::warn!("not drained within {} s: leaving", deadline.as_secs()),
            () = self.insisted.cancelled() => tracing::warn!("second signal: leaving"),
        }
        self.hard.cancel();
        // The calls among them hand over what they did as they are dropped.
        if tokio::time::timeout(CUT_SHORT_TIMEOUT, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("some connections did not end");
        }
    }

    /// Stops the embedded engine, if there is one, and waits for its end.
    pub(crate) async fn stop_engine(&self, deadline: Duration) {
        self.engine.cancel();
        self.engine_tasks.close();
        if tokio::time::timeout(deadline, self.engine_tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("the embedded engine did not stop in time");
        }
    }
}

//! Dead letters sent again, by whoever has the log: the running server, which looks for marks in the folder,
//! or `brokle dead-letters replay` itself when no server runs.
//!
//! A letter is removed only after the log has its request. A crash between the two is found by content: when
//! the log remembers an equal request that came after the one that died, the letter is removed and nothing
//! is sent. So a letter is taken at most once, and never lost.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use brokle_model::clock::SharedClock;
use brokle_model::error::Classify as _;
use futures_util::{StreamExt, stream};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::metrics::Metrics;
use crate::pipeline::dead_letter::{DeadLetter, DeadLetters, parse_name};
use crate::wal::disk::Directory;
use crate::wal::{AppendError, Wal, WalOpenError};

/// Between two looks for marks.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Letters on their way at one time; they share syncs of the log.
const AT_ONCE: usize = 16;
/// How long one may take; the log answers or fails long before.
const APPEND_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a log that is full or busy is asked again before the letter waits for the next command.
const ATTEMPTS: u32 = 5;

/// What became of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replayed {
    /// The log has it.
    Taken,
    /// The log had it already, since it died: it was taken just before a crash.
    HadBeenTaken,
    /// There is no such letter any more.
    Gone,
}

/// Why a letter stays.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The log does not take it now.
    #[error("the log did not take it: {0}")]
    Append(#[from] AppendError),
    /// The letter cannot be read or removed.
    #[error("its files cannot be read or removed: {0}")]
    Io(#[from] io::Error),
}

/// Why letters could not be taken without a server.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// The log cannot be opened.
    #[error(transparent)]
    Wal(#[from] WalOpenError),
    /// The disk refused.
    #[error("the log cannot be opened: {0}")]
    Io(#[from] io::Error),
}

/// Sends letters again through a log.
#[derive(Clone)]
pub(crate) struct Replayer {
    pub(crate) wal: Arc<Wal>,
    pub(crate) letters: Arc<DeadLetters>,
    pub(crate) clock: SharedClock,
}

impl Replayer {
    /// Looks for marks until told to stop, and does as they say.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while stop
            .run_until_cancelled(tokio::time::sleep(LOOK_AGAIN))
            .await
            .is_some()
        {
            let letters = Arc::clone(&self.letters);
            let marks = match tokio::task::spawn_blocking(move || letters.marks()).await {
                Ok(Ok(marks)) => marks,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "cannot look for dead letters to send again");
                    continue;
                }
                Err(_) => return,
            };
            let fresh = marks.into_iter().filter(|(_, failure)| failure.is_none());
            let work = stream::iter(fresh).for_each_concurrent(AT_ONCE, |(name, _)| {
                let replayer = self.clone();
                async move { replayer.obey(name).await }
            });
            // Cut short, a letter and its mark stay.
            let _ = stop.run_until_cancelled(work).await;
        }
    }

    /// Does what one mark asks for, and takes it away or says why not.
    async fn obey(&self, name: String) {
        let outcome = self.replay(&name).await;
        let settled = match &outcome {
            Ok(_) => self.letters.unmark(&name),
            Err(error) => self.letters.fail_mark(&name, &error.to_string()),
        };
        match (outcome, settled) {
            (Ok(replayed), Ok(())) => tracing::info!(name, ?replayed, "a dead letter was sent again"),
            (Err(error), Ok(())) => tracing::warn!(name, %error, "a dead letter stays"),
            (_, Err(error)) => tracing::warn!(name, %error, "cannot change the mark of a dead letter"),
        }
    }

    /// Takes one letter again.
    pub(crate) async fn replay(&self, name: &str) -> Result<Replayed, ReplayError> {
        let Some(letter) = self.letters.get(name)? else {
            return Ok(Replayed::Gone);
        };
        let submission = self.letters.load(&letter)?;
        let came_later = |found: u64| match parse_name(&letter.name) {
            Some((log, died)) if log == self.wal.id() => found > died,
            _ => true,
        };
        if self.wal.find(&submission).await.is_some_and(came_later) {
            self.letters.remove(&letter)?;
            return Ok(Replayed::HadBeenTaken);
        }
        self.append(&letter).await?;
        self.letters.remove(&letter)?;
        Ok(Replayed::Taken)
    }

    async fn append(&self, letter: &DeadLetter) -> Result<(), ReplayError> {
        let mut attempts = 1;
        loop {
            let submission = self.letters.load(letter)?;
            let now_ns = self.clock.now().timestamp_nanos_opt().unwrap_or(i64::MAX);
            let error = match self.wal.append_again(submission, now_ns) {
                Ok(outcome) => match tokio::time::timeout(APPEND_TIMEOUT, outcome).await {
                    Ok(Ok(Ok(_))) => return Ok(()),
                    Ok(Ok(Err(error))) => error,
                    Ok(Err(_)) | Err(_) => return Err(AppendError::Failed.into()),
                },
                Err(error) => error,
            };
            match error.retry_after().filter(|_| attempts < ATTEMPTS) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error.into()),
            }
            attempts += 1;
        }
    }
}

/// Takes letters again without a server: opens the log, which must be nobody's, and leaves the requests in it
/// for the next start. `progress` is told of each.
pub async fn replay_offline(
    config: &Config,
    letters: DeadLetters,
    names: &[String],
    clock: SharedClock,
    mut progress: impl FnMut(&str, &Result<Replayed, ReplayError>),
) -> Result<(), OfflineError> {
    let disk = Directory::open(&config.wal_directory).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => OfflineError::Wal(WalOpenError::Locked {
            directory: config.wal_directory.clone(),
        }),
        _ => OfflineError::Io(error),
    })?;
    let metrics = Metrics::register(&mut prometheus_client::registry::Registry::default());
    let wal = Arc::new(Wal::open(Arc::new(disk), config, metrics)?);
    let replayer = Replayer {
        wal: Arc::clone(&wal),
        letters: Arc::new(letters),
        clock,
    };
    let mut outcomes = stream::iter(names)
        .map(|name| {
            let replayer = replayer.clone();
            async move { (name, replayer.replay(name).await) }
        })
        .buffer_unordered(AT_ONCE);
    while let Some((name, outcome)) = outcomes.next().await {
        progress(name, &outcome);
    }
    drop(outcomes);
    drop(replayer);
    // Joins threads; there is nothing left for them to do.
    wal.close();
    Ok(())
}

//! The one multiplexed connection to Redis, and the circuit around it.
//!
//! A call goes through at once or fails at once: it never waits for a connection. A call that is not answered
//! in time counts against the link; three in a row, or one broken connection, take the link down for
//! everybody. [`Link::supervise`] then connects anew, with growing pauses, and lets callers back only when the
//! new connection has answered, can write, and has been told what was owed. A connection that nobody uses is
//! tried once a heartbeat.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use brokle_storage::shared::SharedStateError;
use rand::RngExt as _;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use crate::backlog::Backlog;
use crate::config::RedisConfig;
use crate::figures::Figures;

const FAILURES_MAX: u32 = 3;
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// A link that was up for less is one that has not recovered.
const STEADY: Duration = Duration::from_secs(10);
/// Calls that may wait for the socket at once.
const PIPELINED_MAX: usize = 512;

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Away {
    #[error("Redis is away")]
    Down,
    #[error("Redis did not answer in time")]
    TimedOut,
    #[error("Redis failed: {0}")]
    Failed(#[from] RedisError),
}

impl Away {
    /// Whether Redis may have done what was asked all the same.
    pub(crate) fn is_ambiguous(&self) -> bool {
        match self {
            Self::Down => false,
            Self::TimedOut => true,
            Self::Failed(error) => error.is_io_error(),
        }
    }
}

impl From<Away> for SharedStateError {
    fn from(away: Away) -> Self {
        Self {
            message: away.to_string(),
        }
    }
}

/// The link. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Link(Arc<Inner>);

struct Inner {
    config: RedisConfig,
    live: ArcSwapOption<Live>,
    went_down: Notify,
    figures: Figures,
    /// What Redis said that its data are called.
    epoch: ArcSwapOption<String>,
}

/// A connection that answers, as far as is known.
pub(crate) struct Live {
    connection: MultiplexedConnection,
    timeout: Duration,
    /// Calls in a row that were not answered.
    failures: AtomicU32,
}

impl Live {
    async fn ask<T: FromRedisValue>(
        &self,
        question: impl AsyncFnOnce(&mut MultiplexedConnection) -> RedisResult<T>,
    ) -> Result<T, Away> {
        let mut connection = self.connection.clone();
        match timeout(self.timeout, question(&mut connection)).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Away::TimedOut),
        }
    }

    /// For work that waited: does not count against the link.
    pub(crate) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Away> {
        self.ask(async |connection| command.query_async(connection).await)
            .await
    }

    pub(crate) async fn invoke<T: FromRedisValue>(
        &self,
        script: &redis::ScriptInvocation<'_>,
    ) -> Result<T, Away> {
        self.ask(async |connection| script.invoke_async(connection).await)
            .await
    }
}

impl Link {
    pub(crate) fn new(config: RedisConfig, figures: Figures) -> Self {
        Self(Arc::new(Inner {
            config,
            live: ArcSwapOption::empty(),
            went_down: Notify::new(),
            figures,
            epoch: ArcSwapOption::empty(),
        }))
    }

    pub(crate) fn config(&self) -> &RedisConfig {
        &self.0.config
    }

    pub(crate) fn figures(&self) -> &Figures {
        &self.0.figures
    }

    pub(crate) fn is_up(&self) -> bool {
        self.0.live.load().is_some()
    }

    /// A key of ours.
    pub(crate) fn key(&self, kind: &str, key: &str) -> String {
        format!("{}:{kind}:{key}", self.0.config.prefix)
    }

    pub(crate) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Away> {
        let live = self.live()?;
        let answer = live.query(command).await;
        self.judge(&live, answer)
    }

    pub(crate) async fn invoke<T: FromRedisValue>(
        &self,
        script: &redis::ScriptInvocation<'_>,
    ) -> Result<T, Away> {
        let live = self.live()?;
        let answer = live.invoke(script).await;
        self.judge(&live, answer)
    }

    fn live(&self) -> Result<Arc<Live>, Away> {
        let live = self.0.live.load_full();
        if live.is_none() {
            self.0.figures.skipped.inc();
        }
        live.ok_or(Away::Down)
    }

    fn judge<T>(&self, live: &Arc<Live>, answer: Result<T, Away>) -> Result<T, Away> {
        let figures = &self.0.figures;
        match &answer {
            Ok(_) => {
                figures.answered.inc();
                live.failures.store(0, Ordering::Relaxed);
            }
            Err(Away::Down) => {}
            Err(Away::TimedOut) => {
                figures.timed_out.inc();
                if live.failures.fetch_add(1, Ordering::Relaxed) + 1 >= FAILURES_MAX {
                    self.take_down(live, "it does not answer in time");
                }
            }
            Err(Away::Failed(error)) => {
                figures.failed.inc();
                if is_unusable(error) {
                    self.take_down(live, &error.to_string());
                }
            }
        }
        answer
    }

    fn take_down(&self, live: &Arc<Live>, reason: &str) {
        let current = self.0.live.compare_and_swap(live, None);
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, live)) {
            self.0.figures.outages.inc();
            self.0.figures.up.set(0);
            self.0.went_down.notify_one();
            tracing::warn!(
                reason,
                "Redis is away: this node goes on by itself until it is back"
            );
        }
    }

    /// Connects once.
    pub(crate) async fn connect(&self, backlogs: &[Arc<dyn Backlog>]) -> Result<(), Away> {
        let config = &self.0.config;
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(config.connect_timeout))
            .set_response_timeout(None)
            .set_pipeline_buffer_size(PIPELINED_MAX);
        let connecting = config
            .client
            .get_multiplexed_async_connection_with_config(&settings);
        // The library's limit leaves out what is said to begin with.
        let connection = timeout(config.connect_timeout, connecting)
            .await
            .map_err(|_| Away::TimedOut)??;
        let live = Live {
            connection,
            timeout: config.timeout,
            failures: AtomicU32::new(0),
        };
        let data_lost = self.prove(&live).await?;
        for backlog in backlogs {
            backlog.pay(&live, data_lost).await?;
        }
        self.0.live.store(Some(Arc::new(live)));
        self.0.figures.up.set(1);
        Ok(())
    }

    /// Writes and reads. True when this Redis had other data before, which are gone.
    async fn prove(&self, live: &Live) -> Result<bool, Away> {
        let (mark, epoch) = (self.key("link", "probe"), self.key("link", "epoch"));
        let fresh = format!("{:032x}", rand::random::<u128>());
        let mut probe = Pipeline::new();
        probe.cmd("SET").arg(mark).arg(1).arg("PX").arg(60_000).ignore();
        probe.cmd("SETNX").arg(&epoch).arg(fresh).ignore();
        probe.cmd("GET").arg(&epoch);
        let ask = live.ask(async |connection| probe.query_async::<(String,)>(connection).await);
        let (found,) = ask.await?;
        let before = self.0.epoch.swap(Some(Arc::new(found.clone())));
        Ok(before.is_some_and(|before| *before != found))
    }

    /// Connects whenever there is no connection, and tries the one that there is. Never returns.
    pub(crate) async fn supervise(&self, backlogs: &[Arc<dyn Backlog>]) {
        let mut pause = PAUSE_MIN;
        loop {
            let began = Instant::now();
            if !self.is_up() {
                match self.connect(backlogs).await {
                    Ok(()) => tracing::info!("Redis is used"),
                    Err(error) => tracing::debug!(%error, "Redis cannot be used yet"),
                }
            }
            if self.is_up() {
                self.watch(backlogs).await;
                if began.elapsed() > STEADY {
                    pause = PAUSE_MIN;
                }
            }
            tokio::time::sleep(jittered(pause)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Until the link is down.
    async fn watch(&self, backlogs: &[Arc<dyn Backlog>]) {
        loop {
            let heartbeat = tokio::time::sleep(self.0.config.heartbeat);
            tokio::select! {
                () = self.0.went_down.notified() => {}
                () = heartbeat => {}
            }
            let Some(live) = self.0.live.load_full() else {
                return;
            };
            let beat = self.beat(&live, backlogs).await;
            // Counts as any other call does.
            let _ = self.judge(&live, beat);
        }
    }

    async fn beat(&self, live: &Live, backlogs: &[Arc<dyn Backlog>]) -> Result<(), Away> {
        let data_lost = self.prove(live).await?;
        for backlog in backlogs {
            backlog.pay(live, data_lost).await?;
        }
        Ok(())
    }
}

/// So that nodes which lost Redis together do not come back together.
pub(crate) fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(rand::rng().random_range(0.75..1.25))
}

/// Whether no further call would fare better on this connection. Answers about one key are not of that kind.
fn is_unusable(error: &RedisError) -> bool {
    let codes = [
        "LOADING",
        "MASTERDOWN",
        "READONLY",
        "OOM",
        "MISCONF",
        "NOAUTH",
        "NOPERM",
        "BUSY",
        "NOREPLICAS",
    ];
    error.is_io_error()
        || error.is_unrecoverable_error()
        || matches!(error.kind(), ErrorKind::AuthenticationFailed)
        || error.code().is_some_and(|code| codes.contains(&code))
}

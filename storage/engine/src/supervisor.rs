//! The parent's side of the engine process: start it, say how it is, restart it when it dies, stop it.
//!
//! The child must say that it serves ([`announce_ready`]), and stop when its standard
//! input closes: we hold the other end, so it does not outlive us however we die. Its standard error is
//! ours. Whether it answers queries is not asked here; that is what a health check does.

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What a ready child prints before its address.
const READY: &str = "ready ";

/// Tells the supervisor, on standard output, that this process serves at `address`.
pub fn announce_ready(address: SocketAddr) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{READY}{address}")?;
    output.flush()
}

/// Makes the child's command line, program first, for the address that it shall listen on.
pub type CommandLine = Arc<dyn Fn(SocketAddr) -> Vec<OsString> + Send + Sync>;

/// How to run the engine process.
#[derive(Clone)]
pub struct SupervisorConfig {
    /// The command line.
    pub command: CommandLine,
    /// Variables added to the child's environment; how it gets its password, which a command line would
    /// show to everyone.
    pub environment: Vec<(OsString, SecretString)>,
    /// The address; with port 0 a free one is chosen once and kept over restarts.
    pub listen: SocketAddr,
    /// How long it may take to become ready.
    pub start_timeout: Duration,
    /// How long it may take to stop before it is killed.
    pub stop_timeout: Duration,
    /// The first wait before a restart; it doubles up to `backoff_max`.
    pub backoff_min: Duration,
    /// The longest wait before a restart.
    pub backoff_max: Duration,
    /// After running for this long, the next failure starts again at `backoff_min`.
    pub stable_after: Duration,
}

impl SupervisorConfig {
    /// The usual timings.
    pub fn new(command: CommandLine, listen: SocketAddr) -> Self {
        Self {
            command,
            environment: Vec::new(),
            listen,
            start_timeout: Duration::from_mins(1),
            stop_timeout: Duration::from_secs(30),
            backoff_min: Duration::from_millis(100),
            backoff_max: Duration::from_secs(10),
            stable_after: Duration::from_mins(1),
        }
    }
}

/// How the engine process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Started, not ready yet.
    Starting,
    /// Serving.
    Running,
    /// Died; waiting before the next start.
    Restarting,
    /// Stopped because we were told to.
    Stopped,
}

/// What health reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// How it is.
    pub state: State,
    /// The process, when there is one.
    pub pid: Option<u32>,
    /// How often it was started again.
    pub restarts: u64,
    /// How the last one ended, such as `signal: 9 (SIGKILL)`.
    pub last_exit: Option<String>,
}

/// The engine did not become ready.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// Not within the time given.
    #[error("the engine process is not ready after {} s (last exit: {})", waited.as_secs(), last_exit.as_deref().unwrap_or("none"))]
    Timeout {
        /// How long was waited.
        waited: Duration,
        /// How the last process ended, if one did.
        last_exit: Option<String>,
    },
    /// It was stopped meanwhile.
    #[error("the engine process was stopped")]
    Stopped,
}

/// A supervised engine process. Dropping this changes nothing: the process ends with the token.
#[derive(Debug, Clone)]
pub struct Supervisor {
    status: watch::Receiver<Status>,
    listen: SocketAddr,
}

impl Supervisor {
    /// Starts supervising, until `shutdown`. The task that does so is tracked by `tasks`, so that waiting
    /// for them waits for the process to have stopped.
    pub fn start(
        mut config: SupervisorConfig,
        tasks: &TaskTracker,
        shutdown: CancellationToken,
    ) -> io::Result<Self> {
        if config.listen.port() == 0 {
            config.listen = TcpListener::bind(config.listen)?.local_addr()?;
        }
        let listen = config.listen;
        let first = Status {
            state: State::Starting,
            pid: None,
            restarts: 0,
            last_exit: None,
        };
        let (sender, status) = watch::channel(first);
        tasks.spawn(
            Keeper {
                config,
                status: sender,
                shutdown,
            }
            .keep(),
        );
        Ok(Self { status, listen })
    }

    /// Where the engine listens, now and after restarts.
    pub fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// How it is now.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Follows how it is.
    pub fn watch(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Waits until it serves.
    pub async fn wait_until_running(&self, limit: Duration) -> Result<(), NotReady> {
        let mut status = self.status.clone();
        let reached = status.wait_for(|status| matches!(status.state, State::Running | State::Stopped));
        match timeout(limit, reached).await {
            Ok(Ok(status)) if status.state == State::Running => Ok(()),
            Ok(_) => Err(NotReady::Stopped),
            Err(_) => Err(NotReady::Timeout {
                waited: limit,
                last_exit: self.status().last_exit,
            }),
        }
    }
}

struct Keeper {
    config: SupervisorConfig,
    status: watch::Sender<Status>,
    shutdown: CancellationToken,
}

impl Keeper {
    /// Runs one process after another until told to stop.
    async fn keep(self) {
        let mut backoff = self.config.backoff_min;
        while !self.shutdown.is_cancelled() {
            let started = Instant::now();
            let exit = self.run_once().await;
            if self.shutdown.is_cancelled() {
                break;
            }
            if started.elapsed() >= self.config.stable_after {
                backoff = self.config.backoff_min;
            }
            tracing::error!(exit, retry_ms = backoff.as_millis(), "the engine process ended");
            self.status.send_modify(|status| {
                *status = Status {
                    state: State::Restarting,
                    pid: None,
                    restarts: status.restarts + 1,
                    last_exit: Some(exit),
                };
            });
            tokio::select! {
                () = sleep(backoff) => {}
                () = self.shutdown.cancelled() => break,
            }
            backoff = (backoff * 2).min(self.config.backoff_max);
        }
        self.status.send_modify(|status| {
            status.state = State::Stopped;
            status.pid = None;
        });
    }

    /// Runs one process to its end and says how it ended.
    async fn run_once(&self) -> String {
        let mut child = match self.spawn() {
            Ok(child) => child,
            Err(error) => return format!("not started: {error}"),
        };
        let pid = child.id();
        self.status.send_modify(|status| {
            status.state = State::Starting;
            status.pid = pid;
        });
        let Some(output) = child.stdout.take() else {
            return "no standard output".to_owned();
        };
        // Waiting for a child closes its standard input, which tells this one to stop: hold it ourselves.
        let _input = child.stdin.take();
        let watching = self.watch_output(output);
        tokio::select! {
            exit = child.wait() => describe(exit),
            stalled = watching => {
                let exit = self.stop(&mut child).await;
                format!("{stalled}; then {exit}")
            }
            () = self.shutdown.cancelled() => self.stop(&mut child).await,
        }
    }

    fn spawn(&self) -> io::Result<Child> {
        let line = (self.config.command)(self.config.listen);
        let Some((program, arguments)) = line.split_first() else {
            return Err(io::Error::other("the command line is empty"));
        };
        let variables = self
            .config
            .environment
            .iter()
            .map(|(name, value)| (name, value.expose_secret()));
        Command::new(program)
            .args(arguments)
            .envs(variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // A Ctrl-C in the terminal is for us alone: the engine must outlast the writers.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }

    /// Reads the child's output, for the line that says it is ready. Returns only when that line does not
    /// come in time.
    async fn watch_output(&self, output: ChildStdout) -> &'static str {
        let mut lines = BufReader::new(output).lines();
        let ready = async {
            while let Ok(Some(line)) = lines.next_line().await {
                if line.starts_with(READY) {
                    return;
                }
                tracing::debug!(line, "the engine process says");
            }
            // The output ended: the process is ending too, which is seen elsewhere.
            std::future::pending::<()>().await;
        };
        if timeout(self.config.start_timeout, ready).await.is_err() {
            return "not ready in time";
        }
        self.status.send_modify(|status| status.state = State::Running);
        // Keeps reading, or a talkative child would block on a full pipe.
        while let Ok(Some(line)) = lines.next_line().await {
            tracing::debug!(line, "the engine process says");
        }
        std::future::pending().await
    }

    /// Asks the process to stop, and kills it when it does not.
    async fn stop(&self, child: &mut Child) -> String {
        let pid = child
            .id()
            .and_then(|pid| i32::try_from(pid).ok())
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended by itself, which `wait` finds out.
            let _ = kill_process(pid, Signal::TERM);
        }
        if let Ok(exit) = timeout(self.config.stop_timeout, child.wait()).await {
            return describe(exit);
        }
        tracing::warn!("the engine process did not stop in time and is killed");
        match child.kill().await {
            Ok(()) => "killed".to_owned(),
            Err(error) => format!("not killed: {error}"),
        }
    }
}

fn describe(exit: io::Result<ExitStatus>) -> String {
    exit.map_or_else(|error| format!("unknown: {error}"), |status| status.to_string())
}

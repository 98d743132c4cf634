//! The engine process: lock, start, listen, serve, stop.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use brokle_model::error::{Classify, ErrorKind};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::EngineConfig;
use crate::engine::{Engine, StartError};
use crate::lock::{DataLock, LockError};
use crate::respond::Service;

/// How long a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest request head: queries in the URL are part of it.
const HEAD_MAX_BYTES: usize = 2 * 1024 * 1024;

/// How often forgotten sessions are looked for.
const SESSION_SWEEP_INTERVAL: Duration = Duration::from_secs(10);

/// How often the stop looks whether queries have ended.
const STOP_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Why the engine process ended.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The address can be reached from elsewhere.
    #[error("the embedded engine listens on loopback only, and {0} is not")]
    NotLoopback(SocketAddr),
    /// The data folder cannot be had.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The engine did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The address cannot be had.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Classify for EngineError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotLoopback(_) => ErrorKind::Invalid,
            Self::Lock(LockError::Held { .. }) => ErrorKind::Conflict,
            Self::Lock(LockError::Io { .. }) | Self::Start(_) | Self::Listen { .. } => ErrorKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotLoopback(_) => "engine_address_not_loopback",
            Self::Lock(_) => "engine_data_folder_unavailable",
            Self::Start(_) => "engine_start_failed",
            Self::Listen { .. } => "engine_listen_failed",
        }
    }
}

/// Runs the engine until `shutdown`: binds first, so that a taken address fails fast, then starts the
/// engine, then calls `on_ready` with the bound address.
pub async fn run(
    config: EngineConfig,
    shutdown: CancellationToken,
    on_ready: impl FnOnce(SocketAddr) + Send,
) -> Result<(), EngineError> {
    if !config.listen.ip().is_loopback() {
        return Err(EngineError::NotLoopback(config.listen));
    }
    let cannot_listen = |source| EngineError::Listen {
        address: config.listen,
        source,
    };
    let listener = TcpListener::bind(config.listen).await.map_err(cannot_listen)?;
    let address = listener.local_addr().map_err(cannot_listen)?;
    let _lock = DataLock::acquire(&config.data_dir)?;
    if config.stop_with_parent {
        stop_when_stdin_closes(shutdown.clone());
    }
    let password = config.password.clone();
    let engine = start(config).await?;
    tracing::info!(%address, version = engine.version, "the embedded ClickHouse is ready");
    on_ready(address);
    let service = Arc::new(Service {
        engine: Arc::clone(&engine),
        password,
    });
    let connections = TaskTracker::new();
    accept(&listener, &service, &connections, &shutdown).await;
    drop(listener);
    stop(engine, connections).await;
    Ok(())
}

/// Starting blocks for up to a second, so it does so on a thread made for that.
async fn start(config: EngineConfig) -> Result<Arc<Engine>, EngineError> {
    let started = tokio::task::spawn_blocking(move || Engine::start(&config)).await;
    let engine = started.map_err(|error| StartError::Silent(error.to_string()))??;
    Ok(Arc::new(engine))
}

/// Standard input stays open as long as the parent lives. A thread of its own reads it, for a blocked read
/// cannot be taken back when the process stops for another reason.
fn stop_when_stdin_closes(shutdown: CancellationToken) {
    let watch = move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        tracing::info!("standard input closed: stopping");
        shutdown.cancel();
    };
    if let Err(error) = std::thread::Builder::new()
        .name("parent-watch".to_owned())
        .spawn(watch)
    {
        tracing::warn!(%error, "no thread to watch the parent process with");
    }
}

async fn accept(
    listener: &TcpListener,
    service: &Arc<Service>,
    connections: &TaskTracker,
    shutdown: &CancellationToken,
) {
    let places = Arc::new(Semaphore::new(service.engine.limits.connections_max));
    let mut sweep = tokio::time::interval(SESSION_SWEEP_INTERVAL);
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => return,
            _ = sweep.tick() => {
                service.engine.sessions.remove_expired();
                continue;
            }
            accepted = next_connection(listener, &places) => accepted,
        };
        match accepted {
            Ok((socket, place)) => {
                connections.spawn(serve(socket, place, Arc::clone(service), shutdown.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(STOP_POLL_INTERVAL).await;
            }
        }
    }
}

/// With all places taken, further connections wait in the kernel's queue.
async fn next_connection(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (socket, _) = listener.accept().await?;
    Ok((socket, place))
}

async fn serve(
    socket: TcpStream,
    place: OwnedSemaphorePermit,
    service: Arc<Service>,
    shutdown: CancellationToken,
) {
    // Only latency is lost without it.
    let _ = socket.set_nodelay(true);
    let respond = service_fn(move |request: http::Request<Incoming>| {
        let service = Arc::clone(&service);
        async move {
            let (parts, body) = request.into_parts();
            Ok::<_, Infallible>(service.respond(parts, body).await)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_MAX_BYTES)
        .serve_connection(TokioIo::new(socket), respond);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
    drop(place);
}

/// Lets running queries end, cancels those that take too long, and stops the engine.
async fn stop(engine: Arc<Engine>, connections: TaskTracker) {
    connections.close();
    let limit = engine.limits.stop_timeout;
    if tokio::time::timeout(limit, connections.wait()).await.is_err() {
        let cancelled = engine.cancel_all();
        tracing::warn!(cancelled, "queries were cancelled to stop in time");
        // Whether they ended is looked at below.
        let _ = tokio::time::timeout(limit, connections.wait()).await;
    }
    let idle = async {
        while engine.running_count() > 0 {
            tokio::time::sleep(STOP_POLL_INTERVAL).await;
        }
    };
    let _ = tokio::time::timeout(limit, idle).await;
    let stopped = tokio::task::spawn_blocking(move || engine.stop()).await;
    if let Err(error) = stopped {
        tracing::warn!(%error, "the engine did not stop cleanly");
    }
}

//! The running engine: the loaded library, the queries under way and their places.
//!
//! How a query is cancelled: the engine knows it under an id of its own, so ours travels in a setting
//! ([`crate::sql::QUERY_ID_SETTING`]) and `KILL QUERY` looks for that.

use std::collections::HashMap;
use std::ffi::CString;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::{self, EngineConfig, Limits};
use crate::exception::{Code, Exception};
use crate::ffi::{Connection, Library};
use crate::session::Sessions;
use crate::sql::{QUERY_ID_SETTING, quote};

/// `KILL QUERY` statements at once. They do not queue behind the queries that they are to end.
const KILLS_MAX: usize = 4;

/// A cancelled query that is still running after this many attempts is left alone, and said so.
const CANCEL_ATTEMPTS: u32 = 60;
const CANCEL_INTERVAL: Duration = Duration::from_millis(250);

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The library file cannot be loaded.
    #[error("the ClickHouse engine library cannot be loaded")]
    Load(#[source] libloading::Error),
    /// The engine's configuration cannot be written into the data folder.
    #[error("the engine's configuration cannot be written")]
    Configure(#[source] std::io::Error),
    /// A path holds a zero byte.
    #[error("a path of the engine holds a zero byte")]
    Path,
    /// The engine refused to start; it printed why on standard error.
    #[error("the ClickHouse engine did not start; its own message is on standard error")]
    Refused,
    /// It started, and then could not answer a first question.
    #[error("the ClickHouse engine does not answer: {0}")]
    Silent(String),
}

/// A query under way.
#[derive(Debug)]
pub(crate) struct Running {
    id: String,
    cancelled: AtomicBool,
    finished: AtomicBool,
    /// The format of its output, once known.
    format: OnceLock<String>,
}

impl Running {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }

    pub(crate) fn set_format(&self, format: &str) {
        // The first one stands.
        let _ = self.format.set(format.to_owned());
    }

    pub(crate) fn format(&self) -> Option<&str> {
        self.format.get().map(String::as_str)
    }
}

/// A query's entry among those under way; dropping it, at its end, takes it off.
pub(crate) struct Registration {
    engine: Arc<Engine>,
    running: Arc<Running>,
}

impl Registration {
    pub(crate) fn running(&self) -> &Arc<Running> {
        &self.running
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.running.finished.store(true, Ordering::Release);
        self.engine.queries().remove(&self.running.id);
    }
}

/// The engine, started.
pub(crate) struct Engine {
    library: &'static Library,
    connect_arguments: Vec<CString>,
    /// Keeps the engine up: it stops when its last connection closes.
    base: Mutex<Option<Connection>>,
    queries: Mutex<HashMap<String, Arc<Running>>>,
    places: Arc<Semaphore>,
    kill_places: Arc<Semaphore>,
    waiting: AtomicUsize,
    pub(crate) sessions: Sessions,
    pub(crate) limits: Limits,
    /// The engine's version, such as `26.7.2.1`.
    pub(crate) version: String,
    /// The engine's time zone.
    pub(crate) timezone: String,
}

impl Engine {
    /// Loads the library and starts the engine on the data folder. Blocks for a moment.
    pub(crate) fn start(config: &EngineConfig) -> Result<Self, StartError> {
        let limits = config.limits.clone();
        // A relative path would be joined to itself where the engine opens directories to sync them.
        let data_dir = std::path::absolute(&config.data_dir).map_err(StartError::Configure)?;
        let file = config::write_files(&data_dir.join("config"), &limits).map_err(StartError::Configure)?;
        let library = Library::load(&config.library).map_err(StartError::Load)?;
        let argument = |text: String| CString::new(text).map_err(|_| StartError::Path);
        let name = argument("brokle".to_owned())?;
        let path = argument(format!("--path={}", data_dir.display()))?;
        let configuration = argument(format!("--config-file={}", file.display()))?;
        let mut base = library
            .connect(&[name.clone(), path.clone(), configuration])
            .ok_or(StartError::Refused)?;
        let (version, timezone) = identity(&mut base)?;
        Ok(Self {
            library,
            connect_arguments: vec![name, path],
            base: Mutex::new(Some(base)),
            queries: Mutex::new(HashMap::new()),
            places: Arc::new(Semaphore::new(limits.concurrent_queries_max)),
            kill_places: Arc::new(Semaphore::new(KILLS_MAX)),
            waiting: AtomicUsize::new(0),
            sessions: Sessions::new(limits.sessions_max),
            limits,
            version,
            timezone,
        })
    }

    /// A new connection, with nothing in it of any other.
    pub(crate) fn connect(&self) -> Result<Connection, Exception> {
        self.library
            .connect(&self.connect_arguments)
            .ok_or_else(|| Exception::new(Code::UNKNOWN_EXCEPTION, "The engine refused a connection"))
    }

    fn queries(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Running>>> {
        self.queries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a query among those under way; an id can be there only once.
    pub(crate) fn register(self: &Arc<Self>, id: &str) -> Result<Registration, Exception> {
        let mut queries = self.queries();
        if queries.contains_key(id) {
            let message = format!("Query with id = {id} is already running");
            return Err(Exception::new(
                Code::QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING,
                message,
            ));
        }
        let running = Arc::new(Running {
            id: id.to_owned(),
            cancelled: AtomicBool::new(false),
            finished: AtomicBool::new(false),
            format: OnceLock::new(),
        });
        queries.insert(id.to_owned(), Arc::clone(&running));
        drop(queries);
        Ok(Registration {
            engine: Arc::clone(self),
            running,
        })
    }

    /// Waits for a place to run in. The queue is bounded in length and in time.
    pub(crate) async fn admit(&self, kills: bool) -> Result<OwnedSemaphorePermit, Exception> {
        let places = if kills { &self.kill_places } else { &self.places };
        if let Ok(place) = Arc::clone(places).try_acquire_owned() {
            return Ok(place);
        }
        let waiting = Waiting::enter(&self.waiting);
        if waiting.count > self.limits.waiting_queries_max {
            return Err(Exception::new(
                Code::TOO_MANY_SIMULTANEOUS_QUERIES,
                "Too many queries are waiting",
            ));
        }
        match tokio::time::timeout(self.limits.queue_timeout, Arc::clone(places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(Exception::new(
                Code::TOO_MANY_SIMULTANEOUS_QUERIES,
                "Too many simultaneous queries",
            )),
        }
    }

    /// Ends a query whose client is gone. Returns at once; a thread insists until the query has ended, for
    /// it may not have reached the engine yet.
    pub(crate) fn cancel(self: &Arc<Self>, running: Arc<Running>) {
        if running.is_finished() || running.cancelled.swap(true, Ordering::AcqRel) {
            return;
        }
        let engine = Arc::clone(self);
        let spawned = std::thread::Builder::new()
            .name("engine-cancel".to_owned())
            .spawn(move || {
                for _ in 0..CANCEL_ATTEMPTS {
                    if running.is_finished() {
                        return;
                    }
                    if let Err(exception) = engine.kill(&running.id) {
                        tracing::warn!(
                            query_id = running.id,
                            code = exception.code,
                            "cancelling a query failed"
                        );
                    }
                    std::thread::sleep(CANCEL_INTERVAL);
                }
                tracing::warn!(query_id = running.id, "a cancelled query is still running");
            });
        if let Err(error) = spawned {
            tracing::warn!(%error, "no thread to cancel a query with");
        }
    }

    fn kill(&self, id: &str) -> Result<(), Exception> {
        let text = format!(
            "KILL QUERY WHERE Settings['{QUERY_ID_SETTING}'] = {} ASYNC",
            quote(id)
        );
        self.connect()?.query(text.as_bytes(), "Null", &[])?;
        Ok(())
    }

    /// Cancels everything under way and returns how much that was.
    pub(crate) fn cancel_all(self: &Arc<Self>) -> usize {
        let all: Vec<Arc<Running>> = self.queries().values().cloned().collect();
        let count = all.len();
        for running in all {
            self.cancel(running);
        }
        count
    }

    /// How many queries are under way.
    pub(crate) fn running_count(&self) -> usize {
        self.queries().len()
    }

    /// Stops the engine, if no query uses it any more: parts are closed and background work is ended.
    pub(crate) fn stop(&self) {
        self.sessions.clear();
        let base = self.base.lock().unwrap_or_else(PoisonError::into_inner).take();
        if self.running_count() == 0 {
            drop(base);
        } else {
            // Stopping under a running query would be a crash; leaving is as safe as any kill.
            std::mem::forget(base);
        }
    }
}

/// Asks the engine who it is, which also proves that it answers.
fn identity(base: &mut Connection) -> Result<(String, String), StartError> {
    let result = base
        .query(b"SELECT version(), timezone() FORMAT TSVRaw", "TSVRaw", &[])
        .map_err(|message| StartError::Silent(message.0))?;
    let text = String::from_utf8_lossy(result.bytes()).into_owned();
    match text.trim_end().split_once('\t') {
        Some((version, timezone)) => Ok((version.to_owned(), timezone.to_owned())),
        None => Err(StartError::Silent(text)),
    }
}

/// Counts a request as waiting while it lives.
struct Waiting<'count> {
    counter: &'count AtomicUsize,
    count: usize,
}

impl<'count> Waiting<'count> {
    fn enter(counter: &'count AtomicUsize) -> Self {
        Self {
            counter,
            count: counter.fetch_add(1, Ordering::AcqRel) + 1,
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.counter.fetch_sub(1, Ordering::AcqRel);
    }
}

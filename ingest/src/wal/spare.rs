//! Files that wait to become segments. A thread of their own zeroes a file ahead of need and takes back the
//! files of segments that are done with, so that the committer never waits for either.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::wal::disk::{Disk, LogFile};
use crate::wal::segment::{spare_name, spare_number};

/// Empty files kept beside the one that is ready; more are removed, to give the room back.
const EMPTY_FILES_MAX: usize = 2;
/// How long until a disk that was too full is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long a rotation waits for a file that is being prepared.
const TAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// What bounds the log on disk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DiskLimits {
    pub(crate) segment_bytes: u64,
    pub(crate) log_bytes_max: u64,
    pub(crate) free_bytes_min: u64,
}

/// A zeroed, synced file.
pub(crate) struct Spare {
    pub(crate) name: String,
    pub(crate) file: Arc<dyn LogFile>,
}

#[derive(Default)]
struct State {
    ready: Option<Spare>,
    /// Zeroed files under spare names.
    empty: Vec<String>,
    /// Segment files that the log is done with, and their lengths.
    retired: Vec<(String, u64)>,
    /// Bytes of all files: segments, spares, retired.
    bytes: u64,
    next_number: u64,
    /// No file can be prepared: the log has its limit, or the disk has no room.
    blocked: bool,
    stopping: bool,
}

struct Shared {
    disk: Arc<dyn Disk>,
    limits: DiskLimits,
    state: Mutex<State>,
    changed: Condvar,
}

/// The supply of spare files.
pub(crate) struct SpareFiles {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl SpareFiles {
    /// Starts the thread. `empty` are spare files found on disk, of the right length; `bytes` is what all
    /// files take.
    pub(crate) fn start(
        disk: Arc<dyn Disk>,
        limits: DiskLimits,
        empty: Vec<String>,
        bytes: u64,
    ) -> io::Result<Self> {
        let next_number = empty
            .iter()
            .filter_map(|name| spare_number(name))
            .max()
            .map_or(0, |last| last + 1);
        let state = Mutex::new(State {
            empty,
            bytes,
            next_number,
            ..State::default()
        });
        let shared = Arc::new(Shared {
            disk,
            limits,
            state,
            changed: Condvar::new(),
        });
        let thread = std::thread::Builder::new().name("wal-prepare".to_owned());
        let worker = Arc::clone(&shared);
        let thread = thread.spawn(move || worker.run())?;
        Ok(Self {
            shared,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Takes the file that is ready; `None` when the log must not grow. Waits while one is being prepared.
    pub(crate) fn take(&self) -> Option<Spare> {
        let state = self.shared.lock();
        let (mut state, _) = self
            .shared
            .changed
            .wait_timeout_while(state, TAKE_TIMEOUT, |state| {
                state.ready.is_none() && !state.blocked && !state.stopping
            })
            .unwrap_or_else(PoisonError::into_inner);
        let spare = state.ready.take();
        self.shared.changed.notify_all();
        spare
    }

    /// Whether the log must not grow.
    pub(crate) fn is_blocked(&self) -> bool {
        let state = self.shared.lock();
        state.blocked && state.ready.is_none()
    }

    /// Whether a file of `bytes` beside the prepared ones keeps the limits; if so, counts it.
    pub(crate) fn admit(&self, bytes: u64) -> bool {
        let mut state = self.shared.lock();
        let fits = self.shared.fits(&state, bytes);
        if fits {
            state.bytes += bytes;
        }
        fits
    }

    /// Takes the files of segments that are done with.
    pub(crate) fn retire(&self, files: Vec<(String, u64)>) {
        if !files.is_empty() {
            self.shared.lock().retired.extend(files);
            self.shared.changed.notify_all();
        }
    }

    /// Stops counting a file of `bytes` that is gone.
    pub(crate) fn forget(&self, bytes: u64) {
        let mut state = self.shared.lock();
        state.bytes = state.bytes.saturating_sub(bytes);
    }

    /// The length of an ordinary segment.
    pub(crate) fn segment_bytes(&self) -> u64 {
        self.shared.limits.segment_bytes
    }

    /// Bytes of all files of the log.
    pub(crate) fn bytes(&self) -> u64 {
        self.shared.lock().bytes
    }

    /// Ends the thread.
    pub(crate) fn stop(&self) {
        self.shared.lock().stopping = true;
        self.shared.changed.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that prepares log files ended in a panic");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut state = self.lock();
        while !state.stopping {
            let retired = std::mem::take(&mut state.retired);
            if !retired.is_empty() {
                drop(state);
                self.take_back(retired);
                state = self.lock();
            } else if state.ready.is_none() {
                state = self.prepare(state);
            } else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Makes a file ready, or notes that there is no room and waits for some.
    fn prepare<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let reused = state.empty.pop();
        if reused.is_none() && !self.fits(&state, self.limits.segment_bytes) {
            return self.wait_for_room(state);
        }
        let name = reused.clone().unwrap_or_else(|| spare_name(state.next_number));
        if reused.is_none() {
            state.next_number += 1;
            state.bytes += self.limits.segment_bytes;
        }
        drop(state);
        let file = match &reused {
            Some(name) => self.disk.open(name),
            None => self.disk.create(&name, self.limits.segment_bytes),
        };
        let mut state = self.lock();
        match file {
            Ok(file) => {
                state.ready = Some(Spare { name, file });
                state.blocked = false;
                self.changed.notify_all();
                state
            }
            Err(error) => {
                tracing::error!(%error, file = name, "cannot prepare a log file");
                state.bytes = state.bytes.saturating_sub(self.limits.segment_bytes);
                drop(state);
                // A partly written file would hold the room that is missing.
                let _ = self.disk.remove(&name);
                self.wait_for_room(self.lock())
            }
        }
    }

    fn wait_for_room<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        if !state.blocked {
            tracing::warn!(
                log.bytes = state.bytes,
                log.bytes_max = self.limits.log_bytes_max,
                disk.free_bytes_min = self.limits.free_bytes_min,
                "there is no room for another log file; requests are refused once the last one is full"
            );
        }
        state.blocked = true;
        self.changed.notify_all();
        let waits = |state: &mut State| state.retired.is_empty() && !state.stopping;
        let waited = self.changed.wait_timeout_while(state, LOOK_AGAIN, waits);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn fits(&self, state: &State, bytes: u64) -> bool {
        if state.bytes + bytes > self.limits.log_bytes_max {
            return false;
        }
        match self.disk.free_bytes() {
            Ok(free) => free >= self.limits.free_bytes_min.saturating_add(bytes),
            Err(error) => {
                tracing::error!(%error, "cannot tell how much room the log's disk has");
                false
            }
        }
    }

    /// Turns segment files into spares, or removes them. The names are on disk before any content changes:
    /// after a crash a file must never hold something else than its name says.
    fn take_back(&self, retired: Vec<(String, u64)>) {
        for (name, length) in retired {
            let mut state = self.lock();
            let keep = length == self.limits.segment_bytes && state.empty.len() < EMPTY_FILES_MAX;
            let spare = spare_name(state.next_number);
            state.next_number += 1;
            drop(state);
            let done = if keep {
                self.disk.rename(&name, &spare)
            } else {
                self.disk.remove(&name)
            };
            let done = done.and_then(|()| self.disk.sync_directory());
            let mut state = self.lock();
            match done {
                Ok(()) if keep => state.empty.push(spare),
                Ok(()) => state.bytes = state.bytes.saturating_sub(length),
                Err(error) => tracing::error!(%error, file = name, "cannot take back a log file"),
            }
        }
    }
}

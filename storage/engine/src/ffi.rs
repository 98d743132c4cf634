//! The C interface of the engine library, and the only unsafe code of the workspace.
//!
//! Everything here is mechanical: load the library, call one C function, copy its answer out. What to call
//! and when is decided above, in safe code. The types keep the library's rules by construction:
//!
//! - the library is never unloaded ([`Library`] is leaked), because its threads outlive any scope of ours;
//! - a connection runs one statement at a time (`&mut self`) but may move between threads (`Send`);
//! - results and insert streams are freed exactly once, by `Drop`;
//! - a string crosses as pointer and length, so a zero byte in it ends nothing.
//!
//! Deliberately absent: the streaming query calls. They close and reopen the output format at every block,
//! which repeats headers; results leave through a pipe instead (see [`crate::sql`]).
#![expect(
    unsafe_code,
    reason = "calling a C library needs it; no other module of the workspace may"
)]

use std::ffi::{CStr, CString, c_char, c_double, c_int, c_void};
use std::marker::PhantomData;
use std::path::Path;
use std::ptr::NonNull;

/// The C handle types: all opaque pointers.
type RawConnection = *mut c_void;
type RawResult = *mut c_void;
type RawStream = *mut c_void;

type QueryCall = unsafe extern "C" fn(
    RawConnection,
    *const c_char,
    usize,
    *const c_char,
    usize,
    *const *const c_char,
    *const usize,
    *const *const c_char,
    *const usize,
    usize,
) -> *mut c_void;

/// The library's entry points, resolved once.
pub(crate) struct Library {
    connect: unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut RawConnection,
    close: unsafe extern "C" fn(*mut RawConnection),
    query: QueryCall,
    insert: QueryCall,
    append: unsafe extern "C" fn(RawStream, *const c_void, usize) -> c_int,
    done: unsafe extern "C" fn(RawStream) -> RawResult,
    cancel_insert: unsafe extern "C" fn(RawStream),
    stream_error: unsafe extern "C" fn(RawStream) -> *const c_char,
    destroy_stream: unsafe extern "C" fn(RawStream),
    buffer: unsafe extern "C" fn(RawResult) -> *const c_char,
    length: unsafe extern "C" fn(RawResult) -> usize,
    error: unsafe extern "C" fn(RawResult) -> *const c_char,
    result_rows: unsafe extern "C" fn(RawResult) -> u64,
    result_bytes: unsafe extern "C" fn(RawResult) -> u64,
    read_rows: unsafe extern "C" fn(RawResult) -> u64,
    read_bytes: unsafe extern "C" fn(RawResult) -> u64,
    written_rows: unsafe extern "C" fn(RawResult) -> u64,
    written_bytes: unsafe extern "C" fn(RawResult) -> u64,
    elapsed: unsafe extern "C" fn(RawResult) -> c_double,
    destroy_result: unsafe extern "C" fn(RawResult),
}

/// What a statement cost, as the engine counted it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Statistics {
    pub(crate) read_rows: u64,
    pub(crate) read_bytes: u64,
    pub(crate) written_rows: u64,
    pub(crate) written_bytes: u64,
    pub(crate) result_rows: u64,
    pub(crate) result_bytes: u64,
    pub(crate) elapsed_seconds: f64,
}

/// The engine's own words about a failure: `Code: 60. DB::Exception: ...`.
#[derive(Debug)]
pub(crate) struct EngineMessage(pub(crate) String);

/// Query parameters in the form the C interface takes them: parallel arrays of pointers and lengths.
struct ParameterArrays {
    names: Vec<*const c_char>,
    name_lengths: Vec<usize>,
    values: Vec<*const c_char>,
    value_lengths: Vec<usize>,
}

impl ParameterArrays {
    fn new(parameters: &[(String, String)]) -> Self {
        Self {
            names: parameters.iter().map(|(name, _)| name.as_ptr().cast()).collect(),
            name_lengths: parameters.iter().map(|(name, _)| name.len()).collect(),
            values: parameters
                .iter()
                .map(|(_, value)| value.as_ptr().cast())
                .collect(),
            value_lengths: parameters.iter().map(|(_, value)| value.len()).collect(),
        }
    }
}

impl Library {
    /// Loads the library and keeps it for the life of the process. Signal handling stays ours.
    pub(crate) fn load(path: &Path) -> Result<&'static Self, libloading::Error> {
        // SAFETY: the file is the one whose checksum `scripts/fetch-engine` verified, or one that the
        // operator named; its initialisers are ClickHouse's own. The handle is leaked below, so no symbol
        // outlives it. Each symbol is given the type that the library's header (chdb.h) declares.
        let library = unsafe {
            let handle = libloading::Library::new(path)?;
            let set_signal_handlers_enabled: unsafe extern "C" fn(c_int) =
                *handle.get(b"chdb_set_signal_handlers_enabled\0")?;
            let library = Self {
                connect: *handle.get(b"chdb_connect\0")?,
                close: *handle.get(b"chdb_close_conn\0")?,
                query: *handle.get(b"chdb_query_with_params_n\0")?,
                insert: *handle.get(b"chdb_stream_insert_with_params_n\0")?,
                append: *handle.get(b"chdb_stream_append\0")?,
                done: *handle.get(b"chdb_stream_done\0")?,
                cancel_insert: *handle.get(b"chdb_stream_cancel_insert\0")?,
                stream_error: *handle.get(b"chdb_stream_insert_error\0")?,
                destroy_stream: *handle.get(b"chdb_destroy_insert_stream\0")?,
                buffer: *handle.get(b"chdb_result_buffer\0")?,
                length: *handle.get(b"chdb_result_length\0")?,
                error: *handle.get(b"chdb_result_error\0")?,
                result_rows: *handle.get(b"chdb_result_rows_read\0")?,
                result_bytes: *handle.get(b"chdb_result_bytes_read\0")?,
                read_rows: *handle.get(b"chdb_result_storage_rows_read\0")?,
                read_bytes: *handle.get(b"chdb_result_storage_bytes_read\0")?,
                written_rows: *handle.get(b"chdb_result_rows_written\0")?,
                written_bytes: *handle.get(b"chdb_result_bytes_written\0")?,
                elapsed: *handle.get(b"chdb_result_elapsed\0")?,
                destroy_result: *handle.get(b"chdb_destroy_query_result\0")?,
            };
            set_signal_handlers_enabled(0);
            std::mem::forget(handle);
            library
        };
        Ok(Box::leak(Box::new(library)))
    }

    /// Opens a connection, which is also what starts the engine the first time. `None` when the engine
    /// refused; the C interface does not say why.
    pub(crate) fn connect(&'static self, arguments: &[CString]) -> Option<Connection> {
        let mut pointers: Vec<*mut c_char> = arguments
            .iter()
            .map(|argument| argument.as_ptr().cast_mut())
            .collect();
        let count = c_int::try_from(pointers.len()).ok()?;
        // SAFETY: `pointers` holds `count` NUL-terminated strings that outlive the call; the library
        // copies them and does not write through them.
        let handle = unsafe { (self.connect)(count, pointers.as_mut_ptr()) };
        NonNull::new(handle).map(|handle| Connection {
            library: self,
            handle,
        })
    }
}

/// One connection: its own settings, current database and temporary tables.
pub(crate) struct Connection {
    library: &'static Library,
    handle: NonNull<RawConnection>,
}

// SAFETY: the library ties no connection to a thread; it guards each with its own mutex. Every method takes
// `&mut self`, so a connection is used by one thread at a time.
unsafe impl Send for Connection {}

impl Connection {
    fn raw(&self) -> RawConnection {
        // SAFETY: `handle` came from `connect` and is valid until `Drop`.
        unsafe { *self.handle.as_ptr() }
    }

    /// Calls one of the two entry points that take a text, a format and parameters.
    fn call(
        &mut self,
        entry: QueryCall,
        text: &[u8],
        format: &str,
        parameters: &[(String, String)],
    ) -> *mut c_void {
        let arrays = ParameterArrays::new(parameters);
        // SAFETY: every pointer is paired with its length, the arrays all hold `parameters.len()` items,
        // and all of it outlives the call, which copies what it keeps.
        unsafe {
            entry(
                self.raw(),
                text.as_ptr().cast(),
                text.len(),
                format.as_ptr().cast(),
                format.len(),
                arrays.names.as_ptr(),
                arrays.name_lengths.as_ptr(),
                arrays.values.as_ptr(),
                arrays.value_lengths.as_ptr(),
                parameters.len(),
            )
        }
    }

    /// Runs one statement to its end and returns what it printed.
    pub(crate) fn query(
        &mut self,
        text: &[u8],
        format: &str,
        parameters: &[(String, String)],
    ) -> Result<QueryResult, EngineMessage> {
        let handle = self.call(self.library.query, text, format, parameters);
        QueryResult::checked(self.library, handle)
    }

    /// Starts an insert whose rows arrive later, in chunks of `format`.
    pub(crate) fn insert(
        &mut self,
        text: &[u8],
        format: &str,
        parameters: &[(String, String)],
    ) -> Result<InsertStream<'_>, EngineMessage> {
        let library = self.library;
        let handle = self.call(library.insert, text, format, parameters);
        let handle = NonNull::new(handle).ok_or_else(no_answer)?;
        let stream = InsertStream {
            library,
            handle,
            connection: PhantomData,
        };
        match stream.error() {
            Some(message) => Err(message),
            None => Ok(stream),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: `handle` is valid and this is its last use. Closing the last connection stops the engine.
        unsafe { (self.library.close)(self.handle.as_ptr()) }
    }
}

/// The output and statistics of a finished statement.
pub(crate) struct QueryResult {
    library: &'static Library,
    handle: NonNull<c_void>,
}

impl QueryResult {
    fn checked(library: &'static Library, handle: RawResult) -> Result<Self, EngineMessage> {
        let result = Self {
            library,
            handle: NonNull::new(handle).ok_or_else(no_answer)?,
        };
        // SAFETY: the handle is valid; the returned text lives as long as the result.
        match unsafe { text((library.error)(result.handle.as_ptr())) } {
            Some(message) => Err(message),
            None => Ok(result),
        }
    }

    /// The formatted output; empty when the statement has none or wrote it elsewhere.
    pub(crate) fn bytes(&self) -> &[u8] {
        let handle = self.handle.as_ptr();
        // SAFETY: the buffer holds `length` bytes, is not written any more and lives until `Drop`.
        unsafe {
            let (start, length) = ((self.library.buffer)(handle), (self.library.length)(handle));
            if start.is_null() || length == 0 {
                &[]
            } else {
                std::slice::from_raw_parts(start.cast(), length)
            }
        }
    }

    /// What it cost.
    pub(crate) fn statistics(&self) -> Statistics {
        let (library, handle) = (self.library, self.handle.as_ptr());
        // SAFETY: plain reads from a valid result.
        unsafe {
            Statistics {
                read_rows: (library.read_rows)(handle),
                read_bytes: (library.read_bytes)(handle),
                written_rows: (library.written_rows)(handle),
                written_bytes: (library.written_bytes)(handle),
                result_rows: (library.result_rows)(handle),
                result_bytes: (library.result_bytes)(handle),
                elapsed_seconds: (library.elapsed)(handle),
            }
        }
    }
}

impl Drop for QueryResult {
    fn drop(&mut self) {
        // SAFETY: valid, and freed only here.
        unsafe { (self.library.destroy_result)(self.handle.as_ptr()) }
    }
}

/// A running insert. Dropping it without [`InsertStream::finish`] cancels it.
pub(crate) struct InsertStream<'connection> {
    library: &'static Library,
    handle: NonNull<c_void>,
    connection: PhantomData<&'connection mut Connection>,
}

impl InsertStream<'_> {
    fn error(&self) -> Option<EngineMessage> {
        // SAFETY: valid handle; the text lives as long as the stream.
        unsafe { text((self.library.stream_error)(self.handle.as_ptr())) }
    }

    /// Pushes bytes; blocks while the engine is busy with earlier ones. `false` when the insert has
    /// failed: [`InsertStream::finish`] then says why.
    pub(crate) fn append(&mut self, chunk: &[u8]) -> bool {
        // SAFETY: the chunk is copied before the call returns.
        unsafe { (self.library.append)(self.handle.as_ptr(), chunk.as_ptr().cast(), chunk.len()) == 0 }
    }

    /// Ends the input, waits until the rows are stored and returns how many there were.
    pub(crate) fn finish(self) -> Result<Statistics, EngineMessage> {
        // SAFETY: valid handle, and `self` is consumed, so nothing is appended afterwards.
        let handle = unsafe { (self.library.done)(self.handle.as_ptr()) };
        QueryResult::checked(self.library, handle).map(|result| result.statistics())
    }

    /// Gives up: rows already handed to storage stay, the rest is dropped.
    pub(crate) fn cancel(self) {
        // SAFETY: valid handle; `Drop` frees it afterwards.
        unsafe { (self.library.cancel_insert)(self.handle.as_ptr()) }
    }
}

impl Drop for InsertStream<'_> {
    fn drop(&mut self) {
        // SAFETY: valid, and freed only here; the library cancels an insert that was not finished.
        unsafe { (self.library.destroy_stream)(self.handle.as_ptr()) }
    }
}

/// Copies a C string that may be null.
///
/// # Safety
/// `pointer` is null or a NUL-terminated string that stays valid during the call.
unsafe fn text(pointer: *const c_char) -> Option<EngineMessage> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let message = unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned();
    Some(EngineMessage(message))
}

fn no_answer() -> EngineMessage {
    EngineMessage("Code: 1002. DB::Exception: the engine gave no answer. (UNKNOWN_EXCEPTION)".to_owned())
}

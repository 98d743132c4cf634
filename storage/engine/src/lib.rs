//! The embedded `ClickHouse`: the engine library behind `ClickHouse`'s HTTP interface.
//!
//! `brokle serve` runs this in a child process and reaches it by URL, exactly as it would reach a server, so
//! that nothing above knows which of the two it talks to. A crash of the engine is then a restart, and tools
//! written for a `ClickHouse` server can connect beside us.
//!
//! - [`run`]: the process: lock the data folder, start the engine, serve until told to stop.
//! - [`supervisor`]: the parent's side: start the process, restart it when it dies, stop it.
//! - [`library`]: where the engine library is.
//!
//! One request takes this way: `server` (connection) -> `respond` (credentials, place in the queue) ->
//! `request` (what is asked) -> `execute` on a thread of its own (`session`, `sql`, `ffi`) -> a pipe ->
//! `respond` again (held back, then streamed). Each request gets a connection of its own to the engine
//! (0.2 ms), so no setting, database or temporary table of one query is seen by another.
//!
//! All unsafe code of the workspace is in `ffi`.

mod access;
mod body;
mod compression;
mod config;
mod engine;
mod exception;
mod execute;
mod ffi;
pub mod library;
mod lock;
mod request;
mod respond;
mod server;
mod session;
mod sql;
pub mod supervisor;

pub use config::{EngineConfig, Limits};
pub use engine::StartError;
pub use server::{EngineError, run};

/// A fresh query id: time-ordered, so that a log reads in order.
fn query_id() -> String {
    ulid::Ulid::generate().to_string().to_ascii_lowercase()
}

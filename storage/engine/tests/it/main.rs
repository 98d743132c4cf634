//! The engine process as its clients meet it. One process serves all tests of a run of this binary; each
//! test has a database of its own.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod access;
mod cancel;
mod clients;
mod compression;
mod durability;
mod formats;
mod interface;
mod queue;
mod rust_client;
mod sessions;
mod supervise;
mod support;

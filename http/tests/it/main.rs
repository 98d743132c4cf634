//! The kit as a handler meets it: a small router behind all layers, called in process.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod app;
mod layers;
mod members;
mod requests;

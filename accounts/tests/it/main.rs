//! The whole plane in process: its router behind the real store, on SQLite and on Postgres.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod app;
mod flows;
mod keys;
mod limits;
mod matrix;
mod openapi;
mod sessions;
mod telemetry_settings;
mod upkeep;

//! The relational store on SQLite and on Postgres.
//!
//! There is one SQL text for both: `$1` placeholders, `ON CONFLICT`, `RETURNING` and row-wise `LIMIT` mean
//! the same on each. What differs is the two drivers' types, and [`execute`] hides that in one small enum
//! each for connections, bound values and rows; `sqlx::Any` is deliberately not used, because it loses
//! types on SQLite. Every statement is a constant declared with `statements!`, so that a test can prepare
//! each of them on both engines.
//!
//! The tables are made by the `migrations` crate; nothing here changes a schema.

mod api_keys;
mod connect;
mod error;
pub mod execute;
mod gateway;
mod organizations;
mod projects;
mod sessions;
mod statement;
mod store;
mod telemetry_settings;
#[cfg(feature = "testing")]
pub mod testing;
mod users;

pub use connect::{ConnectError, Database, PoolOptions};
pub use store::{Sql, SqlStore, SqlUnit, every_statement};

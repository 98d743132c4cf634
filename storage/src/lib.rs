//! What the planes ask of storage: traits and errors only. The implementations live in the crates beside
//! this one (`sql`, `clickhouse`, `cache`), and only `server` chooses among them.
//!
//! - [`repo`]: relational aggregates (users, organisations, projects, API keys, sessions).
//! - [`telemetry`]: columnar writes and bounded analytic reads.
//! - [`maintenance`]: statements that change stored telemetry.
//! - [`cache`], [`limiter`], [`quota`], [`pubsub`]: state that the nodes of one installation share.

pub mod cache;
pub mod limiter;
pub mod maintenance;
pub mod pubsub;
pub mod quota;
pub mod repo;
pub mod shared;
pub mod telemetry;

//! Numbered SQL for the relational store (one folder each for Postgres and SQLite, same versions) and for
//! ClickHouse, and the runner that applies it.
//!
//! A migration is two files, `YYYYMMDDHHMMSS_name.up.sql` and `.down.sql`, embedded in the binary. What to
//! do is decided by [`plan`], a pure function of what is applied and what is available; a
//! [`target::Target`] only carries it out and keeps the ledger. The ledger holds each file's checksum, so
//! that an edited migration is noticed, and a dirty mark, so that one that broke off is.

pub mod cluster;
pub mod plan;
pub mod runner;
pub mod source;
pub mod target;

pub use cluster::{Cluster, ClusterError};
pub use plan::{Plan, PlanError, Step, Verb};
pub use runner::{MigrateError, Report, Status, apply, status};
pub use source::{Migration, clickhouse, postgres, sqlite};
pub use target::{Applied, Target, TargetError};

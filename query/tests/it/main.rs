//! The plane as its callers see it: its routes, on a real engine with the real tables.

#![expect(clippy::unwrap_used, reason = "tests")]

mod access;
mod analytics;
mod budgets;
mod calls;
mod charts;
mod events;
mod export;
mod filters;
mod lists;
mod log_records;
mod metrics;
mod observations;
mod quality;
mod rollups;
mod rows;
mod stage;

//! From the log to storage.

pub mod batch;

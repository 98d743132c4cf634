//! The query plane.

pub mod filter;

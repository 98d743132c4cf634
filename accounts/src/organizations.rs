//! Organisations: who works together.

pub(crate) mod api;
mod create;
pub(crate) mod get;

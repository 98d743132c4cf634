//! API keys: what machines present.

pub(crate) mod api;
mod create;
pub(crate) mod resolver;
mod revoke;
mod rotate;
mod update;
mod uses;

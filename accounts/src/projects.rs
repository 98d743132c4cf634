//! Projects: the tenants of telemetry.

pub(crate) mod api;
mod create;
mod get;
mod list;

//! What a project has set about its telemetry: edited here, obeyed by the collector, which asks through the
//! port that [`policies`] implements.

pub(crate) mod api;
mod get;
pub(crate) mod policies;
mod save;

//! The telemetry routes of the SDKs: traces, observations, scores and events as JSON, in any order, and the routes
//! by which a Langfuse SDK sends to Brokle.
//!
//! - `fields`: what may be said, under which names. `context`: ids and times. `entities`: bodies to changes.
//! - `intake`: a request's way into the log. `api`, `routes`: the routes. `view`: entities as they are shown.
//! - `langfuse`: the routes of another product. `invalid`: what can be wrong.
//!
//! What becomes of a change is told in [`crate::changes`]. Deliberately absent: any look at what is stored before a
//! change is taken, and so any conflict.

mod api;
mod context;
mod entities;
mod fields;
mod intake;
mod invalid;
mod langfuse;
mod routes;
mod view;

pub use api::Sdk;
pub(crate) use api::create_one;
pub(crate) use intake::Prepared;

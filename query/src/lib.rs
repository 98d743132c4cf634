//! The query plane: what the dashboard reads.
//!
//! A request becomes a checked plan ([`plan`], [`filter`]), the plan becomes SQL by pure functions whose text
//! is snapshot-tested (`sql`), storage runs it within limits, and the rows are shaped into the answer
//! (`shape`). `prices` needs none of that: it answers from the price table. `read` is where these meet, `api` is the only part that knows HTTP.
//!
//! The plane writes nothing but the roll-up of what it reads ([`rollup`]), keeps no state between requests, and sees telemetry only through
//! `TelemetryReader`, one project at a time. Deliberately absent: counts of all matches, which would cost
//! more than the page, and any page number.

mod api;
pub mod filter;
pub mod plan;
mod prices;
pub mod quality;
mod read;
pub mod rollup;
mod shape;
mod sql;

pub use api::Query;
pub use prices::Prices;

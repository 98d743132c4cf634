//! The nouns of Brokle, and the few traits through which its planes reach one another.
//!
//! Everything may depend on this crate, so it does no I/O and knows no framework: no tokio, axum, sqlx or
//! ClickHouse here. A type belongs here when two planes must agree on it; anything that only one plane
//! needs lives in that plane.
//!
//! - [`id`]: typed identifiers. Two ids of different kinds never fit each other's place.
//! - [`api_key`]: the `bk_proj_...` credential: parsing, hashing, preview.
//! - [`principal`]: who calls (a user's role, a key's scopes) and what that permits.
//! - [`error`]: the eleven kinds of failure; protocols map them at their own edge.
//! - [`clock`]: time as an argument, so that tests move it.
//! - [`telemetry`]: one accepted OTLP request on its way to the log.
//! - [`telemetry_settings`]: what a project may set about its telemetry.
//! - [`usage`] and [`price`]: disjoint token buckets, and what each costs.
//! - [`conversation`]: inputs and outputs in one form, whoever recorded them.
//! - [`pattern`]: personal data, secrets and expressions found in text, whole or growing.
//! - [`port`]: the traits that `server` wires between planes.

pub mod api_key;
pub mod clock;
pub mod conversation;
pub mod error;
pub mod id;
pub mod pattern;
pub mod port;
pub mod price;
pub mod principal;
pub mod telemetry;
pub mod telemetry_settings;
pub mod usage;

//! What `brokle demo` adds to a server: a model [`provider`] that needs no key, [`sample`] data, and the
//! [`feed`] that sends both through the same doors as anybody's: the dashboard API, OTLP, and the gateway.

pub mod account;
pub mod client;
pub mod feed;
pub mod provider;
pub mod sample;
pub mod state;

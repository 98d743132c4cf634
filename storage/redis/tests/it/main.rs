//! Shared state on a real Redis: the contracts, several nodes, and everything that can happen to a link.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod contracts;
mod nodes;
mod outages;
mod proxy;
mod server;
mod world;

//! The whole binary, as its users meet it: a real process on real storage, called by real clients.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod attribute_map;
mod budgets;
mod dead_letters;
mod demo;
mod drain;
mod durability;
mod faults;
mod flows;
mod gateway_clients;
mod gateway_config;
mod harness;
mod isolation;
mod operations;
mod reprice;
mod request_logs;
mod schema;
mod sdk;
mod sdk_clients;
mod sdk_order;
mod shared_state;
mod signals;
mod stock_clients;
mod tail_sampling;
mod tls;

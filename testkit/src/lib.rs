//! What the tests share. Real components only: [`server`] runs the real binary as its own process, on free
//! ports and on a database of its own; [`clickhouse`] gives a database alone; [`tenant`] signs up at its real API;
//! [`otlp`] makes payloads; [`faults`] breaks things under load and counts what is left; [`bench`] measures
//! collectors and gateways side by side; [`soak`] keeps a server busy for half an hour, and counts.
//!
//! What stands in for a model provider is in `brokle_demo`.

pub mod bench;
pub mod clickhouse;
pub mod faults;
pub mod otlp;
pub mod server;
pub mod soak;
pub mod tenant;
pub mod wait;

pub use brokle_demo::provider;

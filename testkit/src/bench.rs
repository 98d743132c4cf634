//! Collectors side by side: the same spans, from the same generator, into the same sink, in one run.
//!
//! - [`payload`]: bodies made ahead, with ids and times of their own for each request.
//! - [`http`], [`grpc`]: senders, as fast as answers come or at a fixed rate.
//! - [`sink`]: takes inserts as ClickHouse's HTTP interface does, and drops them.
//! - [`process`]: programs on a processor of their own, and what they use of it.
//! - [`collector`]: Brokle, and others that can be installed. [`engine`]: the real thing at the end.
//! - [`cell`]: one measurement. [`report`]: its line.
//!
//! [`gateway`] does the same for gateways, with a provider where the sink is.
//!
//! Everything is on loopback and bounded in time. A measurement with a failed request does not count.

pub mod cell;
pub mod collector;
pub mod engine;
pub mod gateway;
pub mod grpc;
pub mod http;
pub mod load;
pub mod payload;
pub mod process;
pub mod report;
pub mod sink;

//! The gateway against a provider that misbehaves, over real sockets.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod bedrock;
mod cache;
mod catalog;
mod configuration;
mod contract;
mod dialects;
mod disconnect;
mod errors;
mod fallback;
mod guardrails;
mod messages;
mod models;
mod operations;
mod pairs;
mod partial;
mod passthrough;
mod plans;
mod quotas;
mod races;
mod recording;
mod responses;
mod routing;
mod semantic;
mod spans;
mod stage;
mod stored;
mod stream;
mod vertex;

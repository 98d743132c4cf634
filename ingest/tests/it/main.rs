//! The collector's rooms, exercised through their public faces.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod arrow_encode;
mod arrow_support;
mod attribute_page;
mod calls;
mod forward;
mod normalize_producers;
mod normalize_rules;
mod otel_config;
mod otlp;
mod pipeline;
mod process;
mod producers;
mod receiver;
mod signals;
mod wal;

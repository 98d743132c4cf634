//! OTLP over HTTP and gRPC: what arrives, what is answered, and nothing about storage.
//!
//! One request's way, whatever its transport:
//! 1. [`http`] or [`grpc`] takes it apart: credential, encodings, body.
//! 2. [`intake`] admits it (a slot, a good key, a sane environment tag) before the body is read,
//! 3. reads and inflates the body within the memory budget ([`body`], [`inflate`]),
//! 4. brings JSON to protobuf and validates ([`crate::otlp`]),
//! 5. hands the body to the [`Acceptor`], which returns when it is on disk,
//! 6. and the transport writes the [`answer`], or the [`refusal`] as a `google.rpc.Status` ([`status`]).
//!
//! The three signals differ in nothing here but their messages' names.
//!
//! The ports speak TLS where a certificate is configured ([`tls`]).
//!
//! Deliberately absent: per-project quotas, and profiles.

pub mod accept;
pub mod answer;
pub mod body;
pub mod config;
pub mod grpc;
pub mod http;
pub mod inflate;
pub mod intake;
pub mod metrics;
pub mod refusal;
pub mod status;
pub mod tls;

pub use accept::{AcceptError, Acceptor};
pub use config::ReceiverConfig;
pub use intake::Receiver;
pub use metrics::ReceiverMetrics;

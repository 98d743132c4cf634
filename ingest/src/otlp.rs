//! OTLP as bytes: what is read, checked and written without ever building the generated message types.
//!
//! - [`wire`], [`encode`]: the protobuf wire format, read in place and written.
//! - [`view`], [`span`], [`value`]: OTLP's trace messages as views on a validated body.
//! - [`validate`], with [`check`]: what of a request is kept, and why the rest is not.
//! - [`json`]: OTLP/JSON requests to protobuf.
//! - [`json_write`]: pieces of a trace as OTLP/JSON text.

pub mod check;
pub mod encode;
pub mod json;
pub mod json_write;
pub mod span;
pub mod validate;
pub mod value;
pub mod view;
pub mod wire;

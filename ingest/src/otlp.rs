//! OTLP as bytes: what is read, checked and written without ever building the generated message types.
//!
//! - [`wire`]: the protobuf wire format, read in place.
//! - [`view`], [`span`], [`value`]: OTLP's trace messages as views on a validated body.

pub mod span;
pub mod value;
pub mod view;
pub mod wire;

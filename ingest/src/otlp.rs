//! OTLP as bytes: what is read, checked and written without ever building the generated message types.
//!
//! - [`wire`], [`encode`]: the protobuf wire format, read in place and written.
//! - [`view`], [`span`], [`log_record`], [`metric`], [`value`]: OTLP's messages as views on a validated body.
//! - [`validate`], with `check`, [`fault`] and [`rejections`]: what of a request is kept, and why the rest is not.
//! - [`json`]: OTLP/JSON requests to protobuf.
//! - [`json_write`]: pieces of items as OTLP/JSON text.

mod check;
pub mod encode;
pub mod fault;
pub mod json;
pub mod json_write;
pub mod log_record;
pub mod metric;
pub mod rejections;
pub mod span;
pub mod validate;
pub mod value;
pub mod view;
pub mod wire;

//! The receivers as clients meet them: over real sockets, in front of a log and a key store that obey.

mod cases;
mod conformance;
pub(crate) mod fakes;
mod grpc;
mod grpc_frames;
mod http;
mod http_behaviour;
mod limits;
pub(crate) mod payload;
mod settings;
mod shared_port;

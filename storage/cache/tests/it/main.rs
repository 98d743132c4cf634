//! The contract suites, on the in-process implementations.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod contracts;
mod quota;

//! What `brokle demo` adds to a server: a model [`provider`] that needs no key.

pub mod provider;

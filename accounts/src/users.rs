//! The signed-in user.

pub(crate) mod api;
mod get;

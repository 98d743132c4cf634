//! Sign-up, sign-in, and the tokens of a session.

pub(crate) mod api;
mod refresh;
pub(crate) mod resolver;
mod session;
mod sign_in;
mod sign_out;
mod sign_up;

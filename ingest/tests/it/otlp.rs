//! The byte-level reader, checker and transcoder against the generated message types.

mod differential;
mod generate;
mod json;
mod rebuild;
mod validate;

//! `OpenAI`'s chat completions: requests, answers, stream chunks and errors, read leniently. A field of an
//! unexpected shape is passed on and not recorded; it is never a reason to refuse.

pub(crate) mod chunk;
pub(crate) mod compose;
pub(crate) mod error;
pub(crate) mod form;
pub(crate) mod messages;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod typed;
pub(crate) mod usage;

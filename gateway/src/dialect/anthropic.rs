//! Anthropic's Messages API: as a provider speaks it (requests into it, answers and streams out of it), and as
//! callers do ([`caller`]).
//! Facts: platform.claude.com, "Messages" and "Streaming messages".

pub(crate) mod answer;
pub(crate) mod caller;
mod content;
pub(crate) mod request;
pub(crate) mod stream;
pub(crate) mod thinking;

/// The version of the API that is spoken.
pub(crate) const VERSION: &str = "2023-06-01";

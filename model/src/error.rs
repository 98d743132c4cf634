//! The kinds of failure, free of any protocol.
//!
//! Each operation has its own error enum that says what happened; [`Classify`] tells a protocol's edge how
//! to answer. The mapping to HTTP statuses, gRPC codes and `OpenAI` error types is each edge's own table.

use std::time::Duration;

/// What a failure means to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request is wrong and will stay wrong.
    Invalid,
    /// No credential, or one that is not good.
    Unauthenticated,
    /// A good credential that does not permit this.
    Forbidden,
    /// Nothing there, or nothing that the caller may see.
    NotFound,
    /// The request contradicts the present state.
    Conflict,
    /// The body, or what it inflates to, exceeds a limit.
    TooLarge,
    /// A rate or quota is used up; wait.
    RateLimited,
    /// A party behind us failed.
    Upstream,
    /// A party behind us did not answer in time.
    Timeout,
    /// We cannot serve this now; the same request may succeed later.
    Unavailable,
    /// Our own defect.
    Internal,
}

/// Tells an edge how to present an error.
pub trait Classify: std::error::Error {
    /// What it means to the caller.
    fn kind(&self) -> ErrorKind;

    /// A stable, documented, lower-case code such as `project_slug_taken`.
    fn code(&self) -> &'static str;

    /// The sentence a caller may see. The default is the error's own text; an error whose text holds
    /// internals returns another.
    fn public_message(&self) -> String {
        match self.kind() {
            ErrorKind::Internal => {
                "an internal error occurred; the request id leads to its cause in the log".to_owned()
            }
            _ => self.to_string(),
        }
    }

    /// The part of the request at fault, when the error is about one.
    fn field(&self) -> Option<&'static str> {
        None
    }

    /// How long to wait before the same request is worth sending again.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}

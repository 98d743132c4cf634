//! How shared state fails. Its users decide what that means: a cache that is away is a miss, a limiter that
//! is away lets through or falls back to its own counts, and none of them is an outage.

/// The shared state cannot be reached.
#[derive(Debug, thiserror::Error)]
#[error("shared state is unavailable: {message}")]
pub struct SharedStateError {
    /// What went wrong.
    pub message: String,
}

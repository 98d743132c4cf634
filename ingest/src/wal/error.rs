//! Why the log did not take a request, and why it could not be opened.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use brokle_model::error::{Classify, ErrorKind};

/// Why a request was not taken. Nothing of it is on its way to storage, except that under
/// [`AppendError::Failed`] the disk may hold it all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The log is closing.
    #[error("the collector is shutting down")]
    Closed,
    /// Too much waits in memory already.
    #[error("the collector is overloaded; try again later")]
    Overloaded {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// The log has reached its size on disk, or the disk has no room: storage has been away for long.
    #[error("the collector's log is full; try again later")]
    Full {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// The disk refused the write, or did not confirm it.
    #[error("the collector could not write its log; try again later")]
    Failed,
    /// The body is larger than the log takes.
    #[error("the request body exceeds {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: u64,
    },
    /// The environment tag is longer than the log takes.
    #[error("the environment tag exceeds {limit_bytes} bytes")]
    EnvironmentTooLong {
        /// The limit.
        limit_bytes: usize,
    },
}

impl Classify for AppendError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Closed | Self::Overloaded { .. } | Self::Full { .. } | Self::Failed => {
                ErrorKind::Unavailable
            }
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::EnvironmentTooLong { .. } => ErrorKind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Closed => "collector_stopping",
            Self::Overloaded { .. } => "collector_overloaded",
            Self::Full { .. } => "collector_log_full",
            Self::Failed => "collector_log_failed",
            Self::TooLarge { .. } => "body_too_large",
            Self::EnvironmentTooLong { .. } => "environment_too_long",
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Overloaded { retry_after } | Self::Full { retry_after } => Some(*retry_after),
            Self::Closed | Self::Failed => Some(Duration::from_secs(1)),
            Self::TooLarge { .. } | Self::EnvironmentTooLong { .. } => None,
        }
    }
}

/// Why the log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum WalOpenError {
    /// Another process uses the directory.
    #[error("the log in `{}` is in use by another process", .directory.display())]
    Locked {
        /// The directory.
        directory: PathBuf,
    },
    /// A newer release wrote the log. Nothing was touched.
    #[error(
        "segment {segment} of the log has format {version}, which this release does not know: start the \
         release that wrote it, or a newer one; nothing was changed"
    )]
    Version {
        /// The segment.
        segment: u64,
        /// Its format.
        version: u32,
    },
    /// A newer release wrote a record. Nothing was touched.
    #[error(
        "segment {segment} of the log holds a record that this release does not know: start the release \
         that wrote it, or a newer one; nothing was lost"
    )]
    Record {
        /// The segment.
        segment: u64,
    },
    /// The disk refused.
    #[error("the log cannot be opened")]
    Io(#[from] io::Error),
}

//! What is wrong with a body of the SDK routes, and how any refusal of theirs is told.

use std::time::Duration;

use ::http::StatusCode;
use brokle_http::ApiError;
use brokle_model::error::{Classify, ErrorKind};

use crate::changes::stored::StoredError;
use crate::receiver::refusal::Refusal;

/// Something in a body that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Invalid {
    pub(crate) field: &'static str,
    pub(crate) message: String,
}

impl Invalid {
    pub(crate) fn field(field: &'static str, message: impl Into<String>) -> Self {
        Self {
            field,
            message: message.into(),
        }
    }

    pub(crate) fn missing(field: &'static str) -> Self {
        Self::field(field, format!("`{field}` is missing"))
    }
}

impl Classify for Invalid {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }

    fn code(&self) -> &'static str {
        "invalid_request"
    }

    fn field(&self) -> Option<&'static str> {
        Some(self.field)
    }
}

/// Refusals of the receiver, told as these routes tell them.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Refused {
    kind: ErrorKind,
    code: &'static str,
    message: String,
    retry_after: Option<Duration>,
}

impl Classify for Refused {
    fn kind(&self) -> ErrorKind {
        self.kind
    }

    fn code(&self) -> &'static str {
        self.code
    }

    fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

/// A refusal in the envelope.
pub(crate) fn refusal(refusal: &Refusal) -> ApiError {
    let verdict = refusal.verdict();
    let kind = match verdict.http {
        StatusCode::UNAUTHORIZED => ErrorKind::Unauthenticated,
        StatusCode::FORBIDDEN => ErrorKind::Forbidden,
        StatusCode::PAYLOAD_TOO_LARGE => ErrorKind::TooLarge,
        StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited,
        StatusCode::GATEWAY_TIMEOUT => ErrorKind::Timeout,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE => ErrorKind::Unavailable,
        StatusCode::INTERNAL_SERVER_ERROR => ErrorKind::Internal,
        _ => ErrorKind::Invalid,
    };
    ApiError::from(Refused {
        kind,
        code: refusal.code(),
        message: verdict.status.message,
        retry_after: verdict.retry_after,
    })
}

/// Storage that does not answer a read.
pub(crate) fn unreadable(error: &StoredError) -> ApiError {
    tracing::warn!(%error, "stored changes could not be read");
    ApiError::new(
        ErrorKind::Unavailable,
        "telemetry_unavailable",
        "telemetry storage does not answer right now; try again",
    )
}

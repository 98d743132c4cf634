//! Every way in which a receiver says no, and the one table from there to HTTP statuses and gRPC codes.
//!
//! The table decides whether a sender tries again, so it follows OTLP's list to the letter: of HTTP's
//! statuses only 429, 502, 503 and 504 are retried; of gRPC's codes `UNAVAILABLE`, `DEADLINE_EXCEEDED` and,
//! with a `RetryInfo`, `RESOURCE_EXHAUSTED`. A passing trouble of ours must never be a 500.

use std::time::Duration;

use ::http::StatusCode;
use brokle_model::error::{Classify, ErrorKind};
use brokle_model::port::{AuthError, SettingsUnknown};
use tonic::Code;

use super::accept::AcceptError;
use super::status::{Detail, RpcStatus};
use crate::otlp::json::JsonError;
use crate::otlp::wire::WireError;

/// What senders wait when nothing better is known.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(1);

/// Why a request was refused whole.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No credential, or none that is good for this.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// An environment tag that cannot be one.
    #[error("`X-Environment` must be at most 64 visible ASCII characters")]
    Environment,
    /// A content type that is not OTLP's.
    #[error("the content type `{0}` is not supported; send application/x-protobuf or application/json")]
    ContentType(String),
    /// A content encoding that is not known here.
    #[error("the content encoding `{0}` is not supported; send identity, gzip, deflate or zstd")]
    ContentEncoding(String),
    /// More bytes than allowed, sent or inflated.
    #[error("the request body exceeds {0} bytes; send smaller batches")]
    TooLarge(usize),
    /// The body ended early or broke its framing.
    #[error("the request body could not be read to its end")]
    Incomplete,
    /// The body did not arrive in time.
    #[error("the request body did not arrive in time")]
    Slow,
    /// The body does not inflate.
    #[error("the request body is not valid {0} data")]
    Inflate(&'static str),
    /// The body is not OTLP/JSON.
    #[error("the request body is not valid OTLP/JSON: {0}")]
    Json(#[from] JsonError),
    /// The body is not the protobuf message it should be.
    #[error("the request body is not a valid OTLP protobuf message: {0}")]
    Protobuf(#[from] WireError),
    /// Something about the gRPC framing is wrong.
    #[error("the gRPC message is malformed: {0}")]
    Framing(&'static str),
    /// What the project has set is not known yet.
    #[error(transparent)]
    Settings(#[from] SettingsUnknown),
    /// All slots or all memory for requests are taken.
    #[error("the collector is overloaded; try again later")]
    Overloaded,
    /// The log did not take the body.
    #[error("{0}")]
    Accept(AcceptError),
    /// The log did not confirm in time.
    #[error("the collector's log did not confirm in time; try again")]
    AcceptTimeout,
    /// A defect of ours.
    #[error("an internal error occurred")]
    Internal,
    /// An HTTP method that OTLP does not use.
    #[error("send telemetry with POST")]
    Method,
    /// A path that OTLP does not use.
    #[error("nothing is here; send telemetry to /v1/traces, /v1/logs or /v1/metrics")]
    Path,
}

/// A refusal as both transports tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// For OTLP/HTTP.
    pub http: StatusCode,
    /// The body, for both.
    pub status: RpcStatus,
    /// For the header `Retry-After`; the status has the same as a detail.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// A stable word, for metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Auth(error) => error.code(),
            Self::Environment => "environment_invalid",
            Self::ContentType(_) => "content_type_unsupported",
            Self::ContentEncoding(_) => "content_encoding_unsupported",
            Self::TooLarge(_) => "body_too_large",
            Self::Incomplete => "body_incomplete",
            Self::Slow => "body_timeout",
            Self::Inflate(_) => "body_not_inflatable",
            Self::Json(_) => "json_invalid",
            Self::Protobuf(_) => "protobuf_invalid",
            Self::Framing(_) => "grpc_framing_invalid",
            Self::Settings(error) => error.code(),
            Self::Overloaded => "receiver_overloaded",
            Self::Accept(error) => error.cause().code(),
            Self::AcceptTimeout => "accept_timeout",
            Self::Internal => "internal",
            Self::Method => "method_not_allowed",
            Self::Path => "path_unknown",
        }
    }

    /// How the sender is told.
    pub fn verdict(&self) -> Verdict {
        let (http, code) = self.codes();
        let retryable = matches!(
            http,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        let retry_after = retryable.then(|| self.retry_after());
        let message = self.message();
        let detail = match (retry_after, code) {
            (Some(delay), _) => Some(Detail::RetryInfo(delay)),
            (None, Code::InvalidArgument) => Some(Detail::BadRequest {
                field: self.field(),
                description: message.clone(),
            }),
            _ => None,
        };
        Verdict {
            http,
            status: RpcStatus {
                code,
                message,
                detail,
            },
            retry_after,
        }
    }

    fn codes(&self) -> (StatusCode, Code) {
        match self {
            Self::Auth(error) => codes_of(error.kind()),
            Self::Accept(error) => codes_of(error.cause().kind()),
            Self::Environment
            | Self::Incomplete
            | Self::Inflate(_)
            | Self::Json(_)
            | Self::Protobuf(_)
            | Self::Framing(_) => codes_of(ErrorKind::Invalid),
            Self::ContentType(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::InvalidArgument),
            Self::ContentEncoding(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::Unimplemented),
            Self::TooLarge(_) => codes_of(ErrorKind::TooLarge),
            Self::Slow | Self::AcceptTimeout => codes_of(ErrorKind::Timeout),
            Self::Overloaded | Self::Settings(_) => codes_of(ErrorKind::Unavailable),
            Self::Internal => codes_of(ErrorKind::Internal),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, Code::Unimplemented),
            Self::Path => (StatusCode::NOT_FOUND, Code::Unimplemented),
        }
    }

    fn retry_after(&self) -> Duration {
        let hint = match self {
            Self::Auth(error) => error.retry_after(),
            Self::Accept(error) => error.cause().retry_after(),
            _ => None,
        };
        hint.unwrap_or(RETRY_AFTER_DEFAULT)
    }

    fn message(&self) -> String {
        match self {
            Self::Auth(error) => error.public_message(),
            Self::Accept(error) => error.cause().public_message(),
            _ => self.to_string(),
        }
    }

    const fn field(&self) -> &'static str {
        match self {
            Self::Environment => "X-Environment",
            Self::ContentType(_) => "Content-Type",
            _ => "body",
        }
    }
}

const fn codes_of(kind: ErrorKind) -> (StatusCode, Code) {
    match kind {
        ErrorKind::Invalid | ErrorKind::Conflict => (StatusCode::BAD_REQUEST, Code::InvalidArgument),
        ErrorKind::Unauthenticated => (StatusCode::UNAUTHORIZED, Code::Unauthenticated),
        ErrorKind::Forbidden => (StatusCode::FORBIDDEN, Code::PermissionDenied),
        ErrorKind::NotFound => (StatusCode::NOT_FOUND, Code::NotFound),
        // Without a `RetryInfo` this code is final, and splitting the batch is what helps.
        ErrorKind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, Code::ResourceExhausted),
        ErrorKind::RateLimited => (StatusCode::TOO_MANY_REQUESTS, Code::ResourceExhausted),
        ErrorKind::Upstream => (StatusCode::BAD_GATEWAY, Code::Unavailable),
        ErrorKind::Timeout => (StatusCode::GATEWAY_TIMEOUT, Code::DeadlineExceeded),
        ErrorKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable),
        ErrorKind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, Code::Internal),
    }
}

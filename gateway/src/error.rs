//! What the gateway itself refuses, and the one table that turns it into an answer.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use brokle_model::error::{Classify, ErrorKind};
use brokle_model::port::AuthError;
use brokle_model::telemetry::ENVIRONMENT_BYTES_MAX;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use crate::api::cache::InvalidateError;
use crate::api::stored::StoredError;
use crate::cache::PolicyError;
use crate::dialect::door::{Door, ErrorWords};
use crate::dialect::openai::request::RequestError;
use crate::guard::Blocked;
use crate::quota::{Exceeded, whole_seconds};
use crate::record::Failure;
use crate::route::Unroutable;
use crate::route::overrides::OverrideError;

/// Why the gateway does not pass a call on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GatewayError {
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error("the gateway has as many calls in progress as it may; try again")]
    Busy,
    #[error("the request exceeds {0} bytes")]
    BodyTooLarge(usize),
    #[error("the request did not arrive in time")]
    BodyTimeout,
    #[error("the request could not be read")]
    BodyBroken,
    #[error("`X-Environment` must be at most {ENVIRONMENT_BYTES_MAX} visible ASCII characters")]
    Environment,
    #[error(transparent)]
    Cache(#[from] PolicyError),
    #[error(transparent)]
    Quota(Box<Exceeded>),
    #[error(transparent)]
    Guard(#[from] Blocked),
    #[error(transparent)]
    Invalidate(#[from] InvalidateError),
    #[error(transparent)]
    Override(#[from] OverrideError),
    #[error("compressed requests are not supported; send the body without `content-encoding`")]
    BodyEncoded,
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Stored(#[from] StoredError),
    #[error("{}", unroutable(.model, .reason))]
    Unroutable {
        /// As asked for.
        model: String,
        /// Why it leads nowhere.
        reason: Unroutable,
    },
}

fn unroutable(model: &str, reason: &Unroutable) -> String {
    let model: String = model.chars().take(200).collect();
    match reason {
        Unroutable::UnknownModel => format!(
            "the model `{model}` does not exist or you do not have access to it; \
             name a route, or a model as `provider/model` (see GET /v1/models)"
        ),
        Unroutable::InactiveRoute => format!("no target of the route `{model}` has a credential configured"),
        Unroutable::UnknownRoute(route) => {
            format!("`x-brokle-route` names `{}`, which is no route", short(route))
        }
        Unroutable::UnknownProvider(provider) => format!(
            "the provider `{}` that a header names is not configured, or has no part in this route",
            short(provider)
        ),
        Unroutable::NotAllowed => format!(
            "this API key may not use the model `{model}`; ask whoever made the key to add it to the key's models"
        ),
        Unroutable::NoProviders => {
            format!(
                "the model `{model}` cannot be reached: no provider is configured; set a provider's key, such as OPENAI_API_KEY"
            )
        }
    }
}

fn short(name: &str) -> String {
    name.chars().take(200).collect()
}

impl Classify for GatewayError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Auth(error) => error.kind(),
            Self::Busy | Self::Invalidate(InvalidateError::Unreachable) => ErrorKind::Unavailable,
            Self::Quota(_) => ErrorKind::RateLimited,
            Self::BodyTooLarge(_) => ErrorKind::TooLarge,
            Self::BodyTimeout => ErrorKind::Timeout,
            Self::BodyBroken
            | Self::BodyEncoded
            | Self::Environment
            | Self::Override(_)
            | Self::Cache(_)
            | Self::Guard(_)
            | Self::Invalidate(_)
            | Self::Request(_)
            | Self::Stored(StoredError::NoProvider | StoredError::Provider(_) | StoredError::Invalid(_)) => {
                ErrorKind::Invalid
            }
            Self::Unroutable {
                reason: Unroutable::NotAllowed,
                ..
            } => ErrorKind::Forbidden,
            Self::Unroutable { .. } | Self::Stored(StoredError::Unknown(_)) => ErrorKind::NotFound,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Auth(AuthError::Missing | AuthError::Refused) => "invalid_api_key",
            Self::Auth(error) => error.code(),
            Self::Busy => "gateway_busy",
            Self::BodyTooLarge(_) => "request_too_large",
            Self::BodyTimeout => "request_timeout",
            Self::BodyBroken => "request_unreadable",
            Self::BodyEncoded => "request_encoding_unsupported",
            Self::Environment => "environment_invalid",
            Self::Quota(exceeded) if exceeded.is_budget() => "insufficient_quota",
            Self::Quota(_) => "rate_limit_exceeded",
            Self::Cache(_) => "cache_header_invalid",
            Self::Guard(_) => Blocked::CODE,
            Self::Invalidate(InvalidateError::Unreachable) => "cache_unavailable",
            Self::Invalidate(InvalidateError::Json(_)) | Self::Request(RequestError::Json(_)) => {
                "invalid_json"
            }
            Self::Stored(StoredError::Unknown(_)) => "not_found",
            Self::Invalidate(_) | Self::Request(_) | Self::Stored(_) => "invalid_value",
            Self::Override(_) => "route_header_invalid",
            Self::Unroutable { reason, .. } => match reason {
                Unroutable::NotAllowed => "model_not_allowed",
                Unroutable::UnknownRoute(_) => "route_not_found",
                Unroutable::UnknownProvider(_) => "provider_not_found",
                _ => "model_not_found",
            },
        }
    }
}

impl GatewayError {
    /// For the span.
    pub(crate) fn into_failure(self) -> Failure {
        Failure {
            kind: self.code(),
            message: self.public_message(),
        }
    }

    /// The HTTP status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        match (self, self.kind()) {
            (Self::BodyTimeout, _) => StatusCode::REQUEST_TIMEOUT,
            (Self::BodyEncoded, _) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            (_, ErrorKind::Unauthenticated) => StatusCode::UNAUTHORIZED,
            (_, ErrorKind::Forbidden) => StatusCode::FORBIDDEN,
            (_, ErrorKind::NotFound) => StatusCode::NOT_FOUND,
            (_, ErrorKind::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            (_, ErrorKind::RateLimited) => StatusCode::TOO_MANY_REQUESTS,
            (_, ErrorKind::Unavailable) => StatusCode::SERVICE_UNAVAILABLE,
            (_, ErrorKind::Internal) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    fn param(&self) -> Option<&'static str> {
        match self {
            Self::Request(error) => error.param(),
            Self::Unroutable { .. } => Some("model"),
            _ => None,
        }
    }
}

impl IntoResponse for GatewayError {
    fn into_response(self) -> Response {
        self.into_response_at(Door::Chat)
    }
}

impl GatewayError {
    /// The answer in the format of the door by which the call came.
    pub(crate) fn into_response_at(self, door: Door) -> Response {
        let status = self.status();
        let words = ErrorWords {
            status: status.as_u16(),
            message: &self.public_message(),
            param: self.param(),
            code: self.code(),
        };
        let mut response = error_response(door, words);
        match status {
            StatusCode::UNAUTHORIZED => {
                response
                    .headers_mut()
                    .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                response
                    .headers_mut()
                    .insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        if let Self::Quota(exceeded) = &self {
            let seconds = whole_seconds(exceeded.retry_after).max(1);
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// An error as an answer, in the door's format.
pub(crate) fn error_response(door: Door, words: ErrorWords<'_>) -> Response {
    let mut response = Response::new(Body::from(door.error_body(words).to_string()));
    *response.status_mut() = StatusCode::from_u16(words.status).unwrap_or(StatusCode::BAD_GATEWAY);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

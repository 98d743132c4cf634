//! The parameters in a request's path.

use axum::extract::path::ErrorKind as PathErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, RawPathParams};
use brokle_model::error::ErrorKind;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// The parameters in a request's path.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T, S> FromRequestParts<S> for Path<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let result = axum::extract::Path::from_request_parts(parts, state).await;
        match result {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) => Err(refused(rejection, only_parameter(parts, state).await)),
        }
    }
}

/// The name of the route's parameter when it has just one, which axum's message then leaves out.
async fn only_parameter<S: Send + Sync>(parts: &mut Parts, state: &S) -> Option<String> {
    let parameters = RawPathParams::from_request_parts(parts, state).await.ok()?;
    let mut names = parameters.iter().map(|(name, _)| name.to_owned());
    names.next().filter(|_| names.next().is_none())
}

fn refused(rejection: PathRejection, only_parameter: Option<String>) -> ApiError {
    let PathRejection::FailedToDeserializePathParams(error) = rejection else {
        return ApiError::new(
            ErrorKind::Internal,
            "internal",
            "the route does not have the parameters it reads",
        );
    };
    match error.into_kind() {
        PathErrorKind::DeserializeError { key, message, .. } => {
            ApiError::invalid_field(&key, format!("path parameter `{key}`: {message}"))
        }
        PathErrorKind::ParseErrorAtKey {
            key, expected_type, ..
        } => ApiError::invalid_field(
            &key,
            format!("path parameter `{key}` is not a valid {expected_type}"),
        ),
        PathErrorKind::InvalidUtf8InPathParam { key } => {
            ApiError::invalid_field(&key, format!("path parameter `{key}` is not UTF-8"))
        }
        other => match only_parameter {
            Some(key) => ApiError::invalid_field(&key, format!("path parameter `{key}`: {other}")),
            None => ApiError::new(ErrorKind::Invalid, "invalid_request", other.to_string()),
        },
    }
}

//! The query string of a request.

use std::error::Error;

use axum::extract::FromRequestParts;
use axum::extract::rejection::QueryRejection;
use brokle_model::error::ErrorKind;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

type PathAwareError = serde_path_to_error::Error<serde::de::value::Error>;

/// A request's query string.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T, S> FromRequestParts<S> for Query<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        axum::extract::Query::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|rejection| refused(&rejection))
    }
}

fn refused(rejection: &QueryRejection) -> ApiError {
    let Some(error) = path_aware(rejection) else {
        return ApiError::new(
            ErrorKind::Invalid,
            "invalid_request",
            "the query string could not be read",
        );
    };
    let field = error.path().to_string();
    if field == "." {
        ApiError::new(
            ErrorKind::Invalid,
            "invalid_request",
            format!("query string: {}", error.inner()),
        )
    } else {
        ApiError::invalid_field(&field, format!("query parameter `{field}`: {}", error.inner()))
    }
}

fn path_aware(rejection: &QueryRejection) -> Option<&PathAwareError> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(rejection);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<PathAwareError>() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

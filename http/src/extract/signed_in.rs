//! The signed-in user of a dashboard request.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use brokle_model::error::{Classify, ErrorKind};
use brokle_model::id::{SessionId, UserId};
use brokle_model::port::SessionResolver;
use http::request::Parts;

use super::bearer_token;
use crate::error::ApiError;

/// The user behind `Authorization: Bearer <access token>`. A handler that takes it cannot be called
/// without a good token. The router's state must hold an `Arc<dyn SessionResolver>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedIn {
    /// Who.
    pub user: UserId,
    /// Which sign-in.
    pub session: SessionId,
}

impl<S> FromRequestParts<S> for SignedIn
where
    S: Send + Sync,
    Arc<dyn SessionResolver>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let sessions = Arc::<dyn SessionResolver>::from_ref(state);
        let token = bearer_token(&parts.headers).ok_or(SessionMissing)?;
        let session = sessions.resolve(token).await?;
        Ok(Self {
            user: session.user,
            session: session.session,
        })
    }
}

/// No access token was sent. (The port's own text speaks of API keys too, which do not open these routes.)
#[derive(Debug, thiserror::Error)]
#[error("sign in first: this route needs `Authorization: Bearer` with an access token")]
struct SessionMissing;

impl Classify for SessionMissing {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Unauthenticated
    }

    fn code(&self) -> &'static str {
        "credential_missing"
    }
}

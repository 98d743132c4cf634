//! A signed-in user's access to one organisation, named in the path. As with projects, the permission stands in the
//! handler's signature, and an organisation that the user may not see is answered like one that does not exist.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use brokle_model::error::ErrorKind;
use brokle_model::id::{OrganizationId, UserId};
use brokle_model::port::SessionResolver;
use brokle_model::principal::Role;
use http::request::Parts;

use super::project_member::forbidden;
use super::{Path, PermissionMarker, SignedIn};
use crate::error::ApiError;

const PARAMETER: &str = "organization_id";

/// A signed-in user who holds permission `P` in the organisation that the path names.
#[derive(Debug)]
pub struct OrganizationMember<P> {
    /// The organisation: the tenant of everything that the handler does.
    pub organization: OrganizationId,
    /// Who.
    pub user: UserId,
    /// The user's role.
    pub role: Role,
    marker: PhantomData<P>,
}

impl<P, S> FromRequestParts<S> for OrganizationMember<P>
where
    P: PermissionMarker,
    S: Send + Sync,
    Arc<dyn SessionResolver>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let SignedIn { user, .. } = SignedIn::from_request_parts(parts, state).await?;
        let Path(parameters) = Path::<HashMap<String, String>>::from_request_parts(parts, state).await?;
        let organization: OrganizationId = parameters
            .get(PARAMETER)
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| {
                ApiError::invalid_field(
                    PARAMETER,
                    "path parameter `organization_id` must be an organisation's id",
                )
            })?;
        let sessions = Arc::<dyn SessionResolver>::from_ref(state);
        let role = sessions
            .organization_role(user, organization)
            .await?
            .ok_or_else(not_found)?;
        if !role.permits(P::PERMISSION) {
            return Err(forbidden(role));
        }
        Ok(Self {
            organization,
            user,
            role,
            marker: PhantomData,
        })
    }
}

fn not_found() -> ApiError {
    ApiError::new(
        ErrorKind::NotFound,
        "organization_not_found",
        "there is no such organization",
    )
}

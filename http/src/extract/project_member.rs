//! A signed-in user's access to one project. The permission is a type parameter, so it stands in the
//! handler's signature and a handler that touches a project cannot forget to demand one. A project that
//! the user may not see is answered like one that does not exist.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use brokle_model::error::ErrorKind;
use brokle_model::id::{ProjectId, SessionId, UserId};
use brokle_model::port::SessionResolver;
use brokle_model::principal::{Permission, Role};
use http::request::Parts;

use super::{Path, Query, SignedIn};
use crate::error::ApiError;

/// Names a permission in a type.
pub trait PermissionMarker: Send + Sync + 'static {
    /// The permission.
    const PERMISSION: Permission;
}

/// The permissions as types, for `ProjectMember<permission::TracesRead>`.
pub mod permission {
    use super::{Permission, PermissionMarker};

    macro_rules! markers {
        ($($name:ident),+ $(,)?) => {
            $(
                #[doc = concat!("Demands `Permission::", stringify!($name), "`.")]
                #[derive(Debug, Clone, Copy)]
                pub struct $name;

                impl PermissionMarker for $name {
                    const PERMISSION: Permission = Permission::$name;
                }
            )+
        };
    }

    markers!(
        TracesRead,
        ProjectsRead,
        ProjectsWrite,
        ApiKeysRead,
        ApiKeysWrite,
        GatewayRead,
        GatewayWrite,
    );
}

/// Where a request names its project.
pub trait ProjectSource: Send + Sync + 'static {
    /// Reads the project's id.
    fn project<S: Send + Sync>(
        parts: &mut Parts,
        state: &S,
    ) -> impl Future<Output = Result<ProjectId, ApiError>> + Send;
}

/// `?project_id=`
#[derive(Debug, Clone, Copy)]
pub struct InQuery;

/// `/{project_id}/`
#[derive(Debug, Clone, Copy)]
pub struct InPath;

const PARAMETER: &str = "project_id";

#[derive(serde::Deserialize)]
struct ProjectParameter {
    project_id: ProjectId,
}

impl ProjectSource for InQuery {
    async fn project<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<ProjectId, ApiError> {
        let Query(parameter) = Query::<ProjectParameter>::from_request_parts(parts, state)
            .await
            .map_err(|_| invalid_parameter("query"))?;
        Ok(parameter.project_id)
    }
}

impl ProjectSource for InPath {
    async fn project<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<ProjectId, ApiError> {
        let Path(parameters) = Path::<HashMap<String, String>>::from_request_parts(parts, state).await?;
        parameters
            .get(PARAMETER)
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| invalid_parameter("path"))
    }
}

fn invalid_parameter(place: &str) -> ApiError {
    ApiError::invalid_field(
        PARAMETER,
        format!("{place} parameter `{PARAMETER}` must be a project id"),
    )
}

/// A signed-in user who holds permission `P` in the project that the request names.
#[derive(Debug)]
pub struct ProjectMember<P, Source = InQuery> {
    /// The project: the tenant of everything that the handler does.
    pub project: ProjectId,
    /// Who.
    pub user: UserId,
    /// Which sign-in.
    pub session: SessionId,
    /// The user's role in the project's organisation.
    pub role: Role,
    marker: PhantomData<(P, Source)>,
}

impl<P, Source, S> FromRequestParts<S> for ProjectMember<P, Source>
where
    P: PermissionMarker,
    Source: ProjectSource,
    S: Send + Sync,
    Arc<dyn SessionResolver>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let SignedIn { user, session } = SignedIn::from_request_parts(parts, state).await?;
        let project = Source::project(parts, state).await?;
        let sessions = Arc::<dyn SessionResolver>::from_ref(state);
        let role = sessions
            .project_role(user, project)
            .await?
            .ok_or_else(not_found)?;
        if !role.permits(P::PERMISSION) {
            return Err(forbidden(role));
        }
        Ok(Self {
            project,
            user,
            session,
            role,
            marker: PhantomData,
        })
    }
}

fn not_found() -> ApiError {
    ApiError::new(
        ErrorKind::NotFound,
        "project_not_found",
        "there is no such project",
    )
}

pub(super) fn forbidden(role: Role) -> ApiError {
    let message = format!("your role `{role}` in this organization does not permit this");
    ApiError::new(ErrorKind::Forbidden, "permission_denied", message)
}

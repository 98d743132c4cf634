//! Creates a project in an organisation where the caller may.

use brokle_model::error::{Classify, ErrorKind};
use brokle_model::id::{OrganizationId, ProjectId, UserId};
use brokle_model::principal::{Permission, Role};
use brokle_storage::repo::{CreateProjectError as StoreError, Project, StorageError};

use crate::context::Context;
use crate::name::{InvalidName, Name};
use crate::slug;

/// The most projects of one organisation.
const PROJECTS_PER_ORGANIZATION_MAX: usize = 200;

/// Why no project was created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateProjectError {
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error("there is no such organization")]
    OrganizationNotFound,
    #[error("your role `{0}` in this organization does not permit creating projects")]
    Forbidden(Role),
    #[error("the organization has {PROJECTS_PER_ORGANIZATION_MAX} projects already")]
    LimitReached,
    #[error("no free address was found for the project; try another name")]
    SlugsTaken,
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Classify for CreateProjectError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Name(_) => ErrorKind::Invalid,
            Self::OrganizationNotFound => ErrorKind::NotFound,
            Self::Forbidden(_) => ErrorKind::Forbidden,
            Self::LimitReached | Self::SlugsTaken => ErrorKind::Conflict,
            Self::Storage(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Name(_) => "name_invalid",
            Self::OrganizationNotFound => "organization_not_found",
            Self::Forbidden(_) => "permission_denied",
            Self::LimitReached => "project_limit_reached",
            Self::SlugsTaken => "project_slug_taken",
            Self::Storage(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        matches!(self, Self::Name(_) | Self::SlugsTaken).then_some("name")
    }
}

pub(crate) async fn create(
    context: &Context,
    user: UserId,
    organization: OrganizationId,
    name: &str,
) -> Result<Project, CreateProjectError> {
    let name = Name::parse(name)?;
    let unit = context.store.begin().await?;
    let membership = unit.find_membership(user, organization).await?;
    let role = membership.ok_or(CreateProjectError::OrganizationNotFound)?.role;
    if !role.permits(Permission::ProjectsWrite) {
        return Err(CreateProjectError::Forbidden(role));
    }
    if unit.list_projects(user, Some(organization)).await?.len() >= PROJECTS_PER_ORGANIZATION_MAX {
        return Err(CreateProjectError::LimitReached);
    }
    let now = context.now();
    for slug in slug::candidates(name.as_str(), "project") {
        let id = ProjectId::generate(now);
        let project = Project {
            id,
            organization,
            name: name.as_str().to_owned(),
            slug,
            created_at: now,
        };
        match unit.create_project(&project).await {
            Ok(()) => {}
            Err(StoreError::SlugTaken) => continue,
            Err(StoreError::Storage(error)) => return Err(error.into()),
        }
        unit.commit().await?;
        return Ok(project);
    }
    Err(CreateProjectError::SlugsTaken)
}

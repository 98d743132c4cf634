//! Projects: the tenants of telemetry, each owned by an organisation.

use async_trait::async_trait;
use brokle_model::id::{OrganizationId, ProjectId, UserId};
use brokle_model::principal::Role;
use chrono::{DateTime, Utc};

use super::StorageError;

/// The most projects a list returns.
pub const PROJECTS_MAX: u32 = 1000;

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The id.
    pub id: ProjectId,
    /// The owner.
    pub organization: OrganizationId,
    /// As its members wrote it.
    pub name: String,
    /// Its part of dashboard addresses; unique within the organisation.
    pub slug: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

/// A project as a member of its organisation sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectMembership {
    /// The project.
    pub project: Project,
    /// The member's role in its organisation.
    pub role: Role,
}

/// Why a project was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateProjectError {
    /// Another project of the organisation has the slug.
    #[error("the project slug is taken")]
    SlugTaken,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Projects.
#[async_trait]
pub trait Projects {
    /// Adds a project to its organisation, which must exist.
    async fn create_project(&self, project: &Project) -> Result<(), CreateProjectError>;

    /// The projects that `user` may see, of one organisation or of all of theirs.
    async fn list_projects(
        &self,
        user: UserId,
        organization: Option<OrganizationId>,
    ) -> Result<Vec<Project>, StorageError>;

    /// The project, when `user` belongs to its organisation.
    async fn find_project(
        &self,
        user: UserId,
        project: ProjectId,
    ) -> Result<Option<ProjectMembership>, StorageError>;
}

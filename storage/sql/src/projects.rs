//! Projects. Whoever asks is joined in, so that another tenant's project is simply not there.

use async_trait::async_trait;
use brokle_model::id::{OrganizationId, ProjectId, UserId};
use brokle_storage::repo::{
    CreateProjectError, PROJECTS_MAX, Project, ProjectMembership, Projects, StorageError,
};

use crate::execute::{Execute, Row};
use crate::statement::{Statement, statements};
use crate::store::Sql;

statements! {
    CREATE_PROJECT = "
        INSERT INTO projects (id, organization_id, name, slug, created_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (organization_id, slug) DO NOTHING";
    LIST_PROJECTS = "
        SELECT p.id, p.organization_id, p.name, p.slug, p.created_at
        FROM organization_members AS m
        JOIN projects AS p ON p.organization_id = m.organization_id
        WHERE m.user_id = $1
        ORDER BY p.created_at, p.id
        LIMIT $2";
    LIST_PROJECTS_OF_ORGANIZATION = "
        SELECT p.id, p.organization_id, p.name, p.slug, p.created_at
        FROM organization_members AS m
        JOIN projects AS p ON p.organization_id = m.organization_id
        WHERE m.user_id = $1 AND m.organization_id = $2
        ORDER BY p.created_at, p.id
        LIMIT $3";
    FIND_PROJECT = "
        SELECT p.id, p.organization_id, p.name, p.slug, p.created_at, m.role
        FROM projects AS p
        JOIN organization_members AS m ON m.organization_id = p.organization_id
        WHERE m.user_id = $1 AND p.id = $2";
}

#[async_trait]
impl<E: Execute> Projects for Sql<E> {
    async fn create_project(&self, project: &Project) -> Result<(), CreateProjectError> {
        let statement = Statement::new(CREATE_PROJECT)
            .bind(project.id.to_string())
            .bind(project.organization.to_string())
            .bind(project.name.as_str())
            .bind(project.slug.as_str())
            .bind(project.created_at);
        match self.0.change(statement).await? {
            0 => Err(CreateProjectError::SlugTaken),
            _ => Ok(()),
        }
    }

    async fn list_projects(
        &self,
        user: UserId,
        organization: Option<OrganizationId>,
    ) -> Result<Vec<Project>, StorageError> {
        let statement = match organization {
            None => Statement::new(LIST_PROJECTS).bind(user.to_string()),
            Some(organization) => Statement::new(LIST_PROJECTS_OF_ORGANIZATION)
                .bind(user.to_string())
                .bind(organization.to_string()),
        };
        self.0
            .fetch(statement.bind(PROJECTS_MAX))
            .await?
            .iter()
            .map(read_project)
            .collect()
    }

    async fn find_project(
        &self,
        user: UserId,
        project: ProjectId,
    ) -> Result<Option<ProjectMembership>, StorageError> {
        let statement = Statement::new(FIND_PROJECT)
            .bind(user.to_string())
            .bind(project.to_string());
        let rows = self.0.fetch(statement).await?;
        rows.first()
            .map(|row| {
                Ok(ProjectMembership {
                    project: read_project(row)?,
                    role: row.parsed("role")?,
                })
            })
            .transpose()
    }
}

fn read_project(row: &Row) -> Result<Project, StorageError> {
    Ok(Project {
        id: row.parsed("id")?,
        organization: row.parsed("organization_id")?,
        name: row.text("name")?,
        slug: row.text("slug")?,
        created_at: row.time("created_at")?,
    })
}

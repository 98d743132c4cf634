//! `/api/v1/projects`

use axum::extract::State;
use brokle_http::permission::ProjectsRead;
use brokle_http::{ApiResult, Envelope, Failures, InPath, Json, ProjectMember, Query, SignedIn};
use brokle_model::id::{OrganizationId, ProjectId};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{create, get, list};
use crate::context::Context;

pub(crate) fn router() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(list_projects, create_project))
        .routes(routes!(get_project))
}

/// A project.
#[derive(Serialize, ToSchema)]
struct Project {
    #[schema(value_type = String)]
    id: ProjectId,
    name: String,
    /// The second segment of its dashboard addresses.
    slug: String,
    #[schema(value_type = String)]
    organization_id: OrganizationId,
    created_at: DateTime<Utc>,
}

/// Which projects.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListProjectsQuery {
    /// Only those of this organization.
    #[param(value_type = Option<String>)]
    organization_id: Option<OrganizationId>,
}

/// A new project.
#[derive(Deserialize, ToSchema)]
struct CreateProjectRequest {
    #[schema(value_type = String)]
    organization_id: OrganizationId,
    #[schema(example = "Chatbot")]
    name: String,
}

impl From<brokle_storage::repo::Project> for Project {
    fn from(project: brokle_storage::repo::Project) -> Self {
        Self {
            id: project.id,
            name: project.name,
            slug: project.slug,
            organization_id: project.organization,
            created_at: project.created_at,
        }
    }
}

/// Lists the projects that the caller may see.
#[utoipa::path(
    get, path = "/api/v1/projects", tag = "projects", security(("session" = [])),
    params(ListProjectsQuery),
    responses((status = 200, description = "Oldest first.", body = Envelope<Vec<Project>>), Failures),
)]
async fn list_projects(
    State(context): State<Context>,
    caller: SignedIn,
    Query(query): Query<ListProjectsQuery>,
) -> ApiResult<Envelope<Vec<Project>>> {
    let projects = list::list(&context, caller.user, query.organization_id).await?;
    Ok(Envelope::new(projects.into_iter().map(Project::from).collect()))
}

/// Creates a project. Needs the role admin or owner in its organization.
#[utoipa::path(
    post, path = "/api/v1/projects", tag = "projects", security(("session" = [])),
    request_body = CreateProjectRequest,
    responses((status = 201, description = "Created.", body = Envelope<Project>), Failures),
)]
async fn create_project(
    State(context): State<Context>,
    caller: SignedIn,
    Json(request): Json<CreateProjectRequest>,
) -> ApiResult<(StatusCode, Envelope<Project>)> {
    let project = create::create(&context, caller.user, request.organization_id, &request.name).await?;
    Ok(Envelope::created(project.into()))
}

/// Shows a project.
#[utoipa::path(
    get, path = "/api/v1/projects/{project_id}", tag = "projects", security(("session" = [])),
    params(("project_id" = String, Path, description = "The project.")),
    responses((status = 200, description = "The project.", body = Envelope<Project>), Failures),
)]
async fn get_project(
    State(context): State<Context>,
    member: ProjectMember<ProjectsRead, InPath>,
) -> ApiResult<Envelope<Project>> {
    let project = get::get(&context, member.user, member.project).await?;
    Ok(Envelope::new(project.into()))
}

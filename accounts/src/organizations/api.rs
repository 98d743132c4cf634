//! `/api/v1/organizations`

use axum::extract::State;
use brokle_http::{ApiResult, Envelope, Failures, Json, Path, SignedIn};
use brokle_model::id::OrganizationId;
use brokle_model::principal::Role;
use brokle_storage::repo::Membership;
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{create, get};
use crate::context::Context;
use crate::schema;

pub(crate) fn router() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(list_organizations, create_organization))
        .routes(routes!(get_organization))
}

/// An organization as the caller sees it.
#[derive(Serialize, ToSchema)]
struct Organization {
    #[schema(value_type = String)]
    id: OrganizationId,
    name: String,
    /// The first segment of its dashboard addresses.
    slug: String,
    /// The caller's role.
    #[schema(schema_with = schema::role)]
    role: Role,
    created_at: DateTime<Utc>,
}

/// A new organization.
#[derive(Deserialize, ToSchema)]
struct CreateOrganizationRequest {
    #[schema(example = "Acme")]
    name: String,
}

impl From<Membership> for Organization {
    fn from(Membership { organization, role }: Membership) -> Self {
        Self {
            id: organization.id,
            name: organization.name,
            slug: organization.slug,
            role,
            created_at: organization.created_at,
        }
    }
}

/// Lists the caller's organizations.
#[utoipa::path(
    get, path = "/api/v1/organizations", tag = "organizations", security(("session" = [])),
    responses((status = 200, description = "Oldest first.", body = Envelope<Vec<Organization>>), Failures),
)]
async fn list_organizations(
    State(context): State<Context>,
    caller: SignedIn,
) -> ApiResult<Envelope<Vec<Organization>>> {
    let memberships = context.store.list_memberships(caller.user).await?;
    Ok(Envelope::new(
        memberships.into_iter().map(Organization::from).collect(),
    ))
}

/// Creates an organization, owned by the caller.
#[utoipa::path(
    post, path = "/api/v1/organizations", tag = "organizations", security(("session" = [])),
    request_body = CreateOrganizationRequest,
    responses((status = 201, description = "Created.", body = Envelope<Organization>), Failures),
)]
async fn create_organization(
    State(context): State<Context>,
    caller: SignedIn,
    Json(request): Json<CreateOrganizationRequest>,
) -> ApiResult<(StatusCode, Envelope<Organization>)> {
    let membership = create::create(&context, caller.user, &request.name).await?;
    Ok(Envelope::created(membership.into()))
}

/// Shows an organization of the caller's.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization_id}", tag = "organizations", security(("session" = [])),
    params(("organization_id" = String, Path, description = "The organization.")),
    responses((status = 200, description = "The organization.", body = Envelope<Organization>), Failures),
)]
async fn get_organization(
    State(context): State<Context>,
    caller: SignedIn,
    Path(organization): Path<OrganizationId>,
) -> ApiResult<Envelope<Organization>> {
    let membership = get::get(&context, caller.user, organization).await?;
    Ok(Envelope::new(membership.into()))
}

//! Lists projects, of one organisation or of all that the caller belongs to.

use brokle_model::id::{OrganizationId, UserId};
use brokle_storage::repo::Project;

use crate::context::Context;
use crate::lookup::LookupError;
use crate::organizations::get;

pub(crate) async fn list(
    context: &Context,
    user: UserId,
    organization: Option<OrganizationId>,
) -> Result<Vec<Project>, LookupError> {
    if let Some(organization) = organization {
        get::get(context, user, organization).await?;
    }
    Ok(context.store.list_projects(user, organization).await?)
}

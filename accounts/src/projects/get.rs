//! Reads a project of an organisation that the caller belongs to.

use brokle_model::id::{ProjectId, UserId};
use brokle_storage::repo::Project;

use crate::context::Context;
use crate::lookup::{LookupError, Missing};

pub(crate) async fn get(context: &Context, user: UserId, project: ProjectId) -> Result<Project, LookupError> {
    let found = context.store.find_project(user, project).await?;
    Ok(found.ok_or(Missing::Project)?.project)
}

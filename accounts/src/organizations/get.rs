//! Reads an organisation that the caller belongs to.

use brokle_model::id::{OrganizationId, UserId};
use brokle_storage::repo::Membership;

use crate::context::Context;
use crate::lookup::{LookupError, Missing};

pub(crate) async fn get(
    context: &Context,
    user: UserId,
    organization: OrganizationId,
) -> Result<Membership, LookupError> {
    let found = context.store.find_membership(user, organization).await?;
    Ok(found.ok_or(Missing::Organization)?)
}

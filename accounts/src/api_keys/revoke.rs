//! Revokes an API key, for good.

use brokle_model::id::{ApiKeyId, ProjectId};

use crate::context::Context;
use crate::lookup::{LookupError, Missing};
use crate::notices::Changed;

pub(crate) async fn revoke(context: &Context, project: ProjectId, key: ApiKeyId) -> Result<(), LookupError> {
    let revoked = context.store.revoke_api_key(project, key, context.now()).await?;
    revoked.ok_or(Missing::ApiKey)?;
    context.changed(Changed::Keys).await;
    Ok(())
}

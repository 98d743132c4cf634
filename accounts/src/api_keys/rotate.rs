//! Gives a key a successor that may do the same. The old one goes on for as long as its users need to change over.

use std::time::Duration;

use brokle_model::api_key::ApiKey;
use brokle_model::id::{ApiKeyId, ProjectId, UserId};
use brokle_storage::repo::{ApiKeyChange, ApiKeyRecord};

use super::update::UpdateApiKeyError;
use crate::context::Context;
use crate::lookup::Missing;
use crate::notices::Changed;

/// The longest that an old key may go on.
pub(crate) const OVERLAP_MAX: Duration = Duration::from_hours(30 * 24);

pub(crate) async fn rotate(
    context: &Context,
    (project, key, user): (ProjectId, ApiKeyId, UserId),
    overlap: Duration,
) -> Result<(ApiKey, ApiKeyRecord), UpdateApiKeyError> {
    let now = context.now();
    let unit = context.store.begin().await?;
    let listed = unit.list_api_keys(project).await?;
    let old = listed
        .into_iter()
        .find(|known| known.id == key)
        .ok_or(Missing::ApiKey)?;
    let text = ApiKey::generate(project);
    let new = ApiKeyRecord {
        id: ApiKeyId::generate(now),
        preview: text.preview(),
        created_by: Some(user),
        created_at: now,
        last_used_at: None,
        ..old.clone()
    };
    unit.create_api_key(&new, text.hash()).await?;
    if overlap.is_zero() {
        unit.revoke_api_key(project, key, now)
            .await?
            .ok_or(Missing::ApiKey)?;
    } else {
        let ends_at = now + overlap.min(OVERLAP_MAX);
        let change = ApiKeyChange {
            name: old.name,
            models: old.models,
            disabled_at: old.disabled_at,
            // It never goes on for longer than it would have.
            expires_at: Some(
                old.expires_at
                    .map_or(ends_at, |expires_at| expires_at.min(ends_at)),
            ),
        };
        unit.change_api_key(project, key, &change)
            .await?
            .ok_or(Missing::ApiKey)?;
    }
    unit.commit().await?;
    context.changed(Changed::Keys).await;
    Ok((text, new))
}

//! Keeps a node up to date: by notices at once, and by looking every few seconds whether any was missed.

use std::collections::HashMap;
use std::time::Duration;

use brokle_model::id::OrganizationId;
use brokle_storage::repo::StorageError;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{Management, TOPIC, document};

/// Other nodes follow within five seconds, notices or not.
const PERIOD: Duration = Duration::from_secs(3);

/// How far each organisation's configuration has come here.
pub(super) type Known = HashMap<OrganizationId, String>;

pub(super) async fn run(management: &Management, stop: CancellationToken) {
    let mut known = Known::default();
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut notices = management.ports.notices.subscribe(TOPIC).await.ok();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            notice = async {
                match &mut notices {
                    Some(notices) => notices.next().await,
                    None => std::future::pending().await,
                }
            } => if notice.is_none() { notices = None },
            _ = ticks.tick() => if notices.is_none() {
                notices = management.ports.notices.subscribe(TOPIC).await.ok();
            },
        }
        if let Err(error) = catch_up(management, &mut known).await {
            tracing::warn!(%error, "the gateway's configuration cannot be read; what is in force stays");
        }
    }
}

/// Puts in force whatever has changed since `known`.
pub(super) async fn catch_up(management: &Management, known: &mut Known) -> Result<(), StorageError> {
    for revision in management.ports.store.list_gateway_revisions().await? {
        if known.get(&revision.organization) == Some(&revision.revision) {
            continue;
        }
        let entries = management
            .ports
            .store
            .list_gateway_entries(revision.organization)
            .await?;
        let applied = document::tenant(&entries, &*management.ports.sealer)
            .and_then(|config| Ok(management.gateway.set_tenant(revision.organization, config)?));
        if let Err(error) = applied {
            tracing::warn!(
                organization.id = %revision.organization,
                %error,
                "an organization's gateway configuration cannot be used here; what is in force stays"
            );
        }
        // Tried once for each change: it would fail the same way every few seconds.
        known.insert(revision.organization, revision.revision);
    }
    Ok(())
}

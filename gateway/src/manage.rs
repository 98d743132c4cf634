//! The gateway's configuration by organisation: kept in the relational store, edited by administrators, validated as
//! a whole before anything is kept, and followed by every node.
//!
//! A credential comes in with a provider, is sealed before it is stored, and never goes out again.

use std::sync::Arc;

use axum::extract::FromRef;
use brokle_model::clock::SharedClock;
use brokle_model::id::{OrganizationId, UserId};
use brokle_model::port::{Sealer, SessionResolver};
use brokle_storage::pubsub::PubSub;
use brokle_storage::repo::{
    GATEWAY_ENTRIES_MAX, GatewayEntry, GatewayEntryKind, GatewayRevision, Store, UnitOfWork,
};
use bytes::Bytes;
use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

use crate::Gateway;

mod api;
mod document;
mod error;
mod follow;

use document::Document;
use error::ManageError;

/// Where nodes tell each other that something has changed; the message is the organisation.
const TOPIC: &str = "gateway";

/// What managing needs.
pub struct ManagementPorts {
    /// Who is signed in, and their role.
    pub sessions: Arc<dyn SessionResolver>,
    /// Where the entries are kept.
    pub store: Arc<dyn Store>,
    /// Keeps credentials from who reads the store.
    pub sealer: Arc<dyn Sealer>,
    /// Between nodes.
    pub notices: Arc<dyn PubSub>,
    /// The time.
    pub clock: SharedClock,
}

/// Manages the configuration of a gateway. Cheap to clone.
#[derive(Clone)]
pub struct Management {
    gateway: Gateway,
    ports: Arc<ManagementPorts>,
}

impl FromRef<Management> for Arc<dyn SessionResolver> {
    fn from_ref(management: &Management) -> Self {
        Arc::clone(&management.ports.sessions)
    }
}

impl std::fmt::Debug for Management {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Management").finish_non_exhaustive()
    }
}

impl Management {
    /// Puts it together.
    pub fn new(gateway: Gateway, ports: ManagementPorts) -> Self {
        Self {
            gateway,
            ports: Arc::new(ports),
        }
    }

    /// The routes, with their descriptions.
    pub fn router(&self) -> OpenApiRouter {
        api::router().with_state(self.clone())
    }

    /// Follows what is configured, here and on other nodes, until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        follow::run(self, stop).await;
    }

    /// Reads what is configured once, so that a start serves every organisation's own from its first call.
    pub async fn load(&self) -> Result<(), brokle_storage::repo::StorageError> {
        follow::catch_up(self, &mut follow::Known::default()).await
    }

    /// Adds or replaces an entry, if all entries together are good with it.
    async fn put(
        &self,
        organization: OrganizationId,
        user: UserId,
        (kind, name): (GatewayEntryKind, String),
        document: Document,
    ) -> Result<GatewayEntry, ManageError> {
        let now = self.now();
        let unit = self.begin(organization).await?;
        let mut entries = unit.list_gateway_entries(organization).await?;
        let at = entries
            .iter()
            .position(|entry| entry.kind == kind && entry.name == name);
        let before = at.map(|at| entries.remove(at));
        if entries.len() >= GATEWAY_ENTRIES_MAX as usize {
            return Err(ManageError::TooMany);
        }
        let sealed = document.seal(&*self.ports.sealer, (organization, &name), before.as_ref())?;
        let entry = GatewayEntry {
            organization,
            kind,
            name,
            config: document.text(),
            sealed,
            created_at: before.map_or(now, |before| before.created_at),
            updated_at: now,
            updated_by: Some(user),
        };
        unit.put_gateway_entry(&entry).await?;
        entries.push(entry.clone());
        self.commit(organization, unit, &entries).await?;
        Ok(entry)
    }

    /// Removes an entry, if the others are good without it.
    async fn delete(
        &self,
        organization: OrganizationId,
        kind: GatewayEntryKind,
        name: &str,
    ) -> Result<(), ManageError> {
        let unit = self.begin(organization).await?;
        if !unit.delete_gateway_entry(organization, kind, name).await? {
            return Err(ManageError::NotFound(kind));
        }
        let entries = unit.list_gateway_entries(organization).await?;
        self.commit(organization, unit, &entries).await
    }

    /// Whoever edits the same organisation's entries waits here.
    async fn begin(&self, organization: OrganizationId) -> Result<Box<dyn UnitOfWork>, ManageError> {
        let unit = self.ports.store.begin().await?;
        let revision = GatewayRevision {
            organization,
            revision: format!("{:032x}", rand::random::<u128>()),
        };
        unit.change_gateway(&revision).await?;
        Ok(unit)
    }

    /// Checks everything, keeps it, puts it in force here, and tells the other nodes.
    async fn commit(
        &self,
        organization: OrganizationId,
        unit: Box<dyn UnitOfWork>,
        entries: &[GatewayEntry],
    ) -> Result<(), ManageError> {
        let config = document::tenant(entries, &*self.ports.sealer)?;
        self.gateway.check_tenant(organization, &config)?;
        unit.commit().await?;
        self.gateway.set_tenant(organization, config)?;
        let message = Bytes::from(organization.to_string());
        if let Err(error) = self.ports.notices.publish(TOPIC, message).await {
            tracing::warn!(%error, "other nodes could not be told of a change; they find it themselves");
        }
        Ok(())
    }

    /// The time as the store keeps it.
    fn now(&self) -> DateTime<Utc> {
        let now = self.ports.clock.now();
        now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now)
    }
}

//! The settings of every organisation that has some of its own, each swapped whole.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use brokle_model::id::OrganizationId;

use super::GatewaySettings;
use super::tenant::TenantConfig;
use crate::config::ConfigError;

/// By organisation.
#[derive(Debug, Default)]
pub(crate) struct Tenants {
    in_force: ArcSwap<HashMap<OrganizationId, Arc<GatewaySettings>>>,
    /// What they were made of: held while anything changes.
    made_of: Mutex<MadeOf>,
}

type MadeOf = HashMap<OrganizationId, TenantConfig>;

impl Tenants {
    /// The organisation's settings, when it has some.
    pub(crate) fn of(&self, organization: OrganizationId) -> Option<Arc<GatewaySettings>> {
        self.in_force.load().get(&organization).cloned()
    }

    /// Puts an organisation's configuration in force; one that is refused changes nothing.
    pub(crate) fn set(
        &self,
        organization: OrganizationId,
        config: TenantConfig,
        settings: &GatewaySettings,
    ) -> Result<(), ConfigError> {
        let mut made_of = self.made_of();
        let mut all = HashMap::clone(&self.in_force.load());
        if config.is_empty() {
            all.remove(&organization);
            made_of.remove(&organization);
        } else {
            let before = all.get(&organization).map(|settings| &**settings);
            let resolved = config.resolve(organization, settings, before)?;
            all.insert(organization, Arc::new(resolved));
            made_of.insert(organization, config);
        }
        self.in_force.store(Arc::new(all));
        Ok(())
    }

    /// The installation's own configuration has changed. An organisation whose own no longer fits keeps what it had.
    pub(crate) fn rebase(&self, settings: &GatewaySettings) {
        let made_of = self.made_of();
        let mut all = HashMap::clone(&self.in_force.load());
        for (organization, config) in &*made_of {
            let before = all.get(organization).map(|settings| &**settings);
            match config.resolve(*organization, settings, before) {
                Ok(resolved) => {
                    all.insert(*organization, Arc::new(resolved));
                }
                Err(error) => tracing::warn!(
                    organization.id = %organization,
                    %error,
                    "an organization's gateway configuration does not fit the new one; it keeps what it had"
                ),
            }
        }
        self.in_force.store(Arc::new(all));
    }

    fn made_of(&self) -> MutexGuard<'_, MadeOf> {
        self.made_of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! What every call of a gateway shares.

use std::sync::Arc;

use arc_swap::ArcSwap;
use brokle_model::clock::SharedClock;
use brokle_model::port::{KeyGrant, KeyResolver, QualitySource};
use brokle_model::price::PriceBook;
use tokio::sync::Semaphore;

use crate::api::body::Room;
use crate::api::models::Listing;
use crate::cache::ResponseCache;
use crate::metrics::Metrics;
use crate::quota::Quotas;
use crate::record::recorder::Recorder;
use crate::settings::GatewaySettings;
use crate::settings::tenants::Tenants;
use crate::upstream::Client;

pub(crate) struct Shared {
    /// Swapped whole on a reload.
    pub(crate) settings: ArcSwap<GatewaySettings>,
    /// Those of organisations that have their own.
    pub(crate) tenants: Tenants,
    pub(crate) client: Client,
    pub(crate) keys: Arc<dyn KeyResolver>,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) prices: Arc<PriceBook>,
    /// How good answers were.
    pub(crate) quality: Arc<dyn QualitySource>,
    pub(crate) clock: SharedClock,
    pub(crate) metrics: Arc<Metrics>,
    /// One permit per call in progress.
    pub(crate) slots: Arc<Semaphore>,
    /// One permit per copy of a call that runs for nobody to see the answer.
    pub(crate) shadows: Arc<Semaphore>,
    /// Room for the requests in memory.
    pub(crate) room: Room,
    /// The models that providers offer, kept for a minute.
    pub(crate) listing: Listing,
    /// Answers that may be given again.
    pub(crate) cache: Arc<ResponseCache>,
    /// How much may be used, and is.
    pub(crate) quotas: Quotas,
}

impl Shared {
    /// What is in force for the key's organisation.
    pub(crate) fn settings_of(&self, grant: &KeyGrant) -> Arc<GatewaySettings> {
        let own = self.tenants.of(grant.organization);
        own.unwrap_or_else(|| self.settings.load_full())
    }
}

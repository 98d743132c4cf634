//! What the verbs of this plane work with. Cheap to clone; each request gets one through axum's state.

use std::sync::Arc;

use axum::extract::FromRef;
use brokle_model::clock::SharedClock;
use brokle_model::port::SessionResolver;
use brokle_storage::limiter::RateLimiter;
use brokle_storage::pubsub::PubSub;
use brokle_storage::repo::Store;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use crate::api_keys::resolver::CachedKeys;
use crate::auth::resolver::CachedSessions;
use crate::config::Config;
use crate::password::Passwords;
use crate::rate_limit::Limits;
use crate::telemetry_settings::policies::Policies;
use crate::token::AccessTokens;

#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keys: Arc<CachedKeys>,
    pub(crate) sessions: Arc<CachedSessions>,
    pub(crate) policies: Arc<Policies>,
    pub(crate) passwords: Passwords,
    pub(crate) tokens: Arc<AccessTokens>,
    pub(crate) limits: Limits,
    pub(crate) notices: Arc<dyn PubSub>,
    pub(crate) config: Arc<Config>,
    clock: SharedClock,
}

impl Context {
    pub(crate) fn new(
        config: Config,
        store: Arc<dyn Store>,
        limiter: Arc<dyn RateLimiter>,
        notices: Arc<dyn PubSub>,
        clock: SharedClock,
    ) -> Self {
        let age_max = config.cache_age_max;
        let tokens = Arc::new(AccessTokens::new(
            &config.jwt_secret,
            config.access_ttl,
            Arc::clone(&clock),
        ));
        let keys = CachedKeys::new(Arc::clone(&store), Arc::clone(&clock), age_max);
        let sessions = CachedSessions::new(
            Arc::clone(&store),
            Arc::clone(&tokens),
            Arc::clone(&clock),
            age_max,
        );
        let policies = Policies::new(Arc::clone(&store), config.telemetry_defaults.clone());
        Self {
            keys: Arc::new(keys),
            sessions: Arc::new(sessions),
            policies: Arc::new(policies),
            passwords: Passwords::new(config.password_hashes_at_once),
            limits: Limits::new(limiter, &config),
            config: Arc::new(config),
            notices,
            store,
            tokens,
            clock,
        }
    }

    /// The time as the store keeps it, to the microsecond, so that what is answered is what is read back.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        let now = self.clock.now();
        now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now)
    }
}

impl FromRef<Context> for Arc<dyn SessionResolver> {
    fn from_ref(context: &Context) -> Self {
        Arc::clone(&context.sessions) as Self
    }
}

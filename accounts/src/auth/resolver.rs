//! Who is signed in, and their role in a project: the port that every dashboard route of every plane asks.
//! Both answers are cached for a few seconds. What is revoked on this node is forgotten here at once; on
//! other nodes when they hear of it, and for the cache's age at most.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use brokle_model::clock::SharedClock;
use brokle_model::id::{OrganizationId, ProjectId, SessionId, UserId};
use brokle_model::port::{AuthError, SessionResolver, UserSession};
use brokle_model::principal::Role;
use brokle_storage::repo::{Session, StorageError, Store};

use crate::cache::AgedCache;
use crate::token::AccessTokens;

const SESSIONS_MAX: u64 = 50_000;
const ROLES_MAX: u64 = 100_000;

pub(crate) struct CachedSessions {
    store: Arc<dyn Store>,
    tokens: Arc<AccessTokens>,
    clock: SharedClock,
    sessions: AgedCache<SessionId, Option<Session>>,
    roles: AgedCache<(UserId, ProjectId), Option<Role>>,
}

impl CachedSessions {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        tokens: Arc<AccessTokens>,
        clock: SharedClock,
        age_max: Duration,
    ) -> Self {
        let sessions = AgedCache::new(SESSIONS_MAX, age_max, Arc::clone(&clock));
        let roles = AgedCache::new(ROLES_MAX, age_max, Arc::clone(&clock));
        Self {
            store,
            tokens,
            clock,
            sessions,
            roles,
        }
    }

    /// To be called after a session was ended.
    pub(crate) fn forget_sessions(&self) {
        self.sessions.forget_all();
    }

    /// To be called after memberships have changed.
    pub(crate) fn forget_roles(&self) {
        self.roles.forget_all();
    }
}

#[async_trait]
impl SessionResolver for CachedSessions {
    async fn resolve(&self, access_token: &str) -> Result<UserSession, AuthError> {
        let claimed = self.tokens.check(access_token).ok_or(AuthError::Refused)?;
        let load = || self.store.find_session(claimed.session);
        let session = self
            .sessions
            .get_or_load(claimed.session, load)
            .await
            .map_err(unavailable)?;
        let now = self.clock.now();
        let good = session.is_some_and(|known| known.user == claimed.user && known.is_active(now));
        if good {
            Ok(claimed)
        } else {
            Err(AuthError::Refused)
        }
    }

    async fn organization_role(
        &self,
        user: UserId,
        organization: OrganizationId,
    ) -> Result<Option<Role>, AuthError> {
        // Asked by people who configure something: rare enough for the store, and never out of date.
        let found = self.store.find_membership(user, organization).await;
        let found = found.map_err(|error| AuthError::Unavailable(Box::new(error)))?;
        Ok(found.map(|membership| membership.role))
    }

    async fn project_role(&self, user: UserId, project: ProjectId) -> Result<Option<Role>, AuthError> {
        let load = async || {
            let found = self.store.find_project(user, project).await?;
            Ok::<_, StorageError>(found.map(|membership| membership.role))
        };
        self.roles
            .get_or_load((user, project), load)
            .await
            .map_err(unavailable)
    }
}

fn unavailable(error: Arc<StorageError>) -> AuthError {
    AuthError::Unavailable(Box::new(error))
}

//! Brokle's control plane: people, organisations, projects, API keys, and who may do what.
//!
//! One folder per resource. In it `api.rs` holds all handlers, thin; every other file is one verb with its
//! input, its error and its work. Verbs take the [`context::Context`] and plain values, never HTTP types.
//!
//! What other planes use of this one are two ports of `brokle-model`: [`Accounts::key_resolver`] tells what
//! an API key permits, [`Accounts::session_resolver`] who is signed in and what their role in a project is.
//!
//! Deliberately absent yet: invitations and member management, e-mail verification and password reset,
//! billing, audit. Roles are stored and enforced already, so none of these changes what exists.

mod api_keys;
mod auth;
mod cache;
mod config;
mod context;
mod cookie;
mod email;
mod lookup;
mod name;
mod notices;
mod organizations;
mod password;
mod projects;
mod rate_limit;
mod schema;
mod slug;
mod telemetry_settings;
mod token;
mod upkeep;
mod users;

use std::sync::Arc;

use brokle_model::clock::SharedClock;
use brokle_model::port::{KeyResolver, SessionResolver, TelemetryPolicies};
use brokle_storage::limiter::RateLimiter;
use brokle_storage::pubsub::PubSub;
use brokle_storage::repo::{StorageError, Store};
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

pub use config::{Config, ConfigError};
use context::Context;

/// The plane, ready to be served.
#[derive(Clone)]
pub struct Accounts {
    context: Context,
}

impl Accounts {
    /// Puts the plane together. `store` must have been migrated.
    pub fn new(
        config: Config,
        store: Arc<dyn Store>,
        limiter: Arc<dyn RateLimiter>,
        notices: Arc<dyn PubSub>,
        clock: SharedClock,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self {
            context: Context::new(config, store, limiter, notices, clock),
        })
    }

    /// The routes, with their descriptions.
    pub fn router(&self) -> OpenApiRouter {
        OpenApiRouter::new()
            .merge(auth::api::router())
            .merge(users::api::router())
            .merge(organizations::api::router())
            .merge(projects::api::router())
            .merge(api_keys::api::router())
            .merge(telemetry_settings::api::router())
            .with_state(self.context.clone())
    }

    /// Tells what an API key permits.
    pub fn key_resolver(&self) -> Arc<dyn KeyResolver> {
        Arc::clone(&self.context.keys) as Arc<dyn KeyResolver>
    }

    /// Tells who is signed in, and their role in a project.
    pub fn session_resolver(&self) -> Arc<dyn SessionResolver> {
        Arc::clone(&self.context.sessions) as Arc<dyn SessionResolver>
    }

    /// Tells what is in force for a project's telemetry, once [`Self::load_telemetry_settings`] has been called.
    pub fn telemetry_policies(&self) -> Arc<dyn TelemetryPolicies> {
        Arc::clone(&self.context.policies) as Arc<dyn TelemetryPolicies>
    }

    /// Reads what projects have set about their telemetry and has changed since; [`Self::run`] does so every
    /// few seconds.
    pub async fn load_telemetry_settings(&self) -> Result<(), StorageError> {
        self.context.policies.refresh().await
    }

    /// Does the work that no request waits for, until `stop`: hears what other nodes have changed, writes down
    /// when keys were used, removes ended sessions and looks for changed settings. The server runs it as one of
    /// its tasks and waits for it at the end.
    pub async fn run(&self, stop: CancellationToken) {
        tokio::join!(
            upkeep::run(&self.context, stop.clone()),
            notices::listen(&self.context, stop.clone()),
            self.context.policies.run(stop)
        );
    }

    /// Writes down at once which keys were used; [`Self::run`] does so every few seconds.
    pub async fn flush_key_uses(&self) {
        upkeep::flush_key_uses(&self.context).await;
    }
}

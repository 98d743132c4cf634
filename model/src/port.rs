//! The traits through which one plane uses another. `server` wires an implementation from the plane that
//! owns the matter into each plane that needs it; no plane names another.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::error::{Classify, ErrorKind};
use crate::id::{ApiKeyId, OrganizationId, ProjectId, SessionId, UserId};
use crate::principal::{Role, Scope};
use crate::telemetry::{Submission, SystemEvent};
use crate::telemetry_settings::EffectiveSettings;

/// What a good API key permits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyGrant {
    /// The key.
    pub key: ApiKeyId,
    /// The tenant of all that the key does.
    pub project: ProjectId,
    /// The project's owner.
    pub organization: OrganizationId,
    /// What it may be used for.
    pub scopes: BTreeSet<Scope>,
    /// Patterns of the models that it may use, in which `*` stands for any run of characters; every model when there
    /// are none.
    pub models: Arc<[String]>,
}

/// Why a credential was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Nothing was presented.
    #[error("no credential was sent: set the header `X-API-Key` or `Authorization: Bearer`")]
    Missing,
    /// Unknown, revoked, expired or malformed; which of them is nobody's business.
    #[error("the credential is not valid")]
    Refused,
    /// Good, but not for this.
    #[error("the credential lacks the `{}` scope", .0.as_str())]
    LacksScope(Scope),
    /// The check could not be made; nothing is let through meanwhile.
    #[error("credentials cannot be checked right now; try again")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Classify for AuthError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Missing | Self::Refused => ErrorKind::Unauthenticated,
            Self::LacksScope(_) => ErrorKind::Forbidden,
            Self::Unavailable(_) => ErrorKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Missing => "credential_missing",
            Self::Refused => "credential_invalid",
            Self::LacksScope(_) => "scope_missing",
            Self::Unavailable(_) => "auth_unavailable",
        }
    }
}

/// Resolves API keys. Implementations cache; a revoked key stops working within a second.
#[async_trait]
pub trait KeyResolver: Send + Sync + 'static {
    /// What the presented text permits.
    async fn resolve(&self, presented: &str) -> Result<Arc<KeyGrant>, AuthError>;
}

/// Resolves `presented` and demands `scope`.
pub async fn authorize_key(
    resolver: &dyn KeyResolver,
    presented: Option<&str>,
    scope: Scope,
) -> Result<Arc<KeyGrant>, AuthError> {
    let grant = resolver.resolve(presented.ok_or(AuthError::Missing)?).await?;
    if grant.scopes.contains(&scope) {
        Ok(grant)
    } else {
        Err(AuthError::LacksScope(scope))
    }
}

/// A signed-in user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserSession {
    /// Who.
    pub user: UserId,
    /// Which sign-in.
    pub session: SessionId,
}

/// Checks dashboard access tokens and project membership.
#[async_trait]
pub trait SessionResolver: Send + Sync + 'static {
    /// The user behind a Bearer access token.
    async fn resolve(&self, access_token: &str) -> Result<UserSession, AuthError>;

    /// The user's role in the organisation that owns `project`, or `None` when it is not theirs to see
    /// (or does not exist: the caller learns no difference).
    async fn project_role(&self, user: UserId, project: ProjectId) -> Result<Option<Role>, AuthError>;

    /// The user's role in the organisation, or `None` when it is not theirs to see. Nobody's, unless told otherwise.
    async fn organization_role(
        &self,
        _user: UserId,
        _organization: OrganizationId,
    ) -> Result<Option<Role>, AuthError> {
        Ok(None)
    }
}

/// Keeps a secret from whoever reads the store that it lies in.
pub trait Sealer: Send + Sync + 'static {
    /// Seals a secret for one purpose.
    fn seal(&self, purpose: &str, secret: &SecretString) -> Result<String, SealError>;

    /// Opens what was sealed for the same purpose.
    fn open(&self, purpose: &str, sealed: &str) -> Result<SecretString, SealError>;
}

/// Why a secret was not sealed or opened. Never says anything of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It could not be sealed.
    #[error("the credential could not be encrypted")]
    Seal,
    /// It was sealed under another key or for another purpose, or is damaged.
    #[error(
        "a stored credential cannot be decrypted: set BROKLE_ENCRYPTION_KEY to what it was, or send the credential again"
    )]
    Open,
}

/// The queue was full, or the log is closed: the submission was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the telemetry queue is full")]
pub struct SinkFull;

/// Takes telemetry that Brokle makes itself, in process. Never blocks and never waits for storage.
pub trait TelemetrySink: Send + Sync + 'static {
    /// Queues a validated body for the write-ahead log.
    fn submit(&self, submission: Submission) -> Result<(), SinkFull>;

    /// Queues an event that Brokle itself has to tell a project.
    fn tell(&self, event: SystemEvent) -> Result<(), SinkFull>;
}

/// How good a model's answers were, as quality scores say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    /// The mean of the scores, from 0 to 1.
    pub mean: f64,
    /// How many answers were scored.
    pub answers: u64,
}

/// Tells how good the answers of a provider's model were. Asked for calls, so answered from memory, and never waited
/// for: nothing, when nothing recent is known.
pub trait QualitySource: Send + Sync + 'static {
    /// Of a project's calls to this model at this provider, by the names of the gateway's configuration.
    fn of(&self, project: ProjectId, provider: &str, model: &str) -> Option<Quality>;
}

/// Nothing is known.
impl QualitySource for () {
    fn of(&self, _: ProjectId, _: &str, _: &str) -> Option<Quality> {
        None
    }
}

/// What projects have set was never read: nothing may be taken from them before it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the projects' telemetry settings are not known yet; try again")]
pub struct SettingsUnknown;

impl Classify for SettingsUnknown {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Unavailable
    }

    fn code(&self) -> &'static str {
        "telemetry_settings_unknown"
    }
}

/// Tells what is in force for a project's telemetry. Asked for every request, so answered from memory; a
/// change is in force within a second on the node where it was made, and within five on others.
pub trait TelemetryPolicies: Send + Sync + 'static {
    /// What is in force now. The same value is the same allocation until something changes.
    fn of(&self, project: ProjectId) -> Result<Arc<EffectiveSettings>, SettingsUnknown>;
}

/// The same settings for every project.
impl TelemetryPolicies for Arc<EffectiveSettings> {
    fn of(&self, _: ProjectId) -> Result<Arc<EffectiveSettings>, SettingsUnknown> {
        Ok(Self::clone(self))
    }
}

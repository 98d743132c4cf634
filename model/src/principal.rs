//! Who calls, and what that permits. Pure tables: a handler names the permission that it needs, and the
//! extractor that it takes asks here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an API key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Send telemetry.
    Ingest,
    /// Call models through the gateway.
    Gateway,
    /// Read telemetry back.
    Read,
}

impl Scope {
    /// Every scope, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Ingest, Self::Gateway, Self::Read];

    /// The word used in the API and in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Gateway => "gateway",
            Self::Read => "read",
        }
    }
}

/// A word that names no scope or role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not a {kind}; expected one of {expected}")]
pub struct UnknownWord {
    kind: &'static str,
    word: String,
    expected: &'static str,
}

impl FromStr for Scope {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == word)
            .ok_or_else(|| UnknownWord {
                kind: "scope",
                word: word.to_owned(),
                expected: "ingest, gateway, read",
            })
    }
}

/// A member's role in an organisation. Ordered: a greater role permits all that a lesser one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads everything in the organisation's projects.
    Viewer,
    /// Creates API keys and changes projects.
    Developer,
    /// Manages members and settings.
    Admin,
    /// Owns the organisation: billing, deletion.
    Owner,
}

impl Role {
    /// Every role, least first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Developer, Self::Admin, Self::Owner];

    /// The word used in the API and in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Developer => "developer",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// Whether the role includes `permission`.
    pub fn permits(self, permission: Permission) -> bool {
        self >= permission.least_role()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == word)
            .ok_or_else(|| UnknownWord {
                kind: "role",
                word: word.to_owned(),
                expected: "owner, admin, developer, viewer",
            })
    }
}

/// Something a member may do, named `resource:action` in the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// `traces:read`
    TracesRead,
    /// `projects:read`
    ProjectsRead,
    /// `projects:write`
    ProjectsWrite,
    /// `api-keys:read`
    ApiKeysRead,
    /// `api-keys:write`
    ApiKeysWrite,
    /// `gateway:read`
    GatewayRead,
    /// `gateway:write`
    GatewayWrite,
}

impl Permission {
    /// The least role that includes this permission.
    pub const fn least_role(self) -> Role {
        match self {
            Self::TracesRead | Self::ProjectsRead | Self::ApiKeysRead | Self::GatewayRead => Role::Viewer,
            Self::ApiKeysWrite => Role::Developer,
            Self::ProjectsWrite | Self::GatewayWrite => Role::Admin,
        }
    }
}

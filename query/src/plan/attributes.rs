//! Which attributes there are: a list to choose from while a filter is typed.

use brokle_model::id::ProjectId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::TimeRange;

/// Keys or values listed when the caller does not say.
pub const ATTRIBUTES_DEFAULT: usize = 50;
/// The most keys or values listed.
pub const ATTRIBUTES_MAX: usize = 500;

/// What carries an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttributeScope {
    /// The observation.
    Attribute,
    /// What produced it.
    Resource,
    /// What a caller attached to it.
    Metadata,
}

impl AttributeScope {
    /// The word in storage and in the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Attribute => "attribute",
            Self::Resource => "resource",
            Self::Metadata => "metadata",
        }
    }
}

/// The keys of a project's attributes, or the values of one key.
#[derive(Debug, Clone)]
pub struct Attributes {
    /// Whose.
    pub project: ProjectId,
    /// Whole quarters of an hour.
    pub range: TimeRange,
    /// Only of this scope.
    pub scope: Option<AttributeScope>,
    /// Values of this key; keys, if absent.
    pub key: Option<String>,
    /// Only what contains this text, in upper or lower case.
    pub text: Option<String>,
    /// How many.
    pub limit: usize,
}

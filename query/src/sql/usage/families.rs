//! By what figures are kept apart: the groups of columns in `usage_15m`.

use super::measures::Measure;
use crate::plan::Dimension;

impl Dimension {
    /// Its column, in the roll-up and in rows that were read raw.
    pub(crate) const fn column(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Type => "type",
            Self::Name => "name",
            Self::Service => "service_name",
            Self::Status => "status_code",
            Self::User => "user_id",
            Self::Session => "session_id",
        }
    }
}

/// A group of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Kinds,
    Names,
    Users,
    Sessions,
}

impl Family {
    pub(super) const ALL: [Self; 4] = [Self::Kinds, Self::Names, Self::Users, Self::Sessions];

    /// The smallest one that keeps all of these apart.
    pub(crate) fn keeping_apart(dimensions: &[Dimension]) -> Option<Self> {
        Self::ALL.into_iter().find(|family| {
            dimensions
                .iter()
                .all(|dimension| family.dimensions().contains(dimension))
        })
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Kinds => "kinds",
            Self::Names => "names",
            Self::Users => "users",
            Self::Sessions => "sessions",
        }
    }

    pub(super) const fn dimensions(self) -> &'static [Dimension] {
        use Dimension::{Environment, Model, Name, Provider, Service, Session, Status, Type, User};
        match self {
            Self::Kinds => &[Environment, Provider, Model, Type],
            Self::Names => &[Environment, Service, Name, Status],
            Self::Users => &[Environment, User],
            Self::Sessions => &[Environment, Session, User],
        }
    }

    /// A dimension's value in a row of [`super::observed`]. The environment of a call is its own, if it
    /// names one; that of a trace, and of what is counted by traces, is its entry's.
    pub(super) const fn of_observation(self, dimension: Dimension) -> &'static str {
        match (self, dimension) {
            (Self::Kinds, Dimension::Environment) => "own_environment",
            (_, Dimension::Environment) => "trace_environment",
            (_, Dimension::Name) => "trace_name",
            (_, Dimension::Service) => "trace_service_name",
            (_, Dimension::Status) => "trace_status_code",
            (_, other) => other.column(),
        }
    }

    /// The columns of the table, dimensions first.
    pub(super) fn columns(self) -> impl Iterator<Item = &'static str> {
        let dimensions = self.dimensions().iter().map(|dimension| dimension.column());
        dimensions.chain(Measure::ALL.map(Measure::column))
    }
}

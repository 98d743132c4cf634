//! Typed identifiers. Ours are ULIDs (26 characters, sortable by creation time); trace and span ids are
//! OpenTelemetry's, 16 and 8 bytes, printed as lower-case hex.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use ulid::Ulid;

/// A text that is not an identifier of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {kind}")]
pub struct InvalidId {
    kind: &'static str,
    text: String,
}

macro_rules! ulid_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Ulid);

        impl $name {
            /// Makes a new id that sorts by `now`.
            pub fn generate(now: DateTime<Utc>) -> Self {
                let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
                Self(Ulid::from_parts(millis, rand::random::<u128>()))
            }

            /// The id as a number, for compact storage.
            pub const fn as_u128(self) -> u128 {
                self.0.0
            }

            /// The id that [`Self::as_u128`] gave.
            pub const fn from_u128(value: u128) -> Self {
                Self(Ulid(value))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Ulid::from_string(text)
                    .map(Self)
                    .map_err(|_| InvalidId { kind: $kind, text: text.chars().take(64).collect() })
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    };
}

ulid_id!(
    /// An organisation: the billing and membership boundary.
    OrganizationId, "organization id"
);
ulid_id!(
    /// A project: the tenant of all telemetry. Every row and every query carries one.
    ProjectId, "project id"
);
ulid_id!(
    /// A person.
    UserId, "user id"
);
ulid_id!(
    /// An API key's own id. Not a secret.
    ApiKeyId, "API key id"
);
ulid_id!(
    /// One sign-in of a user: a family of refresh tokens.
    SessionId, "session id"
);

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// The id with these bytes. All zeroes means "none" in OTLP.
            pub const fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// Makes a random id.
            pub fn generate() -> Self {
                Self(rand::random())
            }

            /// The bytes, in the order in which they are printed.
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }

            /// Whether the id is OTLP's "none".
            pub fn is_zero(&self) -> bool {
                self.0 == [0; $bytes]
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, formatter)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let mut bytes = [0; $bytes];
                hex::decode_to_slice(text, &mut bytes)
                    .map_err(|_| InvalidId { kind: $kind, text: text.chars().take(64).collect() })?;
                Ok(Self(bytes))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    };
}

hex_id!(
    /// An OpenTelemetry trace id.
    TraceId, 16, "trace id"
);
hex_id!(
    /// An OpenTelemetry span id; Brokle calls the span an observation.
    SpanId, 8, "span id"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_printing_and_parsing() {
        let project = ProjectId::generate(DateTime::UNIX_EPOCH);
        assert_eq!(project.to_string().len(), 26);
        assert_eq!(project.to_string().parse::<ProjectId>(), Ok(project));
        assert_eq!(ProjectId::from_u128(project.as_u128()), project);
        let trace = TraceId::from_bytes(*b"0123456789abcdef");
        assert_eq!(trace.to_string(), "30313233343536373839616263646566");
        assert_eq!(trace.to_string().to_uppercase().parse::<TraceId>(), Ok(trace));
    }

    #[test]
    fn a_text_of_the_wrong_kind_is_refused_and_named() {
        let error = "not-a-project".parse::<ProjectId>().unwrap_err();
        assert_eq!(error.to_string(), "`not-a-project` is not a valid project id");
        assert!("3031".parse::<SpanId>().is_err());
    }
}

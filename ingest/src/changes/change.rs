//! One change, and its form in the write-ahead log: JSON with a version, several changes to a record when they
//! came in one request.

use std::collections::BTreeMap;
use std::fmt;

use brokle_model::id::TraceId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The form that is written. Older ones stay readable.
const FORM: u32 = 1;

/// What a change is about. The words are on disk: never change one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entity {
    /// A trace: what is said of it as a whole.
    Trace,
    /// An observation.
    Observation,
    /// A quality score.
    Score,
    /// A business or system event. Created only.
    Event,
}

impl Entity {
    /// Its word, as on disk.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Observation => "observation",
            Self::Score => "score",
            Self::Event => "event",
        }
    }
}

/// What a change does. The words are on disk, and a later verb's word stands over an earlier one's: see
/// [`super::fold`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Says that the entity exists, and where.
    Create,
    /// Changes some fields.
    Update,
    /// Changes some fields when the work has ended.
    Complete,
    /// Ends the entity for good.
    Delete,
}

impl Verb {
    /// Its word, as on disk.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Complete => "complete",
            Self::Delete => "delete",
        }
    }

    /// The verb with this word.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        [Self::Create, Self::Update, Self::Complete, Self::Delete]
            .into_iter()
            .find(|verb| verb.as_str() == word)
    }

    /// A create's word yields to any later one's, however late the create arrives: so a create that is sent
    /// again, or overtaken, undoes nothing.
    pub(super) const fn rank(self) -> u8 {
        match self {
            Self::Create => 0,
            Self::Update | Self::Complete | Self::Delete => 1,
        }
    }
}

/// Tells changes apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChangeId(u128);

impl ChangeId {
    /// A new one, which sorts by `now`.
    pub fn generate(now: DateTime<Utc>) -> Self {
        let millis = u128::try_from(now.timestamp_millis()).unwrap_or(0);
        Self(millis << 80 | rand::random::<u128>() >> 48)
    }

    /// The one that follows from what the caller says that the request is.
    pub fn derived(project: &str, idempotency_key: &str, index: usize) -> Self {
        let text = format!("{project}\0{index}\0{idempotency_key}");
        let digest: [u8; 32] = Sha256::digest(text).into();
        Self(
            digest
                .iter()
                .take(16)
                .fold(0, |id, byte| id << 8 | u128::from(*byte)),
        )
    }

    /// The id with this number.
    pub const fn from_u128(number: u128) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn as_u128(self) -> u128 {
        self.0
    }
}

impl fmt::Display for ChangeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

impl fmt::Debug for ChangeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl From<ChangeId> for String {
    fn from(id: ChangeId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for ChangeId {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u128::from_str_radix(&text, 16).map(Self)
    }
}

/// A checked change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Tells it from all others; the same when a caller says that it is the same.
    pub id: ChangeId,
    /// What it is about.
    pub entity: Entity,
    /// Which one: see [`super::identity`].
    pub key: String,
    /// What it does.
    pub verb: Verb,
    /// When, nanoseconds since 1970: the caller's word, else the time of arrival.
    pub at_ns: i64,
    /// The trace that the entity is, or is created in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceId>,
    /// When the entity begins, nanoseconds since 1970. Only a create says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_ns: Option<i64>,
    /// The fields that it sets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Value>,
}

/// A change as it was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The change.
    pub change: Change,
    /// When it was accepted, nanoseconds since 1970.
    pub received_ns: i64,
}

#[derive(Serialize, Deserialize)]
struct Record {
    form: u32,
    changes: Vec<Change>,
}

/// Why a record is not one of changes.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRecord {
    /// Not the JSON that it should be.
    #[error("a record of changes cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// Written by a later release.
    #[error("a record of changes has form {0}, which this release does not know")]
    Form(u32),
}

/// The body of a record in the log.
pub fn encode(changes: Vec<Change>) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Record { form: FORM, changes })
}

/// The changes of a record in the log.
pub fn decode(body: &[u8]) -> Result<Vec<Change>, InvalidRecord> {
    let record: Record = serde_json::from_slice(body)?;
    match record.form {
        FORM => Ok(record.changes),
        other => Err(InvalidRecord::Form(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back_as_written_and_an_unknown_form_is_named() {
        let change = Change {
            id: ChangeId::derived("p", "key", 0),
            entity: Entity::Observation,
            key: "00f067aa0ba902b7".to_owned(),
            verb: Verb::Create,
            at_ns: 7,
            trace: Some(TraceId::from_bytes([3; 16])),
            start_ns: Some(5),
            fields: [("name".to_owned(), Value::from("call"))].into(),
        };
        let body = encode(vec![change.clone()]).unwrap();
        assert_eq!(decode(&body).unwrap(), [change]);
        let error = decode(br#"{"form":9,"changes":[]}"#).unwrap_err();
        assert!(error.to_string().contains("form 9"), "{error}");
        assert!(decode(b"[]").is_err());
    }

    #[test]
    fn ids_sort_by_time_and_one_that_is_derived_is_the_same_each_time() {
        let early = ChangeId::generate(DateTime::from_timestamp_millis(1_000).unwrap());
        let late = ChangeId::generate(DateTime::from_timestamp_millis(1_001).unwrap());
        assert!(early < late);
        assert_eq!(ChangeId::try_from(early.to_string()), Ok(early));
        assert_eq!(ChangeId::derived("p", "k", 1), ChangeId::derived("p", "k", 1));
        assert_ne!(ChangeId::derived("p", "k", 1), ChangeId::derived("q", "k", 1));
        assert_ne!(ChangeId::derived("p", "k", 1), ChangeId::derived("p", "k", 2));
    }
}

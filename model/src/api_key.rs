//! The API key, `bk_proj_{project_id}_{secret}`: a 26-character ULID and 32 characters from a
//! cryptographic source. Only the SHA-256 of the whole text is ever stored: with 190 bits of entropy in
//! the secret a slow hash would add nothing but latency. Some SDKs insist on a second form, `bk_` and 40 letters or
//! digits: it is issued on request, and does not name its project.

use rand::RngExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::id::ProjectId;

const PREFIX: &str = "bk_proj_";
const SECRET_CHARS: usize = 32;
const SHORT_PREFIX: &str = "bk_";
const SHORT_SECRET_CHARS: usize = 40;
const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The SHA-256 of a full key, which identifies it in storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ApiKeyHash(pub [u8; 32]);

impl ApiKeyHash {
    /// Hashes the text that a caller presented, whatever its form.
    pub fn of(presented: &str) -> Self {
        Self(Sha256::digest(presented.as_bytes()).into())
    }

    /// Lower-case hex, as stored.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }
}

/// A full key in memory. Its `Debug` shows the preview only, and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    text: String,
}

/// How a new key is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyFormat {
    /// `bk_proj_{project_id}_{secret}`
    #[default]
    Project,
    /// `bk_` and 40 letters or digits.
    Short,
}

/// A text that is not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an API key: expected `bk_proj_`, a project id, `_` and 32 letters or digits, or `bk_` and 40 letters or digits"
)]
pub struct MalformedApiKey;

impl ApiKey {
    /// Makes a new key for `project`.
    pub fn generate(project: ProjectId) -> Self {
        Self::generate_as(KeyFormat::Project, project)
    }

    /// Makes a new key for `project`, written as asked.
    pub fn generate_as(format: KeyFormat, project: ProjectId) -> Self {
        let text = match format {
            KeyFormat::Project => format!("{PREFIX}{project}_{}", secret(SECRET_CHARS)),
            KeyFormat::Short => format!("{SHORT_PREFIX}{}", secret(SHORT_SECRET_CHARS)),
        };
        Self { text }
    }

    /// Reads a presented key. A well-formed key is not yet a good one: its hash must be known.
    pub fn parse(text: &str) -> Result<Self, MalformedApiKey> {
        let is_secret = |secret: &str, chars| {
            secret.len() == chars && secret.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let well_formed = match text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')) {
            Some((project, secret)) => {
                project.parse::<ProjectId>().is_ok() && is_secret(secret, SECRET_CHARS)
            }
            None => text
                .strip_prefix(SHORT_PREFIX)
                .is_some_and(|secret| is_secret(secret, SHORT_SECRET_CHARS)),
        };
        if well_formed {
            Ok(Self {
                text: text.to_owned(),
            })
        } else {
            Err(MalformedApiKey)
        }
    }

    /// The full secret text: shown once at creation, never stored or logged.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// What identifies the key in storage.
    pub fn hash(&self) -> ApiKeyHash {
        ApiKeyHash::of(&self.text)
    }

    /// `bk_proj_01ABCD...WXYZ`, or `bk_Ab12...WXYZ`: enough to recognise a key, too little to use it.
    pub fn preview(&self) -> String {
        let shown = if self.text.starts_with(PREFIX) {
            PREFIX.len() + 6
        } else {
            SHORT_PREFIX.len() + 4
        };
        let head = &self.text[..shown];
        let tail = &self.text[self.text.len() - 4..];
        format!("{head}...{tail}")
    }
}

fn secret(chars: usize) -> String {
    let mut random = rand::rng();
    (0..chars)
        .map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())]))
        .collect()
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("ApiKey").field(&self.preview()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_has_the_documented_form() {
        let project = ProjectId::from_u128(7);
        let key = ApiKey::generate(project);
        assert_eq!(key.reveal().len(), 8 + 26 + 1 + 32);
        let parsed = ApiKey::parse(key.reveal()).unwrap();
        assert_eq!(parsed.hash(), key.hash());
        assert_ne!(ApiKey::generate(project).hash(), key.hash());
    }

    #[test]
    fn the_short_form_is_forty_letters_or_digits() {
        let project = ProjectId::from_u128(7);
        let key = ApiKey::generate_as(KeyFormat::Short, project);
        assert_eq!(key.reveal().len(), 3 + 40);
        assert!(key.reveal()[3..].bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(ApiKey::parse(key.reveal()).unwrap().hash(), key.hash());
        assert_eq!(key.preview().len(), 7 + 3 + 4);
    }

    #[test]
    fn preview_and_debug_hide_the_secret() {
        let key = ApiKey::generate(ProjectId::from_u128(1));
        let secret = &key.reveal()[8 + 26 + 1..];
        assert!(!format!("{key:?}").contains(&secret[..28]));
        assert!(!key.preview().contains(&secret[..28]));
    }

    #[test]
    fn texts_of_other_forms_are_refused() {
        for text in [
            "",
            "bk_proj_",
            "sk-123",
            "bk_proj_01ABC_short",
            "bk_proj__",
            "bk_",
            "bk_abc",
            "bk_012345678901234567890123456789012345678!",
            "bk_proj_01ABCDEFGHJKMNPQRSTVWXYZ00_!bcdefghijklmnopqrstuvwxyz0123ABC",
        ] {
            assert_eq!(ApiKey::parse(text), Err(MalformedApiKey), "{text}");
        }
    }
}

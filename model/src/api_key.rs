//! The API key, `bk_proj_{project_id}_{secret}`: a 26-character ULID and 32 characters from a
//! cryptographic source. Only the SHA-256 of the whole text is ever stored: with 190 bits of entropy in
//! the secret a slow hash would add nothing but latency. The second, shorter format that some SDKs insist
//! on is deliberately absent until a later change needs it.

use rand::RngExt;
use sha2::{Digest, Sha256};

use crate::id::ProjectId;

const PREFIX: &str = "bk_proj_";
const SECRET_CHARS: usize = 32;
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
    project: ProjectId,
    text: String,
}

/// A text that is not a key of the `bk_proj_` form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an API key: expected `bk_proj_`, a project id, `_` and 32 letters or digits")]
pub struct MalformedApiKey;

impl ApiKey {
    /// Makes a new key for `project`.
    pub fn generate(project: ProjectId) -> Self {
        let mut random = rand::rng();
        let secret: String = (0..SECRET_CHARS)
            .map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())]))
            .collect();
        Self {
            project,
            text: format!("{PREFIX}{project}_{secret}"),
        }
    }

    /// Reads a presented key. A well-formed key is not yet a good one: its hash must be known.
    pub fn parse(text: &str) -> Result<Self, MalformedApiKey> {
        let (project, secret) = text
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split_once('_'))
            .ok_or(MalformedApiKey)?;
        let well_formed =
            secret.len() == SECRET_CHARS && secret.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let project = project.parse().map_err(|_| MalformedApiKey)?;
        if well_formed {
            Ok(Self {
                project,
                text: text.to_owned(),
            })
        } else {
            Err(MalformedApiKey)
        }
    }

    /// The project that the key names.
    pub fn project(&self) -> ProjectId {
        self.project
    }

    /// The full secret text: shown once at creation, never stored or logged.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// What identifies the key in storage.
    pub fn hash(&self) -> ApiKeyHash {
        ApiKeyHash::of(&self.text)
    }

    /// `bk_proj_01ABCD...WXYZ`: enough to recognise a key, too little to use it.
    pub fn preview(&self) -> String {
        let head = &self.text[..PREFIX.len() + 6];
        let tail = &self.text[self.text.len() - 4..];
        format!("{head}...{tail}")
    }
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
        assert_eq!(parsed.project(), project);
        assert_eq!(parsed.hash(), key.hash());
        assert_ne!(ApiKey::generate(project).hash(), key.hash());
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
            "bk_proj_01ABCDEFGHJKMNPQRSTVWXYZ00_!bcdefghijklmnopqrstuvwxyz0123ABC",
        ] {
            assert_eq!(ApiKey::parse(text), Err(MalformedApiKey), "{text}");
        }
    }
}

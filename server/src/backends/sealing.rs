//! Keeps credentials from whoever reads the store: AES-256-GCM under `BROKLE_ENCRYPTION_KEY`, or under a key that is
//! made once and kept in the data directory.
//!
//! A sealed text is `v1.` and, in Base64, a random nonce and the ciphertext with its tag. What it is for is
//! authenticated with it, so that nobody can move it to where it would be sent elsewhere.

use std::path::Path;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use brokle_model::port::{SealError, Sealer};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use secrecy::{ExposeSecret as _, SecretString};

use super::secrets::made_once;

const FILE: &str = "encryption-key";
const VERSION: &str = "v1.";
const KEY_BYTES: usize = 32;

/// Seals with one key.
pub(crate) struct AesSealer(LessSafeKey);

impl AesSealer {
    /// With the configured key, or the data directory's own.
    pub(crate) fn open(configured: Option<&SecretString>, data_dir: &Path) -> anyhow::Result<Self> {
        match configured {
            Some(key) => Self::with_key(key),
            None => Self::with_key(&made_once(data_dir, FILE)?).context("the key in the data directory"),
        }
    }

    /// 32 bytes, in hexadecimal or Base64. Never says what was given.
    pub(crate) fn with_key(text: &SecretString) -> anyhow::Result<Self> {
        let text = text.expose_secret().trim();
        let bytes = hex::decode(text).ok().filter(|bytes| bytes.len() == KEY_BYTES);
        let bytes = bytes.or_else(|| BASE64.decode(text).ok()).unwrap_or_default();
        ensure!(
            bytes.len() == KEY_BYTES,
            "must be {KEY_BYTES} bytes in hexadecimal or Base64; `openssl rand -hex {KEY_BYTES}` makes some"
        );
        let key = UnboundKey::new(&AES_256_GCM, &bytes)
            .ok()
            .context("the key cannot be used")?;
        Ok(Self(LessSafeKey::new(key)))
    }
}

impl Sealer for AesSealer {
    fn seal(&self, purpose: &str, secret: &SecretString) -> Result<String, SealError> {
        let nonce = rand::random::<[u8; NONCE_LEN]>();
        let mut text = secret.expose_secret().as_bytes().to_vec();
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(purpose), &mut text)
            .map_err(|_| SealError::Seal)?;
        let mut whole = nonce.to_vec();
        whole.append(&mut text);
        Ok(format!("{VERSION}{}", BASE64.encode(whole)))
    }

    fn open(&self, purpose: &str, sealed: &str) -> Result<SecretString, SealError> {
        let encoded = sealed.strip_prefix(VERSION).ok_or(SealError::Open)?;
        let whole = BASE64.decode(encoded).map_err(|_| SealError::Open)?;
        let (nonce, text) = whole.split_at_checked(NONCE_LEN).ok_or(SealError::Open)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Open)?;
        let mut text = text.to_vec();
        let opened = self.0.open_in_place(nonce, Aad::from(purpose), &mut text);
        let opened = opened.map_err(|_| SealError::Open)?;
        let opened = std::str::from_utf8(opened).map_err(|_| SealError::Open)?;
        Ok(SecretString::from(opened))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(character: char) -> AesSealer {
        let key = character.to_string().repeat(64);
        AesSealer::with_key(&key.into()).unwrap()
    }

    #[test]
    fn a_sealed_text_opens_with_its_key_for_its_purpose_and_not_otherwise() {
        let secret = SecretString::from("sk-secret");
        let sealed = sealer('a').seal("org/one", &secret).unwrap();
        assert!(!sealed.contains("secret"));
        assert_ne!(
            sealed,
            sealer('a').seal("org/one", &secret).unwrap(),
            "another nonce each time"
        );
        assert_eq!(
            sealer('a').open("org/one", &sealed).unwrap().expose_secret(),
            "sk-secret"
        );
        assert!(sealer('a').open("org/two", &sealed).is_err());
        assert!(sealer('b').open("org/one", &sealed).is_err());
        assert!(sealer('a').open("org/one", "v1.AAAA").is_err());
        assert!(sealer('a').open("org/one", "plain").is_err());
    }

    #[test]
    fn a_key_is_thirty_two_bytes_in_either_form_and_is_never_repeated() {
        assert!(AesSealer::with_key(&BASE64.encode([7; 32]).into()).is_ok());
        let refused = AesSealer::with_key(&"hunter2".into()).err().unwrap().to_string();
        assert!(
            !refused.contains("hunter2") && refused.contains("openssl"),
            "{refused}"
        );
    }
}

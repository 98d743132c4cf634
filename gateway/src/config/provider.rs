//! `[[gateway.providers.NAME.keys]]`: several credentials of one provider.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::validate::check_name;

/// More keys than this of one provider are a mistake.
const KEYS_MAX: usize = 32;

/// One of several keys.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeyConfig {
    /// Tells it apart on spans and in explanations. It is not secret.
    pub name: String,
    /// Name of the environment variable that holds the key. A key whose variable is not set is left out.
    pub api_key_env: Option<String>,
    /// The key itself.
    #[serde(serialize_with = "super::hidden")]
    pub api_key: Option<SecretString>,
}

/// Checks the keys of one provider together.
pub(super) fn validate(provider: &str, keys: &[KeyConfig]) -> Result<(), ConfigError> {
    let wrong = |reason| ConfigError::Keys {
        provider: provider.to_owned(),
        reason,
    };
    if keys.len() > KEYS_MAX {
        return Err(wrong("has more than 32 keys"));
    }
    for (index, key) in keys.iter().enumerate() {
        check_name("key", &key.name)?;
        if key.api_key.is_some() == key.api_key_env.is_some() {
            return Err(wrong(
                "has an entry of `keys` that needs either `api_key` or `api_key_env`",
            ));
        }
        if keys[..index].iter().any(|other| other.name == key.name) {
            return Err(wrong("has two entries of `keys` with one name"));
        }
    }
    Ok(())
}

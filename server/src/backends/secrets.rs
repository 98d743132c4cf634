//! Secrets that the process makes for itself when none is configured, kept beside the data that they
//! protect.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use secrecy::SecretString;

use crate::config::Config;

const JWT_FILE: &str = "jwt-secret";
const REDACTION_FILE: &str = "redaction-key";
const SECRET_BYTES: usize = 32;

/// The secret that signs access tokens: made on the first start, read on the next.
pub(crate) fn jwt_secret(data_dir: &Path) -> anyhow::Result<SecretString> {
    made_once(data_dir, JWT_FILE)
}

/// The secret that redacted values are hashed with, unless one is configured.
pub(crate) fn redaction_key(config: &Config) -> anyhow::Result<SecretString> {
    match &config.ingest.processors.hash_key {
        Some(key) => Ok(key.clone()),
        None => made_once(&config.storage.data_dir, REDACTION_FILE),
    }
}

/// A secret in a file of the data directory: made when it is first asked for.
pub(super) fn made_once(data_dir: &Path, file: &str) -> anyhow::Result<SecretString> {
    let path = data_dir.join(file);
    let context = || format!("the secret in {}", path.display());
    match fs::read_to_string(&path) {
        Ok(text) if text.trim().len() >= SECRET_BYTES => return Ok(SecretString::from(text.trim())),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(context),
    }
    let secret = hex::encode(rand::random::<[u8; SECRET_BYTES]>());
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path);
    let file = file
        .as_mut()
        .map_err(|error| anyhow::anyhow!("{}: {error}", context()))?;
    file.write_all(secret.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(context)?;
    Ok(SecretString::from(secret))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn the_secret_is_made_once_and_is_readable_by_its_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let first = jwt_secret(directory.path()).unwrap();
        let second = jwt_secret(directory.path()).unwrap();
        assert_eq!(first.expose_secret(), second.expose_secret());
        assert_eq!(first.expose_secret().len(), 64);
        let mode = fs::metadata(directory.path().join(JWT_FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

//! What the demo keeps between two starts: how to sign in, its key, and how much of the history was sent.
//! One small file in the demo's own data directory, readable by its owner only, replaced as a whole.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use brokle_model::error::{Classify, ErrorKind};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

const FILE: &str = "demo.json";
const PASSWORD_BYTES: usize = 9;

/// The kept facts.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The account's password. It is this installation's own.
    pub password: String,
    /// The project's API key, once there is one.
    pub key: Option<String>,
    /// The history, once it was begun.
    pub history: Option<History>,
}

/// How far the history has come. It is a function of these facts, so that an interrupted start goes on
/// where it was.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// The instant at which it ends.
    pub until: DateTime<Utc>,
    /// What it is made from.
    pub seed: u64,
    /// Requests that the server has acknowledged.
    pub requests_sent: usize,
    /// Whether all of it was sent.
    pub complete: bool,
}

/// The file with the state in it.
pub struct StateFile {
    path: PathBuf,
    /// What it holds; [`StateFile::save`] writes changes.
    pub state: State,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It cannot be read or written.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It holds something else.
    #[error("{path} is damaged ({source}); remove the directory that it is in to start the demo anew", path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
}

impl Classify for StateError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Internal
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "demo_state_io",
            Self::Damaged { .. } => "demo_state_damaged",
        }
    }
}

impl StateFile {
    /// Reads the file in `directory`, or makes one with a new password.
    pub fn open(directory: &Path) -> Result<Self, StateError> {
        let path = directory.join(FILE);
        match fs::read(&path) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(state) => Ok(Self { path, state }),
                Err(source) => Err(StateError::Damaged { path, source }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let state = State {
                    password: format!("demo-{}", hex::encode(rand::random::<[u8; PASSWORD_BYTES]>())),
                    key: None,
                    history: None,
                };
                let file = Self { path, state };
                file.save()?;
                Ok(file)
            }
            Err(source) => Err(StateError::Io { path, source }),
        }
    }

    /// Writes the state, whole or not at all.
    pub fn save(&self) -> Result<(), StateError> {
        let failed = |source| StateError::Io {
            path: self.path.clone(),
            source,
        };
        let text = serde_json::to_vec_pretty(&self.state).map_err(|error| failed(error.into()))?;
        let part = self.path.with_extension("json.part");
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&part).map_err(failed)?;
        file.write_all(&text)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&part, &self.path))
            .map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_state_survives_and_only_its_owner_can_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let mut first = StateFile::open(directory.path()).unwrap();
        first.state.key = Some("bk_proj_x".into());
        first.save().unwrap();
        let second = StateFile::open(directory.path()).unwrap();
        assert_eq!(second.state.password, first.state.password);
        assert_eq!(second.state.key.as_deref(), Some("bk_proj_x"));
        let mode = fs::metadata(directory.path().join(FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_file_is_reported_with_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(FILE), "{").unwrap();
        let error = StateFile::open(directory.path()).err().unwrap().to_string();
        assert!(error.contains("start the demo anew"), "{error}");
    }
}

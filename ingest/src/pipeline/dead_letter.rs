//! The folder of requests that storage refused for their content: the OTLP message as it was accepted, and
//! beside it a JSON file that says whose it is and why it is here. A later command sends them again.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use brokle_model::id::ProjectId;
use brokle_model::telemetry::{Signal, Submission};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};

use crate::wal::range::LoggedRequest;

const BODY_SUFFIX: &str = "otlp";
const REASON_SUFFIX: &str = "json";

/// Why a dead letter could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder has its size.
    #[error("the folder of dead letters has reached {limit_bytes} bytes; send them again or remove them")]
    Full {
        /// The limit.
        limit_bytes: u64,
    },
    /// The disk refused.
    #[error("the folder of dead letters cannot be written: {0}")]
    Io(#[from] io::Error),
}

/// What is known of a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Names the letter's files.
    pub name: String,
    /// The tenant.
    pub project_id: ProjectId,
    /// The environment tag.
    pub environment: String,
    /// `traces`, `logs` or `metrics`.
    pub signal: String,
    /// When the request was accepted.
    pub received_at: String,
    /// Items in it.
    pub items: u32,
    /// What storage, or the decoder, said.
    pub reason: String,
}

/// The folder.
#[derive(Debug)]
pub struct DeadLetters {
    directory: PathBuf,
    limit_bytes: u64,
    bytes: AtomicU64,
}

impl DeadLetters {
    /// Opens the folder, which is created where needed.
    pub fn open(directory: &Path, limit_bytes: u64) -> io::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let mut bytes = 0;
        for entry in std::fs::read_dir(directory)? {
            bytes += entry?.metadata()?.len();
        }
        Ok(Self {
            directory: directory.to_owned(),
            limit_bytes,
            bytes: AtomicU64::new(bytes),
        })
    }

    /// Keeps a request; returns its name once it is on disk. The name follows from the request, so that
    /// doing it again after a crash changes nothing.
    pub(crate) fn store(
        &self,
        wal_id: u128,
        request: &LoggedRequest,
        reason: &str,
    ) -> Result<String, StoreError> {
        if self.bytes.load(Ordering::Relaxed) + request.body.len() as u64 > self.limit_bytes {
            return Err(StoreError::Full {
                limit_bytes: self.limit_bytes,
            });
        }
        let name = format!("{wal_id:032x}-{}", request.sequence);
        let received_at = DateTime::from_timestamp_nanos(request.received_ns);
        let letter = DeadLetter {
            name: name.clone(),
            project_id: request.project,
            environment: request.environment.to_string(),
            signal: request.signal.as_str().to_owned(),
            received_at: received_at.to_rfc3339_opts(SecondsFormat::Nanos, true),
            items: request.items,
            reason: reason.to_owned(),
        };
        let text = serde_json::to_vec_pretty(&letter).map_err(io::Error::other)?;
        // The JSON file comes last: a letter without one is not there yet.
        self.write(&self.path(&name, BODY_SUFFIX), &request.body)?;
        self.write(&self.path(&name, REASON_SUFFIX), &text)?;
        File::open(&self.directory)?.sync_all()?;
        Ok(name)
    }

    /// All letters, oldest request first.
    pub fn list(&self) -> io::Result<Vec<DeadLetter>> {
        let mut letters: Vec<DeadLetter> = Vec::new();
        for entry in std::fs::read_dir(&self.directory)? {
            let path = entry?.path();
            if path.extension().is_some_and(|suffix| suffix == REASON_SUFFIX) {
                letters.push(serde_json::from_slice(&std::fs::read(&path)?)?);
            }
        }
        letters.sort_by(|a, b| (&a.received_at, &a.name).cmp(&(&b.received_at, &b.name)));
        Ok(letters)
    }

    /// The request of a letter, to be sent again.
    pub fn load(&self, letter: &DeadLetter) -> io::Result<Submission> {
        let body = std::fs::read(self.path(&letter.name, BODY_SUFFIX))?;
        let signal = Signal::from_name(&letter.signal)
            .ok_or_else(|| io::Error::other("the letter names an unknown signal"))?;
        Ok(Submission {
            project: letter.project_id,
            environment: letter.environment.clone(),
            signal,
            body: Bytes::from(body),
            items: letter.items,
        })
    }

    /// Removes a letter, once it is stored or of no use.
    pub fn remove(&self, letter: &DeadLetter) -> io::Result<()> {
        for suffix in [REASON_SUFFIX, BODY_SUFFIX] {
            let path = self.path(&letter.name, suffix);
            let length = std::fs::metadata(&path)?.len();
            std::fs::remove_file(&path)?;
            self.bytes
                .fetch_sub(length.min(self.bytes.load(Ordering::Relaxed)), Ordering::Relaxed);
        }
        File::open(&self.directory)?.sync_all()
    }

    fn path(&self, name: &str, suffix: &str) -> PathBuf {
        self.directory.join(format!("{name}.{suffix}"))
    }

    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let before = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let unfinished = path.with_extension("unfinished");
        let mut file = File::create(&unfinished)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&unfinished, path)?;
        self.bytes
            .fetch_add((content.len() as u64).saturating_sub(before), Ordering::Relaxed);
        Ok(())
    }
}

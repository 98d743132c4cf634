//! The folder of requests that storage refused for their content: the OTLP message as it was accepted, and
//! beside it a JSON file that says whose it is and why it is here. `brokle dead-letters` lists them and sends
//! them again, also beside a running server: it leaves a mark in the folder `replay`, which the server finds.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use brokle_model::id::ProjectId;
use brokle_model::telemetry::{CallDays, RETENTION_DAYS, Signal, Submission};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};

use crate::wal::range::LoggedRequest;

const BODY_SUFFIX: &str = "otlp";
const REASON_SUFFIX: &str = "json";
/// Empty files here ask for the letters of their names; a text in one says why that could not be done.
const MARKS: &str = "replay";

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
    /// How many days its rows are to be kept.
    #[serde(default = "retention_days")]
    pub retention_days: u16,
    /// Days that its rows are to be kept in the tables of calls, if the gateway recorded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_days: Option<(u16, u16)>,
    /// What storage, or the decoder, said.
    pub reason: String,
}

/// What letters of older releases meant.
fn retention_days() -> u16 {
    RETENTION_DAYS
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
        std::fs::create_dir_all(directory.join(MARKS))?;
        let folder = Self {
            directory: directory.to_owned(),
            limit_bytes,
            bytes: AtomicU64::new(0),
        };
        folder.count_bytes()?;
        Ok(folder)
    }

    /// Another process may have removed letters, so the folder is asked.
    fn count_bytes(&self) -> io::Result<u64> {
        let mut bytes = 0;
        for entry in std::fs::read_dir(&self.directory)? {
            // What goes while we look is not there.
            let metadata = entry?.metadata().ok().filter(std::fs::Metadata::is_file);
            bytes += metadata.map_or(0, |metadata| metadata.len());
        }
        self.bytes.store(bytes, Ordering::Relaxed);
        Ok(bytes)
    }

    /// Keeps a request; returns its name once it is on disk. The name follows from the request, so that
    /// doing it again after a crash changes nothing.
    pub(crate) fn store(
        &self,
        wal_id: u128,
        request: &LoggedRequest,
        reason: &str,
    ) -> Result<String, StoreError> {
        let is_too_much = |bytes: u64| bytes + request.body.len() as u64 > self.limit_bytes;
        if is_too_much(self.bytes.load(Ordering::Relaxed)) && is_too_much(self.count_bytes()?) {
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
            retention_days: request.retention_days,
            call_days: request
                .calls
                .map(|days| (days.request_logs, days.routing_metrics)),
            reason: reason.to_owned(),
        };
        let text = serde_json::to_vec_pretty(&letter).map_err(io::Error::other)?;
        // The JSON file comes last: a letter without one is not there yet.
        self.write(&self.path(&name, BODY_SUFFIX), &request.body)?;
        self.write(&self.path(&name, REASON_SUFFIX), &text)?;
        File::open(&self.directory)?.sync_all()?;
        Ok(name)
    }

    /// All letters, oldest request first. One that cannot be read is left out, and said in the log.
    pub fn list(&self) -> io::Result<Vec<DeadLetter>> {
        let mut letters: Vec<DeadLetter> = Vec::new();
        for entry in std::fs::read_dir(&self.directory)? {
            let path = entry?.path();
            if path.extension().is_none_or(|suffix| suffix != REASON_SUFFIX) {
                continue;
            }
            match read_letter(&path) {
                Ok(letter) => letters.extend(letter),
                Err(error) => tracing::warn!(path = %path.display(), %error, "cannot read a dead letter"),
            }
        }
        letters.sort_by(|a, b| (&a.received_at, &a.name).cmp(&(&b.received_at, &b.name)));
        Ok(letters)
    }

    /// The letter of this name, if there is one.
    pub fn get(&self, name: &str) -> io::Result<Option<DeadLetter>> {
        if !is_name(name) {
            return Ok(None);
        }
        read_letter(&self.path(name, REASON_SUFFIX))
    }

    /// Asks whoever has the log to take the letter of this name again.
    pub fn mark(&self, name: &str) -> io::Result<()> {
        if !is_name(name) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        File::create(self.directory.join(MARKS).join(name))?.sync_all()?;
        File::open(self.directory.join(MARKS))?.sync_all()
    }

    /// The marks there are: names, and why a letter could not be taken where that is known.
    pub fn marks(&self) -> io::Result<Vec<(String, Option<String>)>> {
        let mut marks = Vec::new();
        for entry in std::fs::read_dir(self.directory.join(MARKS))? {
            let entry = entry?;
            let Some(name) = entry
                .file_name()
                .to_str()
                .filter(|name| is_name(name))
                .map(str::to_owned)
            else {
                continue;
            };
            let failure = std::fs::read_to_string(entry.path()).unwrap_or_default();
            marks.push((name, Some(failure).filter(|failure| !failure.is_empty())));
        }
        marks.sort();
        Ok(marks)
    }

    /// Notes in the mark why its letter cannot be taken.
    pub(crate) fn fail_mark(&self, name: &str, why: &str) -> io::Result<()> {
        std::fs::write(self.directory.join(MARKS).join(name), why)
    }

    /// Takes a mark away.
    pub fn unmark(&self, name: &str) -> io::Result<()> {
        if !is_name(name) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        match std::fs::remove_file(self.directory.join(MARKS).join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
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
            retention_days: letter.retention_days,
            calls: letter.call_days.map(|(request_logs, routing_metrics)| CallDays {
                request_logs,
                routing_metrics,
            }),
        })
    }

    /// Removes a letter, once it is stored or of no use.
    pub fn remove(&self, letter: &DeadLetter) -> io::Result<()> {
        if !is_name(&letter.name) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        for suffix in [REASON_SUFFIX, BODY_SUFFIX] {
            let path = self.path(&letter.name, suffix);
            let length = match std::fs::metadata(&path) {
                Ok(metadata) => metadata.len(),
                // Somebody else was faster, or a crash came between the two.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
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

/// Whether `name` can be a letter's: the log's id and a sequence number. Nothing else becomes a path.
fn is_name(name: &str) -> bool {
    parse_name(name).is_some()
}

/// The log and the sequence number that a letter's name tells.
pub(crate) fn parse_name(name: &str) -> Option<(u128, u64)> {
    let (log, sequence) = name.split_once('-')?;
    let is_number = |text: &str, radix| text.chars().all(|digit| digit.is_digit(radix));
    if log.len() != 32 || !is_number(log, 16) || !is_number(sequence, 10) {
        return None;
    }
    Some((u128::from_str_radix(log, 16).ok()?, sequence.parse().ok()?))
}

fn read_letter(path: &Path) -> io::Result<Option<DeadLetter>> {
    match std::fs::read(path) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_letters_own_name_becomes_a_path() {
        assert_eq!(parse_name(&format!("{:032x}-17", 255)), Some((255, 17)));
        for name in [
            "",
            "../x-1",
            "ff-1",
            &format!("{:032x}-", 1),
            &format!("{:032x}-../1", 1),
        ] {
            assert_eq!(parse_name(name), None, "{name}");
        }
    }
}

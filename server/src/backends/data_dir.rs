//! The data directory: one server at a time, readable by its owner only.

use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use rustix::fs::{FlockOperation, Mode, flock};
use rustix::process::umask;

const LOCK_FILE: &str = "server.lock";

/// Creates the directory when it is absent. What this process and the engine write from here on is readable by
/// their user only, also in a directory that was there before with wider permissions.
pub(crate) fn prepare_data_dir(path: &Path) -> anyhow::Result<()> {
    umask(Mode::RWXG | Mode::RWXO);
    let created = DirBuilder::new().recursive(true).mode(0o700).create(path);
    created.with_context(|| {
        format!(
            "creating the data directory {}; set BROKLE_DATA_DIR to a place that can be written",
            path.display()
        )
    })
}

/// Held as long as the server runs; the system lets go of it when the process ends, however it does.
#[derive(Debug)]
pub(crate) struct DataDirLock {
    _file: File,
}

impl DataDirLock {
    /// Takes the directory for this process.
    pub(crate) fn acquire(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join(LOCK_FILE));
        let file = file.with_context(|| format!("opening {LOCK_FILE} in {}", path.display()))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            bail!(
                "another server uses the data directory {}; stop it, or set BROKLE_DATA_DIR to another place",
                path.display()
            );
        }
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_serves_one_process_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let held = DataDirLock::acquire(directory.path()).unwrap();
        let refused = DataDirLock::acquire(directory.path()).unwrap_err().to_string();
        assert!(refused.contains("BROKLE_DATA_DIR"), "{refused}");
        drop(held);
        assert!(DataDirLock::acquire(directory.path()).is_ok());
    }
}

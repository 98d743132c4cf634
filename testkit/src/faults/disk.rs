//! Small disks, in memory, which can be filled. They need the right to mount.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// A mounted tmpfs, unmounted with the value.
#[derive(Debug)]
pub struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// Mounts `mib` MiB at `path`, which is created. Fails where mounting is not allowed.
    pub fn mount(path: &Path, mib: u64) -> Result<Self> {
        std::fs::create_dir_all(path)?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "brokle-faults"])
            .arg(path)
            .output()
            .context("running mount")?;
        ensure!(
            mounted.status.success(),
            "{}",
            String::from_utf8_lossy(&mounted.stderr).trim()
        );
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// Takes all the room there is.
    pub fn fill(&self) -> Result<()> {
        let mut ballast = File::create(self.ballast())?;
        let block = vec![0_u8; 1024 * 1024];
        while ballast.write_all(&block).is_ok() {}
        // The last page, too.
        while ballast.write_all(&block[..512]).is_ok() {}
        Ok(())
    }

    /// Gives the room back.
    pub fn relieve(&self) -> Result<()> {
        std::fs::remove_file(self.ballast()).context("removing the ballast")
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

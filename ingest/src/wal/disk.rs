//! What the log asks of a disk, as two small traits, so that tests can stand in a disk that fails. The real
//! one is a directory that is locked against a second process.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, fdatasync, flock, statvfs};

const ZEROES_BYTES: usize = 1024 * 1024;
const SLICES_PER_WRITE_MAX: usize = 1024;

/// One open file of the log. All calls take an offset: the log keeps its own positions.
pub trait LogFile: Send + Sync + 'static {
    /// Writes all slices, one after the other, at `offset`.
    fn write_all_at(&self, slices: &mut [IoSlice<'_>], offset: u64) -> io::Result<()>;
    /// Reads up to `buffer.len()` bytes at `offset`; fewer only at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Returns when the content is on stable storage.
    fn sync(&self) -> io::Result<()>;
    /// Its length.
    fn length(&self) -> io::Result<u64>;
}

/// A directory of log files. Names are relative to it.
pub trait Disk: Send + Sync + 'static {
    /// Names and lengths of the plain files in the directory.
    fn list(&self) -> io::Result<Vec<(String, u64)>>;
    /// Creates a file of `zeroes` zero bytes, replacing one of that name, and syncs it.
    fn create(&self, name: &str, zeroes: u64) -> io::Result<Arc<dyn LogFile>>;
    /// Opens a file.
    fn open(&self, name: &str) -> io::Result<Arc<dyn LogFile>>;
    /// Renames a file, replacing the target.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Returns when creations, renames and removals are on stable storage.
    fn sync_directory(&self) -> io::Result<()>;
    /// Bytes that could still be written.
    fn free_bytes(&self) -> io::Result<u64>;
}

/// A locked directory of the file system.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
    handle: File,
    _lock: File,
}

impl Directory {
    /// Creates the directory where needed and locks it. `WouldBlock` means that another process has it.
    pub fn open(root: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(root)?;
        if let Some(parent) = root.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            File::open(parent)?.sync_all()?;
        }
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(root.join("lock"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self {
            root: root.to_owned(),
            handle: File::open(root)?,
            _lock: lock,
        })
    }
}

impl Disk for Directory {
    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.root)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if let (true, Ok(name)) = (metadata.is_file(), entry.file_name().into_string()) {
                files.push((name, metadata.len()));
            }
        }
        Ok(files)
    }

    fn create(&self, name: &str, zeroes: u64) -> io::Result<Arc<dyn LogFile>> {
        let path = self.root.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .open(path)?;
        let block = vec![0; ZEROES_BYTES];
        let mut offset = 0;
        while offset < zeroes {
            let length = usize::try_from(zeroes - offset).map_or(ZEROES_BYTES, |left| left.min(ZEROES_BYTES));
            file.write_all_at(&block[..length], offset)?;
            offset += length as u64;
        }
        file.sync_all()?;
        Ok(Arc::new(PlainFile(file)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn LogFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.root.join(name))?;
        Ok(Arc::new(PlainFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let target = self.root.join(to);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::rename(self.root.join(from), target)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.root.join(name))
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.handle.sync_all()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let figures = statvfs(&self.root)?;
        Ok(figures.f_bavail.saturating_mul(figures.f_frsize))
    }
}

struct PlainFile(File);

impl LogFile for PlainFile {
    fn write_all_at(&self, mut slices: &mut [IoSlice<'_>], mut offset: u64) -> io::Result<()> {
        while !slices.is_empty() {
            let batch = &slices[..slices.len().min(SLICES_PER_WRITE_MAX)];
            match rustix::io::pwritev(&self.0, batch, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    offset += written as u64;
                    IoSlice::advance_slices(&mut slices, written);
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match FileExt::read_at(&self.0, &mut buffer[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(fdatasync(&self.0)?)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}

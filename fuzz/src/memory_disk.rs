//! A disk in memory, whose content can be looked at and spoilt.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex};

use brokle_ingest::wal::disk::{Disk, LogFile};

type Content = Arc<Mutex<Vec<u8>>>;

/// The disk. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryDisk(Arc<Mutex<BTreeMap<String, Content>>>);

impl MemoryDisk {
    /// A disk with these files.
    pub(crate) fn with(files: Vec<(String, Vec<u8>)>) -> Self {
        let files = files
            .into_iter()
            .map(|(name, content)| (name, Arc::new(Mutex::new(content))));
        Self(Arc::new(Mutex::new(files.collect())))
    }

    /// The segments of the log on it.
    pub(crate) fn segments(&self) -> Vec<(String, Vec<u8>)> {
        let files = self.0.lock().unwrap();
        let segments = files.iter().filter(|(name, _)| name.ends_with(".segment"));
        segments
            .map(|(name, content)| (name.clone(), content.lock().unwrap().clone()))
            .collect()
    }
}

impl Disk for MemoryDisk {
    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let files = self.0.lock().unwrap();
        Ok(files
            .iter()
            .map(|(name, content)| (name.clone(), content.lock().unwrap().len() as u64))
            .collect())
    }

    fn create(&self, name: &str, zeroes: u64) -> io::Result<Arc<dyn LogFile>> {
        let content = Arc::new(Mutex::new(vec![0; usize::try_from(zeroes).unwrap()]));
        self.0
            .lock()
            .unwrap()
            .insert(name.to_owned(), Arc::clone(&content));
        Ok(Arc::new(MemoryFile(content)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn LogFile>> {
        let found = self.0.lock().unwrap().get(name).cloned();
        let content = found.ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(MemoryFile(content)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.0.lock().unwrap();
        let content = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), content);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let removed = self.0.lock().unwrap().remove(name);
        Ok(removed.map(drop).ok_or(io::ErrorKind::NotFound)?)
    }

    fn sync_directory(&self) -> io::Result<()> {
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(u64::MAX)
    }
}

struct MemoryFile(Content);

impl LogFile for MemoryFile {
    fn write_all_at(&self, slices: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        let mut content = self.0.lock().unwrap();
        let mut at = usize::try_from(offset).unwrap();
        for slice in slices {
            let end = at + slice.len();
            if content.len() < end {
                content.resize(end, 0);
            }
            content[at..end].copy_from_slice(slice);
            at = end;
        }
        Ok(())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let content = self.0.lock().unwrap();
        let from = usize::try_from(offset).unwrap().min(content.len());
        let length = buffer.len().min(content.len() - from);
        buffer[..length].copy_from_slice(&content[from..from + length]);
        Ok(length)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().len() as u64)
    }
}

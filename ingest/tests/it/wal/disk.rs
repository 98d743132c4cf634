//! A disk in memory that forgets like a real one: what was not synced may survive a crash in any part, name
//! changes survive as a prefix, and after a failed sync the kernel believes that all is well.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard};

use brokle_ingest::wal::disk::{Disk, LogFile};

const SECTOR_BYTES: usize = 512;

#[derive(Debug, Clone, Default)]
struct FileState {
    /// What readers see.
    content: Vec<u8>,
    /// What a power cut leaves for sure.
    durable: Vec<u8>,
    unsynced: Vec<(usize, Vec<u8>)>,
}

#[derive(Debug, Clone)]
enum NameChange {
    Create(String, u64),
    Rename(String, String),
    Remove(String),
}

#[derive(Debug, Clone)]
struct State {
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    changes: Vec<NameChange>,
    files: BTreeMap<u64, FileState>,
    next_file: u64,
    free_bytes: u64,
    failing_writes: u32,
    failing_syncs: u32,
}

/// The disk. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct MemoryDisk(Arc<Mutex<State>>);

/// A small deterministic source of chance.
#[derive(Debug, Clone)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

impl MemoryDisk {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            changes: Vec::new(),
            files: BTreeMap::new(),
            next_file: 0,
            free_bytes: u64::MAX,
            failing_writes: 0,
            failing_syncs: 0,
        })))
    }

    /// The disk as it is, undisturbed by whoever still uses this one.
    pub(crate) fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.lock().clone())))
    }

    /// What a power cut at this moment leaves.
    pub(crate) fn crash(&self, chance: &mut Chance) -> Self {
        let mut state = self.lock().clone();
        let changes = std::mem::take(&mut state.changes);
        let survivors = usize::try_from(chance.below(changes.len() as u64 + 1)).unwrap();
        state.names = state.durable_names.clone();
        for change in &changes[..survivors] {
            apply(&mut state.names, change);
        }
        state.durable_names = state.names.clone();
        for file in state.files.values_mut() {
            for (offset, bytes) in std::mem::take(&mut file.unsynced) {
                for (sector, part) in bytes.chunks(SECTOR_BYTES).enumerate() {
                    if chance.below(2) == 0 {
                        overwrite(&mut file.durable, offset + sector * SECTOR_BYTES, part);
                    }
                }
            }
            file.content = file.durable.clone();
        }
        (state.failing_writes, state.failing_syncs) = (0, 0);
        Self(Arc::new(Mutex::new(state)))
    }

    pub(crate) fn fail_writes(&self, count: u32) {
        self.lock().failing_writes = count;
    }

    pub(crate) fn fail_syncs(&self, count: u32) {
        self.lock().failing_syncs = count;
    }

    pub(crate) fn is_failing(&self) -> bool {
        let state = self.lock();
        state.failing_writes + state.failing_syncs > 0
    }

    pub(crate) fn set_free_bytes(&self, bytes: u64) {
        self.lock().free_bytes = bytes;
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.lock().names.keys().cloned().collect()
    }

    pub(crate) fn segments(&self) -> Vec<String> {
        self.names()
            .into_iter()
            .filter(|name| name.ends_with(".segment"))
            .collect()
    }

    pub(crate) fn content(&self, name: &str) -> Vec<u8> {
        let state = self.lock();
        state.files[&state.names[name]].content.clone()
    }

    pub(crate) fn set_content(&self, name: &str, content: Vec<u8>) {
        let mut state = self.lock();
        let file = state.names[name];
        state.files.insert(
            file,
            FileState {
                durable: content.clone(),
                content,
                unsynced: Vec::new(),
            },
        );
    }

    /// Flips one bit, as a bad disk does.
    pub(crate) fn flip(&self, name: &str, offset: usize) {
        let mut content = self.content(name);
        content[offset] ^= 1;
        self.set_content(name, content);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn change(&self, change: NameChange) {
        let mut state = self.lock();
        apply(&mut state.names, &change);
        state.changes.push(change);
    }

    fn file(&self, id: u64) -> Arc<dyn LogFile> {
        Arc::new(MemoryFile {
            disk: self.clone(),
            id,
        })
    }
}

fn apply(names: &mut BTreeMap<String, u64>, change: &NameChange) {
    match change {
        NameChange::Create(name, file) => {
            names.insert(name.clone(), *file);
        }
        NameChange::Rename(from, to) => {
            if let Some(file) = names.remove(from) {
                names.insert(to.clone(), file);
            }
        }
        NameChange::Remove(name) => {
            names.remove(name);
        }
    }
}

fn overwrite(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

impl Disk for MemoryDisk {
    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let state = self.lock();
        let plain = state.names.iter().filter(|(name, _)| !name.contains('/'));
        Ok(plain
            .map(|(name, file)| (name.clone(), state.files[file].content.len() as u64))
            .collect())
    }

    fn create(&self, name: &str, zeroes: u64) -> io::Result<Arc<dyn LogFile>> {
        let id = {
            let mut state = self.lock();
            if state.free_bytes < zeroes {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let id = state.next_file;
            state.next_file += 1;
            let content = vec![0; usize::try_from(zeroes).unwrap()];
            state.files.insert(
                id,
                FileState {
                    durable: content.clone(),
                    content,
                    unsynced: Vec::new(),
                },
            );
            id
        };
        self.change(NameChange::Create(name.to_owned(), id));
        Ok(self.file(id))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn LogFile>> {
        let id = self.lock().names.get(name).copied();
        id.map(|id| self.file(id))
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        if !self.lock().names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.change(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        if !self.lock().names.contains_key(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.change(NameChange::Remove(name.to_owned()));
        Ok(())
    }

    fn sync_directory(&self) -> io::Result<()> {
        let mut state = self.lock();
        state.changes.clear();
        state.durable_names = state.names.clone();
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(self.lock().free_bytes)
    }
}

#[derive(Debug)]
struct MemoryFile {
    disk: MemoryDisk,
    id: u64,
}

impl LogFile for MemoryFile {
    fn write_all_at(&self, slices: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        let mut bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        let offset = usize::try_from(offset).unwrap();
        let mut state = self.disk.lock();
        let is_failing = state.failing_writes > 0;
        if is_failing {
            state.failing_writes -= 1;
            bytes.truncate(bytes.len() / 2);
        }
        let file = state.files.get_mut(&self.id).unwrap();
        overwrite(&mut file.content, offset, &bytes);
        file.unsynced.push((offset, bytes));
        if is_failing {
            Err(io::Error::other("the disk is broken"))
        } else {
            Ok(())
        }
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.lock();
        let content = &state.files[&self.id].content;
        let from = usize::try_from(offset).unwrap().min(content.len());
        let length = buffer.len().min(content.len() - from);
        buffer[..length].copy_from_slice(&content[from..from + length]);
        Ok(length)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.lock();
        let is_failing = state.failing_syncs > 0;
        state.failing_syncs -= u32::from(is_failing);
        let file = state.files.get_mut(&self.id).unwrap();
        let unsynced = std::mem::take(&mut file.unsynced);
        if is_failing {
            // The pages are marked clean all the same: the next sync will say that all is well.
            return Err(io::Error::other("the disk did not confirm"));
        }
        for (offset, bytes) in unsynced {
            overwrite(&mut file.durable, offset, &bytes);
        }
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.lock().files[&self.id].content.len() as u64)
    }
}

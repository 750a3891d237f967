//! A database file that is opened for reading alone: what the database writes stays in memory.
//!
//! redb writes when it opens a file that was not closed (it repairs it), and when it checks one. On a read-only mount,
//! or while others read too, nothing may be written; so the pages that it writes go to memory and are read from there.
//! The file is locked for shared use: any number of processes can read it at a time, and none while one writes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::backends::FileBackend;
use redb::{BackendError, DatabaseError, StorageBackend};

/// Bytes of a page in memory.
const PAGE: u64 = 4096;

type Page = [u8; PAGE as usize];
type Limit = Bound<u64>;

/// A file and what was written over it.
#[derive(Debug)]
pub(super) struct ReadOnlyFile {
    file: FileBackend,
    over: Mutex<Over>,
}

/// What was written, by page number.
struct Over {
    pages: BTreeMap<u64, Box<Page>>,
    /// Length as the database sees it.
    len: u64,
    /// Length up to which the file is looked at.
    file_len: u64,
}

impl std::fmt::Debug for Over {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Over").field("pages", &self.pages.len()).field("len", &self.len).finish()
    }
}

impl ReadOnlyFile {
    /// Over a file that is open for reading.
    ///
    /// # Errors
    /// If its length cannot be read.
    pub(super) fn new(file: File) -> Result<Self, DatabaseError> {
        let file = FileBackend::new(file)?;
        let len = file.len().map_err(|error| DatabaseError::Storage(error.into()))?;
        Ok(Self { file, over: Mutex::new(Over { pages: BTreeMap::new(), len, file_len: len }) })
    }

    fn over(&self) -> MutexGuard<'_, Over> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file's bytes from an offset on; zeros behind its end.
    fn read_file(&self, over: &Over, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let there = over.file_len.saturating_sub(offset).min(out.len() as u64) as usize;
        let (inside, behind) = out.split_at_mut(there);
        behind.fill(0);
        if inside.is_empty() { Ok(()) } else { self.file.read(offset, inside) }
    }
}

/// The pages that a range of bytes touches: number, offset in the page, range in the buffer.
fn pages(offset: u64, len: usize) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (page, inside) = ((offset + at as u64) / PAGE, ((offset + at as u64) % PAGE) as usize);
        let end = len.min(at + PAGE as usize - inside);
        (at < len).then(|| (page, inside, std::mem::replace(&mut at, end)..end))
    })
}

impl StorageBackend for ReadOnlyFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.over().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let over = self.over();
        if offset.checked_add(out.len() as u64).is_none_or(|end| end > over.len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read_file(&over, offset, out)?;
        for (page, inside, range) in pages(offset, out.len()) {
            if let Some(written) = over.pages.get(&page) {
                let len = range.len();
                out[range].copy_from_slice(&written[inside..inside + len]);
            }
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut over = self.over();
        over.len = len;
        if len < over.file_len {
            // What is truncated reads as zeros if the file grows again.
            over.file_len = len;
        }
        let whole = len.div_ceil(PAGE);
        over.pages.retain(|&page, _| page < whole);
        if let Some(last) = over.pages.get_mut(&(len / PAGE)) {
            last[(len % PAGE) as usize..].fill(0);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut over = self.over();
        for (page, inside, range) in pages(offset, data.len()) {
            if !over.pages.contains_key(&page) {
                let mut before = Box::new([0; PAGE as usize]);
                self.read_file(&over, page * PAGE, &mut before[..])?;
                over.pages.insert(page, before);
            }
            if let Some(written) = over.pages.get_mut(&page) {
                written[inside..inside + range.len()].copy_from_slice(&data[range]);
            }
        }
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    // All locks are for shared use: nothing is written to the file.

    fn try_lock_range(&self, start: Limit, end: Limit) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Limit, end: Limit) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Limit, end: Limit) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn lock_shared_range(&self, start: Limit, end: Limit) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Limit, end: Limit) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Limit, end: Limit) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_the_file_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let bytes: Vec<u8> = (0..10_000_u32).map(|i| i as u8).collect();
        fs::write(&path, &bytes).unwrap();
        let file = ReadOnlyFile::new(File::open(&path).unwrap()).unwrap();
        let mut expected = bytes.clone();
        let matches = |expected: &[u8]| {
            let mut got = vec![1; expected.len()];
            file.read(0, &mut got).unwrap();
            assert!(got == expected);
            assert_eq!(file.len().unwrap(), expected.len() as u64);
        };
        matches(&expected);
        // Across pages, and beside what was written before.
        for (offset, len, byte) in [(100, 5_000, 0xaa), (4_000, 200, 0xbb), (9_990, 10, 0xcc)] {
            file.write(offset, &vec![byte; len]).unwrap();
            expected[offset as usize..][..len].fill(byte);
            matches(&expected);
        }
        // Shorter, longer again, and beyond the file's end.
        for len in [9_000, 5_000, 20_000] {
            file.set_len(len).unwrap();
            expected.resize(len as usize, 0);
            matches(&expected);
        }
        file.write(12_345, &[7; 5_000]).unwrap();
        expected[12_345..17_345].fill(7);
        matches(&expected);
        assert!(file.read(19_999, &mut [0; 2]).is_err());
        assert!(fs::read(&path).unwrap() == bytes);
    }
}

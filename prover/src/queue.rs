//! Blocks that were claimed and are not proven yet, in the data directory's folder `queue`.
//!
//! A block is there under a name of the service's own, `block-NUMBER-DIGEST.bin` or `.json`, as a copy that the service
//! has written: nobody else has it open, and whoever delivers the block again finds it there. The digest is BLAKE3 of
//! the block's binary form, so that a block is the same in either form. `NAME.origin.json` keeps the name of the file
//! that was delivered, and the block's place in the order of coming.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use blake3::Hash;
use enfold_state::block::Block;
use enfold_state::codec::{self, CodecError};
use enfold_state::unfinished::remove_left_over;
use serde::{Deserialize, Serialize};

use crate::files::{FileError, Staged, failed, make_dirs, publish};
use crate::steps::step;

/// End of the names of files that say where a block came from.
const ORIGIN: &str = ".origin.json";

/// A block as it was delivered.
#[derive(Clone, Debug)]
pub(crate) struct Delivered {
    pub block: Block,
    pub id: BlockId,
    pub bytes: Vec<u8>,
}

/// Which block it is, and in which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockId {
    pub number: u32,
    pub digest: Hash,
    pub json: bool,
}

impl Delivered {
    /// Reads a block in either form.
    pub(crate) fn read(bytes: Vec<u8>) -> Result<Self, CodecError> {
        let block: Block = codec::read(&bytes)?;
        let digest = blake3::hash(&codec::encode(&block)?);
        let json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        let id = BlockId { number: block.number, digest, json };
        Ok(Self { block, id, bytes })
    }
}

impl BlockId {
    /// End of the names of such files.
    pub(crate) fn extension(self) -> &'static str {
        if self.json { "json" } else { "bin" }
    }

    /// Whether it is the same block, in whatever form.
    pub(crate) fn is(self, number: u32, digest: Hash) -> bool {
        self.number == number && self.digest == digest
    }

    /// The name of the block's file.
    pub(crate) fn name(self) -> String {
        format!("block-{}-{}.{}", self.number, self.digest, self.extension())
    }

    fn parse(name: &str) -> Option<Self> {
        let (stem, extension) = name.strip_prefix("block-")?.split_once('.')?;
        let (number, digest) = stem.split_once('-')?;
        let id = Self {
            number: number.parse().ok()?,
            digest: Hash::from_hex(digest).ok()?,
            json: extension == "json",
        };
        // One block has one name.
        (id.name() == name).then_some(id)
    }
}

/// A block of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub id: BlockId,
    /// Its place in the order of coming.
    order: u64,
    /// Name of the file that was delivered.
    pub file: String,
}

#[derive(Serialize, Deserialize)]
struct Origin {
    order: u64,
    file: String,
}

/// The blocks, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Queue {
    dir: PathBuf,
    entries: Vec<Entry>,
}

impl Queue {
    /// Opens the queue in a folder, which is made if it is missing.
    pub(crate) fn open(dir: PathBuf) -> Result<Self, FileError> {
        make_dirs(&dir).map_err(failed(&dir))?;
        remove_left_over(&dir);
        let (mut found, mut origins) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(&dir).map_err(failed(&dir))? {
            let entry = entry.map_err(failed(&dir))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            origins.extend(name.strip_suffix(ORIGIN).and_then(BlockId::parse));
            if entry.file_type().map_err(failed(&entry.path()))?.is_file() {
                found.extend(BlockId::parse(&name));
            }
        }
        let mut queue = Self { dir, entries: Vec::new() };
        let mut found = found.into_iter().map(|id| queue.entry(id)).collect::<Result<Vec<_>, _>>()?;
        found.sort_by_key(|entry| (entry.order, *entry.id.digest.as_bytes(), entry.id.json));
        for entry in found {
            if queue.holds(entry.id.number, entry.id.digest) {
                // The same block in its other form, put there by somebody else.
                queue.remove_files(&entry)?;
            } else {
                queue.entries.push(entry);
            }
        }
        // Those of blocks that a run was cut off before it had them.
        for id in origins.into_iter().filter(|&id| !queue.entries.iter().any(|entry| entry.id == id)) {
            let _ = fs::remove_file(queue.origin_path(id));
        }
        Ok(queue)
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether a block is there.
    pub(crate) fn holds(&self, number: u32, digest: Hash) -> bool {
        self.entries.iter().any(|entry| entry.id.is(number, digest))
    }

    pub(crate) fn path(&self, id: BlockId) -> PathBuf {
        self.dir.join(id.name())
    }

    fn origin_path(&self, id: BlockId) -> PathBuf {
        self.dir.join(id.name() + ORIGIN)
    }

    /// A block that is in the folder. If nothing says where it came from, it came first, under its own name.
    fn entry(&self, id: BlockId) -> Result<Entry, FileError> {
        let path = self.origin_path(id);
        let origin = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            read => serde_json::from_slice::<Origin>(&read.map_err(failed(&path))?).ok(),
        };
        let Origin { order, file } = origin.unwrap_or_else(|| Origin { order: 0, file: id.name() });
        Ok(Entry { id, order, file })
    }

    /// Adds a block that is not there, durably.
    pub(crate) fn add(&mut self, delivered: &Delivered, file: &OsStr) -> Result<(), FileError> {
        let id = delivered.id;
        let file = file.to_string_lossy().into_owned();
        let origin_path = self.origin_path(id);
        let order = self.entries.iter().map(|entry| entry.order.saturating_add(1)).max().unwrap_or(1);
        let origin = serde_json::to_vec(&Origin { order, file: file.clone() });
        let origin = origin.map_err(|error| failed(&origin_path)(error.into()))?;
        Staged::write(&origin_path, &origin)?.publish(true)?;
        publish(&self.path(id), &delivered.bytes)?;
        self.entries.push(Entry { id, order, file });
        Ok(())
    }

    /// Reads a block. Of one that was taken out of the folder there is nothing.
    pub(crate) fn read(&self, entry: &Entry) -> io::Result<Option<Vec<u8>>> {
        step("read");
        match fs::read(self.path(entry.id)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    }

    /// Forgets blocks that are not in the folder any more. Of those that cannot be looked at just now it gives the reasons.
    pub(crate) fn look(&mut self) -> Vec<(PathBuf, io::Error)> {
        let (dir, mut unseen) = (&self.dir, Vec::new());
        self.entries.retain(|entry| {
            let path = dir.join(entry.id.name());
            match path.symlink_metadata() {
                Err(error) if error.kind() == ErrorKind::NotFound => return false,
                Err(error) => unseen.push((path, error)),
                Ok(_) => {}
            }
            true
        });
        unseen
    }

    /// Removes a block.
    pub(crate) fn remove(&mut self, entry: &Entry) -> Result<(), FileError> {
        self.remove_files(entry)?;
        self.entries.retain(|other| other != entry);
        Ok(())
    }

    fn remove_files(&self, entry: &Entry) -> Result<(), FileError> {
        for path in [self.path(entry.id), self.origin_path(entry.id)] {
            step("remove");
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(&path)(error)),
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(number: u32) -> Block {
        Block { chain_id: 1, number, time: 1, fees: vec![], transactions: vec![] }
    }

    fn delivered(number: u32) -> Delivered {
        Delivered::read(codec::encode(&block(number)).unwrap()).unwrap()
    }

    #[test]
    fn a_block_is_the_same_in_either_form() {
        let binary = delivered(7);
        let json = Delivered::read(codec::encode_json(&block(7)).unwrap().into_bytes()).unwrap();
        assert_eq!((binary.id.digest, binary.id.json, json.id.json), (json.id.digest, false, true));
        assert_eq!(binary.id.digest, blake3::hash(&binary.bytes));
        assert_ne!(binary.id.digest, delivered(8).id.digest);
        for id in [binary.id, json.id] {
            assert_eq!(BlockId::parse(&id.name()), Some(id));
        }
        let name = binary.id.name();
        for other in [name.replace("-7-", "-07-"), name.to_uppercase(), name + "x", "block-7.bin".to_owned()]
        {
            assert_eq!(BlockId::parse(&other), None, "{other}");
        }
    }

    #[test]
    fn a_queue_is_found_again_in_its_order() {
        let dir = tempfile::tempdir().unwrap();
        let mut queue = Queue::open(dir.path().join("queue")).unwrap();
        for (number, file) in [(3, "c"), (1, "a\nb"), (2, "b")] {
            queue.add(&delivered(number), file.as_ref()).unwrap();
        }
        // Files that are none of its own.
        let others = ["x.bin", "block-1.bin", ".enfold-x.part"];
        others.iter().for_each(|name| fs::write(queue.dir.join(name), "x").unwrap());
        let again = Queue::open(queue.dir.clone()).unwrap();
        assert_eq!(again.entries, queue.entries);
        let entry = queue.entries[1].clone();
        assert_eq!((entry.id.number, &entry.file[..]), (1, "a\nb"));
        assert_eq!(queue.read(&entry).unwrap(), Some(delivered(1).bytes));
        queue.remove(&entry).unwrap();
        fs::remove_file(queue.path(queue.entries[1].id)).unwrap();
        assert_eq!(queue.read(&queue.entries[1]).unwrap(), None);
        assert!(queue.look().is_empty());
        assert_eq!(queue.entries.iter().map(|entry| entry.id.number).collect::<Vec<_>>(), [3]);
        assert!(queue.holds(3, delivered(3).id.digest) && !queue.holds(3, delivered(2).id.digest));
        // What cannot be looked at is not gone: here the folder is no folder for a while.
        let aside = dir.path().join("aside");
        fs::rename(&queue.dir, &aside).unwrap();
        fs::write(&queue.dir, "").unwrap();
        let unseen = queue.look();
        assert_eq!((unseen.len(), queue.entries.len()), (1, 1), "{unseen:?}");
        fs::remove_file(&queue.dir).unwrap();
        fs::rename(&aside, &queue.dir).unwrap();
        assert!(queue.look().is_empty() && queue.entries.len() == 1);
        // One that an attempt that failed has left under its name is the block's own.
        fs::write(queue.path(delivered(5).id), &delivered(5).bytes).unwrap();
        queue.add(&delivered(5), "again".as_ref()).unwrap();
        fs::write(queue.path(delivered(6).id), "another").unwrap();
        assert!(matches!(queue.add(&delivered(6), "x".as_ref()), Err(FileError::Exists { .. })));
    }
}

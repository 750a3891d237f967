//! The state on disk: one redb file in a directory, one durable transaction a block.
//!
//! | table | key | value |
//! |---|---|---|
//! | `meta` | `schema`, `chain_id`, `shards`, `height`, `time` | `u64` |
//! | `leaves` | index (`u32`), dense in each shard | address (four `u64`), nonces (two `u32`), asset (`u32`), balance (`u64`) |
//! | `records` | index (`u32`), dense in each shard | a contract's record in its binary form |
//! | `nodes` | height (3 bits), number (25 bits) of a tile (`u32`) | 62 digests of 32 bytes |
//! | `roots` | block number (`u32`), 0 for genesis | state root (four `u64`) |
//! | `journal` | block number (`u32`) | bytes of a proving job that is under way |
//! | `circuits` | profile number (`u32`), at most one | digest of its block circuit's key (four `u64`) |
//!
//! The last one is newer than the others and no part of the schema version: a store without it is of no profile yet, and
//! a program that does not know it reads the rest as ever. But such a program does not hold to it either.
//!
//! A store has the table of records, and schema version 4, from its first contract on: until then it is one of version 3,
//! which older programs read too.
//!
//! A store is either the one before a block or the one after it, whatever stops the process. Opening reads every
//! page's checksum and hashes samples of the tree again, or all of it; see [`Check`]. One process at a time can have a
//! store open for writing; the lock goes with the process. Others read it with [`Snapshot::open`] when nobody writes, and
//! from the one who has it open, by [`Store::share`], when somebody does.
//!
//! Leaves and nodes are read on open and then kept in memory: neither execution nor proving holds a snapshot of the
//! database. Blocks that are executed and not yet proven are **staged**: they are in memory only, on top of what is on
//! disk, and can be taken back; see [`Overlay`].

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::block::Genesis;
use crate::hash::Digest;
use crate::ledger::{Ledger, Prepared};
use crate::overlay::Overlay;
use crate::unfinished::{Access, Unfinished, remove_left_over};
use crate::writes::Writes;

mod check;
mod error;
mod file;
mod read_only;
mod snapshot;
mod tables;
mod tiles;
mod view;

#[cfg(test)]
mod tests;

pub use check::{Check, SAMPLES};
pub use error::StoreError;
use error::io_at;
use file::StoreFile;
pub use snapshot::{Head, Shared, Snapshot, read_head};

/// Name of the store's file in its directory.
pub const FILE_NAME: &str = "state.redb";

/// The version of the tables. 1 had no nodes, 2 one nonce and no time, 3 no records.
pub const SCHEMA_VERSION: u64 = 4;
/// The version of a store that has no contract yet.
const WITHOUT_RECORDS: u64 = 3;

/// The circuits that prove a store's blocks. The numbers have no meaning here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circuits {
    /// The profile's number.
    pub profile: u32,
    /// Digest of the key that block proofs are verified with.
    pub key: Digest,
}

/// A state on disk, and in memory as a [`Ledger`].
#[derive(Debug)]
pub struct Store {
    file: StoreFile,
    overlay: Overlay,
}

impl Store {
    /// Makes a store of a genesis in `dir`, which is made too if it is missing, and opens it. The file
    /// appears under its name only when it is complete.
    ///
    /// # Errors
    /// If there is a store already, or the genesis is invalid, or the system refuses.
    pub fn create(dir: &Path, genesis: &Genesis) -> Result<Self, StoreError> {
        Self::create_with(dir, genesis, None)
    }

    /// [`Store::create`] of a store whose blocks are proven by these circuits alone.
    ///
    /// # Errors
    /// As [`Store::create`].
    pub fn create_for(dir: &Path, genesis: &Genesis, circuits: Circuits) -> Result<Self, StoreError> {
        Self::create_with(dir, genesis, Some(circuits))
    }

    fn create_with(dir: &Path, genesis: &Genesis, circuits: Option<Circuits>) -> Result<Self, StoreError> {
        let ledger = Ledger::from_genesis(genesis)?;
        let path = dir.join(FILE_NAME);
        if path.try_exists().map_err(io_at(&path))? {
            return Err(StoreError::Exists { path });
        }
        fs::create_dir_all(dir).map_err(io_at(dir))?;
        // Of an earlier version, which gave them names.
        remove_left_over(dir);
        let unfinished = Unfinished::new(dir, Access::Public).map_err(io_at(dir))?;
        let file = unfinished.file().try_clone().map_err(io_at(&path))?;
        StoreFile::create(&path, file)?.initialise(&ledger, circuits)?;
        unfinished.publish(FILE_NAME, false).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => StoreError::Exists { path: path.clone() },
            _ => io_at(&path)(error),
        })?;
        sync_dir(dir)?;
        Self::open(dir)
    }

    /// [`Store::open_checked`] with [`Check::Sampled`].
    ///
    /// # Errors
    /// As [`Store::open_checked`].
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_checked(dir, Check::Sampled)
    }

    /// Opens the store in `dir` and checks it: every page's checksum, that nothing is missing, and that leaves and
    /// nodes lead to the root of the last block, for samples of them or for all.
    ///
    /// # Errors
    /// If there is no store, or it is open elsewhere, of another version, or damaged.
    pub fn open_checked(dir: &Path, check: Check) -> Result<Self, StoreError> {
        Self::load(StoreFile::open(expect_file(dir)?)?, check)
    }

    fn load(file: StoreFile, check: Check) -> Result<Self, StoreError> {
        let overlay = Overlay::new(file.view()?.load(check)?);
        Ok(Self { file, overlay })
    }

    /// The store for threads that only read it, while this one writes.
    pub fn share(&self) -> Shared {
        Shared::of(&self.file)
    }

    /// The directory that the store is in.
    pub fn dir(&self) -> &Path {
        self.file.dir()
    }

    /// The state after the last block, committed or staged: the one that the next block is executed on.
    pub fn ledger(&self) -> &Ledger {
        self.overlay.ledger()
    }

    /// Number of the last committed block; 0 after genesis.
    pub fn height(&self) -> u32 {
        self.overlay.base_height()
    }

    /// Root after the last committed block.
    pub fn root(&self) -> Digest {
        self.overlay.base_root()
    }

    /// Count of staged blocks.
    pub fn staged(&self) -> usize {
        self.overlay.len()
    }

    /// The root after block `number`; `None` if there was no such block. 0 is genesis.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn root_at(&self, number: u32) -> Result<Option<Digest>, StoreError> {
        self.file.view()?.root_at(number)
    }

    /// Takes over a block whose proof states `root`, as [`Ledger::prepare`] or its witness gave it: on disk, in one durable
    /// transaction, then in memory. No block may be staged.
    ///
    /// # Errors
    /// If the block does not follow the stored state or does not lead to `root`; then nothing has
    /// changed. If the system fails while writing, the file holds the state before or after the block:
    /// open it again to see which.
    pub fn commit(&mut self, prepared: &Prepared, root: Digest) -> Result<(), StoreError> {
        self.commit_alone(prepared.number(), root, |store| store.stage(prepared))
    }

    /// [`Store::commit`] of writes that come from elsewhere, as from published data.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn commit_writes(
        &mut self,
        number: u32,
        time: u32,
        previous_root: Digest,
        writes: &Writes,
        root: Digest,
    ) -> Result<(), StoreError> {
        self.commit_alone(number, root, |store| store.stage_writes(number, time, previous_root, writes))
    }

    /// Stages a block and commits it, or leaves all as it was.
    fn commit_alone(
        &mut self,
        number: u32,
        root: Digest,
        stage: impl FnOnce(&mut Self) -> Result<Digest, StoreError>,
    ) -> Result<(), StoreError> {
        if let Some(first) = self.overlay.oldest() {
            let (staged, first) = (self.staged(), first.number());
            return Err(StoreError::Staged { staged, first, got: number });
        }
        let height = self.height();
        stage(self)?;
        self.commit_staged(root).inspect_err(|_| {
            // The height is the one from before staging, so this cannot fail.
            let _ = self.overlay.roll_back(height);
        })
    }

    /// Puts a block, as [`Ledger::prepare`] or its witness gave it, on top of the state in memory and gives its root. On disk
    /// nothing changes: what is staged is gone when the process ends. Staged blocks become durable one after the other, the
    /// oldest first, with [`Store::commit_staged`], or are taken back with [`Store::roll_back`].
    ///
    /// # Errors
    /// If the block does not follow [`Store::ledger`]; then nothing has changed.
    pub fn stage(&mut self, prepared: &Prepared) -> Result<Digest, StoreError> {
        self.ledger().check_prepared(prepared)?;
        Ok(self.push(prepared.clone()))
    }

    fn stage_writes(
        &mut self,
        number: u32,
        time: u32,
        previous_root: Digest,
        writes: &Writes,
    ) -> Result<Digest, StoreError> {
        let prepared = self.ledger().prepare(number, time, previous_root, writes)?;
        Ok(self.push(prepared))
    }

    fn push(&mut self, prepared: Prepared) -> Digest {
        let root = prepared.root();
        self.overlay.push(prepared);
        root
    }

    /// Makes the oldest staged block durable, in one transaction. `root` is what its proof states.
    ///
    /// # Errors
    /// If nothing is staged or the block does not lead to `root`; then nothing has changed. If the system fails while
    /// writing, the block stays staged and the file holds the state before or after it: open it again to see which.
    pub fn commit_staged(&mut self, root: Digest) -> Result<(), StoreError> {
        let oldest = self.overlay.oldest().ok_or(StoreError::NothingStaged { height: self.height() })?;
        if oldest.root() != root {
            return Err(StoreError::NewRoot { expected: root, got: oldest.root() });
        }
        self.file.write_block(oldest)?;
        self.overlay.settle();
        Ok(())
    }

    /// Takes back all staged blocks above `height`, the latest first, and gives their count.
    ///
    /// # Errors
    /// If the block after `height` is committed, or `height` was never reached; then nothing has changed.
    pub fn roll_back(&mut self, height: u32) -> Result<usize, StoreError> {
        Ok(self.overlay.roll_back(height)?)
    }

    /// The circuits that the store's blocks are proven by; `None` if that was never said.
    ///
    /// # Errors
    /// If the file cannot be read, or names several.
    pub fn circuits(&self) -> Result<Option<Circuits>, StoreError> {
        self.file.view()?.circuits()
    }

    /// Says, durably, by which circuits the store's blocks are proven. Once said it stays.
    ///
    /// # Errors
    /// If others were said before, or the system fails.
    pub fn set_circuits(&mut self, circuits: Circuits) -> Result<(), StoreError> {
        match self.circuits()? {
            None => self.file.write_circuits(circuits),
            Some(expected) if expected == circuits => Ok(()),
            Some(expected) => {
                Err(StoreError::Circuits { path: self.file.path().to_owned(), expected, got: circuits })
            }
        }
    }

    /// Keeps the bytes of block `number`'s proving job until that block is committed. Durable on return.
    ///
    /// # Errors
    /// If the system fails.
    pub fn write_journal(&mut self, number: u32, bytes: &[u8]) -> Result<(), StoreError> {
        self.file.write_journal(number, bytes)
    }

    /// What [`Store::write_journal`] kept for block `number`.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn journal(&self, number: u32) -> Result<Option<Vec<u8>>, StoreError> {
        self.file.view()?.journal(number)
    }
}

/// The path of the store's file in `dir`, which must be there.
fn expect_file(dir: &Path) -> Result<PathBuf, StoreError> {
    let path = dir.join(FILE_NAME);
    match fs::metadata(&path) {
        Ok(found) if found.is_file() => Ok(path),
        Ok(_) => Err(StoreError::NotAStore { path }),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(StoreError::Missing { path })
        }
        Err(error) => Err(io_at(&path)(error)),
    }
}

/// Makes a new name in a directory durable.
fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    // Elsewhere a directory cannot be opened as a file.
    if cfg!(unix) {
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(io_at(dir))?;
    }
    Ok(())
}

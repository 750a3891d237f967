//! The database file of a store: its tables and its transactions.

use std::fs::File;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use redb::{Database, DatabaseError, ReadableTable, StorageBackend, Table, WriteTransaction};

use super::error::{StoreError, failed, io_at};
use super::read_only::ReadOnlyFile;
use super::tables::{
    CIRCUITS, JOURNAL, LEAVES, META, NODES, RECORDS, ROOTS, StoredDigest, stored, stored_record,
};
use super::tiles;
use super::view::View;
use super::{Circuits, SCHEMA_VERSION, WITHOUT_RECORDS};
use crate::leaf::LeafIndex;
use crate::ledger::{Chain, Ledger, Prepared};
use crate::record::ContractRecord;

/// Longest time that a writer waits for readers.
const WAIT_FOR_READERS: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Whether a locked database is open for reading alone: then one more can read it.
fn is_only_read(path: &Path) -> bool {
    // The lock goes with the file's handle. The first byte is among those that a writer locks exclusively.
    let file = File::open(path).ok().and_then(|file| ReadOnlyFile::new(file).ok());
    let first = Bound::Included(0);
    file.is_some_and(|file| matches!(file.try_lock_shared_range(first, first), Ok(true)))
}

/// The database and where it is.
#[derive(Debug)]
pub(super) struct StoreFile {
    db: Arc<Database>,
    path: PathBuf,
}

impl StoreFile {
    /// An empty database in an empty file.
    pub(super) fn create(path: &Path, file: File) -> Result<Self, StoreError> {
        let db = Database::builder().create_file(file).map_err(|error| failed(path, error.into()))?;
        Ok(Self { db: Arc::new(db), path: path.to_owned() })
    }

    #[cfg(test)]
    pub(super) fn new(db: Database, path: PathBuf) -> Self {
        Self { db: Arc::new(db), path }
    }

    /// Opens a database to write to it. Waits for readers, but not for another writer.
    pub(super) fn open(path: PathBuf) -> Result<Self, StoreError> {
        let begun = Instant::now();
        loop {
            match Self::open_checked(path.clone(), || Database::open(&path)) {
                Err(StoreError::Locked { .. })
                    if begun.elapsed() < WAIT_FOR_READERS && is_only_read(&path) =>
                {
                    thread::sleep(LOOK_EVERY);
                }
                opened => return opened,
            }
        }
    }

    /// Opens a database to read it. The file stays as it is, damaged or not; see [`ReadOnlyFile`].
    pub(super) fn open_read_only(path: PathBuf) -> Result<Self, StoreError> {
        let file = File::open(&path).map_err(io_at(&path))?;
        refuse_empty(&file, &path)?;
        Self::open_checked(path, || Database::builder().create_with_backend(ReadOnlyFile::new(file)?))
    }

    /// Opens a database and checks every page's checksum. By itself redb checks them only after a crash;
    /// before that it reads its list of free pages unchecked, and panics if that is damaged.
    pub(super) fn open_checked(
        path: PathBuf,
        open: impl FnOnce() -> Result<Database, DatabaseError>,
    ) -> Result<Self, StoreError> {
        let checked = catch_unwind(AssertUnwindSafe(|| {
            let mut db = open()?;
            db.check_integrity()?;
            Ok::<_, DatabaseError>(db)
        }));
        match checked {
            Ok(Ok(db)) => Ok(Self { db: Arc::new(db), path }),
            Ok(Err(error)) => Err(failed(&path, error.into())),
            Err(_) => Err(StoreError::Damaged { path }),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn dir(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    fn read<T>(&self, read: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, StoreError> {
        read(&self.db).map_err(|error| failed(&self.path, error))
    }

    /// Runs one durable transaction, in two phases: a damaged page of the last block is then never taken
    /// for an interrupted commit, which would silently bring back the block before.
    fn transaction(
        &self,
        write: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), StoreError> {
        self.read(|db| {
            let mut transaction = db.begin_write()?;
            transaction.set_two_phase_commit(true);
            write(&transaction)?;
            Ok(transaction.commit()?)
        })
    }

    /// Writes the tables of a genesis.
    pub(super) fn initialise(&self, genesis: &Ledger, circuits: Option<Circuits>) -> Result<(), StoreError> {
        self.transaction(|transaction| {
            let mut meta = transaction.open_table(META)?;
            meta.insert("schema", WITHOUT_RECORDS)?;
            let Chain { id, shards } = genesis.chain();
            meta.insert("chain_id", id)?;
            meta.insert("shards", u64::from(shards))?;
            meta.insert("height", 0)?;
            meta.insert("time", u64::from(genesis.time()))?;
            let mut leaves = transaction.open_table(LEAVES)?;
            for (index, leaf) in genesis.leaves().entries() {
                leaves.insert(index.0, stored(leaf))?;
            }
            write_records(transaction, &mut meta, genesis.records().entries())?;
            let mut nodes = transaction.open_table(NODES)?;
            for key in tiles::keys(&genesis.counts()) {
                nodes.insert(key.0, &tiles::cut(genesis.tree(), key))?;
            }
            transaction.open_table(ROOTS)?.insert(0, StoredDigest::from(genesis.root()))?;
            transaction.open_table(JOURNAL)?;
            if let Some(Circuits { profile, key }) = circuits {
                transaction.open_table(CIRCUITS)?.insert(profile, StoredDigest::from(key))?;
            }
            Ok(())
        })
    }

    pub(super) fn write_circuits(&self, circuits: Circuits) -> Result<(), StoreError> {
        self.transaction(|transaction| {
            let key = StoredDigest::from(circuits.key);
            transaction.open_table(CIRCUITS)?.insert(circuits.profile, key)?;
            Ok(())
        })
    }

    /// Writes a block, and forgets the jobs up to it.
    pub(super) fn write_block(&self, block: &Prepared) -> Result<(), StoreError> {
        let (number, root) = (block.number(), block.root());
        self.transaction(|transaction| {
            let mut meta = transaction.open_table(META)?;
            meta.insert("height", u64::from(number))?;
            meta.insert("time", u64::from(block.time()))?;
            let mut leaves = transaction.open_table(LEAVES)?;
            for (index, leaf) in block.writes().leaves.iter() {
                leaves.insert(index.0, stored(leaf))?;
            }
            let records = block.writes().records.iter().map(|(index, record)| (*index, record));
            write_records(transaction, &mut meta, records)?;
            let mut nodes = transaction.open_table(NODES)?;
            for patch in tiles::patches(block.update()) {
                let before = nodes.get(patch.key.0)?.map(|tile| *tile.value());
                nodes.insert(patch.key.0, &patch.over(before))?;
            }
            transaction.open_table(ROOTS)?.insert(number, StoredDigest::from(root))?;
            transaction.open_table(JOURNAL)?.retain(|job, _| job > number)?;
            Ok(())
        })
    }

    /// The state as it is committed now, whatever is written meanwhile.
    pub(super) fn view(&self) -> Result<View, StoreError> {
        View::of(&self.db, &self.path)
    }

    /// The database, for readers beside the writer. It stays locked as long as one of them has it.
    pub(super) fn share(&self) -> (Weak<Database>, PathBuf) {
        (Arc::downgrade(&self.db), self.path.clone())
    }

    pub(super) fn write_journal(&self, number: u32, bytes: &[u8]) -> Result<(), StoreError> {
        self.transaction(|transaction| {
            transaction.open_table(JOURNAL)?.insert(number, bytes)?;
            Ok(())
        })
    }
}

/// Writes records, if there are any: then the store is one with contracts.
fn write_records<'a>(
    transaction: &WriteTransaction,
    meta: &mut Table<'_, &str, u64>,
    records: impl Iterator<Item = (LeafIndex, &'a ContractRecord)>,
) -> Result<(), redb::Error> {
    let mut records = records.peekable();
    if records.peek().is_some() {
        meta.insert("schema", SCHEMA_VERSION)?;
        let mut table = transaction.open_table(RECORDS)?;
        for (index, record) in records {
            table.insert(index.0, &stored_record(record)[..])?;
        }
    }
    Ok(())
}

/// Refuses an empty file, which the database would take for one to be begun.
fn refuse_empty(file: &File, path: &Path) -> Result<(), StoreError> {
    match file.metadata().map_err(io_at(path))?.len() {
        0 => Err(StoreError::NotAStore { path: path.to_owned() }),
        _ => Ok(()),
    }
}

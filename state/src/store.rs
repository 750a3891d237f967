//! The state on disk: one redb file in a directory, one durable transaction a block.
//!
//! | table | key | value |
//! |---|---|---|
//! | `meta` | `schema`, `chain_id`, `height` | `u64` |
//! | `leaves` | index (`u32`), dense | address (four `u64`), nonce (`u32`), asset (`u32`), balance (`u64`) |
//! | `roots` | block number (`u32`), 0 for genesis | state root (four `u64`) |
//! | `journal` | block number (`u32`) | bytes of a proving job that is under way |
//!
//! A store is either the one before a block or the one after it, whatever stops the process. Nodes of the
//! tree are not stored: they are hashed again on open, and must give the root of the last block. One
//! process at a time can have a store open; the lock goes with the process.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::{Database, DatabaseError, ReadableDatabase, TableDefinition, WriteTransaction};

use crate::block::Genesis;
use crate::executor::Execution;
use crate::hash::{Digest, DigestError};
use crate::leaf::{Leaf, LeafIndex};
use crate::ledger::{ApplyError, GenesisError, Ledger, Writes};

#[cfg(test)]
mod tests;

/// Name of the store's file in its directory.
pub const FILE_NAME: &str = "state.redb";

/// The version of the tables.
pub const SCHEMA_VERSION: u64 = 1;

/// A digest as it is stored: canonical integers.
type StoredDigest = [u64; 4];
/// A leaf as it is stored: address, nonce, asset, balance.
type StoredLeaf = (StoredDigest, u32, u32, u64);

const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
const LEAVES: TableDefinition<u32, StoredLeaf> = TableDefinition::new("leaves");
const ROOTS: TableDefinition<u32, StoredDigest> = TableDefinition::new("roots");
const JOURNAL: TableDefinition<u32, &[u8]> = TableDefinition::new("journal");

/// A store that cannot be made, opened or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is a store already.
    #[error("expected no store at {path}, got one")]
    Exists {
        /// The store's file.
        path: PathBuf,
    },
    /// There is no store.
    #[error("expected a store at {path}, got none")]
    Missing {
        /// Where its file would be.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("expected a store at {path}, got a file of another kind")]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
    /// Another process, or another part of this one, has the store open.
    #[error("expected to be alone with the store {path}, but it is open elsewhere")]
    Locked {
        /// The store's file.
        path: PathBuf,
    },
    /// Written by another version.
    #[error("{path}: expected schema version {expected}, got {got}")]
    Schema {
        /// The store's file.
        path: PathBuf,
        /// The version that is understood.
        expected: u64,
        /// The store's version.
        got: u64,
    },
    /// The system refuses to read or write.
    #[error("{path}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is damaged, or the database fails otherwise.
    #[error("{path}: {source}")]
    Database {
        /// The store's file.
        path: PathBuf,
        /// What the database says.
        source: Box<redb::Error>,
    },
    /// The file is damaged where the database does not expect it.
    #[error("{path}: expected an undamaged store, got one that cannot be read")]
    Damaged {
        /// The store's file.
        path: PathBuf,
    },
    /// A number that every store has is missing or too large.
    #[error("{path}: expected {name} below 2^32, got {}", got.map_or("none".to_owned(), |got| got.to_string()))]
    Meta {
        /// The store's file.
        path: PathBuf,
        /// The number's name.
        name: &'static str,
        /// What is there.
        got: Option<u64>,
    },
    /// The leaves leave a gap.
    #[error("{path}: expected leaf {expected}, got leaf {got}")]
    LeafGap {
        /// The store's file.
        path: PathBuf,
        /// The index that should follow.
        expected: u64,
        /// The index that does.
        got: LeafIndex,
    },
    /// A stored digest is not canonical.
    #[error("{path}: {source}")]
    Digest {
        /// The store's file.
        path: PathBuf,
        /// What is wrong.
        source: DigestError,
    },
    /// The leaves on disk do not give the root on disk.
    #[error("{path}: expected the root {}, got {got}", expected.map_or("of the last block".to_owned(), |root| root.to_string()))]
    StoredRoot {
        /// The store's file.
        path: PathBuf,
        /// The stored root of the last block; `None` if it is missing.
        expected: Option<Digest>,
        /// The leaves' root.
        got: Digest,
    },
    /// A chain cannot start with this genesis.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// The block does not follow the stored state.
    #[error("the block does not follow the stored state: {0}")]
    Follow(#[from] ApplyError),
    /// The block leads to another root than the one it was proven for.
    #[error("expected the new root {expected}, got {got}")]
    NewRoot {
        /// The root that was asked for.
        expected: Digest,
        /// The root that the writes lead to.
        got: Digest,
    },
}

/// A state on disk, and in memory as a [`Ledger`].
#[derive(Debug)]
pub struct Store {
    file: StoreFile,
    ledger: Ledger,
}

impl Store {
    /// Makes a store of a genesis in `dir`, which is made too if it is missing, and opens it. The file
    /// appears under its name only when it is complete.
    ///
    /// # Errors
    /// If there is a store already, or the genesis is invalid, or the system refuses.
    pub fn create(dir: &Path, genesis: &Genesis) -> Result<Self, StoreError> {
        let ledger = Ledger::from_genesis(genesis)?;
        let path = dir.join(FILE_NAME);
        if path.try_exists().map_err(io_at(&path))? {
            return Err(StoreError::Exists { path });
        }
        fs::create_dir_all(dir).map_err(io_at(dir))?;
        let (unfinished, file) = new_file(dir)?;
        let made = StoreFile::create(&unfinished, file)
            .and_then(|file| file.initialise(&ledger))
            .and_then(|()| publish(&unfinished, &path));
        // Whether it got its name or not, this one has had its time.
        let removed = fs::remove_file(&unfinished);
        made?;
        if let Err(error) = removed
            && error.kind() != ErrorKind::NotFound
        {
            return Err(io_at(&unfinished)(error));
        }
        sync_dir(dir)?;
        Self::open(dir)
    }

    /// Opens the store in `dir` and checks it: every page's checksum, and that the leaves give the root of
    /// the last block.
    ///
    /// # Errors
    /// If there is no store, or it is open elsewhere, of another version, or damaged.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(FILE_NAME);
        match fs::metadata(&path) {
            Ok(found) if found.is_file() => {}
            Ok(_) => return Err(StoreError::NotAStore { path }),
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(StoreError::Missing { path }),
            Err(error) => return Err(io_at(&path)(error)),
        }
        Self::load(StoreFile::open(path)?)
    }

    fn load(file: StoreFile) -> Result<Self, StoreError> {
        let ledger = file.load()?;
        Ok(Self { file, ledger })
    }

    /// The directory that the store is in.
    pub fn dir(&self) -> &Path {
        self.file.path.parent().unwrap_or(Path::new("."))
    }

    /// The state after the last block.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The root after block `number`; `None` if there was no such block. 0 is genesis.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn root_at(&self, number: u32) -> Result<Option<Digest>, StoreError> {
        self.file.root_at(number)
    }

    /// Takes over an executed block whose proof states `root`: on disk, in one durable transaction, then
    /// in memory.
    ///
    /// # Errors
    /// If the execution does not follow the stored state or does not lead to `root`; then nothing has
    /// changed. If the system fails while writing, the file holds the state before or after the block:
    /// open it again to see which.
    pub fn commit(&mut self, execution: &Execution, root: Digest) -> Result<(), StoreError> {
        self.commit_writes(execution.number, execution.previous_root, &execution.writes, root)
    }

    /// [`Store::commit`] of writes that come from elsewhere, as from published data.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn commit_writes(
        &mut self,
        number: u32,
        previous_root: Digest,
        writes: &Writes,
        root: Digest,
    ) -> Result<(), StoreError> {
        let prepared = self.ledger.prepare(number, previous_root, writes)?;
        if prepared.root() != root {
            return Err(StoreError::NewRoot { expected: root, got: prepared.root() });
        }
        self.file.write_block(number, root, writes)?;
        self.ledger.adopt(prepared);
        Ok(())
    }

    /// Keeps the bytes of block `number`'s proving job until that block is committed. Durable on return.
    ///
    /// # Errors
    /// If the system fails.
    pub fn write_journal(&mut self, number: u32, bytes: &[u8]) -> Result<(), StoreError> {
        self.file.transaction(|transaction| {
            transaction.open_table(JOURNAL)?.insert(number, bytes)?;
            Ok(())
        })
    }

    /// What [`Store::write_journal`] kept for block `number`.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn journal(&self, number: u32) -> Result<Option<Vec<u8>>, StoreError> {
        self.file.read(|db| {
            let table = db.begin_read()?.open_table(JOURNAL)?;
            Ok(table.get(number)?.map(|bytes| bytes.value().to_vec()))
        })
    }
}

/// The database and where it is.
#[derive(Debug)]
struct StoreFile {
    db: Database,
    path: PathBuf,
}

impl StoreFile {
    /// An empty database in an empty file.
    fn create(path: &Path, file: File) -> Result<Self, StoreError> {
        let db = Database::builder().create_file(file).map_err(|error| failed(path, error.into()))?;
        Ok(Self { db, path: path.to_owned() })
    }

    fn open(path: PathBuf) -> Result<Self, StoreError> {
        let file = path.clone();
        Self::open_checked(path, || Database::open(file))
    }

    /// Opens a database and checks every page's checksum. By itself redb checks them only after a crash;
    /// before that it reads its list of free pages unchecked, and panics if that is damaged.
    fn open_checked(
        path: PathBuf,
        open: impl FnOnce() -> Result<Database, DatabaseError>,
    ) -> Result<Self, StoreError> {
        let checked = catch_unwind(AssertUnwindSafe(|| {
            let mut db = open()?;
            db.check_integrity()?;
            Ok::<_, DatabaseError>(db)
        }));
        match checked {
            Ok(Ok(db)) => Ok(Self { db, path }),
            Ok(Err(error)) => Err(failed(&path, error.into())),
            Err(_) => Err(StoreError::Damaged { path }),
        }
    }

    fn read<T>(&self, read: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, StoreError> {
        read(&self.db).map_err(|error| failed(&self.path, error))
    }

    /// Runs one durable transaction, in two phases: a damaged page of the last block is then never taken
    /// for a commit that was cut off, which would bring the block before back in silence.
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
    fn initialise(&self, genesis: &Ledger) -> Result<(), StoreError> {
        self.transaction(|transaction| {
            let mut meta = transaction.open_table(META)?;
            meta.insert("schema", SCHEMA_VERSION)?;
            meta.insert("chain_id", u64::from(genesis.chain_id()))?;
            meta.insert("height", 0)?;
            let mut leaves = transaction.open_table(LEAVES)?;
            for (index, leaf) in (0..).zip(genesis.leaves()) {
                leaves.insert(index, stored(leaf))?;
            }
            transaction.open_table(ROOTS)?.insert(0, StoredDigest::from(genesis.root()))?;
            transaction.open_table(JOURNAL)?;
            Ok(())
        })
    }

    fn write_block(&self, number: u32, root: Digest, writes: &Writes) -> Result<(), StoreError> {
        self.transaction(|transaction| {
            transaction.open_table(META)?.insert("height", u64::from(number))?;
            let mut leaves = transaction.open_table(LEAVES)?;
            for (index, leaf) in writes {
                leaves.insert(index.0, stored(leaf))?;
            }
            transaction.open_table(ROOTS)?.insert(number, StoredDigest::from(root))?;
            transaction.open_table(JOURNAL)?.retain(|job, _| job > number)?;
            Ok(())
        })
    }

    /// Reads the state and checks it against the stored root.
    fn load(&self) -> Result<Ledger, StoreError> {
        let got = self.meta("schema")?.ok_or_else(|| StoreError::NotAStore { path: self.path.clone() })?;
        if got != SCHEMA_VERSION {
            return Err(StoreError::Schema { path: self.path.clone(), expected: SCHEMA_VERSION, got });
        }
        let (chain_id, height) = (self.meta_u32("chain_id")?, self.meta_u32("height")?);
        let ledger = Ledger::restore(chain_id, height, self.leaves()?);
        let (expected, got) = (self.root_at(height)?, ledger.root());
        if expected != Some(got) {
            return Err(StoreError::StoredRoot { path: self.path.clone(), expected, got });
        }
        Ok(ledger)
    }

    fn meta(&self, name: &str) -> Result<Option<u64>, StoreError> {
        let table = match self.read(|db| Ok(db.begin_read()?.open_table(META)))? {
            Ok(table) => table,
            Err(redb::TableError::Storage(error)) => return Err(failed(&self.path, error.into())),
            // No such table, or one of other types: a database that is not ours.
            Err(_) => return Err(StoreError::NotAStore { path: self.path.clone() }),
        };
        self.read(|_| Ok(table.get(name)?.map(|number| number.value())))
    }

    fn meta_u32(&self, name: &'static str) -> Result<u32, StoreError> {
        let got = self.meta(name)?;
        got.and_then(|got| u32::try_from(got).ok()).ok_or_else(|| StoreError::Meta {
            path: self.path.clone(),
            name,
            got,
        })
    }

    fn leaves(&self) -> Result<Vec<Leaf>, StoreError> {
        let table = self.read(|db| Ok(db.begin_read()?.open_table(LEAVES)?))?;
        let mut leaves = Vec::new();
        for (expected, entry) in (0..).zip(self.read(|_| Ok(table.range::<u32>(..)?))?) {
            let (index, leaf) = self.read(|_| Ok(entry?))?;
            if u64::from(index.value()) != expected {
                let got = LeafIndex(index.value());
                return Err(StoreError::LeafGap { path: self.path.clone(), expected, got });
            }
            let (address, nonce, asset, balance) = leaf.value();
            leaves.push(Leaf { address: self.digest(address)?, nonce, asset, balance });
        }
        Ok(leaves)
    }

    fn root_at(&self, number: u32) -> Result<Option<Digest>, StoreError> {
        let root = self.read(|db| {
            let table = db.begin_read()?.open_table(ROOTS)?;
            Ok(table.get(number)?.map(|root| root.value()))
        })?;
        root.map(|root| self.digest(root)).transpose()
    }

    fn digest(&self, integers: StoredDigest) -> Result<Digest, StoreError> {
        Digest::try_from(integers).map_err(|source| StoreError::Digest { path: self.path.clone(), source })
    }
}

/// A new file in `dir`, under a name that nobody else uses.
fn new_file(dir: &Path) -> Result<(PathBuf, File), StoreError> {
    let process = std::process::id();
    let mut attempt = 0;
    loop {
        let path = dir.join(format!("{FILE_NAME}.{process}-{attempt}.new"));
        match File::options().read(true).write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => attempt += 1,
            Err(error) => return Err(io_at(&path)(error)),
        }
    }
}

/// Gives a finished file its name, unless that name is taken, in one step.
fn publish(unfinished: &Path, path: &Path) -> Result<(), StoreError> {
    match fs::hard_link(unfinished, path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(StoreError::Exists { path: path.to_owned() })
        }
        // A file system without hard links.
        Err(_) if !path.exists() => fs::rename(unfinished, path).map_err(io_at(path)),
        Err(error) => Err(io_at(path)(error)),
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

fn io_at(path: &Path) -> impl Fn(io::Error) -> StoreError {
    move |source| StoreError::Io { path: path.to_owned(), source }
}

/// Sorts a database error into ours.
fn failed(path: &Path, error: redb::Error) -> StoreError {
    let path = path.to_owned();
    match error {
        redb::Error::DatabaseAlreadyOpen => StoreError::Locked { path },
        // So redb calls a file that does not start as its own do.
        redb::Error::Io(error) if error.kind() == ErrorKind::InvalidData => StoreError::NotAStore { path },
        redb::Error::Io(source) => StoreError::Io { path, source },
        source => StoreError::Database { path, source: Box::new(source) },
    }
}

fn stored(leaf: &Leaf) -> StoredLeaf {
    (leaf.address.into(), leaf.nonce, leaf.asset, leaf.balance)
}

//! The database file of a store: its tables and its transactions.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::{
    Database, DatabaseError, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition,
    WriteTransaction,
};

use super::check::{Check, check};
use super::error::{StoreError, failed};
use super::tiles::{self, TILE_BYTES, TileKey};
use super::{Circuits, SCHEMA_VERSION};
use crate::hash::Digest;
use crate::leaf::{Leaf, LeafIndex, TREE_DEPTH};
use crate::ledger::{Ledger, MAX_LEAVES, Prepared};
use crate::tree::Tree;

/// A digest as it is stored: canonical integers.
type StoredDigest = [u64; 4];
/// A leaf as it is stored: address, nonce, asset, balance.
pub(super) type StoredLeaf = (StoredDigest, u32, u32, u64);

pub(super) const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
pub(super) const LEAVES: TableDefinition<u32, StoredLeaf> = TableDefinition::new("leaves");
pub(super) const NODES: TableDefinition<u32, &[u8; TILE_BYTES]> = TableDefinition::new("nodes");
const ROOTS: TableDefinition<u32, StoredDigest> = TableDefinition::new("roots");
const CIRCUITS: TableDefinition<u32, StoredDigest> = TableDefinition::new("circuits");
const JOURNAL: TableDefinition<u32, &[u8]> = TableDefinition::new("journal");

/// The database and where it is.
#[derive(Debug)]
pub(super) struct StoreFile {
    db: Database,
    path: PathBuf,
}

impl StoreFile {
    /// An empty database in an empty file.
    pub(super) fn create(path: &Path, file: File) -> Result<Self, StoreError> {
        let db = Database::builder().create_file(file).map_err(|error| failed(path, error.into()))?;
        Ok(Self { db, path: path.to_owned() })
    }

    #[cfg(test)]
    pub(super) fn new(db: Database, path: PathBuf) -> Self {
        Self { db, path }
    }

    pub(super) fn open(path: PathBuf) -> Result<Self, StoreError> {
        let file = path.clone();
        Self::open_checked(path, || Database::open(file))
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
            Ok(Ok(db)) => Ok(Self { db, path }),
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
    pub(super) fn initialise(&self, genesis: &Ledger, circuits: Option<Circuits>) -> Result<(), StoreError> {
        self.transaction(|transaction| {
            let mut meta = transaction.open_table(META)?;
            meta.insert("schema", SCHEMA_VERSION)?;
            meta.insert("chain_id", u64::from(genesis.chain_id()))?;
            meta.insert("height", 0)?;
            let mut leaves = transaction.open_table(LEAVES)?;
            for (index, leaf) in (0..).zip(genesis.leaves()) {
                leaves.insert(index, stored(leaf))?;
            }
            let mut nodes = transaction.open_table(NODES)?;
            for key in tiles::keys(genesis.len()) {
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

    pub(super) fn circuits(&self) -> Result<Option<Circuits>, StoreError> {
        let table = match self.read(|db| Ok(db.begin_read()?.open_table(CIRCUITS)))? {
            Ok(table) => table,
            // A store from before there was the table.
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(failed(&self.path, error.into())),
        };
        let entries = self.read(|_| {
            let entries =
                table.range::<u32>(..)?.map(|entry| entry.map(|(at, key)| (at.value(), key.value())));
            Ok(entries.collect::<Result<Vec<_>, _>>()?)
        })?;
        match entries[..] {
            [] => Ok(None),
            [(profile, key)] => Ok(Some(Circuits { profile, key: self.digest(key)? })),
            _ => Err(StoreError::Damaged { path: self.path.clone() }),
        }
    }

    /// Writes a block, and forgets the jobs up to it.
    pub(super) fn write_block(&self, block: &Prepared) -> Result<(), StoreError> {
        let (number, root) = (block.number(), block.root());
        self.transaction(|transaction| {
            transaction.open_table(META)?.insert("height", u64::from(number))?;
            let mut leaves = transaction.open_table(LEAVES)?;
            for (index, leaf) in block.writes().iter() {
                leaves.insert(index.0, stored(leaf))?;
            }
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

    /// Reads the state and checks it against the stored root.
    pub(super) fn load(&self, how: Check) -> Result<Ledger, StoreError> {
        let got = self.meta("schema")?.ok_or_else(|| StoreError::NotAStore { path: self.path.clone() })?;
        if got != SCHEMA_VERSION {
            return Err(StoreError::Schema { path: self.path.clone(), expected: SCHEMA_VERSION, got });
        }
        let (chain_id, height) = (self.meta_u32("chain_id")?, self.meta_u32("height")?);
        let leaves = self.leaves()?;
        let wrong_root = |expected, got| StoreError::StoredRoot { path: self.path.clone(), expected, got };
        let Some(root) = self.root_at(height)? else {
            return Err(wrong_root(None, Ledger::restore(chain_id, height, leaves).root()));
        };
        let tree = self.tree(leaves.len(), root)?;
        // Without leaves there is no node that holds the root.
        if root != tree.root() {
            return Err(wrong_root(Some(root), tree.root()));
        }
        check(how, &leaves, &tree).map_err(|mismatch| mismatch.at(&self.path))?;
        Ok(Ledger::from_parts(chain_id, height, leaves, tree))
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
        let count = self.read(|_| Ok(table.len()?))?;
        let mut leaves = Vec::with_capacity(MAX_LEAVES.min(count as usize));
        for (expected, entry) in (0..).zip(self.read(|_| Ok(table.range::<u32>(..)?))?) {
            let (index, leaf) = self.read(|_| Ok(entry?))?;
            if u64::from(index.value()) != expected || expected >= MAX_LEAVES as u64 {
                let got = LeafIndex(index.value());
                return Err(StoreError::LeafGap { path: self.path.clone(), expected, got });
            }
            let (address, nonce, asset, balance) = leaf.value();
            leaves.push(Leaf { address: self.digest(address)?, nonce, asset, balance });
        }
        Ok(leaves)
    }

    /// The stored nodes, under the root that stands with the roots.
    fn tree(&self, leaves: usize, root: Digest) -> Result<Tree, StoreError> {
        let table = self.read(|db| Ok(db.begin_read()?.open_table(NODES)?))?;
        let mut levels = tiles::blank_levels(leaves);
        let mut stored = self.read(|_| Ok(table.range::<u32>(..)?))?;
        let mut keys = tiles::keys(leaves);
        loop {
            let expected = keys.next();
            let entry = stored.next().transpose().map_err(|error| failed(&self.path, error.into()))?;
            let got = entry.as_ref().map(|(key, _)| TileKey(key.value()));
            if got != expected {
                let [expected, got] = [expected, got].map(|key| key.map(TileKey::parts));
                return Err(StoreError::NodeGap { path: self.path.clone(), expected, got });
            }
            let (Some(key), Some((_, tile))) = (got, entry) else { break };
            tiles::paste(&mut levels, key, tile.value())
                .map_err(|source| StoreError::Digest { path: self.path.clone(), source })?;
        }
        levels[TREE_DEPTH].fill(root);
        Ok(Tree::from_levels(levels))
    }

    pub(super) fn root_at(&self, number: u32) -> Result<Option<Digest>, StoreError> {
        let root = self.read(|db| {
            let table = db.begin_read()?.open_table(ROOTS)?;
            Ok(table.get(number)?.map(|root| root.value()))
        })?;
        root.map(|root| self.digest(root)).transpose()
    }

    pub(super) fn write_journal(&self, number: u32, bytes: &[u8]) -> Result<(), StoreError> {
        self.transaction(|transaction| {
            transaction.open_table(JOURNAL)?.insert(number, bytes)?;
            Ok(())
        })
    }

    pub(super) fn journal(&self, number: u32) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|db| {
            let table = db.begin_read()?.open_table(JOURNAL)?;
            Ok(table.get(number)?.map(|bytes| bytes.value().to_vec()))
        })
    }

    fn digest(&self, integers: StoredDigest) -> Result<Digest, StoreError> {
        Digest::try_from(integers).map_err(|source| StoreError::Digest { path: self.path.clone(), source })
    }
}

pub(super) fn stored(leaf: &Leaf) -> StoredLeaf {
    (leaf.address.into(), leaf.nonce, leaf.asset, leaf.balance)
}

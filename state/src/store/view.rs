//! A committed state as it is in the database: read in one transaction, so that a block that is committed meanwhile
//! makes no difference.

use std::path::{Path, PathBuf};

use redb::{
    AccessGuard, Database, Key, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable,
    ReadableTableMetadata, StorageError, TableDefinition, TableError, Value,
};

use super::check::{Check, check};
use super::error::{StoreError, failed};
use super::tables::{
    CIRCUITS, JOURNAL, LEAVES, META, NODES, RECORDS, ROOTS, StoredDigest, StoredLeaf, read_record,
};
use super::tiles::{self, PasteError, Tile, TileKey};
use super::{Circuits, SCHEMA_VERSION, WITHOUT_RECORDS};
use crate::chain::state_root;
use crate::codec::Malformed;
use crate::contents::Contents;
use crate::hash::{Digest, node};
use crate::leaf::{ACCOUNT_SHARDS, Leaf, LeafIndex, SHARD_DEPTH, TREE_DEPTH};
use crate::ledger::{Chain, Ledger};
use crate::ranges::{is_chain_id, is_shards};
use crate::record::ContractRecord;
use crate::shards::Counts;
use crate::tree::{Tree, empty_subtree};

/// One committed state.
pub(super) struct View {
    transaction: ReadTransaction,
    path: PathBuf,
}

/// A number of 32 bits.
fn narrow(number: u64) -> Option<u32> {
    number.try_into().ok()
}

/// The numbers of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    pub chain: Chain,
    pub height: u32,
    pub time: u32,
    pub root: Option<Digest>,
    pub leaves: u64,
    pub records: u64,
}

impl View {
    pub(super) fn of(db: &Database, path: &Path) -> Result<Self, StoreError> {
        let transaction = db.begin_read().map_err(|error| failed(path, error.into()))?;
        Ok(Self { transaction, path: path.to_owned() })
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        read(&self.transaction).map_err(|error| failed(&self.path, error))
    }

    /// The state's numbers. Nothing is known before the schema is.
    pub(super) fn numbers(&self) -> Result<Numbers, StoreError> {
        let got = self.meta("schema")?.ok_or_else(|| StoreError::NotAStore { path: self.path.clone() })?;
        if !(WITHOUT_RECORDS..=SCHEMA_VERSION).contains(&got) {
            return Err(StoreError::Schema { path: self.path.clone(), expected: SCHEMA_VERSION, got });
        }
        let id = self.meta_in("chain_id", |id| Some(id).filter(|&id| is_chain_id(id)))?;
        let shards = self.meta_in("shards", |shards| narrow(shards).filter(|&shards| is_shards(shards)))?;
        let height = self.meta_in("height", narrow)?;
        let time = self.meta_in("time", |time| narrow(time).filter(|&time| time != 0))?;
        let chain = Chain { id, shards };
        let leaves = self.read(|transaction| Ok(transaction.open_table(LEAVES)?.len()?))?;
        let records = match self.records()? {
            Some(table) => self.read(|_| Ok(table.len()?))?,
            None => 0,
        };
        Ok(Numbers { chain, height, time, root: self.root_at(height)?, leaves, records })
    }

    /// Reads the state and checks it against the stored root.
    pub(super) fn load(&self, how: Check) -> Result<Ledger, StoreError> {
        let numbers = self.numbers()?;
        let mut contents = Loading::new(&self.path, numbers.leaves);
        self.each_leaf(|index, leaf| contents.push(index, leaf))?;
        self.each_record(|index, record| contents.push_record(index, record))?;
        let mut nodes = Nodes::new(&self.path, &contents.counts());
        self.each_tile(|key, tile| nodes.push(key, tile))?;
        assemble(&self.path, how, numbers, contents, nodes)
    }

    /// All leaves as they are stored, by index.
    pub(super) fn each_leaf(
        &self,
        mut take: impl FnMut(u32, StoredLeaf) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let table = self.read(|transaction| Ok(transaction.open_table(LEAVES)?))?;
        for entry in self.read(|_| Ok(table.range::<u32>(..)?))? {
            let (index, leaf) = self.read(|_| Ok(entry?))?;
            take(index.value(), leaf.value())?;
        }
        Ok(())
    }

    /// All records as they are stored, by index.
    pub(super) fn each_record(
        &self,
        mut take: impl FnMut(u32, &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let Some(table) = self.records()? else { return Ok(()) };
        for entry in self.read(|_| Ok(table.range::<u32>(..)?))? {
            let (index, record) = self.read(|_| Ok(entry?))?;
            take(index.value(), record.value())?;
        }
        Ok(())
    }

    /// The table of records; `None` before the first contract.
    fn records(&self) -> Result<Option<ReadOnlyTable<u32, &'static [u8]>>, StoreError> {
        self.table_if_any(RECORDS)
    }

    /// A table that need not be there.
    fn table_if_any<K: Key + 'static, V: Value + 'static>(
        &self,
        table: TableDefinition<'_, K, V>,
    ) -> Result<Option<ReadOnlyTable<K, V>>, StoreError> {
        match self.transaction.open_table(table) {
            Ok(table) => Ok(Some(table)),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(failed(&self.path, error.into())),
        }
    }

    /// All tiles, in their order.
    pub(super) fn each_tile(
        &self,
        mut take: impl FnMut(TileKey, &Tile) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let table = self.read(|transaction| Ok(transaction.open_table(NODES)?))?;
        for entry in self.read(|_| Ok(table.range::<u32>(..)?))? {
            let (key, tile) = self.read(|_| Ok(entry?))?;
            take(TileKey(key.value()), tile.value())?;
        }
        Ok(())
    }

    fn meta(&self, name: &str) -> Result<Option<u64>, StoreError> {
        let table = match self.transaction.open_table(META) {
            Ok(table) => table,
            Err(TableError::Storage(error)) => return Err(failed(&self.path, error.into())),
            // No such table, or one of other types: a database that is not ours.
            Err(_) => return Err(StoreError::NotAStore { path: self.path.clone() }),
        };
        self.read(|_| Ok(table.get(name)?.map(|number| number.value())))
    }

    /// A number that is there and in its range.
    fn meta_in<T>(&self, name: &'static str, range: impl Fn(u64) -> Option<T>) -> Result<T, StoreError> {
        let got = self.meta(name)?;
        got.and_then(range).ok_or_else(|| StoreError::Meta { path: self.path.clone(), name, got })
    }

    pub(super) fn root_at(&self, number: u32) -> Result<Option<Digest>, StoreError> {
        let root = self
            .read(|transaction| Ok(transaction.open_table(ROOTS)?.get(number)?.map(|root| root.value())))?;
        root.map(|root| digest(&self.path, root)).transpose()
    }

    /// The roots from genesis to the last block.
    pub(super) fn roots(&self) -> Result<Vec<Digest>, StoreError> {
        let roots = self.read(|transaction| {
            let table = transaction.open_table(ROOTS)?;
            let entry = |entry: Result<
                (AccessGuard<'_, u32>, AccessGuard<'_, StoredDigest>),
                StorageError,
            >| { entry.map(|(number, root)| (number.value(), root.value())) };
            Ok(table.range::<u32>(..)?.map(entry).collect::<Result<Vec<_>, _>>()?)
        })?;
        if (0..).zip(&roots).any(|(expected, &(got, _))| got != expected) {
            return Err(StoreError::Damaged { path: self.path.clone() });
        }
        roots.into_iter().map(|(_, root)| digest(&self.path, root)).collect()
    }

    /// The circuits that the blocks are proven by, if that was said.
    pub(super) fn circuits(&self) -> Result<Option<Circuits>, StoreError> {
        // A store from before there was the table has none.
        let Some(table) = self.table_if_any(CIRCUITS)? else { return Ok(None) };
        let entries = self.read(|_| {
            let entries =
                table.range::<u32>(..)?.map(|entry| entry.map(|(at, key)| (at.value(), key.value())));
            Ok(entries.collect::<Result<Vec<_>, _>>()?)
        })?;
        match entries[..] {
            [] => Ok(None),
            [(profile, key)] => Ok(Some(Circuits { profile, key: digest(&self.path, key)? })),
            _ => Err(StoreError::Damaged { path: self.path.clone() }),
        }
    }

    pub(super) fn journal(&self, number: u32) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|transaction| {
            Ok(transaction.open_table(JOURNAL)?.get(number)?.map(|bytes| bytes.value().to_vec()))
        })
    }

    /// The blocks that have a journal, ascending.
    pub(super) fn journals(&self) -> Result<Vec<u32>, StoreError> {
        self.read(|transaction| {
            let table = transaction.open_table(JOURNAL)?;
            table.iter()?.map(|entry| Ok(entry?.0.value())).collect()
        })
    }
}

pub(super) fn digest(path: &Path, integers: StoredDigest) -> Result<Digest, StoreError> {
    Digest::try_from(integers).map_err(|source| StoreError::Digest { path: path.to_owned(), source })
}

/// Leaves and records as they come in, with no gap in a shard.
pub(super) struct Loading<'a>(Contents, &'a Path);

impl<'a> Loading<'a> {
    /// With room for so many leaves at once, as most states have one shard.
    pub(super) fn new(path: &'a Path, room: u64) -> Self {
        let mut contents = Contents::default();
        contents.leaves.shard_mut(0).reserve_exact(room.min(1 << SHARD_DEPTH) as usize);
        Self(contents, path)
    }

    pub(super) fn counts(&self) -> Counts {
        self.0.counts()
    }

    /// Checks that what comes in at an index follows the `before` others of its shard.
    fn expect_next(&self, got: LeafIndex, before: usize) -> Result<(), StoreError> {
        let expected = ((got.shard() << SHARD_DEPTH) + before) as u64;
        if u64::from(got.0) != expected {
            return Err(StoreError::LeafGap { path: self.1.to_path_buf(), expected, got });
        }
        Ok(())
    }

    fn misplaced(&self, what: &'static str, got: LeafIndex) -> StoreError {
        StoreError::Misplaced { path: self.1.to_path_buf(), what, got }
    }

    pub(super) fn push(&mut self, index: u32, leaf: StoredLeaf) -> Result<(), StoreError> {
        let index = LeafIndex(index);
        if index.shard() >= ACCOUNT_SHARDS {
            return Err(self.misplaced("leaf", index));
        }
        self.expect_next(index, self.0.leaves.shard(index.shard()).len())?;
        let (address, first, second, asset, balance) = leaf;
        let address = digest(self.1, address)?;
        self.0.leaves.put(index, Leaf { address, nonces: [first, second], asset, balance });
        Ok(())
    }

    pub(super) fn push_record(&mut self, index: u32, bytes: &[u8]) -> Result<(), StoreError> {
        let index = LeafIndex(index);
        if index.contract().is_none() {
            return Err(self.misplaced("record", index));
        }
        self.expect_next(index, self.0.records.shard(index.shard()).len())?;
        let at = |source| StoreError::Record { path: self.1.to_path_buf(), index, source };
        let record: ContractRecord = read_record(bytes).map_err(at)?;
        record.check_at(index).map_err(|error| at(Malformed::new(error)))?;
        self.0.records.put(index, record);
        Ok(())
    }
}

/// The tree's nodes as they come in, tile by tile.
pub(super) struct Nodes<'a> {
    tree: Tree,
    keys: Box<dyn Iterator<Item = TileKey>>,
    path: &'a Path,
}

impl<'a> Nodes<'a> {
    pub(super) fn new(path: &'a Path, leaves: &Counts) -> Self {
        Self { tree: Tree::blank(leaves), keys: Box::new(tiles::keys(leaves)), path }
    }

    fn expect(&mut self, got: Option<TileKey>) -> Result<(), StoreError> {
        let expected = self.keys.next();
        if got == expected {
            return Ok(());
        }
        let [expected, got] = [expected, got].map(|key| key.map(TileKey::parts));
        Err(StoreError::NodeGap { path: self.path.to_owned(), expected, got })
    }

    pub(super) fn push(&mut self, key: TileKey, tile: &Tile) -> Result<(), StoreError> {
        self.expect(Some(key))?;
        let path = || self.path.to_owned();
        tiles::paste(&mut self.tree, key, tile).map_err(|error| match error {
            PasteError::Digest(source) => StoreError::Digest { path: path(), source },
            PasteError::NotEmpty { level, index, got } => {
                StoreError::Node { path: path(), level, index, expected: empty_subtree(level), got }
            }
        })
    }

    /// The tree, its root hashed from the two nodes below it.
    fn finish(mut self) -> Result<Tree, StoreError> {
        self.expect(None)?;
        let root = node(self.tree.node(TREE_DEPTH - 1, 0), self.tree.node(TREE_DEPTH - 1, 1));
        self.tree.fill(TREE_DEPTH, 0, root);
        Ok(self.tree)
    }
}

/// Puts a state together and checks that its parts fit.
pub(super) fn assemble(
    path: &Path,
    how: Check,
    numbers: Numbers,
    contents: Loading<'_>,
    nodes: Nodes<'_>,
) -> Result<Ledger, StoreError> {
    let Numbers { chain, height, time, root, .. } = numbers;
    let contents = contents.0;
    let wrong_root = |expected, got| StoreError::StoredRoot { path: path.to_owned(), expected, got };
    let Some(root) = root else {
        return Err(wrong_root(None, Ledger::restore(chain, height, time, contents).root()));
    };
    let tree = nodes.finish()?;
    let got = state_root(tree.root(), contents.counts().digest());
    if root != got {
        return Err(wrong_root(Some(root), got));
    }
    check(how, &contents, &tree).map_err(|mismatch| mismatch.at(path))?;
    Ok(Ledger::from_parts(chain, height, time, contents, tree))
}

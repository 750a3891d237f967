//! A committed state as it is in the database: read in one transaction, so that a block that is committed meanwhile
//! makes no difference.

use std::path::{Path, PathBuf};

use redb::{
    AccessGuard, Database, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata,
    StorageError, TableError,
};

use super::check::{Check, check};
use super::error::{StoreError, failed};
use super::tables::{CIRCUITS, JOURNAL, LEAVES, META, NODES, ROOTS, StoredDigest, StoredLeaf};
use super::tiles::{self, PasteError, Tile, TileKey};
use super::{Circuits, SCHEMA_VERSION};
use crate::chain::state_root;
use crate::hash::{Digest, node};
use crate::leaf::{Leaf, LeafIndex, SHARD_DEPTH, SHARDS, TREE_DEPTH};
use crate::ledger::{Chain, Ledger};
use crate::ranges::{is_chain_id, is_shards};
use crate::shards::{Counts, Shards};
use crate::tree::{Tree, empty_subtree, make_room};

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
        if got != SCHEMA_VERSION {
            return Err(StoreError::Schema { path: self.path.clone(), expected: SCHEMA_VERSION, got });
        }
        let id = self.meta_in("chain_id", |id| Some(id).filter(|&id| is_chain_id(id)))?;
        let shards = self.meta_in("shards", |shards| narrow(shards).filter(|&shards| is_shards(shards)))?;
        let height = self.meta_in("height", narrow)?;
        let time = self.meta_in("time", |time| narrow(time).filter(|&time| time != 0))?;
        let chain = Chain { id, shards };
        let leaves = self.read(|transaction| Ok(transaction.open_table(LEAVES)?.len()?))?;
        Ok(Numbers { chain, height, time, root: self.root_at(height)?, leaves })
    }

    /// Reads the state and checks it against the stored root.
    pub(super) fn load(&self, how: Check) -> Result<Ledger, StoreError> {
        let numbers = self.numbers()?;
        let mut leaves = Leaves::new(&self.path, numbers.leaves);
        self.each_leaf(|index, leaf| leaves.push(index, leaf))?;
        let mut nodes = Nodes::new(&self.path, &leaves.counts());
        self.each_tile(|key, tile| nodes.push(key, tile))?;
        assemble(&self.path, how, numbers, leaves, nodes)
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
        let table = match self.transaction.open_table(CIRCUITS) {
            Ok(table) => table,
            // A store from before there was the table.
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(failed(&self.path, error.into())),
        };
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

/// Leaves as they come in, with no gap in a shard.
pub(super) struct Leaves<'a>(Shards<Leaf>, &'a Path);

impl<'a> Leaves<'a> {
    /// With room for so many at once, as most states have one shard.
    pub(super) fn new(path: &'a Path, room: u64) -> Self {
        let mut leaves = Shards::default();
        leaves.shard_mut(0).reserve_exact(room.min(1 << SHARD_DEPTH) as usize);
        Self(leaves, path)
    }

    pub(super) fn counts(&self) -> Counts {
        self.0.counts()
    }

    pub(super) fn push(&mut self, index: u32, leaf: StoredLeaf) -> Result<(), StoreError> {
        let Self(leaves, path) = self;
        let got = LeafIndex(index);
        let shard = got.shard().min(SHARDS - 1);
        let leaves = leaves.shard_mut(shard);
        let expected = ((shard << SHARD_DEPTH) + leaves.len()) as u64;
        if u64::from(index) != expected || got.shard() != shard {
            return Err(StoreError::LeafGap { path: path.to_path_buf(), expected, got });
        }
        let (address, first, second, asset, balance) = leaf;
        make_room(leaves, leaves.len() + 1);
        leaves.push(Leaf { address: digest(path, address)?, nonces: [first, second], asset, balance });
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
    leaves: Leaves<'_>,
    nodes: Nodes<'_>,
) -> Result<Ledger, StoreError> {
    let Numbers { chain, height, time, root, .. } = numbers;
    let leaves = leaves.0;
    let wrong_root = |expected, got| StoreError::StoredRoot { path: path.to_owned(), expected, got };
    let Some(root) = root else {
        return Err(wrong_root(None, Ledger::restore(chain, height, time, leaves).root()));
    };
    let tree = nodes.finish()?;
    let got = state_root(tree.root(), leaves.counts().digest());
    if root != got {
        return Err(wrong_root(Some(root), got));
    }
    check(how, &leaves, &tree).map_err(|mismatch| mismatch.at(path))?;
    Ok(Ledger::from_parts(chain, height, time, leaves, tree))
}

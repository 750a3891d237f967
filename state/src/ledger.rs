//! The state in memory: leaves and records, the lookup from owner and asset to leaf, and the tree.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::block::Genesis;
use crate::chain::{BlockId, state_root};
use crate::contents::Contents;
use crate::execution::Execution;
use crate::field::to_u64;
use crate::hash::Digest;
use crate::leaf::{ACCOUNT_SHARDS, Address, Asset, Leaf, LeafIndex, SHARD_DEPTH};
use crate::record::{ContractRecord, RecordError, RecordKind};
use crate::shards::{Counts, Shards};
use crate::tree::{Tree, TreeUndo, TreeUpdate};
use crate::writes::{Entry, Writes};

mod genesis;

pub use crate::leaf::MAX_ACCOUNTS;
pub use genesis::GenesisError;

/// Writes that a thread checks at least.
const CHECKS: usize = 1 << 10;

/// What stays the same from genesis on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// The chain's number.
    #[serde(with = "crate::ranges::chain_id")]
    pub id: u64,
    /// Shards that new accounts are spread over; see [`Genesis::shards`].
    #[serde(with = "crate::ranges::shards")]
    pub shards: u32,
}

/// The state after some block of one chain.
#[derive(Clone, Debug)]
pub struct Ledger {
    chain: Chain,
    height: u32,
    time: u32,
    contents: Contents,
    lookup: Lookup,
    tree: Tree,
    root: Digest,
}

/// From owner and asset to the leaf. It holds indices alone: owner and asset stand in the leaves, in which it must be
/// given. Only ever looked up, never iterated: its order is not the same from run to run. Where an owner has several
/// leaves of one asset (the circuits do not rule it out), it finds the one at the lowest index.
#[derive(Clone, Debug, Default)]
struct Lookup {
    table: HashTable<u32>,
    /// Keyed at random, so that nobody can choose addresses that collide.
    hasher: DefaultHashBuilder,
    /// All leaves of the owners and assets that have several.
    several: BTreeMap<(Address, Asset), BTreeSet<u32>>,
}

impl Lookup {
    fn of(leaves: &Shards<Leaf>) -> Self {
        let mut lookup = Self { table: HashTable::with_capacity(leaves.len()), ..Self::default() };
        leaves.entries().for_each(|(index, _)| lookup.add(leaves, index));
        lookup
    }

    fn find(&self, leaves: &Shards<Leaf>, address: &Address, asset: Asset) -> Option<LeafIndex> {
        let same = |&index: &u32| leaves[LeafIndex(index)].is_of(address, asset);
        self.table.find(self.hasher.hash_one((address, asset)), same).copied().map(LeafIndex)
    }

    /// [`Self::find`] of several at once. A look-up reads three places in turn, each of which tells where the next one is:
    /// two of the table and the leaf. In a large state none of them is in a cache. So all look-ups are at the same place
    /// together, and the processor waits for them side by side.
    fn find_each<const N: usize>(
        &self,
        leaves: &Shards<Leaf>,
        keys: [(&Address, Asset); N],
    ) -> [Option<LeafIndex>; N] {
        let hashes = keys.map(|key| self.hasher.hash_one(key));
        // The first entry with a few bits of the hash in common: nearly always the leaf's, if there is one.
        let likely = hashes.map(|hash| self.table.find(hash, |_| true).copied().map(LeafIndex));
        let right = |at: usize| {
            let (address, asset) = keys[at];
            likely[at].is_none_or(|index| leaves[index].is_of(address, asset))
        };
        let right: [bool; N] = std::array::from_fn(right);
        std::array::from_fn(|at| {
            let (address, asset) = keys[at];
            if right[at] { likely[at] } else { self.find(leaves, address, asset) }
        })
    }

    /// Adds the leaf at `index`.
    fn add(&mut self, leaves: &Shards<Leaf>, index: LeafIndex) {
        let leaf = &leaves[index];
        let hash = |leaf: &Leaf| self.hasher.hash_one((&leaf.address, leaf.asset));
        let Some(known) = self.find(leaves, &leaf.address, leaf.asset) else {
            self.table.insert_unique(hash(leaf), index.0, |&other| hash(&leaves[LeafIndex(other)]));
            return;
        };
        self.several.entry((leaf.address, leaf.asset)).or_default().extend([known.0, index.0]);
        self.replace(leaf, known.0, known.0.min(index.0));
    }

    /// Removes the leaf at `index`, which is still there.
    fn remove(&mut self, leaves: &Shards<Leaf>, index: LeafIndex) {
        let leaf = &leaves[index];
        let key = (leaf.address, leaf.asset);
        if let Some(all) = self.several.get_mut(&key) {
            all.remove(&index.0);
            let first = all.first().copied();
            if all.len() < 2 {
                self.several.remove(&key);
            }
            if let Some(first) = first {
                self.replace(leaf, index.0, first);
            }
            return;
        }
        let hash = self.hasher.hash_one((&leaf.address, leaf.asset));
        if let Ok(entry) = self.table.find_entry(hash, |&other| other == index.0) {
            entry.remove();
        }
    }

    /// Finds another leaf of the same owner and asset from now on, if `old` was found.
    fn replace(&mut self, leaf: &Leaf, old: u32, new: u32) {
        let hash = self.hasher.hash_one((&leaf.address, leaf.asset));
        if let Some(found) = self.table.find_mut(hash, |&other| other == old) {
            *found = new;
        }
    }
}

/// Writes that do not fit the ledger they are meant for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// Not the next block.
    #[error("expected block {expected}, got block {got}")]
    Number {
        /// One more than the ledger's height.
        expected: u64,
        /// The block's number.
        got: u32,
    },
    /// A time before that of the last block.
    #[error("expected a time of {expected} or later, got {got}")]
    Time {
        /// The last block's time.
        expected: u32,
        /// The block's.
        got: u32,
    },
    /// Made from another state.
    #[error("expected the previous root {expected}, got {got}")]
    PreviousRoot {
        /// The ledger's root.
        expected: Digest,
        /// The root that the writes were made from.
        got: Digest,
    },
    /// A new leaf is not at the next free position of its shard.
    #[error("expected the next new leaf at index {expected}, got {got}")]
    NotDense {
        /// The next free index of the shard.
        expected: LeafIndex,
        /// The leaf's index.
        got: LeafIndex,
    },
    /// A new leaf is not of an account.
    #[error("expected a new leaf in a shard of accounts, below {expected}, got one at index {got}")]
    Shard {
        /// Shards of accounts.
        expected: usize,
        /// The leaf's index.
        got: LeafIndex,
    },
    /// A record cannot stand where it is written.
    #[error("leaf {index}: {source}")]
    Record {
        /// The index.
        index: LeafIndex,
        /// What is wrong.
        source: Box<RecordError>,
    },
    /// A contract becomes one of another kind. Records keep their kind for ever.
    #[error("leaf {index}: expected a record of a {expected}, got one of a {got}")]
    RecordKind {
        /// The record's index.
        index: LeafIndex,
        /// Its kind.
        expected: RecordKind,
        /// The kind that it would get.
        got: RecordKind,
    },
    /// A leaf changes hands. Leaves keep owner and asset for ever.
    #[error("leaf {index}: expected address {} and asset {}, got {} and {}", expected.0, expected.1, got.0, got.1)]
    Identity {
        /// The leaf's index.
        index: LeafIndex,
        /// Its owner and asset.
        expected: (Address, Asset),
        /// Those that it would get.
        got: (Address, Asset),
    },
    /// Nodes that were hashed before are not those over the leaves that change.
    #[error("expected new nodes over the leaves that the block writes, got those over others")]
    Nodes,
}

/// Counts a new leaf of an account.
fn add_leaf(counts: &mut Counts, index: LeafIndex) -> Result<(), ApplyError> {
    if index.shard() >= ACCOUNT_SHARDS {
        return Err(ApplyError::Shard { expected: ACCOUNT_SHARDS, got: index });
    }
    add(counts, index)
}

/// Counts what is new at a position of the tree: it must be the next free one of its shard.
fn add(counts: &mut Counts, index: LeafIndex) -> Result<(), ApplyError> {
    let shard = index.shard();
    let count = &mut counts.0[shard];
    if index.position() != *count {
        let expected = LeafIndex((shard << SHARD_DEPTH) as u32 + *count);
        return Err(ApplyError::NotDense { expected, got: index });
    }
    *count += 1;
    Ok(())
}

/// Writes that were checked and hashed against a ledger, but are not in it yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    number: u32,
    time: u32,
    previous_root: Digest,
    root: Digest,
    counts: Counts,
    writes: Writes,
    update: TreeUpdate,
}

impl Prepared {
    /// The state root after the writes.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// The root of the state that the writes follow.
    pub fn previous_root(&self) -> Digest {
        self.previous_root
    }

    /// The block's number, which becomes the height.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The block's time.
    pub fn time(&self) -> u32 {
        self.time
    }

    /// How many leaves or records each shard has after the writes.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The new contents of leaves and records.
    pub fn writes(&self) -> &Writes {
        &self.writes
    }

    /// The new nodes of the tree.
    pub fn update(&self) -> &TreeUpdate {
        &self.update
    }
}

/// The way back from one block; see [`Ledger::revert`].
#[derive(Clone, Debug)]
pub struct Undo {
    height: u32,
    time: u32,
    root: Digest,
    counts: Counts,
    /// The leaves that were there before, as they were.
    leaves: Vec<(LeafIndex, Leaf)>,
    /// The records, likewise.
    records: Vec<(LeafIndex, ContractRecord)>,
    tree: TreeUndo,
}

impl Ledger {
    /// The state that a chain starts with, at height 0.
    ///
    /// # Errors
    /// If there are too many leaves or contracts, or two leaves of one owner and asset, or a record does not fit its place, or
    /// a supply reaches `2^62` or is not what the asset's contract has issued.
    pub fn from_genesis(genesis: &Genesis) -> Result<Self, GenesisError> {
        let contents = genesis::contents(genesis)?;
        let chain = Chain { id: genesis.chain_id, shards: genesis.shards };
        Ok(Self::restore(chain, 0, genesis.time, contents))
    }

    /// The state with these contents, or with these leaves alone. Nothing is checked: compare the root with one that is known
    /// to be right.
    pub fn restore(chain: Chain, height: u32, time: u32, contents: impl Into<Contents>) -> Self {
        let contents = contents.into();
        let tree = Tree::from_shards(contents.digests());
        Self::from_parts(chain, height, time, contents, tree)
    }

    /// The state with these contents and a tree that was hashed before.
    pub(crate) fn from_parts(chain: Chain, height: u32, time: u32, contents: Contents, tree: Tree) -> Self {
        let lookup = Lookup::of(&contents.leaves);
        let root = state_root(tree.root(), contents.counts().digest());
        Self { chain, height, time, contents, lookup, tree, root }
    }

    /// Bytes of memory that leaves, records, nodes and the lookup have taken. At `n` leaves they use some 48 n, 64 n and 6 n to
    /// 12 n.
    pub fn memory(&self) -> usize {
        self.contents.memory() + self.tree.memory() + self.lookup.table.allocation_size()
    }

    /// What stays the same from genesis on.
    pub fn chain(&self) -> Chain {
        self.chain
    }

    /// The chain's number.
    pub fn chain_id(&self) -> u64 {
        self.chain.id
    }

    /// The time of the last block, or of genesis, in seconds since 1970.
    pub fn time(&self) -> u32 {
        self.time
    }

    /// The shard that the executor puts a new leaf of this address in, if there is room.
    pub fn shard_of(&self, address: &Address) -> usize {
        (to_u64(address.0[0]) % u64::from(self.chain.shards)) as usize
    }

    /// The number of the last block; 0 after genesis.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Count of leaves of accounts.
    pub fn len(&self) -> usize {
        self.contents.leaves.len()
    }

    /// Whether there is no leaf of an account.
    pub fn is_empty(&self) -> bool {
        self.contents.leaves.is_empty()
    }

    /// The account's leaf at this index; `None` if the position is empty or a contract's.
    pub fn leaf(&self, index: LeafIndex) -> Option<&Leaf> {
        self.contents.leaves.get(index)
    }

    /// All leaves of accounts.
    pub fn leaves(&self) -> &Shards<Leaf> {
        &self.contents.leaves
    }

    /// The record at this index; `None` if the position is empty or an account's.
    pub fn record(&self, index: LeafIndex) -> Option<&ContractRecord> {
        self.contents.records.get(index)
    }

    /// All records of contracts and their objects.
    pub fn records(&self) -> &Shards<ContractRecord> {
        &self.contents.records
    }

    /// All that stands in the tree.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// The leaf of this owner and asset.
    pub fn find(&self, address: &Address, asset: Asset) -> Option<LeafIndex> {
        self.lookup.find(&self.contents.leaves, address, asset)
    }

    /// [`Self::find`] of several leaves at once, which takes much less time in a large state.
    pub(crate) fn find_each<const N: usize>(&self, keys: [(&Address, Asset); N]) -> [Option<LeafIndex>; N] {
        self.lookup.find_each(&self.contents.leaves, keys)
    }

    /// The state tree.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The state root: that of tree and counts.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// How many leaves or records each shard has.
    pub fn counts(&self) -> Counts {
        self.contents.counts()
    }

    /// Checks that writes follow this state and hashes them. The ledger stays as it is.
    ///
    /// # Errors
    /// If they are not of the next block, or from another root, or not dense.
    pub fn prepare(
        &self,
        number: u32,
        time: u32,
        previous_root: Digest,
        writes: &Writes,
    ) -> Result<Prepared, ApplyError> {
        let counts = self.check_follows(number, time, previous_root, writes)?;
        Ok(self.prepared(number, time, counts, writes, self.hash(writes)))
    }

    /// [`Ledger::prepare`] of a block whose witness has hashed the nodes: what [`Tree::update`] would give for its writes.
    /// They are not hashed again: that they are over the leaves that change is all that is checked in a release build. So
    /// only who makes the witness calls this, with the nodes of this very execution, whose leaves it has held against their
    /// writes; all others get both as one value, from the witness. The root that they lead to is held against that of
    /// the block's proof.
    ///
    /// # Errors
    /// As [`Ledger::prepare`], or if the nodes are not over the leaves that change.
    pub fn prepare_hashed(&self, execution: &Execution, update: TreeUpdate) -> Result<Prepared, ApplyError> {
        let Execution { block: BlockId { number, time, .. }, previous_root, ref writes, .. } = *execution;
        let counts = self.check_follows(number, time, previous_root, writes)?;
        if !update.is_over(writes.indices()) {
            return Err(ApplyError::Nodes);
        }
        debug_assert_eq!(update, self.hash(writes), "the nodes are those of the writes");
        Ok(self.prepared(number, time, counts, writes, update))
    }

    /// Checks that what was prepared follows this state. All else was checked against a state of the same root.
    ///
    /// # Errors
    /// If it is not of the next block, or from another root.
    pub fn check_prepared(&self, prepared: &Prepared) -> Result<(), ApplyError> {
        self.check_next(prepared.number, prepared.time, prepared.previous_root)
    }

    /// Checks that a block is the next one.
    fn check_next(&self, number: u32, time: u32, previous_root: Digest) -> Result<(), ApplyError> {
        let expected = u64::from(self.height) + 1;
        if u64::from(number) != expected {
            return Err(ApplyError::Number { expected, got: number });
        }
        if time < self.time {
            return Err(ApplyError::Time { expected: self.time, got: time });
        }
        if previous_root != self.root() {
            return Err(ApplyError::PreviousRoot { expected: self.root(), got: previous_root });
        }
        Ok(())
    }

    /// Checks that writes follow this state, and gives the counts of leaves after them.
    fn check_follows(
        &self,
        number: u32,
        time: u32,
        previous_root: Digest,
        writes: &Writes,
    ) -> Result<Counts, ApplyError> {
        self.check_next(number, time, previous_root)?;
        let mut counts = self.counts();
        self.check_leaves(&writes.leaves, &mut counts)?;
        writes
            .records
            .iter()
            .try_for_each(|(index, record)| self.check_record(*index, record, &mut counts))?;
        Ok(counts)
    }

    /// Checks writes of leaves, and counts the new ones.
    fn check_leaves(&self, writes: &[Entry], counts: &mut Counts) -> Result<(), ApplyError> {
        let before = *counts;
        let mut new =
            writes.iter().map(|&(index, _)| index).enumerate().filter(|(_, index)| !before.holds(*index));
        let refused = new.find_map(|(at, index)| Some((at, add_leaf(counts, index).err()?)));
        // The first write that does not fit is reported, whatever it does wrong.
        let fitting = refused.as_ref().map_or(writes.len(), |&(at, _)| at);
        let moves = |&(index, leaf): &Entry| {
            let Some(known) = self.leaf(index) else {
                // New, or where a contract is.
                return before
                    .holds(index)
                    .then_some(ApplyError::Shard { expected: ACCOUNT_SHARDS, got: index });
            };
            let (expected, got) = ((known.address, known.asset), (leaf.address, leaf.asset));
            (!known.is_of(&leaf.address, leaf.asset)).then_some(ApplyError::Identity { index, expected, got })
        };
        let moved = writes[..fitting].par_iter().with_min_len(CHECKS).find_map_first(moves);
        moved.or(refused.map(|(_, error)| error)).map_or(Ok(()), Err)
    }

    /// Checks the write of a record, and counts it if it is new.
    fn check_record(
        &self,
        index: LeafIndex,
        record: &ContractRecord,
        counts: &mut Counts,
    ) -> Result<(), ApplyError> {
        record.check_at(index).map_err(|source| ApplyError::Record { index, source: Box::new(source) })?;
        match self.record(index).map(ContractRecord::kind) {
            None => add(counts, index),
            Some(expected) if expected == record.kind() => Ok(()),
            Some(expected) => Err(ApplyError::RecordKind { index, expected, got: record.kind() }),
        }
    }

    /// The tree's nodes after writes.
    fn hash(&self, writes: &Writes) -> TreeUpdate {
        let Writes { leaves, records } = writes;
        let mut digests = vec![Digest::ZERO; leaves.len()];
        Leaf::digests_into(&mut digests, |at| leaves[at].1);
        let mut changes: Vec<_> = leaves.par_iter().map(|&(index, _)| index).zip(digests).collect();
        changes.par_extend(records.par_iter().map(|(index, record)| (*index, record.digest())));
        self.tree.update(&changes)
    }

    fn prepared(
        &self,
        number: u32,
        time: u32,
        counts: Counts,
        writes: &Writes,
        update: TreeUpdate,
    ) -> Prepared {
        let tree_root = update.root().unwrap_or_else(|| self.tree.root());
        let root = state_root(tree_root, counts.digest());
        let previous_root = self.root();
        Prepared { number, time, previous_root, root, counts, writes: writes.clone(), update }
    }

    /// Writes what [`Ledger::prepare`] of this ledger, as it is now, gave.
    ///
    /// # Panics
    /// If the ledger has moved on since.
    pub fn adopt(&mut self, prepared: &Prepared) {
        assert_eq!(self.check_prepared(prepared), Ok(()), "prepared for this state");
        let Contents { leaves, records } = &mut self.contents;
        for &(index, leaf) in prepared.writes.leaves.iter() {
            if leaves.put(index, leaf) {
                self.lookup.add(leaves, index);
            }
        }
        for (index, record) in prepared.writes.records.iter() {
            records.put(*index, record.clone());
        }
        self.tree.adopt(&prepared.update);
        (self.height, self.time, self.root) = (prepared.number, prepared.time, prepared.root);
    }

    /// The way back from [`Ledger::adopt`] of these writes. To be asked for before they are adopted.
    pub fn undo(&self, prepared: &Prepared) -> Undo {
        let Writes { leaves, records } = &prepared.writes;
        let leaves = leaves.iter().filter_map(|&(index, _)| Some((index, *self.leaf(index)?)));
        let records = records.iter().filter_map(|&(index, _)| Some((index, self.record(index)?.clone())));
        Undo {
            height: self.height,
            time: self.time,
            root: self.root,
            counts: self.counts(),
            leaves: leaves.collect(),
            records: records.collect(),
            tree: self.tree.undo(&prepared.update),
        }
    }

    /// Takes the last block back: the ledger is again what it was when `undo` was made.
    ///
    /// # Panics
    /// If the ledger is not one block on from there.
    pub fn revert(&mut self, undo: &Undo) {
        assert_eq!(u64::from(self.height), u64::from(undo.height) + 1, "the undo of the last block");
        let leaves = &self.contents.leaves;
        for shard in 0..ACCOUNT_SHARDS {
            for position in undo.counts.0[shard]..leaves.shard(shard).len() as u32 {
                self.lookup.remove(leaves, LeafIndex::new(shard, position));
            }
        }
        self.contents.truncate(&undo.counts);
        let Contents { leaves, records } = &mut self.contents;
        for &(index, leaf) in &undo.leaves {
            *leaves.get_mut(index).expect("a leaf that was there before is there") = leaf;
        }
        for (index, record) in &undo.records {
            *records.get_mut(*index).expect("a record that was there before is there") = record.clone();
        }
        self.tree.revert(&undo.tree);
        (self.height, self.time, self.root) = (undo.height, undo.time, undo.root);
    }

    /// Applies an executed block and gives the new root. On an error the ledger stays as it is.
    ///
    /// # Errors
    /// If the execution was not made from this state.
    pub fn apply(&mut self, execution: &Execution) -> Result<Digest, ApplyError> {
        let BlockId { number, time, .. } = execution.block;
        let prepared = self.prepare(number, time, execution.previous_root, &execution.writes)?;
        self.adopt(&prepared);
        Ok(prepared.root())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::reduce;

    #[test]
    fn leaves_are_found_together_as_one_by_one() {
        let leaf = |number: u32| Leaf::new(Digest([reduce(number.into()); 4]), number % 3);
        // So many that entries have the first bits of their hashes in common, some leaves of one owner and asset twice.
        let leaves: Vec<Leaf> = (0..2_000).chain(700..750).map(leaf).collect();
        let ledger = Ledger::restore(Chain { id: 7, shards: 1 }, 0, 1, Shards::dense(leaves.clone()));
        // Every third one there, the others of another asset.
        let keys: Vec<Leaf> =
            (0..4_000).map(|number| Leaf { asset: number % 3, ..leaf(number / 3 * 2) }).collect();
        let keys: Vec<_> = keys.iter().map(|leaf| (&leaf.address, leaf.asset)).collect();
        let first = |key: &(&Address, Asset)| leaves.iter().position(|leaf| leaf.is_of(key.0, key.1));
        let (keys, _) = keys.as_chunks::<8>();
        for &keys in keys {
            let expected = keys.map(|key| first(&key).map(|index| LeafIndex(index as u32)));
            assert_eq!(ledger.find_each(keys), expected);
            assert_eq!(keys.map(|(address, asset)| ledger.find(address, asset)), expected);
        }
    }
}

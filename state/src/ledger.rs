//! The state in memory: leaves, the lookup from owner and asset to leaf, and the tree.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::block::{Genesis, GenesisLeaf};
use crate::chain::{BlockId, state_root};
use crate::execution::Execution;
use crate::field::to_u64;
use crate::hash::Digest;
use crate::leaf::{
    ACCOUNT_SHARDS, AMOUNT_LIMIT, Address, Asset, Leaf, LeafIndex, NATIVE_ASSETS, SHARD_DEPTH, SHARDS,
    TREE_DEPTH,
};
use crate::ranges::{is_chain_id, is_shards};
use crate::shards::{Counts, Shards};
use crate::tree::{Tree, TreeUndo, TreeUpdate, make_room};
use crate::writes::{Entry, Writes};

/// Leaves that a state can hold.
pub const MAX_LEAVES: usize = 1 << TREE_DEPTH;

/// Writes that a thread checks at least.
const CHECKS: usize = 1 << 10;

/// Leaves of accounts that it can hold; the others are for contracts.
pub const MAX_ACCOUNTS: usize = ACCOUNT_SHARDS << SHARD_DEPTH;

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
    leaves: Shards<Leaf>,
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

/// A genesis that no chain can start with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// A chain id that is 0 or not below `2^63`.
    #[error("genesis: expected a chain id of 1 to 2^63 - 1, got {got}")]
    ChainId {
        /// The chain id.
        got: u64,
    },
    /// No time: with 0 a transaction of another protocol's version could be valid.
    #[error("genesis: expected a time of at least 1, got 0")]
    Time,
    /// Not a power of two up to 32.
    #[error("genesis: expected 1, 2, 4, 8, 16 or 32 shards, got {got}")]
    Shards {
        /// The number.
        got: u32,
    },
    /// An asset that only a contract issues.
    #[error("genesis leaf {index}: expected an asset below 2^31, got {got}")]
    Asset {
        /// The leaf.
        index: LeafIndex,
        /// The asset.
        got: Asset,
    },
    /// More leaves than the tree holds of accounts.
    #[error("genesis: expected at most {expected} leaves, got {got}")]
    TooManyLeaves {
        /// The tree's size.
        expected: usize,
        /// Entries of the genesis.
        got: usize,
    },
    /// Two leaves of one owner and asset.
    #[error(
        "genesis leaf {got}: expected one leaf for each address and asset, but leaf {first} has {address} and asset {asset} too"
    )]
    DuplicateLeaf {
        /// The owner.
        address: Address,
        /// The asset.
        asset: Asset,
        /// The first of the two.
        first: LeafIndex,
        /// The second.
        got: LeafIndex,
    },
    /// The balances of an asset sum to 2^62 or more. Below that no balance can ever leave its range.
    #[error("genesis leaf {index}: expected the supply of asset {asset} to stay below 2^62, got {got}")]
    Supply {
        /// The asset.
        asset: Asset,
        /// The leaf with which the sum leaves its range.
        index: LeafIndex,
        /// The sum up to and with that leaf.
        got: u64,
    },
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

/// Counts a new leaf. Blocks create leaves of accounts only, each at the next free position.
fn add_leaf(counts: &mut Counts, index: LeafIndex) -> Result<(), ApplyError> {
    let shard = index.shard();
    let accounts = &mut counts.0[..ACCOUNT_SHARDS];
    let count = accounts.get_mut(shard).ok_or(ApplyError::Shard { expected: ACCOUNT_SHARDS, got: index })?;
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

    /// How many leaves each shard has after the writes.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The new contents of leaves.
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
    tree: TreeUndo,
}

impl Ledger {
    /// The state that a chain starts with, at height 0.
    ///
    /// # Errors
    /// If the leaves are too many, or two are of one owner and asset, or a supply reaches `2^62`.
    pub fn from_genesis(genesis: &Genesis) -> Result<Self, GenesisError> {
        if !is_chain_id(genesis.chain_id) {
            return Err(GenesisError::ChainId { got: genesis.chain_id });
        }
        if genesis.time == 0 {
            return Err(GenesisError::Time);
        }
        if !is_shards(genesis.shards) {
            return Err(GenesisError::Shards { got: genesis.shards });
        }
        if genesis.leaves.len() > MAX_ACCOUNTS {
            return Err(GenesisError::TooManyLeaves { expected: MAX_ACCOUNTS, got: genesis.leaves.len() });
        }
        let mut seen = HashMap::with_capacity(genesis.leaves.len());
        let mut supplies = HashMap::new();
        let mut leaves = Vec::with_capacity(genesis.leaves.len());
        for (index, &GenesisLeaf { address, asset, balance }) in (0..).map(LeafIndex).zip(&genesis.leaves) {
            if let Some(first) = seen.insert((address, asset), index) {
                return Err(GenesisError::DuplicateLeaf { address, asset, first, got: index });
            }
            if asset >= NATIVE_ASSETS {
                return Err(GenesisError::Asset { index, got: asset });
            }
            let supply: &mut u64 = supplies.entry(asset).or_default();
            *supply = supply.saturating_add(balance);
            if *supply >= AMOUNT_LIMIT {
                return Err(GenesisError::Supply { asset, index, got: *supply });
            }
            leaves.push(Leaf { balance, ..Leaf::new(address, asset) });
        }
        let chain = Chain { id: genesis.chain_id, shards: genesis.shards };
        Ok(Self::restore(chain, 0, genesis.time, Shards::dense(leaves)))
    }

    /// The state with these leaves. Nothing is checked: compare the root with one that is known to be right.
    pub fn restore(chain: Chain, height: u32, time: u32, leaves: Shards<Leaf>) -> Self {
        let mut digests = Shards::default();
        for shard in 0..SHARDS {
            let (leaves, digests) = (leaves.shard(shard), digests.shard_mut(shard));
            digests.resize(leaves.len(), Digest::ZERO);
            Leaf::digests_into(digests, |at| leaves[at]);
        }
        Self::from_parts(chain, height, time, leaves, Tree::from_shards(digests))
    }

    /// The state with these leaves and a tree that was hashed before.
    pub(crate) fn from_parts(chain: Chain, height: u32, time: u32, leaves: Shards<Leaf>, tree: Tree) -> Self {
        let lookup = Lookup::of(&leaves);
        let root = state_root(tree.root(), leaves.counts().digest());
        Self { chain, height, time, leaves, lookup, tree, root }
    }

    /// Bytes of memory that leaves, nodes and the lookup have taken. At `n` leaves they use some 48 n, 64 n and 6 n to
    /// 12 n.
    pub fn memory(&self) -> usize {
        self.leaves.memory() + self.tree.memory() + self.lookup.table.allocation_size()
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

    /// Count of leaves.
    pub fn len(&self) -> usize {
        self.leaves.len()
    }

    /// Whether there is no leaf.
    pub fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }

    /// The leaf at this index; `None` if the position is empty.
    pub fn leaf(&self, index: LeafIndex) -> Option<&Leaf> {
        self.leaves.get(index)
    }

    /// All leaves.
    pub fn leaves(&self) -> &Shards<Leaf> {
        &self.leaves
    }

    /// The leaf of this owner and asset.
    pub fn find(&self, address: &Address, asset: Asset) -> Option<LeafIndex> {
        self.lookup.find(&self.leaves, address, asset)
    }

    /// [`Self::find`] of several leaves at once, which takes much less time in a large state.
    pub(crate) fn find_each<const N: usize>(&self, keys: [(&Address, Asset); N]) -> [Option<LeafIndex>; N] {
        self.lookup.find_each(&self.leaves, keys)
    }

    /// The state tree.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The state root: that of tree and counts.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// How many leaves each shard has.
    pub fn counts(&self) -> Counts {
        self.leaves.counts()
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
        if !update.is_over(writes.iter().map(|&(index, _)| index)) {
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
        let mut counts = self.leaves.counts();
        let before = counts;
        let mut new =
            writes.iter().map(|&(index, _)| index).enumerate().filter(|(_, index)| !before.holds(*index));
        let refused = new.find_map(|(at, index)| Some((at, add_leaf(&mut counts, index).err()?)));
        // The first write that does not fit is reported, whatever it does wrong.
        let fitting = refused.as_ref().map_or(writes.len(), |&(at, _)| at);
        let moves = |&(index, leaf): &Entry| {
            let known = self.leaf(index).filter(|known| !known.is_of(&leaf.address, leaf.asset))?;
            let (expected, got) = ((known.address, known.asset), (leaf.address, leaf.asset));
            Some(ApplyError::Identity { index, expected, got })
        };
        let moved = writes[..fitting].par_iter().with_min_len(CHECKS).find_map_first(moves);
        match moved.or(refused.map(|(_, error)| error)) {
            Some(error) => Err(error),
            None => Ok(counts),
        }
    }

    /// The tree's nodes after writes.
    fn hash(&self, writes: &Writes) -> TreeUpdate {
        let mut digests = vec![Digest::ZERO; writes.len()];
        Leaf::digests_into(&mut digests, |at| writes[at].1);
        let changes: Vec<_> = writes.par_iter().map(|&(index, _)| index).zip(digests).collect();
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
        for &(index, leaf) in prepared.writes.iter() {
            match self.leaves.get_mut(index) {
                Some(place) => *place = leaf,
                None => {
                    let leaves = self.leaves.shard_mut(index.shard());
                    make_room(leaves, index.position() as usize + 1);
                    leaves.push(leaf);
                    self.lookup.add(&self.leaves, index);
                }
            }
        }
        self.tree.adopt(&prepared.update);
        (self.height, self.time, self.root) = (prepared.number, prepared.time, prepared.root);
    }

    /// The way back from [`Ledger::adopt`] of these writes. To be asked for before they are adopted.
    pub fn undo(&self, prepared: &Prepared) -> Undo {
        let known = prepared.writes.iter().filter_map(|&(index, _)| Some((index, *self.leaf(index)?)));
        Undo {
            height: self.height,
            time: self.time,
            root: self.root,
            counts: self.leaves.counts(),
            leaves: known.collect(),
            tree: self.tree.undo(&prepared.update),
        }
    }

    /// Takes the last block back: the ledger is again what it was when `undo` was made.
    ///
    /// # Panics
    /// If the ledger is not one block on from there.
    pub fn revert(&mut self, undo: &Undo) {
        assert_eq!(u64::from(self.height), u64::from(undo.height) + 1, "the undo of the last block");
        for shard in 0..SHARDS {
            for position in undo.counts.0[shard]..self.leaves.shard(shard).len() as u32 {
                self.lookup.remove(&self.leaves, LeafIndex::new(shard, position));
            }
        }
        self.leaves.truncate(&undo.counts);
        for &(index, leaf) in &undo.leaves {
            let place = self.leaves.get_mut(index).expect("a leaf that was there before is there");
            *place = leaf;
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

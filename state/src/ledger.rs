//! The state in memory: leaves, the lookup from owner and asset to leaf, and the tree.

use std::collections::HashMap;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use rayon::prelude::*;

use crate::block::{Genesis, GenesisLeaf};
use crate::execution::Execution;
use crate::hash::Digest;
use crate::leaf::{AMOUNT_LIMIT, Address, Asset, Leaf, LeafIndex, TREE_DEPTH};
use crate::tree::{Tree, TreeUndo, TreeUpdate, make_room};
use crate::writes::Writes;

/// Leaves that a state can hold.
pub const MAX_LEAVES: usize = 1 << TREE_DEPTH;

/// The state after some block of one chain.
#[derive(Clone, Debug)]
pub struct Ledger {
    chain_id: u32,
    height: u32,
    leaves: Vec<Leaf>,
    lookup: Lookup,
    tree: Tree,
}

/// From owner and asset to the leaf. It holds indices alone: owner and asset are in the leaves, in which it must be
/// given. Only ever looked up, never iterated: its order is not the same from run to run. Where an owner has two
/// leaves of one asset (the circuits do not rule it out), it finds the first.
#[derive(Clone, Debug, Default)]
struct Lookup {
    table: HashTable<u32>,
    /// Keyed at random, so that nobody can choose addresses that collide.
    hasher: DefaultHashBuilder,
}

impl Lookup {
    fn of(leaves: &[Leaf]) -> Self {
        let mut lookup = Self { table: HashTable::with_capacity(leaves.len()), hasher: Default::default() };
        (0..leaves.len() as u32).for_each(|index| lookup.add(leaves, index));
        lookup
    }

    fn find(&self, leaves: &[Leaf], address: &Address, asset: Asset) -> Option<LeafIndex> {
        let same = |&index: &u32| {
            let leaf = &leaves[index as usize];
            leaf.address == *address && leaf.asset == asset
        };
        self.table.find(self.hasher.hash_one((address, asset)), same).copied().map(LeafIndex)
    }

    /// Adds the leaf at `index`, unless its owner has one of its asset.
    fn add(&mut self, leaves: &[Leaf], index: u32) {
        let leaf = &leaves[index as usize];
        if self.find(leaves, &leaf.address, leaf.asset).is_none() {
            let hash = |leaf: &Leaf| self.hasher.hash_one((&leaf.address, leaf.asset));
            self.table.insert_unique(hash(leaf), index, |&other| hash(&leaves[other as usize]));
        }
    }

    /// Removes the leaf at `index`, if it is the one to be found.
    fn remove(&mut self, leaves: &[Leaf], index: u32) {
        let leaf = &leaves[index as usize];
        let hash = self.hasher.hash_one((&leaf.address, leaf.asset));
        if let Ok(entry) = self.table.find_entry(hash, |&other| other == index) {
            entry.remove();
        }
    }
}

/// A genesis that no chain can start with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// More leaves than the tree holds.
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
    /// Made from another state.
    #[error("expected the previous root {expected}, got {got}")]
    PreviousRoot {
        /// The ledger's root.
        expected: Digest,
        /// The root that the writes were made from.
        got: Digest,
    },
    /// A new leaf is not at the next free index.
    #[error("expected the next new leaf at index {expected}, got {got}")]
    NotDense {
        /// The next free index.
        expected: usize,
        /// The leaf's index.
        got: LeafIndex,
    },
    /// No index is left for a new leaf.
    #[error("expected at most {expected} leaves, got one at index {got}")]
    Full {
        /// The tree's size.
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
}

/// Writes that were checked and hashed against a ledger, but are not in it yet.
#[derive(Clone, Debug)]
pub struct Prepared {
    number: u32,
    root: Digest,
    writes: Writes,
    update: TreeUpdate,
}

impl Prepared {
    /// The state root after the writes.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// The block's number, which becomes the height.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Number of permutations that it took: one a leaf and one a node.
    pub fn hashes(&self) -> usize {
        self.writes.len() + self.update.hashes()
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
    len: usize,
    /// The leaves that were there before, as they were.
    leaves: Vec<(LeafIndex, Leaf)>,
    tree: TreeUndo,
}

impl Ledger {
    /// A state without leaves, at height 0.
    pub fn new(chain_id: u32) -> Self {
        Self::restore(chain_id, 0, Vec::new())
    }

    /// The state that a chain starts with, at height 0.
    ///
    /// # Errors
    /// If the leaves are too many, or two are of one owner and asset, or a supply reaches `2^62`.
    pub fn from_genesis(genesis: &Genesis) -> Result<Self, GenesisError> {
        if genesis.leaves.len() > MAX_LEAVES {
            return Err(GenesisError::TooManyLeaves { expected: MAX_LEAVES, got: genesis.leaves.len() });
        }
        let mut seen = HashMap::with_capacity(genesis.leaves.len());
        let mut supplies = HashMap::new();
        let mut leaves = Vec::with_capacity(genesis.leaves.len());
        for (index, &GenesisLeaf { address, asset, balance }) in (0..).map(LeafIndex).zip(&genesis.leaves) {
            if let Some(first) = seen.insert((address, asset), index) {
                return Err(GenesisError::DuplicateLeaf { address, asset, first, got: index });
            }
            let supply: &mut u64 = supplies.entry(asset).or_default();
            *supply = supply.saturating_add(balance);
            if *supply >= AMOUNT_LIMIT {
                return Err(GenesisError::Supply { asset, index, got: *supply });
            }
            leaves.push(Leaf { address, nonce: 0, asset, balance });
        }
        Ok(Self::restore(genesis.chain_id, 0, leaves))
    }

    /// The state with these leaves at indices 0, 1, ... Nothing is checked but the count: compare the
    /// root with one that is known to be right.
    ///
    /// # Panics
    /// If there are more than [`MAX_LEAVES`].
    pub fn restore(chain_id: u32, height: u32, leaves: Vec<Leaf>) -> Self {
        let mut digests = vec![Digest::ZERO; leaves.len()];
        Leaf::digests_into(&mut digests, |at| leaves[at]);
        let tree = Tree::from_digests(digests);
        Self::from_parts(chain_id, height, leaves, tree)
    }

    /// The state with these leaves and a tree that was hashed before.
    pub(crate) fn from_parts(chain_id: u32, height: u32, leaves: Vec<Leaf>, tree: Tree) -> Self {
        let lookup = Lookup::of(&leaves);
        Self { chain_id, height, leaves, lookup, tree }
    }

    /// Bytes of memory that leaves, nodes and the lookup have taken. At `n` leaves they use some 48 n, 64 n and 6 n to
    /// 12 n.
    pub fn memory(&self) -> usize {
        self.leaves.capacity() * size_of::<Leaf>() + self.tree.memory() + self.lookup.table.allocation_size()
    }

    /// The chain's number.
    pub fn chain_id(&self) -> u32 {
        self.chain_id
    }

    /// The number of the last block; 0 after genesis.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Count of leaves, which is the next free index.
    pub fn len(&self) -> usize {
        self.leaves.len()
    }

    /// Whether there is no leaf.
    pub fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }

    /// The leaf at this index; `None` if the position is empty.
    pub fn leaf(&self, index: LeafIndex) -> Option<&Leaf> {
        self.leaves.get(index.0 as usize)
    }

    /// All leaves, by index.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// The leaf of this owner and asset.
    pub fn find(&self, address: &Address, asset: Asset) -> Option<LeafIndex> {
        self.lookup.find(&self.leaves, address, asset)
    }

    /// The state tree.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The state root.
    pub fn root(&self) -> Digest {
        self.tree.root()
    }

    /// Checks that writes follow this state and hashes them. The ledger stays as it is.
    ///
    /// # Errors
    /// If they are not of the next block, or from another root, or not dense.
    pub fn prepare(
        &self,
        number: u32,
        previous_root: Digest,
        writes: &Writes,
    ) -> Result<Prepared, ApplyError> {
        let expected = u64::from(self.height) + 1;
        if u64::from(number) != expected {
            return Err(ApplyError::Number { expected, got: number });
        }
        if previous_root != self.root() {
            return Err(ApplyError::PreviousRoot { expected: self.root(), got: previous_root });
        }
        let (known, new) =
            writes.split_at(writes.partition_point(|(index, _)| (index.0 as usize) < self.len()));
        for (expected, &(got, _)) in (self.len()..).zip(new) {
            if got.0 as usize >= MAX_LEAVES {
                return Err(ApplyError::Full { expected: MAX_LEAVES, got });
            }
            if got.0 as usize != expected {
                return Err(ApplyError::NotDense { expected, got });
            }
        }
        for &(index, leaf) in known {
            let (known, got) = (&self.leaves[index.0 as usize], (leaf.address, leaf.asset));
            let expected = (known.address, known.asset);
            if got != expected {
                return Err(ApplyError::Identity { index, expected, got });
            }
        }
        let mut digests = vec![Digest::ZERO; writes.len()];
        Leaf::digests_into(&mut digests, |at| writes[at].1);
        let changes: Vec<_> = writes.par_iter().map(|&(index, _)| index).zip(digests).collect();
        let update = self.tree.update(&changes);
        let root = update.root().unwrap_or_else(|| self.root());
        Ok(Prepared { number, root, writes: writes.clone(), update })
    }

    /// Writes what [`Ledger::prepare`] of this ledger, as it is now, gave.
    ///
    /// # Panics
    /// If the ledger has moved on since.
    pub fn adopt(&mut self, prepared: &Prepared) {
        assert_eq!(u64::from(self.height) + 1, u64::from(prepared.number), "prepared for this height");
        for &(index, leaf) in prepared.writes.iter() {
            match self.leaves.get_mut(index.0 as usize) {
                Some(place) => *place = leaf,
                None => {
                    make_room(&mut self.leaves, index.0 as usize + 1);
                    self.leaves.push(leaf);
                    self.lookup.add(&self.leaves, index.0);
                }
            }
        }
        self.tree.adopt(&prepared.update);
        self.height = prepared.number;
    }

    /// The way back from [`Ledger::adopt`] of these writes. To be asked for before they are adopted.
    pub fn undo(&self, prepared: &Prepared) -> Undo {
        let known = prepared.writes.iter().map_while(|&(index, _)| Some((index, *self.leaf(index)?)));
        Undo {
            height: self.height,
            len: self.len(),
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
        for index in (undo.len..self.len()).rev() {
            self.lookup.remove(&self.leaves, index as u32);
        }
        self.leaves.truncate(undo.len);
        for &(index, leaf) in &undo.leaves {
            self.leaves[index.0 as usize] = leaf;
        }
        self.tree.revert(&undo.tree);
        self.height = undo.height;
    }

    /// Applies an executed block and gives the new root. On an error the ledger stays as it is.
    ///
    /// # Errors
    /// If the execution was not made from this state.
    pub fn apply(&mut self, execution: &Execution) -> Result<Digest, ApplyError> {
        let prepared = self.prepare(execution.number, execution.previous_root, &execution.writes)?;
        self.adopt(&prepared);
        Ok(prepared.root())
    }
}

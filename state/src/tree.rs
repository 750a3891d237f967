//! The sparse binary Merkle tree over the leaves' digests, depth [`TREE_DEPTH`].
//!
//! In each shard a level is a dense array over the populated prefix; what is behind it is empty. The levels above the
//! shards are whole. The empty leaf has the digest zero, and an empty subtree of height `h` is the node of two empty
//! subtrees of height `h - 1`. Level 0 holds the leaves, level [`TREE_DEPTH`] the root.

use std::sync::{Arc, LazyLock};

use rayon::prelude::*;

use crate::hash::batch::nodes_into;
use crate::hash::{Digest, node};
use crate::leaf::{LeafIndex, SHARD_DEPTH, SHARDS, TREE_DEPTH};
use crate::shards::{Counts, Shards, make_room};

/// Nodes of a task that hashes nothing.
const TASK: usize = 1 << 13;

static EMPTY: LazyLock<[Digest; TREE_DEPTH + 1]> = LazyLock::new(|| {
    let mut empty = [Digest::ZERO; TREE_DEPTH + 1];
    for level in 0..TREE_DEPTH {
        empty[level + 1] = node(empty[level], empty[level]);
    }
    empty
});

/// The digest of an empty subtree whose root is on `level`.
///
/// # Panics
/// If `level` is above [`TREE_DEPTH`].
pub fn empty_subtree(level: usize) -> Digest {
    EMPTY[level]
}

/// A level of the tree: its nodes in each shard, or above the shards all of its nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Level {
    /// Position bits within an array.
    bits: usize,
    arrays: Vec<Vec<Digest>>,
}

impl Level {
    /// An empty level.
    fn empty(level: usize) -> Self {
        match SHARD_DEPTH.checked_sub(level) {
            Some(bits) => Self { bits, arrays: vec![Vec::new(); SHARDS] },
            None => {
                let bits = TREE_DEPTH - level;
                Self { bits, arrays: vec![vec![EMPTY[level]; 1 << bits]] }
            }
        }
    }

    fn place(&self, index: u32) -> (usize, usize) {
        ((index >> self.bits) as usize, (index & ((1 << self.bits) - 1)) as usize)
    }

    fn get(&self, index: u32) -> Option<Digest> {
        let (array, at) = self.place(index);
        self.arrays.get(array)?.get(at).copied()
    }

    /// Writes a node, and empty ones between the last and it.
    fn put(&mut self, index: u32, digest: Digest, empty: Digest) {
        let (array, at) = self.place(index);
        let nodes = &mut self.arrays[array];
        if at >= nodes.len() {
            make_room(nodes, at + 1);
            nodes.resize(at + 1, empty);
        }
        nodes[at] = digest;
    }

    /// Drops the nodes behind those that have one of these positions below them.
    fn truncate(&mut self, level: usize, counts: &Counts) {
        if level <= SHARD_DEPTH {
            for (nodes, &count) in self.arrays.iter_mut().zip(&counts.0) {
                nodes.truncate(count.div_ceil(1 << level) as usize);
            }
        }
    }
}

/// The state tree's digests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    levels: Vec<Level>,
}

/// New digests for some nodes of a tree, computed but not yet in it. Clones share the nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeUpdate {
    /// For each level the changed nodes, by position, ascending.
    levels: Arc<Vec<Vec<(u32, Digest)>>>,
}

impl TreeUpdate {
    /// An update that was hashed elsewhere: for each level its changed nodes, by position, ascending.
    ///
    /// # Panics
    /// If the levels are not as many as a tree has.
    pub fn from_levels(levels: Vec<Vec<(u32, Digest)>>) -> Self {
        assert_eq!(levels.len(), TREE_DEPTH + 1, "leaves, the nodes over them and the root");
        Self { levels: Arc::new(levels) }
    }

    /// The part of the update that these leaves make, which must be ascending; for the other leaves it must change nothing.
    #[must_use]
    pub fn over(&self, leaves: impl Iterator<Item = LeafIndex>) -> Self {
        let mut wanted: Vec<u32> = leaves.map(|index| index.0).collect();
        if wanted.len() == self.levels[0].len() {
            return self.clone();
        }
        let part = |level: &Vec<(u32, Digest)>| {
            let mut nodes = level.iter();
            let part = wanted.iter().filter_map(|at| nodes.find(|(position, _)| position == at)).copied();
            let part = part.collect();
            wanted.iter_mut().for_each(|at| *at >>= 1);
            wanted.dedup();
            part
        };
        Self { levels: Arc::new(self.levels.iter().map(part).collect()) }
    }

    /// Whether it changes these leaves and no others.
    pub(crate) fn is_over(&self, leaves: impl Iterator<Item = LeafIndex>) -> bool {
        leaves.map(|index| index.0).eq(self.levels[0].iter().map(|&(position, _)| position))
    }

    /// The root after the update; `None` if it changes nothing.
    pub fn root(&self) -> Option<Digest> {
        self.levels[TREE_DEPTH].first().map(|&(_, digest)| digest)
    }

    /// Number of nodes that were hashed.
    pub fn hashes(&self) -> usize {
        self.levels.iter().skip(1).map(Vec::len).sum()
    }

    /// The changed nodes of a level, by position, ascending.
    ///
    /// # Panics
    /// If `level` is above [`TREE_DEPTH`].
    pub fn level(&self, level: usize) -> &[(u32, Digest)] {
        &self.levels[level]
    }
}

/// What an update replaces: the way back from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeUndo {
    /// For each level the replaced nodes, by position. Those that the update adds are not among them.
    levels: Vec<Vec<(u32, Digest)>>,
    /// Counts of leaves before the update.
    leaves: Counts,
}

impl Default for Tree {
    fn default() -> Self {
        Self { levels: (0..=TREE_DEPTH).map(Level::empty).collect() }
    }
}

impl Tree {
    /// The tree of these leaf digests, at positions 0, 1, ...
    ///
    /// # Panics
    /// If there are more than `2^TREE_DEPTH`.
    pub fn from_digests(leaves: Vec<Digest>) -> Self {
        Self::from_shards(Shards::dense(leaves))
    }

    /// The tree of these leaf digests.
    pub fn from_shards(leaves: Shards<Digest>) -> Self {
        let counts = leaves.counts();
        let mut tree = Self::default();
        tree.levels[0].arrays = leaves.into_shards();
        for level in 1..=TREE_DEPTH {
            let positions: Vec<u32> = counts.level(level).collect();
            let mut digests = vec![Digest::ZERO; positions.len()];
            nodes_into(&mut digests, |at| [0, 1].map(|side| tree.node(level - 1, positions[at] << 1 | side)));
            let nodes = &mut tree.levels[level];
            if level <= SHARD_DEPTH {
                for (array, &count) in nodes.arrays.iter_mut().zip(&counts.0) {
                    array.reserve_exact(count.div_ceil(1 << level) as usize);
                }
            }
            positions.into_iter().zip(digests).for_each(|(at, node)| nodes.put(at, node, EMPTY[level]));
        }
        tree
    }

    /// The tree over so many leaves, to be filled. Nothing is hashed.
    #[cfg(feature = "store")]
    pub(crate) fn blank(counts: &Counts) -> Self {
        let mut tree = Self::default();
        for (level, nodes) in tree.levels.iter_mut().enumerate().take(SHARD_DEPTH + 1) {
            for (array, &count) in nodes.arrays.iter_mut().zip(&counts.0) {
                array.resize(count.div_ceil(1 << level) as usize, Digest::ZERO);
            }
        }
        tree
    }

    /// Fills a node in, if there is a leaf below it; says whether there is.
    #[cfg(feature = "store")]
    pub(crate) fn fill(&mut self, level: usize, index: u32, digest: Digest) -> bool {
        if let Some(above) = level.checked_sub(SHARD_DEPTH)
            && !(index << above..(index + 1) << above)
                .any(|shard| !self.levels[0].arrays[shard as usize].is_empty())
        {
            return false;
        }
        let (array, at) = self.levels[level].place(index);
        let node = self.levels[level].arrays.get_mut(array).and_then(|nodes| nodes.get_mut(at));
        node.is_some_and(|node| {
            *node = digest;
            true
        })
    }

    /// Counts of leaves, empty ones in front of the last included.
    pub fn counts(&self) -> Counts {
        Counts(std::array::from_fn(|shard| self.levels[0].arrays[shard].len() as u32))
    }

    /// Count of leaves, empty ones in front of the last of a shard included.
    pub fn len(&self) -> usize {
        self.counts().total()
    }

    /// Whether there is no leaf.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that it has taken for its nodes.
    pub fn memory(&self) -> usize {
        let arrays = self.levels.iter().flat_map(|level| &level.arrays);
        arrays.map(|nodes| nodes.capacity() * size_of::<Digest>()).sum()
    }

    /// The root.
    pub fn root(&self) -> Digest {
        self.node(TREE_DEPTH, 0)
    }

    /// The node at this position of a level. Positions behind the populated ones are empty.
    ///
    /// # Panics
    /// If `level` is above [`TREE_DEPTH`].
    pub fn node(&self, level: usize, index: u32) -> Digest {
        self.levels[level].get(index).unwrap_or(EMPTY[level])
    }

    /// The siblings on the way from a leaf to the root, lowest first.
    pub fn path(&self, index: LeafIndex) -> Vec<Digest> {
        (0..TREE_DEPTH).map(|level| self.node(level, (index.0 >> level) ^ 1)).collect()
    }

    /// Writes leaf digests, in any order, and all nodes over them; of two for one position the later
    /// counts. Positions that this leaves out stay empty.
    ///
    /// # Panics
    /// If a position is not below `2^TREE_DEPTH`.
    pub fn set(&mut self, changes: &[(LeafIndex, Digest)]) {
        let update = self.update(changes);
        self.adopt(&update);
    }

    /// Computes what [`Tree::set`] would write, each node once and in parallel, and leaves the tree as it is.
    ///
    /// # Panics
    /// If a position is not below `2^TREE_DEPTH`.
    pub fn update(&self, changes: &[(LeafIndex, Digest)]) -> TreeUpdate {
        let entry = |&(index, digest): &(LeafIndex, Digest)| (index.0, digest);
        let mut lowest: Vec<(u32, Digest)> = changes.par_iter().with_min_len(TASK).map(entry).collect();
        if !lowest.is_sorted_by(|a, b| a.0 < b.0) {
            // The sort is stable, so the last of a run of equal positions is the latest.
            lowest.sort_by_key(|&(index, _)| index);
            lowest.reverse();
            lowest.dedup_by_key(|&mut (index, _)| index);
            lowest.reverse();
        }
        if let Some(&(index, _)) = lowest.last() {
            assert!(index >> TREE_DEPTH == 0, "a leaf index is below 2^{TREE_DEPTH}, got {index}");
        }
        let mut levels = Vec::with_capacity(TREE_DEPTH + 1);
        levels.push(lowest);
        for level in 0..TREE_DEPTH {
            let below: &Vec<(u32, Digest)> = &levels[level];
            // Where the changed children of each parent start: one child or two.
            let first = |at: &usize| *at == 0 || below[at - 1].0 >> 1 != below[*at].0 >> 1;
            let places = (0..below.len()).into_par_iter().with_min_len(TASK);
            let firsts: Vec<usize> = places.filter(first).collect();
            let mut digests = vec![Digest::ZERO; firsts.len()];
            nodes_into(&mut digests, |parent| self.children(level, &below[firsts[parent]..]));
            let parents = firsts.par_iter().with_min_len(TASK).map(|&at| below[at].0 >> 1);
            levels.push(parents.zip(digests).collect());
        }
        TreeUpdate::from_levels(levels)
    }

    /// Both children of the node over the first of these changed nodes. The second is its sibling or no child.
    fn children(&self, level: usize, changed: &[(u32, Digest)]) -> [Digest; 2] {
        let (index, child) = changed[0];
        match changed.get(1) {
            Some(&(other, right)) if other == index ^ 1 => [child, right],
            _ if index & 1 == 0 => [child, self.node(level, index | 1)],
            _ => [self.node(level, index ^ 1), child],
        }
    }

    /// Writes an update that was computed from this tree as it is now.
    pub fn adopt(&mut self, update: &TreeUpdate) {
        for (level, (nodes, changed)) in self.levels.iter_mut().zip(&*update.levels).enumerate() {
            changed.iter().for_each(|&(index, digest)| nodes.put(index, digest, EMPTY[level]));
        }
    }

    /// What [`Tree::adopt`] of this update would replace.
    pub fn undo(&self, update: &TreeUpdate) -> TreeUndo {
        let replaced = |(nodes, changed): (&Level, &Vec<(u32, Digest)>)| {
            changed.iter().filter_map(|&(index, _)| Some((index, nodes.get(index)?))).collect()
        };
        let levels = self.levels.iter().zip(&*update.levels).map(replaced).collect();
        TreeUndo { levels, leaves: self.counts() }
    }

    /// Takes back the update that `undo` was made for, which must be the last one.
    pub fn revert(&mut self, undo: &TreeUndo) {
        for (level, (nodes, replaced)) in self.levels.iter_mut().zip(&undo.levels).enumerate() {
            nodes.truncate(level, &undo.leaves);
            replaced.iter().for_each(|&(index, digest)| nodes.put(index, digest, EMPTY[level]));
        }
    }
}

//! The sparse binary Merkle tree over the leaves' digests, depth [`TREE_DEPTH`].
//!
//! Each level is a dense array over the populated prefix; what lies behind it is empty. The empty leaf
//! has the digest zero, and an empty subtree of height `h` is the node of two empty subtrees of height
//! `h - 1`. Level 0 holds the leaves, level [`TREE_DEPTH`] the root.

use std::sync::LazyLock;

use rayon::prelude::*;

use crate::hash::batch::nodes_into;
use crate::hash::{Digest, node};
use crate::leaf::{LeafIndex, TREE_DEPTH};

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

/// The state tree's digests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    levels: Vec<Vec<Digest>>,
}

/// New digests for some nodes of a tree, computed but not yet in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeUpdate {
    /// For each level the changed nodes, by position, ascending.
    levels: Vec<Vec<(u32, Digest)>>,
}

impl TreeUpdate {
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
    /// Count of leaves before the update.
    leaves: usize,
}

impl Default for Tree {
    fn default() -> Self {
        Self { levels: vec![Vec::new(); TREE_DEPTH + 1] }
    }
}

impl Tree {
    /// The tree of these leaf digests, at positions 0, 1, ...
    ///
    /// # Panics
    /// If there are more than `2^TREE_DEPTH`.
    pub fn from_digests(leaves: Vec<Digest>) -> Self {
        assert!(leaves.len() <= 1 << TREE_DEPTH, "a tree holds 2^{TREE_DEPTH} leaves, got {}", leaves.len());
        let mut levels = Vec::with_capacity(TREE_DEPTH + 1);
        levels.push(leaves);
        for level in 0..TREE_DEPTH {
            let below: &Vec<Digest> = &levels[level];
            let mut parents = vec![Digest::ZERO; below.len().div_ceil(2)];
            nodes_into(&mut parents, |parent| {
                [below[2 * parent], below.get(2 * parent + 1).copied().unwrap_or(EMPTY[level])]
            });
            levels.push(parents);
        }
        Self { levels }
    }

    /// The tree with these levels, each the populated prefix. Nothing is hashed.
    #[cfg(feature = "store")]
    pub(crate) fn from_levels(levels: Vec<Vec<Digest>>) -> Self {
        assert_eq!(
            levels.len(),
            TREE_DEPTH + 1,
            "a tree has a level of leaves, one of the root and those between"
        );
        Self { levels }
    }

    /// Length of the populated prefix of a level over so many leaves.
    pub(crate) fn level_len(leaves: usize, level: usize) -> usize {
        leaves.div_ceil(1 << level)
    }

    /// Count of leaves, empty ones in front of the last included.
    pub fn len(&self) -> usize {
        self.levels[0].len()
    }

    /// Whether there is no leaf.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that it has taken for its nodes.
    pub fn memory(&self) -> usize {
        self.levels.iter().map(|level| level.capacity() * size_of::<Digest>()).sum()
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
        self.levels[level].get(index as usize).copied().unwrap_or(EMPTY[level])
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
        TreeUpdate { levels }
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
        for (level, (nodes, changed)) in self.levels.iter_mut().zip(&update.levels).enumerate() {
            if let Some(&(last, _)) = changed.last()
                && last as usize >= nodes.len()
            {
                make_room(nodes, last as usize + 1);
                nodes.resize(last as usize + 1, EMPTY[level]);
            }
            for &(index, digest) in changed {
                nodes[index as usize] = digest;
            }
        }
    }

    /// What [`Tree::adopt`] of this update would replace.
    pub fn undo(&self, update: &TreeUpdate) -> TreeUndo {
        let replaced = |(nodes, changed): (&Vec<Digest>, &Vec<(u32, Digest)>)| {
            let known = changed.iter().map_while(|&(index, _)| Some((index, *nodes.get(index as usize)?)));
            known.collect()
        };
        let levels = self.levels.iter().zip(&update.levels).map(replaced).collect();
        TreeUndo { levels, leaves: self.len() }
    }

    /// Takes back the update that `undo` was made for, which must be the last one.
    pub fn revert(&mut self, undo: &TreeUndo) {
        for (level, (nodes, replaced)) in self.levels.iter_mut().zip(&undo.levels).enumerate() {
            nodes.truncate(Self::level_len(undo.leaves, level));
            for &(index, digest) in replaced {
                nodes[index as usize] = digest;
            }
        }
    }
}

/// Makes room for `len` entries, and for an eighth more if there was none: a large array that grows shall not take
/// twice its size.
pub(crate) fn make_room<T>(entries: &mut Vec<T>, len: usize) {
    if len > entries.capacity() {
        entries.reserve_exact(len + len / 8 - entries.len());
    }
}

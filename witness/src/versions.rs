//! All versions of the tree's nodes that a block passes through: values first, hashes later.
//!
//! What each leaf becomes, and in which order, is known before any node is hashed. So the tree is not updated leaf
//! after leaf; it is hashed level after level, all updates of a level at once. Update `t` makes one new
//! version of each node above its leaf. The version at one level is the hash of the version below it and of
//! that node's sibling, which is the version that the last earlier update below the sibling made, or the node from
//! before the block. One scan for each level finds those last writers; it hashes nothing.

use enfold_state::hash::{Digest, node};
use enfold_state::leaf::{LeafIndex, TREE_DEPTH};
use enfold_state::tree::Tree;
use rayon::prelude::*;

/// A leaf gets a new digest.
pub type Update = (LeafIndex, Digest);

/// The versions that a list of updates makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// For each level from the leaves up, for each update: the node that it made.
    nodes: Vec<Vec<Digest>>,
    /// For each level but the root's, for each update: the sibling of that node.
    siblings: Vec<Vec<Digest>>,
    /// Root before the first update.
    start: Digest,
}

impl Versions {
    /// Computes the versions of a tree's nodes under the updates, which are applied in their order.
    ///
    /// # Panics
    /// If an index is not below `2^TREE_DEPTH`.
    pub fn new(tree: &Tree, updates: &[Update]) -> Self {
        assert!(updates.iter().all(|(index, _)| index.0 >> TREE_DEPTH == 0), "leaf indices lie in the tree");
        let mut nodes = vec![updates.iter().map(|&(_, digest)| digest).collect::<Vec<_>>()];
        let mut siblings = Vec::with_capacity(TREE_DEPTH);
        let mut touched = Touched::new(updates);
        for level in 0..TREE_DEPTH {
            let writers = touched.last_writers();
            let below = &nodes[level];
            let sibling = writers
                .into_par_iter()
                .enumerate()
                .map(|(t, writer)| match writer {
                    Some(writer) => below[writer],
                    None => tree.node(level, touched.position(t) ^ 1),
                })
                .collect::<Vec<_>>();
            let above = below
                .par_iter()
                .zip(&sibling)
                .enumerate()
                .map(
                    |(t, (&this, &other))| {
                        if touched.position(t) & 1 == 0 { node(this, other) } else { node(other, this) }
                    },
                )
                .collect();
            nodes.push(above);
            siblings.push(sibling);
            touched.climb();
        }
        Self { nodes, siblings, start: tree.root() }
    }

    /// Number of updates.
    pub fn len(&self) -> usize {
        self.nodes[0].len()
    }

    /// Whether there is no update.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The root after the first `count` updates.
    ///
    /// # Panics
    /// If `count` is greater than the number of updates.
    pub fn root_after(&self, count: usize) -> Digest {
        count.checked_sub(1).map_or(self.start, |t| self.nodes[TREE_DEPTH][t])
    }

    /// The siblings on the way from the leaf of update `t` to the root at that moment, for levels
    /// `from` (0 is the leaf's own sibling) up to but not including `to`. An update leaves its own siblings as they
    /// are, so they are the same before and after it.
    ///
    /// # Panics
    /// If there is no such update or level.
    pub fn siblings(&self, t: usize, from: usize, to: usize) -> Vec<Digest> {
        self.siblings[from..to].iter().map(|level| level[t]).collect()
    }
}

/// The nodes that the updates touch on one level, numbered by position.
struct Touched {
    /// Positions of the nodes, increasing.
    positions: Vec<u32>,
    /// For each update the number of its node.
    slots: Vec<usize>,
}

impl Touched {
    /// The leaves.
    fn new(updates: &[Update]) -> Self {
        let mut positions: Vec<_> = updates.iter().map(|(index, _)| index.0).collect();
        positions.sort_unstable();
        positions.dedup();
        let slot = |index: LeafIndex| positions.partition_point(|&position| position < index.0);
        let slots = updates.iter().map(|&(index, _)| slot(index)).collect();
        Self { positions, slots }
    }

    /// Position of the node that update `t` touches.
    fn position(&self, t: usize) -> u32 {
        self.positions[self.slots[t]]
    }

    /// For each update the last one before it that touched the sibling of its node.
    fn last_writers(&self) -> Vec<Option<usize>> {
        let twin = |slot: usize| {
            let wanted = self.positions[slot] ^ 1;
            let beside = if wanted > self.positions[slot] { slot + 1 } else { slot.wrapping_sub(1) };
            (self.positions.get(beside) == Some(&wanted)).then_some(beside)
        };
        let twins: Vec<_> = (0..self.positions.len()).map(twin).collect();
        let mut last = vec![None; self.positions.len()];
        let scan = |(t, &slot): (usize, &usize)| {
            last[slot] = Some(t);
            twins[slot].and_then(|twin| last[twin])
        };
        self.slots.iter().enumerate().map(scan).collect()
    }

    /// Goes on to the level above.
    fn climb(&mut self) {
        let mut parents: Vec<u32> = Vec::with_capacity(self.positions.len());
        let mut parent_of = Vec::with_capacity(self.positions.len());
        for position in &self.positions {
            if parents.last() != Some(&(position >> 1)) {
                parents.push(position >> 1);
            }
            parent_of.push(parents.len() - 1);
        }
        self.positions = parents;
        self.slots.iter_mut().for_each(|slot| *slot = parent_of[*slot]);
    }
}

//! Merkle paths. Twin of [`enfold_state::hash::climb`].
//!
//! Constrained: the returned node is the root over `start` in a tree with these siblings, at the position that the
//! bits give, and the bits are boolean (by the Poseidon2 rows). One row per level. To climb twice from two
//! values by the same targets is to replace a leaf: all others are the same in both trees.

use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::BoolTarget;

use super::hash::node;
use crate::config::Builder;

/// The way up from a node: siblings, and bits that say whether the node is a right child; lowest first.
#[derive(Clone, Debug)]
pub struct ClimbTargets {
    /// 1 where the node is the right child. Boolean once the path is climbed, at least once.
    pub bits: Vec<BoolTarget>,
    /// The other children.
    pub siblings: Vec<HashOutTarget>,
}

impl ClimbTargets {
    /// Targets for this many levels.
    pub fn new(builder: &mut Builder, levels: usize) -> Self {
        let bits = (0..levels).map(|_| builder.add_virtual_bool_target_unsafe()).collect();
        Self { bits, siblings: builder.add_virtual_hashes(levels) }
    }

    /// The node above `start` after all levels.
    pub fn root(&self, builder: &mut Builder, start: HashOutTarget) -> HashOutTarget {
        let steps = self.bits.iter().zip(&self.siblings);
        steps.fold(start, |child, (&bit, &sibling)| node(builder, child, sibling, bit))
    }
}

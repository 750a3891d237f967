//! Twin of [`enfold_state::leaf`]: an account leaf. Nothing here is range-checked: callers check
//! every value they change.

use enfold_state::hash::Tag;
use enfold_state::leaf::Leaf;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::Target;

use super::hash::hash;
use crate::config::Builder;

/// The elements of a leaf.
#[derive(Clone, Copy, Debug)]
pub struct LeafTargets {
    /// Owner.
    pub address: HashOutTarget,
    /// Counts of debits, one for each nonce key.
    pub nonces: [Target; 2],
    /// Which asset.
    pub asset: Target,
    /// Balance.
    pub balance: Target,
}

impl LeafTargets {
    /// Free targets: the prover's choice until they are bound by a hash.
    pub fn new(builder: &mut Builder) -> Self {
        Self {
            address: builder.add_virtual_hash(),
            nonces: builder.add_virtual_target_arr(),
            asset: builder.add_virtual_target(),
            balance: builder.add_virtual_target(),
        }
    }

    /// The record, in the order of [`Leaf::elements`].
    pub const fn elements(&self) -> [Target; Leaf::LEN] {
        let ([a0, a1, a2, a3], [first, second]) = (self.address.elements, self.nonces);
        [a0, a1, a2, a3, first, self.asset, self.balance, second]
    }

    /// Twin of [`Leaf::digest`]. One row.
    pub fn digest(&self, builder: &mut Builder) -> HashOutTarget {
        hash(builder, Tag::AccountLeaf, &self.elements())
    }
}

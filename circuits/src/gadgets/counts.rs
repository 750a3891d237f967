//! Twin of [`enfold_state::shards::Counts`]: how many leaves each shard has.

use std::array::from_fn;

use enfold_state::hash::{DIGEST_LEN, Tag};
use enfold_state::leaf::{ACCOUNT_SHARDS, SHARDS};
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::{BoolTarget, Target};

use super::hash::hash;
use super::select::Selects;
use crate::config::Builder;

/// The counts of all shards.
#[derive(Clone, Copy, Debug)]
pub struct CountsTargets(pub [Target; SHARDS]);

impl CountsTargets {
    /// Free targets: the prover's choice until they are bound by the hash.
    pub fn new(builder: &mut Builder) -> Self {
        Self(builder.add_virtual_target_arr())
    }

    /// Twin of [`enfold_state::shards::Counts::digest`]. Eight rows.
    pub fn digest(&self, builder: &mut Builder) -> HashOutTarget {
        hash(builder, Tag::Counts, &self.0)
    }

    /// The count of the shard whose number has these bits, lowest first; the caller sees to it that they are boolean.
    /// Selections, four values each: from level to level, half of the counts are left.
    ///
    /// # Panics
    /// If the bits are more or fewer than those of a shard of accounts.
    pub fn of_account_shard(
        &self,
        builder: &mut Builder,
        selects: &mut Selects,
        bits: &[BoolTarget],
    ) -> Target {
        assert_eq!(ACCOUNT_SHARDS, 1 << bits.len(), "a bit more is twice as many shards");
        let zero = builder.zero();
        let mut left = self.0[..ACCOUNT_SHARDS].to_vec();
        for bit in bits {
            // Pairs of shards whose numbers differ in this bit, four a selection.
            let pairs = left.len() / 2;
            let select = |pairs: &[Target]| {
                let side = |side: usize| from_fn(|i| pairs.get(2 * i + side).copied().unwrap_or(zero));
                selects.select(builder, bit.target, side(1), side(0))
            };
            let selected: Vec<_> = left.chunks(2 * DIGEST_LEN).flat_map(select).take(pairs).collect();
            left = selected;
        }
        left[0]
    }
}

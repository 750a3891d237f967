//! Twin of [`enfold_state::chain`]: the chain state and what is derived from a block's seed.

use enfold_state::chain::ChainState;
use enfold_state::hash::Tag;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use super::hash::hash;
use crate::config::{Builder, F};
use crate::convert::from_native;

/// An element of GF(p^2).
pub type QuadraticTarget = [Target; 2];

/// The elements of a chain state.
#[derive(Clone, Copy, Debug)]
pub struct ChainStateTargets {
    /// Root of the state tree.
    pub tree_root: HashOutTarget,
    /// Chain over the emitted messages' digests.
    pub emitted: HashOutTarget,
    /// Chain over the consumed messages' digests.
    pub consumed: HashOutTarget,
    /// Running LogUp sum.
    pub sum: QuadraticTarget,
    /// Transactions so far.
    pub transactions: Target,
    /// Messages emitted so far.
    pub messages: Target,
    /// Phase of the last batch.
    pub phase: Target,
    /// L1 queue, as far as it is consumed.
    pub queue: HashOutTarget,
    /// Digest of the exits so far.
    pub exits: HashOutTarget,
    /// Digest of the shards' counts after the block.
    pub counts: HashOutTarget,
    /// Leaves created so far.
    pub created: Target,
}

impl ChainStateTargets {
    /// Free targets: the prover's choice until they are bound by the hash.
    pub fn new(builder: &mut Builder) -> Self {
        Self {
            tree_root: builder.add_virtual_hash(),
            emitted: builder.add_virtual_hash(),
            consumed: builder.add_virtual_hash(),
            sum: builder.add_virtual_target_arr(),
            transactions: builder.add_virtual_target(),
            messages: builder.add_virtual_target(),
            phase: builder.add_virtual_target(),
            queue: builder.add_virtual_hash(),
            exits: builder.add_virtual_hash(),
            counts: builder.add_virtual_hash(),
            created: builder.add_virtual_target(),
        }
    }

    /// The record, in the order of [`ChainState::elements`].
    pub fn elements(&self) -> [Target; ChainState::LEN] {
        let numbers = [self.transactions, self.messages, self.phase];
        let elements = |hashes: [HashOutTarget; 3]| hashes.into_iter().flat_map(|hash| hash.elements);
        let record = elements([self.tree_root, self.emitted, self.consumed]);
        let record = record.chain(self.sum).chain(numbers);
        let mut record = record.chain(elements([self.queue, self.exits, self.counts])).chain([self.created]);
        std::array::from_fn(|_| record.next().expect("the parts have 30 elements together"))
    }

    /// Twin of [`ChainState::digest`]. Four rows.
    pub fn digest(&self, builder: &mut Builder) -> HashOutTarget {
        hash(builder, Tag::ChainState, &self.elements())
    }

    /// Sets all elements.
    ///
    /// # Errors
    /// If one is set to another value already.
    pub fn fill(&self, witness: &mut PartialWitness<F>, state: &ChainState) -> anyhow::Result<()> {
        witness.set_target_arr(&self.elements(), &state.elements().map(from_native))
    }
}

/// Twin of [`enfold_state::chain::link_emitted`]. One row.
pub fn link_emitted(builder: &mut Builder, chain: HashOutTarget, batch: HashOutTarget) -> HashOutTarget {
    hash(builder, Tag::EmittedChain, &[chain.elements, batch.elements].concat())
}

/// Twin of [`enfold_state::chain::link_consumed`]. One row.
pub fn link_consumed(builder: &mut Builder, chain: HashOutTarget, batch: HashOutTarget) -> HashOutTarget {
    hash(builder, Tag::ConsumedChain, &[chain.elements, batch.elements].concat())
}

/// Twin of [`enfold_state::chain::state_root`]. One row.
pub fn state_root(builder: &mut Builder, tree_root: HashOutTarget, counts: HashOutTarget) -> HashOutTarget {
    hash(builder, Tag::StateRoot, &[tree_root.elements, counts.elements].concat())
}

/// Twin of [`enfold_state::chain::BlockId`].
#[derive(Clone, Copy, Debug)]
pub struct BlockIdTargets {
    /// The chain.
    pub chain_id: Target,
    /// The block's number.
    pub number: Target,
    /// Its time.
    pub time: Target,
}

impl BlockIdTargets {
    /// Free targets: the prover's choice until they are bound by a hash.
    pub fn new(builder: &mut Builder) -> Self {
        let [chain_id, number, time] = builder.add_virtual_target_arr();
        Self { chain_id, number, time }
    }

    /// The record, in the order of [`enfold_state::chain::BlockId::elements`].
    pub const fn elements(&self) -> [Target; 3] {
        [self.chain_id, self.number, self.time]
    }
}

/// Twin of [`enfold_state::chain::Commitments`].
#[derive(Clone, Copy, Debug)]
pub struct CommitmentsTargets {
    /// State root before the block.
    pub previous_root: HashOutTarget,
    /// The last link of `E`.
    pub emitted: HashOutTarget,
    /// The last link of `C`.
    pub consumed: HashOutTarget,
    /// L1 queue after the block.
    pub queue: HashOutTarget,
    /// Digest of the exits.
    pub exits: HashOutTarget,
}

/// Twin of [`enfold_state::chain::seed`]. Three rows.
pub fn seed(
    builder: &mut Builder,
    block: &BlockIdTargets,
    commitments: &CommitmentsTargets,
) -> HashOutTarget {
    let &CommitmentsTargets { previous_root, emitted, consumed, queue, exits } = commitments;
    let mut record = block.elements().to_vec();
    record.extend([previous_root, emitted, consumed, queue, exits].iter().flat_map(|hash| hash.elements));
    hash(builder, Tag::Seed, &record)
}

/// Twin of [`enfold_state::chain::context`]. One row.
pub fn context(builder: &mut Builder, block: &BlockIdTargets, seed: HashOutTarget) -> HashOutTarget {
    let ([id, number, time], [a, b, c, d]) = (block.elements(), seed.elements);
    hash(builder, Tag::Context, &[id, number, time, a, b, c, d])
}

/// Twin of [`enfold_state::chain::logup_challenges`]: `(alpha, gamma)`. One row.
pub fn logup_challenges(builder: &mut Builder, seed: HashOutTarget) -> (QuadraticTarget, QuadraticTarget) {
    let [a, b, c, d] = hash(builder, Tag::LogUp, &seed.elements).elements;
    ([a, b], [c, d])
}

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
    pub root: HashOutTarget,
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
    /// L1 deposit queue.
    pub deposit_queue: HashOutTarget,
    /// Digest of the exits so far.
    pub exits: HashOutTarget,
}

impl ChainStateTargets {
    /// Free targets: the prover's choice until they are bound by the hash.
    pub fn new(builder: &mut Builder) -> Self {
        Self {
            root: builder.add_virtual_hash(),
            emitted: builder.add_virtual_hash(),
            consumed: builder.add_virtual_hash(),
            sum: builder.add_virtual_target_arr(),
            transactions: builder.add_virtual_target(),
            messages: builder.add_virtual_target(),
            phase: builder.add_virtual_target(),
            deposit_queue: builder.add_virtual_hash(),
            exits: builder.add_virtual_hash(),
        }
    }

    /// The record, in the order of [`ChainState::elements`].
    pub fn elements(&self) -> [Target; ChainState::LEN] {
        let numbers = [self.transactions, self.messages, self.phase];
        let record = [self.root, self.emitted, self.consumed].into_iter().flat_map(|hash| hash.elements);
        let record = record.chain(self.sum).chain(numbers);
        let mut record = record.chain(self.deposit_queue.elements).chain(self.exits.elements);
        std::array::from_fn(|_| record.next().expect("the parts have 25 elements together"))
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

/// Twin of [`enfold_state::chain::seed`]. Two rows.
pub fn seed(
    builder: &mut Builder,
    chain_id: Target,
    block_number: Target,
    previous_root: HashOutTarget,
    emitted: HashOutTarget,
    consumed: HashOutTarget,
) -> HashOutTarget {
    let mut record = vec![chain_id, block_number];
    record.extend([previous_root, emitted, consumed].iter().flat_map(|hash| hash.elements));
    hash(builder, Tag::Seed, &record)
}

/// Twin of [`enfold_state::chain::context`]. One row.
pub fn context(builder: &mut Builder, chain_id: Target, seed: HashOutTarget) -> HashOutTarget {
    let [a, b, c, d] = seed.elements;
    hash(builder, Tag::Context, &[chain_id, a, b, c, d])
}

/// Twin of [`enfold_state::chain::logup_challenges`]: `(alpha, gamma)`. One row.
pub fn logup_challenges(builder: &mut Builder, seed: HashOutTarget) -> (QuadraticTarget, QuadraticTarget) {
    let [a, b, c, d] = hash(builder, Tag::LogUp, &seed.elements).elements;
    ([a, b], [c, d])
}

//! Twin of [`enfold_state::hash`]: hashes of tagged records and of tree nodes. One row a permutation.

use enfold_state::hash::{RATE, Tag, WIDTH};
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::hash::hashing::PlonkyPermutation;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::plonk::config::AlgebraicHasher;

use crate::config::Builder;
use crate::constraint::named;
use crate::convert::from_native;
use crate::hash::{Poseidon2Hash, Poseidon2Permutation};

/// A digest that is four elements in a circuit.
pub type DigestTarget = [Target; 4];

/// The permutation of `[input | capacity]`, all twelve elements.
pub fn absorb(builder: &mut Builder, input: [Target; RATE], capacity: DigestTarget) -> [Target; WIDTH] {
    let state = Poseidon2Permutation::new(input.into_iter().chain(capacity));
    let state = builder.permute::<Poseidon2Hash>(state);
    std::array::from_fn(|i| state.as_ref()[i])
}

/// Twin of [`enfold_state::hash::hash`].
///
/// # Panics
/// If `record` is empty.
pub fn hash(builder: &mut Builder, tag: Tag, record: &[Target]) -> HashOutTarget {
    assert!(!record.is_empty(), "a record has at least one element");
    let zero = builder.zero();
    let mut capacity = [builder.constant(from_native(tag.element())), zero, zero, zero];
    let mut first = capacity;
    for block in record.chunks(RATE) {
        let input = std::array::from_fn(|i| block.get(i).copied().unwrap_or(zero));
        let state = named(tag_name(tag), || absorb(builder, input, capacity));
        first.copy_from_slice(&state[..4]);
        capacity.copy_from_slice(&state[RATE..]);
    }
    HashOutTarget { elements: first }
}

/// What the permutations of a record with this tag are called.
const fn tag_name(tag: Tag) -> &'static str {
    match tag {
        Tag::AccountLeaf => "account leaf",
        Tag::EmittedChain => "emitted chain",
        Tag::ConsumedChain => "consumed chain",
        Tag::Seed => "seed",
        Tag::Context => "context",
        Tag::LogUp => "LogUp challenges",
        Tag::ChainState => "chain state",
        Tag::Address => "address",
        Tag::Challenge => "challenge",
        Tag::VerifierKey => "verifier key",
        Tag::KeySet => "key set",
        Tag::Counts => "counts",
        Tag::StateRoot => "state root",
        _ => "record",
    }
}

/// Twin of [`enfold_state::hash::node`] for a child on a path and its sibling: `bit` is 1 if the child is
/// the right one. The gate constrains `bit` to be boolean.
pub fn node(
    builder: &mut Builder,
    child: HashOutTarget,
    sibling: HashOutTarget,
    bit: BoolTarget,
) -> HashOutTarget {
    let zero = builder.zero();
    let inputs = child.elements.into_iter().chain(sibling.elements).chain([zero; WIDTH - RATE]);
    let state = Poseidon2Permutation::new(inputs);
    let state = named("node", || Poseidon2Hash::permute_swapped(state, bit, builder));
    HashOutTarget { elements: std::array::from_fn(|i| state.as_ref()[i]) }
}

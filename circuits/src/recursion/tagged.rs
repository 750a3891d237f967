//! The twin of [`enfold_state::hash::hash`].

use enfold_state::hash::{RATE, Tag};
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::hash::hashing::PlonkyPermutation;
use plonky2::iop::target::Target;
use plonky2::plonk::config::AlgebraicHasher;

use crate::config::{Builder, F};
use crate::convert::from_native;
use crate::hash::Poseidon2Hash;

/// The hash of a record of the tag's fixed length.
///
/// # Panics
/// If `record` is empty.
pub fn tagged_hash(builder: &mut Builder, tag: Tag, record: &[Target]) -> HashOutTarget {
    assert!(!record.is_empty(), "a record has at least one element");
    let zero = builder.zero();
    let tag = builder.constant(from_native(tag.element()));
    let mut state = <Poseidon2Hash as AlgebraicHasher<F>>::AlgebraicPermutation::new([zero; 12]);
    state.set_elt(tag, RATE);
    for block in record.chunks(RATE) {
        let mut block = block.to_vec();
        block.resize(RATE, zero);
        state.set_from_slice(&block, 0);
        state = builder.permute::<Poseidon2Hash>(state);
    }
    let out = state.squeeze();
    HashOutTarget { elements: [out[0], out[1], out[2], out[3]] }
}

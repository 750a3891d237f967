//! Twins of [`entry`] and [`key_set`].

use enfold_state::hash::{DIGEST_LEN, Tag};
pub use enfold_verifier::keys::{CHILDREN, Child, KEY_SET_LEN, entry, key_set};
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::Target;
use plonky2::plonk::circuit_data::VerifierCircuitTarget;

use crate::config::Builder;
use crate::gadgets::hash::hash;

/// [`entry`] in a circuit.
pub fn entry_target(builder: &mut Builder, key: &VerifierCircuitTarget) -> HashOutTarget {
    let cap = key.constants_sigmas_cap.0.iter().copied();
    let record: Vec<Target> =
        std::iter::once(key.circuit_digest).chain(cap).flat_map(|h| h.elements).collect();
    hash(builder, Tag::VerifierKey, &record)
}

/// [`key_set`] in a circuit: an entry that is not there is a constant zero.
///
/// # Panics
/// If they are more than [`KEY_SET_LEN`].
pub fn key_set_target(builder: &mut Builder, entries: &[HashOutTarget]) -> HashOutTarget {
    assert!(entries.len() <= KEY_SET_LEN, "a set has room for {KEY_SET_LEN} keys, got {}", entries.len());
    let zero = builder.zero();
    let mut record = vec![zero; KEY_SET_LEN * DIGEST_LEN];
    for (place, entry) in record.chunks_mut(DIGEST_LEN).zip(entries) {
        place.copy_from_slice(&entry.elements);
    }
    hash(builder, Tag::KeySet, &record)
}

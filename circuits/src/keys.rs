//! Twins of [`entry`] and [`key_set`].

use enfold_state::hash::Tag;
pub use enfold_verifier::keys::{entry, key_set};
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

/// [`key_set`] in a circuit.
pub fn key_set_target(builder: &mut Builder, lift: HashOutTarget, fold: HashOutTarget) -> HashOutTarget {
    hash(builder, Tag::KeySet, &[lift.elements, fold.elements].concat())
}

//! Verifier keys as digests, natively and in circuits.
//!
//! A key's entry is `H(VerifierKey; circuit digest (4), constants cap (4 each))`. The cap commits to the
//! selectors, constants and wiring; the circuit digest alone does not bind what the gates are, but a
//! circuit that verifies proofs takes the gates from the child's common data, which are its constants.
//! The set of keys that fold accepts is `H(KeySet; lift entry, fold entry)`.

use enfold_state::hash::{self, Digest, Tag};
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::Target;
use plonky2::plonk::circuit_data::VerifierCircuitTarget;

use crate::config::{Builder, VerifierOnlyCircuitData};
use crate::convert::to_digest;
use crate::gadgets::hash::hash;

/// The entry of a key.
pub fn entry(key: &VerifierOnlyCircuitData) -> Digest {
    let cap = key.constants_sigmas_cap.0.iter().copied();
    let record: Vec<_> =
        std::iter::once(key.circuit_digest).chain(cap).flat_map(|h| to_digest(h).0).collect();
    hash::hash(Tag::VerifierKey, &record)
}

/// [`entry`] in a circuit.
pub fn entry_target(builder: &mut Builder, key: &VerifierCircuitTarget) -> HashOutTarget {
    let cap = key.constants_sigmas_cap.0.iter().copied();
    let record: Vec<Target> =
        std::iter::once(key.circuit_digest).chain(cap).flat_map(|h| h.elements).collect();
    hash(builder, Tag::VerifierKey, &record)
}

/// The digest of the keys that fold accepts.
pub fn key_set(lift: Digest, fold: Digest) -> Digest {
    hash::hash(Tag::KeySet, &[lift.0, fold.0].concat())
}

/// [`key_set`] in a circuit.
pub fn key_set_target(builder: &mut Builder, lift: HashOutTarget, fold: HashOutTarget) -> HashOutTarget {
    hash(builder, Tag::KeySet, &[lift.elements, fold.elements].concat())
}

//! Verifier keys as digests.
//!
//! A key's entry is `H(VerifierKey; circuit digest (4), constants cap (4 each))`. The cap commits to the
//! selectors, constants and wiring; the circuit digest alone does not bind what the gates are, but a
//! circuit that verifies proofs takes the gates from the child's common data, which are its constants.
//! The set of keys that fold accepts is `H(KeySet; lift entry, fold entry)`.

use enfold_state::hash::{self, Digest, Tag};

use crate::config::VerifierOnlyCircuitData;
use crate::convert::to_digest;

/// The entry of a key.
pub fn entry(key: &VerifierOnlyCircuitData) -> Digest {
    let cap = key.constants_sigmas_cap.0.iter().copied();
    let record: Vec<_> =
        std::iter::once(key.circuit_digest).chain(cap).flat_map(|h| to_digest(h).0).collect();
    hash::hash(Tag::VerifierKey, &record)
}

/// The digest of the keys that fold accepts.
pub fn key_set(lift: Digest, fold: Digest) -> Digest {
    hash::hash(Tag::KeySet, &[lift.0, fold.0].concat())
}

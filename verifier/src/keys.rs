//! Verifier keys as digests.
//!
//! A key's entry is `H(VerifierKey; circuit digest (4), constants cap (4 each))`. The cap commits to the
//! selectors, constants and wiring; the circuit digest alone does not bind what the gates are, but a
//! circuit that verifies proofs takes the gates from the child's common data, which are its constants.
//! The set of keys that fold accepts is `H(KeySet; entries of lift, fold, a second lift and a third)`, zero for a circuit that
//! a profile does not have. No key's entry is zero.

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

/// Keys that a set has room for.
pub const KEY_SET_LEN: usize = 4;

/// The digest of the keys that fold accepts: those of lift and fold, then of other lifts if there are.
///
/// # Panics
/// If they are more than [`KEY_SET_LEN`].
pub fn key_set(entries: &[Digest]) -> Digest {
    assert!(entries.len() <= KEY_SET_LEN, "a set has room for {KEY_SET_LEN} keys, got {}", entries.len());
    let absent = std::iter::repeat(&Digest::ZERO);
    let record: Vec<_> = entries.iter().chain(absent).take(KEY_SET_LEN).flat_map(|entry| entry.0).collect();
    hash::hash(Tag::KeySet, &record)
}

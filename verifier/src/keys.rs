//! Verifier keys as digests.
//!
//! A key's entry is `H(VerifierKey; circuit digest (4), constants cap (4 each))`. The cap commits to the
//! selectors, constants and wiring; the circuit digest alone does not bind what the gates are, but a
//! circuit that verifies proofs takes the gates from the child's common data, which are its constants.
//! The set of keys that fold accepts is `H(KeySet; entries of lift, fold, a second lift and a third)`, zero for a circuit that
//! a profile does not have. No key's entry is zero.

use enfold_state::hash::{self, Digest, Tag};
use enfold_state::kind::FamilyId;

use crate::config::VerifierOnlyCircuitData;
use crate::convert::to_digest;

/// The entry of a key.
pub fn entry(key: &VerifierOnlyCircuitData) -> Digest {
    let cap = key.constants_sigmas_cap.0.iter().copied();
    let record: Vec<_> =
        std::iter::once(key.circuit_digest).chain(cap).flat_map(|h| to_digest(h).0).collect();
    hash::hash(Tag::VerifierKey, &record)
}

/// What a child of fold or block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Child {
    /// A lift proof over batches of a family.
    Lift(FamilyId),
    /// A fold proof.
    Fold,
}

/// Circuits that a child can be of: the entries of the list that exist.
pub const CHILDREN: usize = 1 + FamilyId::ALL.len();

impl Child {
    /// All, in the order of the list: the first family's lift, fold, the lifts of the other families.
    pub const ALL: [Self; CHILDREN] = {
        let mut all = [Self::Fold; CHILDREN];
        all[0] = Self::Lift(FamilyId::FIRST);
        let mut family = 1;
        while family < FamilyId::ALL.len() {
            all[1 + family] = Self::Lift(FamilyId::ALL[family]);
            family += 1;
        }
        all
    };

    /// Its place in the list.
    pub const fn place(self) -> usize {
        match self {
            Self::Lift(family) if family as usize == 0 => 0,
            Self::Fold => 1,
            Self::Lift(family) => 1 + family as usize,
        }
    }
}

/// Keys that a set has room for.
pub const KEY_SET_LEN: usize = 4;

const _: () = assert!(CHILDREN <= KEY_SET_LEN, "there are more families than a set has room for");

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_stand_at_their_places() {
        for (place, child) in Child::ALL.into_iter().enumerate() {
            assert_eq!(child.place(), place);
        }
        assert_eq!(Child::ALL[..2], [Child::Lift(FamilyId::FIRST), Child::Fold]);
    }

    /// An entry that is not there is zero, which no key's is.
    #[test]
    fn a_set_has_four_places() {
        let entries = [1, 2, 3, 4].map(|n| Digest([enfold_state::field::from_u32(n); 4]));
        let [a, b, c, d] = entries;
        assert_eq!(key_set(&[a, b, c]), key_set(&[a, b, c, Digest::ZERO]));
        assert_ne!(key_set(&[a, b]), key_set(&[a, b, c]));
        assert_ne!(key_set(&[a, b, c]), key_set(&[a, b, Digest::ZERO, c]));
        assert_ne!(key_set(&entries), key_set(&[a, b, d, c]));
    }
}

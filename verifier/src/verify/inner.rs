//! Batch, lift and fold proofs by themselves, as a prover keeps them between runs or gets them from other machines.
//!
//! Nobody but the prover of a block ever reads one. It is taken with no more trust than a block proof: in its one
//! encoding, verified under the circuit's own key, and with exactly the public inputs that its place has.

use std::sync::LazyLock;

use enfold_state::hash::Digest;
use enfold_state::kind::{BatchId, FamilyId, PerBatch, PerFamily};
use enfold_state::profile::ProfileId;

use super::circuit::CircuitKey;
use super::{VerifyError, read_canonical};
use crate::config::Proof;
use crate::keys::{CHILDREN, Child, key_set};
use crate::public_inputs::BatchPublicInputs;

/// A circuit whose proofs only other circuits verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InnerCircuit {
    /// A batch circuit.
    Batch(BatchId),
    /// The lift circuit of a family of batch circuits.
    Lift(FamilyId),
    /// The fold circuit.
    Fold,
}

impl InnerCircuit {
    /// All, in the order in which a block's proofs need them.
    pub fn all() -> impl Iterator<Item = Self> {
        let batches = BatchId::ALL.into_iter().map(Self::Batch);
        batches.chain(FamilyId::ALL.map(Self::Lift)).chain([Self::Fold])
    }

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Batch(batch) => batch.name(),
            Self::Lift(family) => family.lift(),
            Self::Fold => "fold",
        }
    }
}

/// The keys of a profile's batch, lift and fold circuits.
///
/// The stored form: the keys of lift and fold in the order of [`Child::ALL`], then those of all batch circuits in the order of
/// their table, each with its length in bytes in front (`u32`, little-endian).
#[derive(Clone, Debug)]
pub struct InnerKeys {
    lifts: PerFamily<CircuitKey>,
    fold: CircuitKey,
    batches: PerBatch<CircuitKey>,
}

static TEST: LazyLock<InnerKeys> =
    LazyLock::new(|| InnerKeys::from_trusted(include_bytes!("../../keys/test.inner")));
static STANDARD: LazyLock<InnerKeys> =
    LazyLock::new(|| InnerKeys::from_trusted(include_bytes!("../../keys/standard.inner")));
static PROVEN: LazyLock<InnerKeys> =
    LazyLock::new(|| InnerKeys::from_trusted(include_bytes!("../../keys/proven.inner")));

impl InnerKeys {
    /// The keys that are pinned for a profile.
    ///
    /// # Panics
    /// If the pinned keys are not those of all circuits, because they have to be pinned anew.
    pub fn pinned(profile: ProfileId) -> &'static Self {
        match profile {
            ProfileId::Test => &TEST,
            ProfileId::Standard => &STANDARD,
            ProfileId::Proven => &PROVEN,
        }
    }

    /// The keys of circuits.
    pub fn new(mut key: impl FnMut(InnerCircuit) -> CircuitKey) -> Self {
        Self {
            lifts: PerFamily::from_fn(|family| key(InnerCircuit::Lift(family))),
            fold: key(InnerCircuit::Fold),
            batches: PerBatch::from_fn(|batch| key(InnerCircuit::Batch(batch))),
        }
    }

    /// The circuits in the order of the stored form.
    fn stored() -> impl Iterator<Item = InnerCircuit> {
        Child::ALL.into_iter().map(InnerCircuit::from).chain(BatchId::ALL.map(InnerCircuit::Batch))
    }

    fn from_trusted(mut bytes: &[u8]) -> Self {
        let stored: Vec<_> = Self::stored()
            .map(|circuit| {
                let key = take(&mut bytes);
                (
                    circuit,
                    key.unwrap_or_else(|| panic!("expected a pinned key of {}, got none", circuit.name())),
                )
            })
            .collect();
        assert!(bytes.is_empty(), "expected pinned keys of all circuits, got {} bytes more", bytes.len());
        Self::new(|circuit| {
            let (_, key) = stored.iter().find(|(other, _)| *other == circuit).expect("a key of each circuit");
            CircuitKey::from_trusted(key)
        })
    }

    /// The stored form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for circuit in Self::stored() {
            let bytes = self.of(circuit).to_bytes();
            let len = u32::try_from(bytes.len()).expect("a key has some thousand bytes");
            all.extend(len.to_le_bytes());
            all.extend(bytes);
        }
        all
    }

    /// The key of one circuit.
    pub const fn of(&self, circuit: InnerCircuit) -> &CircuitKey {
        match circuit {
            InnerCircuit::Batch(batch) => self.batches.of(batch),
            InnerCircuit::Lift(family) => self.lifts.of(family),
            InnerCircuit::Fold => &self.fold,
        }
    }

    /// The digest of the keys that fold accepts, which every proof of the set repeats.
    pub fn set(&self) -> Digest {
        key_set(&self.list())
    }

    /// The list of those keys: their entries.
    pub fn list(&self) -> [Digest; CHILDREN] {
        Child::ALL.map(|child| self.of(child.into()).entry())
    }
}

impl From<Child> for InnerCircuit {
    fn from(child: Child) -> Self {
        match child {
            Child::Lift(family) => Self::Lift(family),
            Child::Fold => Self::Fold,
        }
    }
}

/// The first key of stored ones, which then begin behind it.
fn take<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, rest) = bytes.split_first_chunk()?;
    let (key, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
    *bytes = rest;
    Some(key)
}

/// Reads a batch, lift or fold proof and verifies that it says `expected`.
///
/// # Errors
/// If the bytes are not such a proof in its one form, say something else, or do not hold.
pub fn verify_inner(
    key: &CircuitKey,
    expected: &BatchPublicInputs,
    bytes: &[u8],
) -> Result<Proof, VerifyError> {
    let (expected_len, got) = (key.proof_len() as u64, bytes.len() as u64);
    if got != expected_len {
        return Err(VerifyError::FileLength { expected: expected_len, got });
    }
    let proof = read_canonical(key, bytes)?;
    if proof.public_inputs != expected.elements() {
        return Err(VerifyError::Place);
    }
    // The circuit's verifier takes the proof away.
    key.verify(proof.clone()).map_err(|source| VerifyError::Invalid { source })?;
    Ok(proof)
}

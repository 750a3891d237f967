//! What a verifier trusts: the block circuit's key, embedded in the program for each profile.

use std::sync::LazyLock;

use enfold_state::field::{F, reduce};
use enfold_state::hash::{Digest, Tag, hash};
use enfold_state::profile::ProfileId;
use serde::{Deserialize, Serialize};

use super::HEADER_LEN;
use super::circuit::CircuitKey;

/// A profile's key. It is never read from what a prover sends.
#[derive(Clone, Debug)]
pub struct VerifierKey {
    profile: ProfileId,
    circuit: CircuitKey,
}

/// A circuit, as the pinned list has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedCircuit {
    /// Name.
    pub name: String,
    /// Entry of its key, [`crate::keys::entry`].
    pub entry: Digest,
    /// log2 of its rows.
    pub degree_bits: usize,
}

/// What is pinned of a profile besides the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedSet {
    /// The profile.
    pub profile: ProfileId,
    /// [`VerifierKey::digest`].
    pub key: Digest,
    /// Bytes of a block proof, without the file's header.
    pub proof_bytes: usize,
    /// All circuits: batches, lift, fold, block.
    pub circuits: Vec<PinnedCircuit>,
}

impl PinnedSet {
    /// What is pinned of a profile.
    ///
    /// # Panics
    /// If the embedded list is not one.
    pub fn of(profile: ProfileId) -> Self {
        let text = match profile {
            ProfileId::Test => include_str!("../../keys/test.json"),
            ProfileId::Standard => include_str!("../../keys/standard.json"),
            ProfileId::Proven => include_str!("../../keys/proven.json"),
        };
        serde_json::from_str(text).expect("an embedded list is whole")
    }
}

static TEST: LazyLock<VerifierKey> =
    LazyLock::new(|| VerifierKey::from_trusted(ProfileId::Test, include_bytes!("../../keys/test.key")));
static STANDARD: LazyLock<VerifierKey> = LazyLock::new(|| {
    VerifierKey::from_trusted(ProfileId::Standard, include_bytes!("../../keys/standard.key"))
});
static PROVEN: LazyLock<VerifierKey> =
    LazyLock::new(|| VerifierKey::from_trusted(ProfileId::Proven, include_bytes!("../../keys/proven.key")));

impl VerifierKey {
    /// The key that is pinned for a profile.
    pub fn pinned(profile: ProfileId) -> &'static Self {
        match profile {
            ProfileId::Test => &TEST,
            ProfileId::Standard => &STANDARD,
            ProfileId::Proven => &PROVEN,
        }
    }

    /// The key of a profile's block circuit.
    pub const fn new(profile: ProfileId, circuit: CircuitKey) -> Self {
        Self { profile, circuit }
    }

    /// The key from its stored form, which must be the program's own.
    ///
    /// # Panics
    /// If it is not [`Self::to_bytes`] of a key.
    pub fn from_trusted(profile: ProfileId, bytes: &[u8]) -> Self {
        Self::new(profile, CircuitKey::from_trusted(bytes))
    }

    /// The stored form, [`CircuitKey::to_bytes`].
    ///
    /// # Panics
    /// As [`CircuitKey::to_bytes`].
    pub fn to_bytes(&self) -> Vec<u8> {
        self.circuit.to_bytes()
    }

    /// A digest of all of the key: gates, parameters and commitments.
    /// `H(KeyFile; length, bytes, seven an element, little-endian)`.
    pub fn digest(&self) -> Digest {
        let bytes = self.to_bytes();
        let element = |chunk: &[u8]| chunk.iter().rev().fold(0, |acc, &byte| (acc << 8) | u64::from(byte));
        let record: Vec<F> =
            std::iter::once(bytes.len() as u64).chain(bytes.chunks(7).map(element)).map(reduce).collect();
        hash(Tag::KeyFile, &record)
    }

    /// The profile.
    pub const fn profile(&self) -> ProfileId {
        self.profile
    }

    /// The block circuit's key.
    pub const fn circuit(&self) -> &CircuitKey {
        &self.circuit
    }

    /// Bytes of every proof of the profile.
    pub const fn proof_len(&self) -> usize {
        self.circuit.proof_len()
    }

    /// Bytes of every proof file of the profile. A reader can refuse any other length first.
    pub const fn file_len(&self) -> u64 {
        HEADER_LEN as u64 + self.proof_len() as u64
    }

    /// log2 of the block circuit's rows.
    pub fn degree_bits(&self) -> usize {
        self.circuit.common().degree_bits()
    }
}

//! What a verifier trusts: the block circuit's key, embedded in the program for each profile.

use std::sync::LazyLock;

use enfold_state::field::{F as Native, reduce};
use enfold_state::hash::{Digest, Tag, hash};
use enfold_witness::profile::ProfileId;
use plonky2::plonk::circuit_data::VerifierCircuitData;
use serde::{Deserialize, Serialize};

use super::HEADER_LEN;
use super::layout::Layout;
use crate::block::BlockCircuit;
use crate::config::{CommonCircuitData, D, EnfoldConfig, F, Proof};
use crate::serialization::Gates;

/// A profile's key. It is never read from what a prover sends.
#[derive(Clone, Debug)]
pub struct VerifierKey {
    profile: ProfileId,
    data: VerifierCircuitData<F, EnfoldConfig, D>,
    layout: Layout,
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
            ProfileId::Test => include_str!("../../../fixtures/pinned/test.json"),
            ProfileId::Standard => include_str!("../../../fixtures/pinned/standard.json"),
        };
        serde_json::from_str(text).expect("an embedded list is whole")
    }
}

static TEST: LazyLock<VerifierKey> = LazyLock::new(|| {
    VerifierKey::from_trusted(ProfileId::Test, include_bytes!("../../../fixtures/pinned/test.key"))
});
static STANDARD: LazyLock<VerifierKey> = LazyLock::new(|| {
    VerifierKey::from_trusted(ProfileId::Standard, include_bytes!("../../../fixtures/pinned/standard.key"))
});

impl VerifierKey {
    /// The key that is pinned for a profile.
    pub fn pinned(profile: ProfileId) -> &'static Self {
        match profile {
            ProfileId::Test => &TEST,
            ProfileId::Standard => &STANDARD,
        }
    }

    /// The key of a block circuit.
    pub fn from_block(profile: ProfileId, block: &BlockCircuit) -> Self {
        Self::new(profile, block.data.verifier_data())
    }

    fn new(profile: ProfileId, data: VerifierCircuitData<F, EnfoldConfig, D>) -> Self {
        let layout = Layout::of(&data.common);
        Self { profile, data, layout }
    }

    /// The key from its stored form, which must be the program's own.
    ///
    /// # Panics
    /// If it is not [`Self::to_bytes`] of a key.
    pub(super) fn from_trusted(profile: ProfileId, bytes: &[u8]) -> Self {
        let data = VerifierCircuitData::from_bytes(bytes.to_vec(), &Gates).expect("an embedded key is whole");
        Self::new(profile, data)
    }

    /// The stored form: plonky2's, with the gates numbered as in [`Gates`].
    ///
    /// # Panics
    /// If the circuit has a gate that is not in [`Gates`].
    pub fn to_bytes(&self) -> Vec<u8> {
        self.data.to_bytes(&Gates).expect("the list has all gates")
    }

    /// A digest of all of the key: gates, parameters and commitments.
    /// `H(KeyFile; length, bytes, seven an element, little-endian)`.
    pub fn digest(&self) -> Digest {
        let bytes = self.to_bytes();
        let element = |chunk: &[u8]| chunk.iter().rev().fold(0, |acc, &byte| (acc << 8) | u64::from(byte));
        let record: Vec<Native> =
            std::iter::once(bytes.len() as u64).chain(bytes.chunks(7).map(element)).map(reduce).collect();
        hash(Tag::KeyFile, &record)
    }

    /// The profile.
    pub fn profile(&self) -> ProfileId {
        self.profile
    }

    /// Bytes of every proof of the profile.
    pub fn proof_len(&self) -> usize {
        self.layout.len()
    }

    /// Bytes of every proof file of the profile. A reader can refuse any other length first.
    pub fn file_len(&self) -> u64 {
        HEADER_LEN as u64 + self.layout.len() as u64
    }

    /// log2 of the block circuit's rows.
    pub fn degree_bits(&self) -> usize {
        self.data.common.degree_bits()
    }

    /// What a verifier knows of the block circuit besides its commitments.
    pub(crate) fn common(&self) -> &CommonCircuitData {
        &self.data.common
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// A key that asks for fewer queries.
    #[cfg(test)]
    pub(super) fn weaken(&mut self) {
        self.data.common.config.fri_config.num_query_rounds -= 1;
        self.data.common.fri_params.config.num_query_rounds -= 1;
    }

    pub(super) fn verify(&self, proof: Proof) -> anyhow::Result<()> {
        self.data.verify(proof)
    }
}

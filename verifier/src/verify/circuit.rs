//! The key of one circuit.

use enfold_state::hash::Digest;

use super::layout::Layout;
use crate::config::{CommonCircuitData, Proof, VerifierCircuitData};
use crate::keys::entry;
use crate::serialization::Gates;

/// What verifies the proofs of one circuit. It is never read from what a prover sends.
#[derive(Clone, Debug)]
pub struct CircuitKey {
    data: VerifierCircuitData,
    layout: Layout,
}

impl CircuitKey {
    /// The key of a circuit.
    pub fn new(data: VerifierCircuitData) -> Self {
        let layout = Layout::of(&data.common);
        Self { data, layout }
    }

    /// The key from its stored form, which must be the program's own.
    ///
    /// # Panics
    /// If it is not [`Self::to_bytes`] of a key.
    pub fn from_trusted(bytes: &[u8]) -> Self {
        let data = VerifierCircuitData::from_bytes(bytes.to_vec(), &Gates).expect("a trusted key is whole");
        Self::new(data)
    }

    /// The stored form: plonky2's, with the gates numbered as in [`Gates`].
    ///
    /// # Panics
    /// If the circuit has a gate that is not in [`Gates`].
    pub fn to_bytes(&self) -> Vec<u8> {
        self.data.to_bytes(&Gates).expect("the list has all gates")
    }

    /// The key's entry in the lists of recursive circuits, [`entry`].
    pub fn entry(&self) -> Digest {
        entry(&self.data.verifier_only)
    }

    /// Bytes of every proof of the circuit.
    pub const fn proof_len(&self) -> usize {
        self.layout.len()
    }

    /// Where everything is in a proof of the circuit.
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// plonky2's form.
    pub const fn data(&self) -> &VerifierCircuitData {
        &self.data
    }

    /// What the key knows besides its commitments.
    pub const fn common(&self) -> &CommonCircuitData {
        &self.data.common
    }

    pub(super) fn verify(&self, proof: Proof) -> anyhow::Result<()> {
        self.data.verify(proof)
    }
}

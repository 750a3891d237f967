//! A child slot: proof, key and verification.

use plonky2::field::types::Field;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_data::VerifierCircuitTarget;
use plonky2::plonk::proof::ProofWithPublicInputsTarget;

use super::verifier::verify_proof;
use crate::config::{Builder, CommonCircuitData, D, F, Proof, VerifierOnlyCircuitData};
use crate::public_inputs::BatchPublicInputsTarget;

/// A proof that the circuit verifies under a key that is a witness.
#[derive(Debug)]
pub struct Slot {
    /// The proof. Every element is free; that it verifies is constrained.
    proof: ProofWithPublicInputsTarget<D>,
    /// The key. Free here: the circuit must constrain its entry.
    key: VerifierCircuitTarget,
}

/// What a slot is filled with.
#[derive(Clone, Copy, Debug)]
pub struct SlotWitness<'a> {
    /// The proof; in a dead slot, slot 0's.
    pub proof: &'a Proof,
    /// Its key.
    pub key: &'a VerifierOnlyCircuitData,
    /// Whether the slot counts. An element, so that tests can fill in others than 0 and 1.
    pub live: F,
    /// Which of the allowed keys it is.
    pub which: usize,
}

impl Slot {
    /// Adds a slot and verifies its proof.
    pub fn new(builder: &mut Builder, common: &CommonCircuitData) -> Self {
        let proof = builder.add_virtual_proof_with_pis(common);
        let key = builder.add_virtual_verifier_data(common.config.fri_config.cap_height);
        let names = ["slot: the proof verifies", "slot: it verifies under the key"];
        verify_proof(builder, names, &proof, &key, common);
        Self { proof, key }
    }

    /// The proof's public inputs.
    pub fn inputs(&self) -> BatchPublicInputsTarget {
        BatchPublicInputsTarget::from_targets(&self.proof.public_inputs)
    }

    /// The key, for its entry.
    pub fn key(&self) -> &VerifierCircuitTarget {
        &self.key
    }

    /// Fills in proof and key.
    ///
    /// # Errors
    /// If a target is filled twice with different values.
    ///
    /// # Panics
    /// If the proof has another shape than the slot.
    pub fn fill(&self, witness: &mut PartialWitness<F>, slot: &SlotWitness<'_>) -> anyhow::Result<()> {
        witness.set_proof_with_pis_target(&self.proof, slot.proof)?;
        witness.set_verifier_data_target(&self.key, slot.key)
    }
}

/// The live slots, then copies of slot 0 that are off.
pub fn fill_dead(mut live: Vec<SlotWitness<'_>>, arity: usize) -> Vec<SlotWitness<'_>> {
    let dead = SlotWitness { live: F::ZERO, ..live[0] };
    live.resize(arity, dead);
    live
}

//! A lift circuit: one proof for up to `lift_arity` consecutive batch proofs of any kinds, all of one family.
//!
//! All batch circuits of a family share one `CommonCircuitData`, so one verifier serves them all; which of
//! them a child is, is a witness. Each family has a lift circuit of its own, and all of those share one shape. See
//! [`crate::recursion`] for the rules that lift shares with fold.
//!
//! *Why it takes no proof of another family*: the verifier's constants are the common data of this family, its size
//! among it, and its key is one of the constants, all of this family. A proof of another family has other lengths; and
//! under keys that are not listed nothing passes, whatever its form.
//!
//! | witness | constrained by |
//! |---|---|
//! | children's proofs | they verify |
//! | children's keys | the entry is the one-hot choice's, among the constants |
//! | choice | boolean, sums to one |
//! | live flags | boolean, never increasing |
//! | `set` | nothing: a lift proof is only ever used by fold and block, which pin it |

use enfold_state::hash::Digest;
use enfold_state::kind::FamilyId;
use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::BoolTarget;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::backend::{Backend, Built, Prover, Stock};
use crate::config::{Builder, CircuitData, CommonCircuitData, F, Proof, VerifierOnlyCircuitData};
use crate::convert::from_digest;
use crate::keys::{entry, entry_target};
use crate::params::Params;
use crate::public_inputs::BatchPublicInputsTarget;
use crate::recursion::{
    BuildError, Chain, ProveError, RecursionSize, Slot, SlotWitness, chain, check_children, choose_constant,
    fill_choice, fill_dead, fix_shape, prove,
};

/// The lift circuit of a family of a profile's batch circuits.
#[derive(Debug)]
pub struct LiftCircuit {
    /// The family whose proofs it takes.
    pub family: FamilyId,
    /// The circuit.
    pub data: CircuitData,
    /// How full it is.
    pub size: RecursionSize,
    prover: Box<dyn Prover>,
    slots: Vec<Slot>,
    choices: Vec<Vec<BoolTarget>>,
    chain: Chain,
    set: HashOutTarget,
    batch_keys: Vec<VerifierOnlyCircuitData>,
}

impl LiftCircuit {
    /// [`Self::build_with`] plonky2.
    ///
    /// # Errors
    /// As [`Self::build_with`].
    pub fn build(
        params: &Params,
        family: FamilyId,
        batch_common: &CommonCircuitData,
        batch_keys: &[VerifierOnlyCircuitData],
    ) -> Result<Self, BuildError> {
        Self::build_with(&Stock, params, family, batch_common, batch_keys)
    }

    /// Builds the circuit over batch circuits of a family, which share `batch_common`; a child is named by its key's place
    /// in `batch_keys`.
    ///
    /// # Errors
    /// If the rows do not fit the profile's degree.
    pub fn build_with(
        backend: &dyn Backend,
        params: &Params,
        family: FamilyId,
        batch_common: &CommonCircuitData,
        batch_keys: &[VerifierOnlyCircuitData],
    ) -> Result<Self, BuildError> {
        let mut builder = Builder::new(params.recursion.clone());
        let slots: Vec<Slot> =
            (0..params.families[family].lift_arity).map(|_| Slot::new(&mut builder, batch_common)).collect();

        let allowed: Vec<Digest> = batch_keys.iter().map(entry).collect();
        let choices = slots
            .iter()
            .map(|slot| {
                let entry = entry_target(&mut builder, slot.key());
                choose_constant(&mut builder, entry, &allowed)
            })
            .collect();

        let inputs: Vec<_> = slots.iter().map(Slot::inputs).collect();
        let chain = chain(&mut builder, &inputs);
        let set = builder.add_virtual_hash();
        BatchPublicInputsTarget { set, ctx: chain.ctx, before: chain.before, after: chain.after }
            .register(&mut builder);

        let (Built { data, prover }, size) =
            fix_shape(backend, builder, family.lift(), batch_common, params.recursion_degree_bits)?;
        Ok(Self { family, data, size, prover, slots, choices, chain, set, batch_keys: batch_keys.to_vec() })
    }

    /// Proves that the children, each with its key's place in the list, follow one another.
    ///
    /// # Errors
    /// If there are too many or too few children, if they do not chain, or if one does not verify.
    pub fn prove(&self, children: &[(usize, &Proof)], set: Digest) -> Result<Proof, ProveError> {
        let circuit = self.family.lift();
        check_children(circuit, self.slots.len(), children.iter().map(|child| child.1))?;
        let expected = self.batch_keys.len();
        if let Some(&(got, _)) = children.iter().find(|child| child.0 >= expected) {
            return Err(ProveError::UnknownKey { circuit, expected, got });
        }
        let live: Vec<_> = children
            .iter()
            .map(|&(which, proof)| SlotWitness { proof, key: &self.batch_keys[which], live: F::ONE, which })
            .collect();
        let witness = self
            .fill(&fill_dead(live, self.slots.len()), set)
            .map_err(|source| ProveError::Prove { circuit, source })?;
        prove(circuit, &*self.prover, &self.data, witness)
    }

    /// Fills in exactly these slots, right or wrong.
    ///
    /// # Errors
    /// If a target is filled twice with different values.
    pub fn fill(&self, slots: &[SlotWitness<'_>], set: Digest) -> anyhow::Result<PartialWitness<F>> {
        let mut witness = PartialWitness::new();
        witness.set_hash_target(self.set, from_digest(set))?;
        self.chain.fill(&mut witness, slots)?;
        for ((slot, choice), with) in self.slots.iter().zip(&self.choices).zip(slots) {
            slot.fill(&mut witness, with)?;
            fill_choice(&mut witness, choice, with.which)?;
        }
        Ok(witness)
    }

    /// The choice of slot `slot`, one target a key.
    #[cfg(test)]
    pub(crate) fn choice_targets(&self, slot: usize) -> &[BoolTarget] {
        &self.choices[slot]
    }

    /// Batch keys, in the order of the list.
    pub fn batch_keys(&self) -> &[VerifierOnlyCircuitData] {
        &self.batch_keys
    }
}

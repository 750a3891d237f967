//! The fold circuit: one proof for up to `fold_arity` consecutive lift or fold proofs.
//!
//! All lifts and fold share one `CommonCircuitData`, so one verifier serves them all and fold verifies itself. Fold
//! cannot hold its own key as a constant; it takes the list `L` of their keys' entries ([`Child::ALL`]) as a witness and
//! puts out its digest, `set`. (The digest has room for four entries; those that are not there are constants, zero, and cannot
//! be chosen.) All of its children carry the same `set`, and the block
//! circuit compares it with the true one ([`crate::block`]). So all fold proofs below a block proof used the true list.
//!
//! | witness | constrained by |
//! |---|---|
//! | children's proofs | they verify |
//! | children's keys | the entry is the chosen one of L |
//! | choice | boolean, sums to one |
//! | live flags | boolean, never increasing |
//! | L | its digest is `set`, which is the output's and every child's |

use std::array::from_fn;

use enfold_state::hash::Digest;
use enfold_state::kind::{FamilyId, PerFamily};
use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::BoolTarget;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::backend::{Backend, Built, Prover, Stock};
use crate::config::{Builder, CircuitData, F, Proof, VerifierCircuitData, VerifierOnlyCircuitData};
use crate::constraint::Constrain;
use crate::convert::from_digest;
pub use crate::keys::{CHILDREN, Child};
use crate::keys::{entry, entry_target, key_set, key_set_target};
use crate::params::Params;
use crate::public_inputs::BatchPublicInputsTarget;
use crate::recursion::{
    BuildError, Chain, ProveError, RecursionSize, Slot, SlotWitness, chain, check_children, check_sets,
    choose_listed, fill_choice, fill_dead, fix_shape, prove,
};

const NAME: &str = "fold";

/// The keys that a child of fold or block can be under: the true list `L`.
#[derive(Clone, Debug)]
pub struct ChildKeys([VerifierOnlyCircuitData; CHILDREN]);

impl ChildKeys {
    /// The keys that a function gives for each.
    pub fn new(key: impl FnMut(Child) -> VerifierOnlyCircuitData) -> Self {
        Self(Child::ALL.map(key))
    }

    /// The digest of the list, which all proofs of the profile carry.
    pub fn set(&self) -> Digest {
        key_set(&self.list())
    }

    /// The list: the keys' entries.
    pub fn list(&self) -> [Digest; CHILDREN] {
        Child::ALL.map(|child| entry(self.of(child)))
    }

    /// The key of a kind of child.
    pub const fn of(&self, child: Child) -> &VerifierOnlyCircuitData {
        &self.0[child.place()]
    }
}

/// The fold circuit of a profile.
#[derive(Debug)]
pub struct FoldCircuit {
    /// The circuit.
    pub data: CircuitData,
    /// How full it is.
    pub size: RecursionSize,
    prover: Box<dyn Prover>,
    slots: Vec<Slot>,
    choices: Vec<Vec<BoolTarget>>,
    chain: Chain,
    entries: [HashOutTarget; CHILDREN],
    keys: ChildKeys,
}

impl FoldCircuit {
    /// [`Self::build_with`] plonky2.
    ///
    /// # Errors
    /// As [`Self::build_with`].
    pub fn build(params: &Params, lifts: &PerFamily<&VerifierCircuitData>) -> Result<Self, BuildError> {
        Self::build_with(&Stock, params, lifts)
    }

    /// Builds the circuit over the lift circuits with these keys.
    ///
    /// # Errors
    /// If the rows do not fit the profile's degree, or if lifts and fold do not come out alike.
    pub fn build_with(
        backend: &dyn Backend,
        params: &Params,
        lifts: &PerFamily<&VerifierCircuitData>,
    ) -> Result<Self, BuildError> {
        let (first, common) = (FamilyId::FIRST, &lifts[FamilyId::FIRST].common);
        if let Some((family, _)) = lifts.iter().find(|(_, lift)| lift.common != *common) {
            return Err(BuildError::CommonData { circuit: family.lift(), like: first.lift() });
        }
        let mut builder = Builder::new(params.recursion.clone());
        let slots: Vec<Slot> = (0..params.fold_arity).map(|_| Slot::new(&mut builder, common)).collect();

        let entries: [HashOutTarget; CHILDREN] = from_fn(|_| builder.add_virtual_hash());
        let set = key_set_target(&mut builder, &entries);
        let choices = slots
            .iter()
            .map(|slot| {
                let entry = entry_target(&mut builder, slot.key());
                let choice = choose_listed(&mut builder, entry, &entries);
                let name = "fold: a child's set is the list's digest";
                builder.require_equal_hashes(name, set, slot.inputs().set);
                choice
            })
            .collect();

        let inputs: Vec<_> = slots.iter().map(Slot::inputs).collect();
        let chain = chain(&mut builder, &inputs);
        BatchPublicInputsTarget { set, ctx: chain.ctx, before: chain.before, after: chain.after }
            .register(&mut builder);

        let (Built { data, prover }, size) =
            fix_shape(backend, builder, NAME, common, params.recursion_degree_bits)?;
        if data.common != *common {
            return Err(BuildError::CommonData { circuit: NAME, like: first.lift() });
        }
        let keys = ChildKeys::new(|child| match child {
            Child::Lift(family) => lifts[family].verifier_only.clone(),
            Child::Fold => data.verifier_only.clone(),
        });
        Ok(Self { data, size, prover, slots, choices, chain, entries, keys })
    }

    /// The keys that its children can be under, its own among them.
    pub const fn keys(&self) -> &ChildKeys {
        &self.keys
    }

    /// [`ChildKeys::set`].
    pub fn set(&self) -> Digest {
        self.keys.set()
    }

    /// [`ChildKeys::list`].
    pub fn list(&self) -> [Digest; CHILDREN] {
        self.keys.list()
    }

    /// [`ChildKeys::of`].
    pub const fn key(&self, child: Child) -> &VerifierOnlyCircuitData {
        self.keys.of(child)
    }

    /// Proves that the children follow one another.
    ///
    /// # Errors
    /// If there are too many or too few children, if they do not chain or are for another set of keys, or if
    /// one does not verify.
    pub fn prove(&self, children: &[(Child, &Proof)]) -> Result<Proof, ProveError> {
        let inputs = check_children(NAME, self.slots.len(), children.iter().map(|child| child.1))?;
        check_sets(NAME, &inputs, self.keys.set())?;
        let live: Vec<_> = children
            .iter()
            .map(|&(child, proof)| SlotWitness {
                proof,
                key: self.keys.of(child),
                live: F::ONE,
                which: child.place(),
            })
            .collect();
        let witness = self
            .fill(&fill_dead(live, self.slots.len()), self.keys.list())
            .map_err(|source| ProveError::Prove { circuit: NAME, source })?;
        prove(NAME, &*self.prover, &self.data, witness)
    }

    /// Fills in exactly these slots and this list of allowed entries, right or wrong.
    ///
    /// # Errors
    /// If a target is filled twice with different values.
    pub fn fill(
        &self,
        slots: &[SlotWitness<'_>],
        list: [Digest; CHILDREN],
    ) -> anyhow::Result<PartialWitness<F>> {
        let mut witness = PartialWitness::new();
        for (target, digest) in self.entries.iter().zip(list) {
            witness.set_hash_target(*target, from_digest(digest))?;
        }
        self.chain.fill(&mut witness, slots)?;
        for ((slot, choice), with) in self.slots.iter().zip(&self.choices).zip(slots) {
            slot.fill(&mut witness, with)?;
            fill_choice(&mut witness, choice, with.which)?;
        }
        Ok(witness)
    }

    /// The choice of slot `slot`, one target an entry of the list.
    #[cfg(test)]
    pub(crate) fn choice_targets(&self, slot: usize) -> &[BoolTarget] {
        &self.choices[slot]
    }
}

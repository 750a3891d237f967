//! Honest proofs verify, and every forged witness breaks a constraint. Over toy batches.

mod block;
mod children;
mod families;
mod fold;
mod inner;
mod lift;
mod opened;
#[path = "../../../tests/removal/record.rs"]
mod record;
mod told;
mod verify;

use enfold_state::chain::ChainState;
use enfold_state::field::{ONE, reduce};
use enfold_state::hash::Digest;
use enfold_state::kind::FamilyId;
use enfold_state::profile::ProfileId;
use plonky2::field::types::Field;
use plonky2::iop::witness::PartialWitness;
use plonky2::plonk::proof::ProofWithPublicInputs;

use super::forge::{check, check_overwritten};
use super::toy::{FAMILY, HONEST, OTHER, counts, ctx, opening, states, step};
use super::{ProveError, RecursionSize, SlotWitness};
use crate::block::BlockOpening;
use crate::config::{CircuitData, F, Proof, VerifierOnlyCircuitData};
use crate::fold::{CHILDREN, Child};
use crate::keys::{entry, key_set};
use crate::public_inputs::BatchPublicInputs;

/// A lift proof of the first family.
const FIRST: Child = Child::Lift(FamilyId::Large);

/// A lift proof of the second.
const SECOND: Child = Child::Lift(FamilyId::Small);

/// Rows in use and degree. A change of the toys, the gates or the parameters shows here; measure before
/// the numbers are changed, because a degree is a doubling of all proving.
#[test]
fn sizes() {
    let family = &*FAMILY;
    assert_eq!(family.lift.size, RecursionSize { rows: 2226, degree_bits: 12 });
    assert_eq!(family.fold.size, RecursionSize { rows: 3447, degree_bits: 12 });
    assert_eq!(family.block.size, RecursionSize { rows: 2402, degree_bits: 12 });
}

#[test]
fn honest_proofs_verify() {
    let (family, honest) = (&*FAMILY, &*HONEST);
    for lift in &honest.lifts {
        family.lift.data.verify(lift.clone()).unwrap();
    }
    family.fold.data.verify(honest.fold.clone()).unwrap();
    family.block.data.verify(honest.block.clone()).unwrap();
}

/// A live slot of lift with a proof of a toy under its own key.
fn of_toy(which: usize, proof: &Proof) -> SlotWitness<'_> {
    SlotWitness { proof, key: &FAMILY.lift.batch_keys()[which], live: F::ONE, which }
}

/// A live slot of fold or block with a proof under its own key.
fn child(child: Child, proof: &Proof) -> SlotWitness<'_> {
    SlotWitness { proof, key: FAMILY.fold.key(child), live: F::ONE, which: child.place() }
}

/// [`child`], one of the honest lift proofs.
fn lift(i: usize) -> SlotWitness<'static> {
    child(FIRST, &HONEST.lifts[i])
}

/// The slot, dead.
fn off(slot: SlotWitness<'_>) -> SlotWitness<'_> {
    SlotWitness { live: F::ZERO, ..slot }
}

fn refused(what: &str, data: &CircuitData, witness: anyhow::Result<PartialWitness<F>>) {
    let witness = witness.expect("the targets of the inputs are distinct");
    let violations = check(data, witness.clone());
    assert!(violations.is_err(), "{what}: accepted");
    opened::tell(data, &witness);
}

fn accepted(what: &str, data: &CircuitData, witness: anyhow::Result<PartialWitness<F>>) {
    let violations = check(data, witness.expect("the targets of the inputs are distinct"));
    violations.unwrap_or_else(|violations| panic!("{what}: {violations}"));
}

/// `witness` with every public input in turn changed, as (index, changed witness).
fn with_other_outputs<'a>(
    data: &'a CircuitData,
    witness: &'a PartialWitness<F>,
    indices: impl Iterator<Item = usize> + 'a,
) -> impl Iterator<Item = (usize, PartialWitness<F>)> + 'a {
    indices.map(|i| {
        let mut changed = witness.clone();
        changed.target_values.insert(data.prover_only.public_inputs[i], F::from_canonical_u64(4711));
        (i, changed)
    })
}

/// Block's slots with this child alone.
fn alone_in_block(child: Child, proof: &Proof) -> [SlotWitness<'_>; 2] {
    let slot = SlotWitness { proof, key: FAMILY.fold.key(child), live: F::ONE, which: child.place() };
    [slot, SlotWitness { live: F::ZERO, ..slot }]
}

/// Block's slots with this fold proof alone.
fn whole(fold: &Proof) -> [SlotWitness<'_>; 2] {
    alone_in_block(Child::Fold, fold)
}

/// A key with the digest of one and the cap of another.
fn mixed(digest: &VerifierOnlyCircuitData, cap: &VerifierOnlyCircuitData) -> VerifierOnlyCircuitData {
    VerifierOnlyCircuitData { circuit_digest: digest.circuit_digest, ..cap.clone() }
}

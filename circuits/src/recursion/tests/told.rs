//! Lies of which one requirement alone stands in the way: the other tests' forgeries mostly break several.

use enfold_state::chain::BlockId;

use super::opened::{BLOCK, FOLD, LIFT};
use super::*;
use crate::check::Checker;
use crate::convert::from_digest;
use crate::lift::LiftCircuit;
use crate::recursion::toy;
use crate::recursion::toy::Toy;
use crate::removal::Opened;

fn batch(i: usize) -> SlotWitness<'static> {
    of_toy(HONEST.batches[i].0, &HONEST.batches[i].1)
}

fn list() -> [Digest; CHILDREN] {
    FAMILY.fold.list()
}

fn fill_lift(slots: [SlotWitness<'_>; 3]) -> PartialWitness<F> {
    FAMILY.lift.fill(&slots, FAMILY.fold.set()).unwrap()
}

fn refused(what: &str, data: &CircuitData, lie: PartialWitness<F>) {
    super::refused(what, data, Ok(lie));
}

/// A proof that says something else than what it proves.
fn altered(proof: &Proof, at: usize) -> Proof {
    let mut proof = proof.clone();
    proof.public_inputs[at] += F::ONE;
    proof
}

#[test]
fn statements_that_no_proof_backs() {
    let [set, after] = [0, 12].map(|at| altered(&HONEST.batches[1].1, at));
    for proof in [&set, &after] {
        let lie = fill_lift([batch(0), of_toy(1, proof), off(batch(0))]);
        refused("another statement", &FAMILY.lift.data, lie);
    }
    let honest = opening(&HONEST.states);
    let other = BlockOpening { block: BlockId { chain_id: 8, ..honest.block }, ..honest };
    let mut proof = HONEST.fold.clone();
    proof.public_inputs[4..8].copy_from_slice(&from_digest(other.context()).elements);
    let lie = FAMILY.block.fill(&whole(&proof), &other.statement(ProfileId::Test), &other);
    refused("another chain", &FAMILY.block.data, lie.unwrap());
}

#[test]
fn proofs_under_another_key_of_the_list() {
    let key = &FAMILY.lift.batch_keys()[2];
    let slot = SlotWitness { key, which: 2, ..batch(1) };
    refused("a key of the list", &FAMILY.lift.data, fill_lift([batch(0), slot, off(batch(0))]));
}

/// One lift that leads from a start to an end, said to be a fold and verified under its own key.
#[test]
fn lift_for_a_fold() {
    let states = states(1);
    let batch = FAMILY.toys[0].prove(&step(&states, 0));
    let lift = FAMILY.lift.prove(&[(0, &batch)], FAMILY.fold.set()).unwrap();
    let open = opening(&states);
    let mut lie = FAMILY.block.fill(&whole(&lift), &open.statement(ProfileId::Test), &open).unwrap();
    let key = FAMILY.fold.key(FIRST);
    let hashes = key.constants_sigmas_cap.0.iter().copied().chain([key.circuit_digest]);
    let places = BLOCK.places("slot: it verifies under the key").into_iter();
    // Both slots have the lift.
    let elements = hashes.flat_map(|hash| hash.elements).collect::<Vec<_>>().into_iter().cycle();
    lie.target_values.extend(places.zip(elements));
    refused("a lift", &FAMILY.block.data, lie);
}

/// A leaf more than the counts grow by: the sum of the shards is told otherwise.
#[test]
fn sum_of_counts_that_is_not_theirs() {
    let mut states = states(1);
    states[1].created += 1;
    let (created, open) = (states[1].created, opening(&states));
    let batch = FAMILY.toys[0].prove(&step(&states, 0));
    let lift = FAMILY.lift.prove(&[(0, &batch)], FAMILY.fold.set()).unwrap();
    let fold = FAMILY.fold.prove(&[(FIRST, &lift)]).unwrap();
    let mut lie = FAMILY.block.fill(&whole(&fold), &open.statement(ProfileId::Test), &open).unwrap();
    let sum = *BLOCK.places("block: new leaves").last().expect("a sum of shards");
    lie.target_values.insert(sum, F::from_canonical_u32(created));
    refused("a leaf more", &FAMILY.block.data, lie);
}

/// All of another family, whose fold is the same circuit. The block knows the true set.
#[test]
fn block_of_another_set() {
    let states = states(1);
    let batch = OTHER.toys[0].prove(&step(&states, 0));
    let lift = OTHER.lift.prove(&[(0, &batch)], OTHER.fold.set()).unwrap();
    let fold = OTHER.fold.prove(&[(FIRST, &lift)]).unwrap();
    let open = opening(&states);
    let lie = FAMILY.block.fill(&whole(&fold), &open.statement(ProfileId::Test), &open).unwrap();
    refused("another set", &FAMILY.block.data, lie);
}

/// A child between two states that are none: twice the step from the first to the second.
#[test]
fn flag_of_two() {
    let first = step(&HONEST.states, 0);
    let twice: [_; 4] = std::array::from_fn(|i| first.after.0[i] + first.after.0[i] - first.before.0[i]);
    let proof = FAMILY.toys[1].prove(&BatchPublicInputs { before: Digest(twice), ..first });
    let slot = SlotWitness { live: F::TWO, ..of_toy(1, &proof) };
    refused("a flag of two", &FAMILY.lift.data, fill_lift([batch(0), slot, off(batch(0))]));
}

/// The dead slot says something of its own, after two that are live.
#[test]
fn dead_slot_with_a_say() {
    let honest = step(&HONEST.states, 0);
    let other = step(&HONEST.states, 1).after;
    for says in [BatchPublicInputs { set: other, ..honest }, BatchPublicInputs { after: other, ..honest }] {
        let proof = FAMILY.toys[0].prove(&says);
        let lie = fill_lift([batch(0), batch(1), off(of_toy(0, &proof))]);
        refused("a dead slot", &FAMILY.lift.data, lie);
    }
}

/// Where the last slot is dead, the output ends where the slot in front ends: by a selection that is told otherwise, it
/// ends elsewhere.
#[test]
fn end_that_nobody_reached() {
    let elsewhere = from_digest(HONEST.states[4].digest()).elements;
    let mut lie = fill_lift([batch(0), batch(1), off(batch(0))]);
    let places = LIFT.places("selection: flag b - b");
    let last = places[places.len() - elsewhere.len()..].iter().copied();
    lie.target_values.extend(last.zip(elsewhere.map(|element| -element)));
    refused("another end", &FAMILY.lift.data, lie);
}

/// The elements that are compared with slot 0's entry, told otherwise.
fn tell_chosen(opened: &Opened<'_>, name: &str, lie: &mut PartialWitness<F>, entry: Digest) {
    let compared = opened.copies().iter().filter(|copy| copy.name == name).map(|copy| copy.value);
    // Every slot has the same foreign child.
    let elements = from_digest(entry).elements.into_iter().cycle();
    lie.target_values.extend(compared.zip(elements));
}

#[test]
fn foreign_children_said_to_be_chosen() {
    let foreign = FAMILY.foreign.prove(&step(&HONEST.states, 0));
    let key = &FAMILY.foreign.data.verifier_only;
    let slot = SlotWitness { proof: &foreign, key, live: F::ONE, which: 0 };
    let mut lie = fill_lift([slot, off(slot), off(slot)]);
    tell_chosen(&LIFT, "choice: a child's key is the chosen one", &mut lie, entry(key));
    refused("a foreign batch", &FAMILY.lift.data, lie);

    let (lie, key) = foreign_lift();
    let mut told = lie;
    tell_chosen(&FOLD, "fold: a child's key is the chosen one of the list", &mut told, entry(key));
    refused("a foreign lift", &FAMILY.fold.data, told);
}

/// A lift of another family with children of the true set, in fold's slot 0, not listed.
fn foreign_lift() -> (PartialWitness<F>, &'static VerifierOnlyCircuitData) {
    let batch = OTHER.toys[0].prove(&step(&HONEST.states, 0));
    let proof = OTHER.lift.prove(&[(0, &batch)], FAMILY.fold.set()).unwrap();
    let key = OTHER.fold.key(FIRST);
    let slot = SlotWitness { proof: &proof, key, live: F::ONE, which: 0 };
    (FAMILY.fold.fill(&[slot, off(slot), off(slot)], list()).unwrap(), key)
}

/// A lift proof in fold's slots under a list, with a choice of these weights.
fn chosen_by(weights: [F; 2], list: [Digest; CHILDREN]) -> PartialWitness<F> {
    let (which, proof) = &HONEST.batches[0];
    let lifted = FAMILY.lift.prove(&[(*which, proof)], key_set(&list)).unwrap();
    let slot = SlotWitness { proof: &lifted, ..lift(0) };
    let mut lie = FAMILY.fold.fill(&[slot, off(slot), off(slot)], list).unwrap();
    for slot in 0..3 {
        let bits = FAMILY.fold.choice_targets(slot).iter().map(|bit| bit.target);
        lie.target_values.extend(bits.zip(weights.into_iter().chain([F::ZERO])));
    }
    lie
}

/// A list that is made for the choice of -1 and 2, which sum to one: twice the second entry less the first is lift's.
#[test]
fn choice_of_two() {
    let [lift_entry, first] = [list()[0], Digest([1, 2, 3, 4].map(reduce))];
    let half = crate::convert::to_native(F::TWO.inverse());
    let second = Digest(std::array::from_fn(|i| (lift_entry.0[i] + first.0[i]) * half));
    refused(
        "a choice of two",
        &FAMILY.fold.data,
        chosen_by([F::NEG_ONE, F::TWO], [first, second, list()[2]]),
    );
}

/// A list whose two entries add up to lift's, and a choice of both.
#[test]
fn both_are_chosen() {
    let [lift_entry, first] = [list()[0], Digest([1, 2, 3, 4].map(reduce))];
    let second = Digest(std::array::from_fn(|i| lift_entry.0[i] - first.0[i]));
    refused("both", &FAMILY.fold.data, chosen_by([F::ONE, F::ONE], [first, second, list()[2]]));
}

/// Neither is chosen: the entry would be zero, which no key has.
#[test]
fn none_is_chosen() {
    refused("none", &FAMILY.fold.data, chosen_by([F::ZERO, F::ZERO], list()));
}

/// Factors for which sum and weighted sum of the entries are one and a foreign entry: there are such over six entries,
/// none of them boolean. Over the four of a profile, an entry is one with a probability of `2^-64`.
#[test]
fn choices_that_are_weights() {
    let params = toy::params();
    let more: Vec<Toy> = [71, 72].map(|constant| Toy::build(&params, FamilyId::Large, constant)).into();
    let keys: Vec<_> = FAMILY.toys.iter().chain(&more).map(|toy| toy.data.verifier_only.clone()).collect();
    let common = &FAMILY.foreign.data.common;
    let build = || LiftCircuit::build(&params, FamilyId::Large, common, &keys).unwrap();
    let full = build();
    let (open, names) = crate::removal::opened(build);
    let opened = Opened::new(&open.data, names);

    let foreign = FAMILY.foreign.prove(&step(&HONEST.states, 0));
    let key = &FAMILY.foreign.data.verifier_only;
    let slot = SlotWitness { proof: &foreign, key, live: F::ONE, which: 0 };
    let mut lie = full.fill(&[slot, off(slot), off(slot)], FAMILY.fold.set()).unwrap();
    let honest = {
        let slot = batch(0);
        full.fill(&[slot, off(slot), off(slot)], FAMILY.fold.set()).unwrap()
    };
    let weights = weights(&keys.iter().map(entry).collect::<Vec<_>>(), entry(key));
    for slot in 0..3 {
        let bits = full.choice_targets(slot).iter().map(|bit| bit.target);
        lie.target_values.extend(bits.zip(weights.iter().copied()));
    }
    let broken = opened.broken(&opened.complete(&[], &lie));
    assert!(broken.iter().eq(["choice: flags are boolean"]), "{broken:?}");
    record::tell("recursion", &opened, &full.data, &honest, &lie);
}

/// `w` with `sum of w = 1` and `sum of w_i entry_i = wanted`; the last is 1.
fn weights(entries: &[Digest], wanted: Digest) -> Vec<F> {
    let column = |digest: Digest| [&[F::ONE], &from_digest(digest).elements[..]].concat();
    let (columns, last) = (entries[..5].iter().map(|&e| column(e)).collect::<Vec<_>>(), column(entries[5]));
    let wanted = column(wanted);
    let mut rows: Vec<Vec<F>> = (0..5)
        .map(|i| columns.iter().map(|column| column[i]).chain([wanted[i] - last[i]]).collect())
        .collect();
    for pivot in 0..5 {
        let at = (pivot..5).find(|&row| rows[row][pivot] != F::ZERO).expect("five entries are independent");
        rows.swap(pivot, at);
        let inverse = rows[pivot][pivot].inverse();
        rows[pivot].iter_mut().for_each(|x| *x *= inverse);
        for row in (0..5).filter(|&row| row != pivot) {
            let (factor, pivot_row) = (rows[row][pivot], rows[pivot].clone());
            rows[row].iter_mut().zip(pivot_row).for_each(|(x, y)| *x -= factor * y);
        }
    }
    rows.iter().map(|row| row[5]).chain([F::ONE]).collect()
}

/// With all named copies put back, wires are connected as in the circuit itself: what is opened is what is named.
#[test]
fn opened_circuits_are_the_circuits() {
    let circuits = [(&*LIFT, &FAMILY.lift.data), (&*FOLD, &FAMILY.fold.data), (&*BLOCK, &FAMILY.block.data)];
    for (opened, full) in circuits {
        assert!(opened.closes_to(&Checker::new(full)));
    }
}

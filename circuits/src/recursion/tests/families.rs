//! Two families of batch circuits, each with a lift of its own: honest mixes, and every way to take one for the other.

use super::opened::{BLOCK, FOLD};
use super::*;
use crate::convert::from_digest;
use crate::removal::Opened;

/// The batch from state `i` to the next, by a circuit of the second family.
fn second_batch(i: usize) -> (usize, Proof) {
    (i % 2, FAMILY.seconds[i % 2].prove(&step(&HONEST.states, i)))
}

/// The second family's lift proof of these batches of the honest block, under the true set.
fn second(batches: std::ops::Range<usize>) -> Proof {
    let proofs: Vec<_> = batches.map(second_batch).collect();
    let children: Vec<_> = proofs.iter().map(|(which, proof)| (*which, proof)).collect();
    FAMILY.second_lift.prove(&children, FAMILY.fold.set()).unwrap()
}

/// The first family's lift proof of these batches.
fn first(batches: std::ops::Range<usize>) -> Proof {
    let children: Vec<_> = HONEST.batches[batches].iter().map(|(which, proof)| (*which, proof)).collect();
    FAMILY.lift.prove(&children, FAMILY.fold.set()).unwrap()
}

fn in_fold(
    slots: [SlotWitness<'_>; 3],
    list: [Digest; CHILDREN],
) -> (&'static CircuitData, anyhow::Result<PartialWitness<F>>) {
    (&FAMILY.fold.data, FAMILY.fold.fill(&slots, list))
}

fn in_block(slots: [SlotWitness<'_>; 2]) -> (&'static CircuitData, anyhow::Result<PartialWitness<F>>) {
    let opening = opening(&HONEST.states);
    (&FAMILY.block.data, FAMILY.block.fill(&slots, &opening.statement(ProfileId::Test), &opening))
}

#[test]
fn both_lifts_have_one_shape() {
    let [lift, second, fold] = [&FAMILY.lift.data, &FAMILY.second_lift.data, &FAMILY.fold.data];
    assert_eq!((&lift.common, &fold.common), (&second.common, &second.common));
    let entries = Child::ALL.map(|child| entry(FAMILY.fold.key(child)));
    assert_eq!(entries, [lift, fold, second].map(|data| entry(&data.verifier_only)), "L is in this order");
    assert!(entries[0] != entries[2] && entries.iter().all(|&entry| entry != Digest::ZERO));
    assert_ne!(FAMILY.toys[0].data.common, FAMILY.seconds[0].data.common);
}

#[test]
fn lifts_of_both_families_make_a_block() {
    let (a, b, c) = (first(0..2), second(2..4), first(4..5));
    let whole = opening(&HONEST.states);
    let prove = |children: &[(Child, &Proof)]| {
        let proof = FAMILY.block.prove(ProfileId::Test, children, &whole).unwrap();
        FAMILY.block.data.verify(proof).unwrap();
    };
    let fold = FAMILY.fold.prove(&[(FIRST, &a), (SECOND, &b), (FIRST, &c)]).unwrap();
    prove(&[(Child::Fold, &fold)]);
    prove(&[(FIRST, &first(0..3)), (SECOND, &second(3..5))]);
    let begin = FAMILY.fold.prove(&[(SECOND, &second(0..2)), (SECOND, &second(2..3))]).unwrap();
    prove(&[(Child::Fold, &begin), (SECOND, &second(3..5))]);
}

/// A block of one small batch a phase, as quiet chains have them.
#[test]
fn a_lift_of_the_second_family_is_enough_for_a_block() {
    let states = states(2);
    let batches = [0, 1].map(|i| FAMILY.seconds[i].prove(&step(&states, i)));
    let children = [(0, &batches[0]), (1, &batches[1])];
    let lift = FAMILY.second_lift.prove(&children, FAMILY.fold.set()).unwrap();
    let proof = FAMILY.block.prove(ProfileId::Test, &[(SECOND, &lift)], &opening(&states)).unwrap();
    FAMILY.block.data.verify(proof).unwrap();
}

/// A proof of the second family put into the form of one of the first: what is too much is cut, what lacks is taken from `like`.
fn forced(proof: &Proof, like: &Proof) -> Proof {
    let mut forced = like.clone();
    forced.public_inputs.clone_from(&proof.public_inputs);
    let (own, other) = (&mut forced.proof, &proof.proof);
    own.wires_cap = other.wires_cap.clone();
    own.plonk_zs_partial_products_cap = other.plonk_zs_partial_products_cap.clone();
    own.quotient_polys_cap = other.quotient_polys_cap.clone();
    own.openings = other.openings.clone();
    own.opening_proof.pow_witness = other.opening_proof.pow_witness;
    forced
}

#[test]
fn a_lift_takes_no_proof_of_the_other_family() {
    let (own, other) = (&HONEST.batches[0].1, FAMILY.seconds[0].prove(&step(&HONEST.states, 0)));
    let key = &FAMILY.seconds[0].data.verifier_only;
    let forced = forced(&other, own);
    for which in 0..=FAMILY.toys.len() {
        let slot = SlotWitness { proof: &forced, key, live: F::ONE, which };
        let slots = [slot, off(slot), off(slot)];
        refused("a small batch", &FAMILY.lift.data, FAMILY.lift.fill(&slots, FAMILY.fold.set()));
        if which < FAMILY.toys.len() {
            let slots = slots.map(|slot| SlotWitness { key: &FAMILY.lift.batch_keys()[which], ..slot });
            refused(
                "the same under a key of the list",
                &FAMILY.lift.data,
                FAMILY.lift.fill(&slots, FAMILY.fold.set()),
            );
        }
    }
    // Its own form has no place in the slots.
    let as_it_is = SlotWitness { proof: &other, key, live: F::ONE, which: 0 };
    let fill = || FAMILY.lift.fill(&[as_it_is, off(as_it_is), off(as_it_is)], FAMILY.fold.set()).is_ok();
    assert!(!std::panic::catch_unwind(fill).unwrap_or(false), "a proof of another size fits");
}

/// Each child under each key and each choice but its own, in fold and in block.
#[test]
fn keys_and_choices_that_are_not_the_childs() {
    // A whole block each, so that nothing else is wrong.
    let states = states(1);
    let open = opening(&states);
    let says = step(&states, 0);
    let (large, small) = (FAMILY.toys[0].prove(&says), FAMILY.seconds[0].prove(&says));
    let set = FAMILY.fold.set();
    let large = FAMILY.lift.prove(&[(0, &large)], set).unwrap();
    let small = FAMILY.second_lift.prove(&[(0, &small)], set).unwrap();
    let in_block =
        |slots: [SlotWitness<'_>; 2]| FAMILY.block.fill(&slots, &open.statement(ProfileId::Test), &open);
    for (own, proof) in [(FIRST, &large), (SECOND, &small)] {
        for under in Child::ALL {
            for which in 0..=CHILDREN {
                if (under, which) == (own, own.place()) {
                    continue;
                }
                let slot = SlotWitness { proof, key: FAMILY.fold.key(under), live: F::ONE, which };
                let (data, lie) = in_fold([slot, off(slot), off(slot)], FAMILY.fold.list());
                refused("a lift of the other family in fold", data, lie);
                refused(
                    "a lift of the other family in block",
                    &FAMILY.block.data,
                    in_block([slot, off(slot)]),
                );
            }
        }
        let slot = child(own, proof);
        accepted("its own", &FAMILY.block.data, in_block([slot, off(slot)]));
    }
}

#[test]
fn a_second_child_by_another_name() {
    let last = second(3..5);
    for which in [0, 1, CHILDREN] {
        let slot = SlotWitness { which, ..child(SECOND, &last) };
        let (data, lie) = in_block([lift(0), slot]);
        refused("a second lift by another name", data, lie);
    }
    let (data, lie) = in_block([lift(0), child(SECOND, &last)]);
    accepted("a second lift by its own", data, lie);
}

/// The elements that are compared with each slot's entry, told to be those of the chosen one.
fn tell_chosen(opened: &Opened<'_>, name: &str, lie: &mut PartialWitness<F>, entry: Digest) {
    let compared = opened.copies().iter().filter(|copy| copy.name == name).map(|copy| copy.value);
    lie.target_values.extend(compared.zip(from_digest(entry).elements.into_iter().cycle()));
}

/// A proof of the second lift that is said to be chosen as the first's: the chosen entry is told to be its own. One
/// constraint stands in the way, which says what the chosen entry is; without it, the lie would pass.
#[test]
fn the_second_lift_said_to_be_the_first() {
    let small = second(0..1);
    let slot = SlotWitness { which: FIRST.place(), ..child(SECOND, &small) };
    let (data, lie) = in_fold([slot, off(slot), off(slot)], FAMILY.fold.list());
    let (name, mut lie) = ("fold: a child's key is the chosen one of the list", lie.unwrap());
    tell_chosen(&FOLD, name, &mut lie, entry(slot.key));
    let broken = FOLD.broken(&FOLD.complete(&[], &lie));
    assert!(broken.iter().eq(["fold: chosen entry"]), "{broken:?}");
    refused("said to be chosen in fold", data, Ok(lie));

    let states = states(1);
    let batch = FAMILY.seconds[0].prove(&step(&states, 0));
    let whole = FAMILY.second_lift.prove(&[(0, &batch)], FAMILY.fold.set()).unwrap();
    let slot = SlotWitness { which: FIRST.place(), ..child(SECOND, &whole) };
    let open = opening(&states);
    let lie = FAMILY.block.fill(&[slot, off(slot)], &open.statement(ProfileId::Test), &open);
    let (name, mut lie) = ("choice: a child's key is the chosen one", lie.unwrap());
    tell_chosen(&BLOCK, name, &mut lie, entry(slot.key));
    let broken = BLOCK.broken(&BLOCK.complete(&[], &lie));
    assert!(broken.iter().eq(["choice: chosen entry"]), "{broken:?}");
    refused("said to be chosen in block", &FAMILY.block.data, Ok(lie));
}

/// An entry that is not there is zero: nothing has it, in the list or past its end.
#[test]
fn an_absent_entry_is_not_chosen() {
    let [first_entry, fold_entry, _] = FAMILY.fold.list();
    let list = [first_entry, fold_entry, Digest::ZERO];
    let proofs = [FAMILY.fold.set(), key_set(&list)].map(|set| {
        let (which, batch) = second_batch(0);
        FAMILY.second_lift.prove(&[(which, &batch)], set).unwrap()
    });
    for proof in &proofs {
        for which in 0..=CHILDREN {
            let slot = SlotWitness { which, ..child(SECOND, proof) };
            let (data, lie) = in_fold([slot, off(slot), off(slot)], list);
            refused("an entry of zero", data, lie);
        }
    }
    // Where nothing is chosen, the entry would have to be zero too.
    let slot = SlotWitness { which: CHILDREN, ..child(SECOND, &proofs[0]) };
    let (data, lie) = in_fold([slot, off(slot), off(slot)], FAMILY.fold.list());
    refused("the fourth place", data, lie);
}

/// A fold whose list lacks the second lift is honest about it. Its set is not the true one, and block knows that.
#[test]
fn a_fold_of_a_shorter_list_is_no_child_of_block() {
    let [first_entry, fold_entry, _] = FAMILY.fold.list();
    let list = [first_entry, fold_entry, Digest::ZERO];
    let states = states(1);
    let batch = FAMILY.toys[0].prove(&step(&states, 0));
    let lift = FAMILY.lift.prove(&[(0, &batch)], key_set(&list)).unwrap();
    let slot = child(FIRST, &lift);
    let (data, witness) = in_fold([slot, off(slot), off(slot)], list);
    let fold = data.prove(witness.unwrap()).unwrap();
    data.verify(fold.clone()).unwrap();
    let open = opening(&states);
    let lie = FAMILY.block.fill(&whole(&fold), &open.statement(ProfileId::Test), &open);
    refused("a shorter list", &FAMILY.block.data, lie);
}

#[test]
fn mixed_children_of_fold_are_held_together() {
    let (a, b) = (first(0..2), second(2..4));
    let list = FAMILY.fold.list();
    let [one, two] = [child(FIRST, &a), child(SECOND, &b)];
    let (data, honest) = in_fold([one, two, off(one)], list);
    accepted("mixed children", data, honest);
    for (what, slots) in [
        ("swapped", [two, one, off(two)]),
        ("a gap between families", [one, lift(1), off(one)]),
        ("the second twice", [one, two, two]),
        ("a live child of the other family in a dead slot", [one, off(two), off(one)]),
    ] {
        let (data, lie) = in_fold(slots, list);
        refused(what, data, lie);
    }
    // The second lift of other circuits, under the true set: it is not listed.
    let batch = OTHER.seconds[0].prove(&step(&HONEST.states, 2));
    let foreign = OTHER.second_lift.prove(&[(0, &batch)], FAMILY.fold.set()).unwrap();
    for which in 0..CHILDREN {
        let slot = SlotWitness { proof: &foreign, key: OTHER.fold.key(SECOND), live: F::ONE, which };
        let (data, lie) = in_fold([one, slot, off(one)], list);
        refused("a foreign second lift", data, lie);
    }
    // Listed, it is another list, and the first child's set tells.
    let other_list = [list[0], list[1], entry(OTHER.fold.key(SECOND))];
    let slot =
        SlotWitness { proof: &foreign, key: OTHER.fold.key(SECOND), live: F::ONE, which: SECOND.place() };
    let (data, lie) = in_fold([one, slot, off(one)], other_list);
    refused("a foreign second lift, listed", data, lie);
}

//! Forged fold witnesses.

use super::*;

fn alone(slot: SlotWitness<'_>) -> [SlotWitness<'_>; 3] {
    [slot, off(slot), off(slot)]
}

fn list() -> [Digest; CHILDREN] {
    FAMILY.fold.list()
}

fn refused(what: &str, slots: [SlotWitness<'_>; 3], list: [Digest; CHILDREN]) {
    super::refused(what, &FAMILY.fold.data, FAMILY.fold.fill(&slots, list));
}

#[test]
fn honest() {
    let data = &FAMILY.fold.data;
    let slots = [lift(0), lift(1), off(lift(0))];
    accepted("two lifts", data, FAMILY.fold.fill(&slots, list()));
    let fold = child(Child::Fold, &HONEST.fold);
    accepted("a fold", data, FAMILY.fold.fill(&[fold, off(fold), off(fold)], list()));
}

#[test]
fn order_and_flags() {
    let fold = child(Child::Fold, &HONEST.fold);
    refused("swapped", [lift(1), lift(0), off(lift(1))], list());
    refused("the same child twice", [lift(0), lift(0), off(lift(0))], list());
    refused("a fold and a part of it", [fold, lift(1), off(fold)], list());
    refused("a live proof in a dead slot", [lift(0), off(lift(1)), off(lift(0))], list());
    refused("flags that increase", [lift(0), off(lift(0)), lift(1)], list());
}

#[test]
fn keys() {
    let fold = child(Child::Fold, &HONEST.fold);
    let lift_key = FAMILY.fold.key(FIRST);
    let fold_key = FAMILY.fold.key(Child::Fold);
    refused("a lift in the place of a fold", alone(SlotWitness { which: 1, ..lift(0) }), list());
    refused("a fold in the place of a lift", alone(SlotWitness { which: 0, ..fold }), list());
    refused("a lift under fold's key", alone(SlotWitness { key: fold_key, which: 1, ..lift(0) }), list());
    refused("a fold under lift's key", alone(SlotWitness { key: lift_key, which: 0, ..fold }), list());
    for (digest, cap) in [(lift_key, fold_key), (fold_key, lift_key)] {
        let key = mixed(digest, cap);
        for which in 0..=CHILDREN {
            refused("halves of keys", alone(SlotWitness { key: &key, which, ..lift(0) }), list());
        }
    }
    refused("a choice past the end", alone(SlotWitness { which: CHILDREN, ..fold }), list());
}

#[test]
fn lists() {
    let [lift_entry, fold_entry, second_entry] = list();
    refused("a list in the other order", alone(lift(0)), [fold_entry, lift_entry, second_entry]);
    refused(
        "the other order with the other choice",
        alone(SlotWitness { which: 1, ..lift(0) }),
        [fold_entry, lift_entry, second_entry],
    );
    refused("a list without fold", alone(lift(0)), [lift_entry, lift_entry, second_entry]);
    // A lift of another family in the list, with children of the true set.
    let batch = OTHER.toys[0].prove(&step(&HONEST.states, 0));
    let foreign = OTHER.lift.prove(&[(0, &batch)], FAMILY.fold.set()).unwrap();
    let slot = SlotWitness { proof: &foreign, key: OTHER.fold.key(FIRST), live: F::ONE, which: 0 };
    refused("a foreign lift, listed", alone(slot), [entry(slot.key), fold_entry, second_entry]);
    refused("a foreign lift, not listed", alone(slot), list());
    refused("a foreign lift under the true key", alone(child(FIRST, &foreign)), list());
}

#[test]
fn sets_and_contexts() {
    let batch = |says: &BatchPublicInputs| FAMILY.toys[0].prove(says);
    let one = |proof: &Proof, set| FAMILY.lift.prove(&[(0, proof)], set).unwrap();
    let says = BatchPublicInputs { ctx: Digest::ZERO, ..step(&HONEST.states, 3) };
    let other = one(&batch(&says), FAMILY.fold.set());
    refused("a child of another chain", [lift(0), child(FIRST, &other), off(lift(0))], list());

    let other = one(&batch(&step(&HONEST.states, 3)), Digest::ZERO);
    let slot = child(FIRST, &other);
    refused("a child of another set", [lift(0), slot, off(lift(0))], list());
    refused("the same in slot 0", [slot, off(slot), off(slot)], list());
    let result = FAMILY.fold.prove(&[(FIRST, &other)]);
    assert!(matches!(result, Err(ProveError::Set { child: 0, .. })));
}

#[test]
fn outputs() {
    let data = &FAMILY.fold.data;
    let honest = FAMILY.fold.fill(&[lift(0), lift(1), off(lift(0))], list()).unwrap();
    for (i, witness) in with_other_outputs(data, &honest, 0..16) {
        super::refused(&format!("output {i}"), data, Ok(witness));
    }
}

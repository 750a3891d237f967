//! The children of block: honest ones of both kinds in any order, and forged ones.

use super::opened::BLOCK;
use super::*;
use crate::convert::from_digest;

fn fill(slots: [SlotWitness<'_>; 2], opening: &BlockOpening) -> anyhow::Result<PartialWitness<F>> {
    FAMILY.block.fill(&slots, &opening.statement(ProfileId::Test), opening)
}

/// Refused as a block from the first of the honest states to the last.
fn refused(what: &str, slots: [SlotWitness<'_>; 2]) {
    super::refused(what, &FAMILY.block.data, fill(slots, &opening(&HONEST.states)));
}

/// A lift proof of these words, under the true set.
fn lift_of(says: &BatchPublicInputs) -> Proof {
    FAMILY.lift.prove(&[(0, &FAMILY.toys[0].prove(says))], FAMILY.fold.set()).unwrap()
}

fn fold_of(lift: &Proof) -> Proof {
    FAMILY.fold.prove(&[(FIRST, lift)]).unwrap()
}

/// The lift proof of a block of one batch, and the block's states.
fn single() -> (Proof, Vec<ChainState>) {
    let states = states(1);
    (lift_of(&step(&states, 0)), states)
}

/// Proves and verifies a block with these children.
fn proven(children: &[(Child, &Proof)], opening: &BlockOpening) {
    let proof = FAMILY.block.prove(ProfileId::Test, children, opening).unwrap();
    FAMILY.block.data.verify(proof).unwrap();
}

#[test]
fn one_or_two_of_either_kind_are_proven() {
    let [first, second] = [&HONEST.lifts[0], &HONEST.lifts[1]];
    let folded = [first, second].map(fold_of);
    let whole = opening(&HONEST.states);
    proven(&[(FIRST, first), (FIRST, second)], &whole);
    proven(&[(FIRST, first), (Child::Fold, &folded[1])], &whole);
    proven(&[(Child::Fold, &folded[0]), (FIRST, second)], &whole);
    proven(&[(Child::Fold, &folded[0]), (Child::Fold, &folded[1])], &whole);
    proven(&[(Child::Fold, &HONEST.fold)], &whole);
    let (lift, states) = single();
    proven(&[(FIRST, &lift)], &opening(&states));
}

#[test]
fn order_and_flags() {
    let fold = child(Child::Fold, &HONEST.fold);
    refused("swapped", [lift(1), lift(0)]);
    refused("the first twice", [lift(0), lift(0)]);
    refused("the second alone", [lift(1), off(lift(1))]);
    refused("a fold and a part of it", [fold, lift(1)]);
    refused("a part of a fold and the fold, the first one left out", [lift(1), fold]);
    refused("the second, dead", [lift(0), off(lift(1))]);
    refused("the first alone, the block's end claimed", [lift(0), off(lift(0))]);
    for flag in [F::TWO, F::NEG_ONE] {
        refused("a flag that is none", [lift(0), SlotWitness { live: flag, ..lift(1) }]);
    }

    // The batches 0 to 2, and 4: the one in between is left out.
    let last = lift_of(&step(&HONEST.states, 4));
    refused("a gap", [lift(0), child(FIRST, &last)]);
    let result = FAMILY.block.prove(
        ProfileId::Test,
        &[(FIRST, &HONEST.lifts[0]), (FIRST, &last)],
        &opening(&HONEST.states),
    );
    assert!(matches!(result, Err(ProveError::Gap { child: 1, .. })));
}

/// A second child between two states that are none: twice the step from the first's start to its end.
#[test]
fn flag_of_two() {
    let (proof, states) = single();
    let first = step(&states, 0);
    let twice: [_; 4] = std::array::from_fn(|i| first.after.0[i] + first.after.0[i] - first.before.0[i]);
    let second = lift_of(&BatchPublicInputs { before: Digest(twice), ..first });
    let slots = [child(FIRST, &proof), SlotWitness { live: F::TWO, ..child(FIRST, &second) }];
    let lie = fill(slots, &opening(&states)).unwrap();
    let broken = BLOCK.broken(&BLOCK.complete(&[], &lie));
    assert!(broken.iter().eq(["chain: live flag is boolean"]), "{broken:?}");
    super::refused("a flag of two", &FAMILY.block.data, Ok(lie));
}

/// What a dead child says of its own is refused, whatever the block says.
#[test]
fn a_dead_child_says_nothing() {
    let (proof, states) = single();
    let live = child(FIRST, &proof);
    let open = opening(&states);
    let says = BatchPublicInputs { set: FAMILY.fold.set(), ..step(&states, 0) };
    let mut further = states[1];
    further.transactions += 1;
    let claimed = BlockOpening { after: further, ..open };
    for (what, says) in [
        ("another end", BatchPublicInputs { after: further.digest(), ..says }),
        ("another start", BatchPublicInputs { before: further.digest(), ..says }),
        ("another context", BatchPublicInputs { ctx: Digest::ZERO, ..says }),
        ("a step further", BatchPublicInputs { before: says.after, after: further.digest(), ..says }),
    ] {
        let dead = lift_of(&says);
        let slots = [live, off(child(FIRST, &dead))];
        super::refused(what, &FAMILY.block.data, fill(slots, &open));
        super::refused(what, &FAMILY.block.data, fill(slots, &claimed));
    }
    // A copy says what the first says. The kind of a dead child is as little of anybody's concern as its batches.
    accepted("a copy", &FAMILY.block.data, fill([live, off(live)], &open));
    let folded = fold_of(&proof);
    accepted("folded", &FAMILY.block.data, fill([live, off(child(Child::Fold, &folded))], &open));
}

fn wrong<'a>(slot: SlotWitness<'a>, key: &'a VerifierOnlyCircuitData, which: usize) -> SlotWitness<'a> {
    SlotWitness { key, which, ..slot }
}

#[test]
fn keys() {
    let [lift_key, fold_key] = [FIRST, Child::Fold].map(|child| FAMILY.fold.key(child));
    let folded = HONEST.lifts.iter().map(fold_of).collect::<Vec<_>>();
    let folded: Vec<_> = folded.iter().map(|fold| child(Child::Fold, fold)).collect();
    let (whole, states) = single();
    let single = child(FIRST, &whole);
    for (what, slots) in [
        ("a second that is a lift, not a fold", [lift(0), wrong(lift(1), lift_key, 1)]),
        ("a second that is a fold, not a lift", [lift(0), wrong(folded[1], fold_key, 0)]),
        ("a second lift under fold's key", [lift(0), wrong(lift(1), fold_key, 1)]),
        ("a second fold under lift's key", [lift(0), wrong(folded[1], lift_key, 0)]),
        ("a first that is a lift, not a fold", [wrong(lift(0), lift_key, 1), lift(1)]),
        ("a first that is a fold, not a lift", [wrong(folded[0], fold_key, 0), lift(1)]),
        ("a first lift under fold's key", [wrong(lift(0), fold_key, 1), lift(1)]),
        ("a choice past the end", [lift(0), wrong(lift(1), lift_key, CHILDREN)]),
    ] {
        refused(what, slots);
    }
    let open = opening(&states);
    let dead = wrong(off(single), fold_key, 1);
    super::refused("a dead child under another key", &FAMILY.block.data, fill([single, dead], &open));
    for (digest, cap) in [(lift_key, fold_key), (fold_key, lift_key)] {
        let key = mixed(digest, cap);
        for which in 0..=CHILDREN {
            refused("halves of keys", [lift(0), wrong(lift(1), &key, which)]);
        }
    }
}

/// A lift of another family's circuits under the true set: of neither key.
#[test]
fn foreign_children() {
    let states = states(2);
    let says = [0, 1].map(|i| step(&states, i));
    let own = lift_of(&says[0]);
    let foreign = says.map(|says| {
        let batch = OTHER.toys[0].prove(&says);
        OTHER.lift.prove(&[(0, &batch)], FAMILY.fold.set()).unwrap()
    });
    let key = OTHER.fold.key(FIRST);
    let open = opening(&states);
    for which in 0..=CHILDREN {
        let [first, second] = [0, 1].map(|i| SlotWitness { proof: &foreign[i], key, live: F::ONE, which });
        let own = child(FIRST, &own);
        super::refused("a foreign second", &FAMILY.block.data, fill([own, second], &open));
        super::refused("a foreign pair", &FAMILY.block.data, fill([first, second], &open));
    }
    // Under the true key it does not verify, be it said or not that it does.
    let slots = [child(FIRST, &own), child(FIRST, &foreign[1])];
    let mut lie = fill(slots, &open).unwrap();
    super::refused("a foreign second under lift's key", &FAMILY.block.data, Ok(lie.clone()));
    let places = BLOCK.places("slot: it verifies under the key");
    let hashes = key.constants_sigmas_cap.0.iter().copied().chain([key.circuit_digest]);
    let second = places[places.len() / 2..].iter().copied();
    lie.target_values.extend(second.zip(hashes.flat_map(|hash| hash.elements)));
    super::refused("the same, verified under its own", &FAMILY.block.data, Ok(lie));
}

/// A foreign second child whose key is said to be the chosen one.
#[test]
fn a_foreign_child_said_to_be_chosen() {
    let states = states(2);
    let own = lift_of(&step(&states, 0));
    let batch = OTHER.toys[0].prove(&step(&states, 1));
    let foreign = OTHER.lift.prove(&[(0, &batch)], FAMILY.fold.set()).unwrap();
    let key = OTHER.fold.key(FIRST);
    let second = SlotWitness { key, ..child(FIRST, &foreign) };
    let mut lie = fill([child(FIRST, &own), second], &opening(&states)).unwrap();
    let name = "choice: a child's key is the chosen one";
    let compared: Vec<_> = BLOCK.copies().iter().filter(|copy| copy.name == name).collect();
    let of_second = compared[compared.len() / 2..].iter().map(|copy| copy.value);
    lie.target_values.extend(of_second.zip(from_digest(entry(key)).elements));
    super::refused("said to be chosen", &FAMILY.block.data, Ok(lie));
}

#[test]
fn choices() {
    let honest = fill([lift(0), lift(1)], &opening(&HONEST.states)).unwrap();
    let [two, minus_one] = [F::TWO, F::NEG_ONE];
    for slot in [0, 1] {
        for bits in [[F::ONE, F::ONE], [F::ZERO; 2], [F::ZERO, F::ONE], [two, minus_one], [two, F::ZERO]] {
            let mut lie = honest.clone();
            let targets = FAMILY.block.choice_targets(slot).iter().map(|bit| bit.target);
            lie.target_values.extend(targets.zip(bits));
            super::refused("choices that are not one", &FAMILY.block.data, Ok(lie));
        }
    }
}

#[test]
fn sets_and_contexts() {
    let states = states(2);
    let says = [0, 1].map(|i| step(&states, i));
    let honest = says.map(|says| lift_of(&says));
    let [first, second] = [0, 1].map(|i| child(FIRST, &honest[i]));
    let open = opening(&states);
    accepted("two lifts", &FAMILY.block.data, fill([first, second], &open));

    let other_set =
        says.map(|says| FAMILY.lift.prove(&[(0, &FAMILY.toys[0].prove(&says))], Digest::ZERO).unwrap());
    let sets = [0, 1].map(|i| child(FIRST, &other_set[i]));
    let other_context = says.map(|says| lift_of(&BatchPublicInputs { ctx: Digest::ZERO, ..says }));
    let contexts = [0, 1].map(|i| child(FIRST, &other_context[i]));
    for (what, slots) in [
        ("a second of another set", [first, sets[1]]),
        ("a first of another set", [sets[0], second]),
        ("both of another set", sets),
        ("a second of another context", [first, contexts[1]]),
        ("a first of another context", [contexts[0], second]),
        ("both of another context", contexts),
    ] {
        super::refused(what, &FAMILY.block.data, fill(slots, &open));
    }

    let prove = |first: &Proof, second: &Proof| {
        let children = [(FIRST, first), (FIRST, second)];
        FAMILY.block.prove(ProfileId::Test, &children, &open).expect_err("proved")
    };
    assert!(matches!(prove(&honest[0], &other_set[1]), ProveError::Set { child: 1, .. }));
    assert!(matches!(prove(&honest[0], &other_context[1]), ProveError::Context { child: 1, .. }));
    assert!(matches!(prove(&other_context[0], &other_context[1]), ProveError::Context { child: 0, .. }));
    assert!(matches!(prove(&honest[1], &honest[0]), ProveError::Gap { child: 1, .. }));
    let [a, b] = [&honest[0], &honest[1]].map(|proof| (FIRST, proof));
    let count = |children: &[(Child, &Proof)]| FAMILY.block.prove(ProfileId::Test, children, &open);
    assert!(matches!(count(&[]), Err(ProveError::Children { expected: 2, got: 0, .. })));
    assert!(matches!(count(&[a, b, b]), Err(ProveError::Children { expected: 2, got: 3, .. })));
    assert!(matches!(count(&[a]), Err(ProveError::After)));
    assert!(matches!(count(&[b]), Err(ProveError::Before)));
}

/// A fold of lifts that are not true, made with a list that is not: its set tells, as first child and as second.
#[test]
fn folds_of_other_lists() {
    let states = states(2);
    let own = [0, 1].map(|i| lift_of(&step(&states, i)));
    let list = Child::ALL.map(|child| entry(if child == FIRST { &OTHER } else { &FAMILY }.fold.key(child)));
    let folds = [0, 1].map(|i| {
        let batch = OTHER.toys[0].prove(&step(&states, i));
        let lift = OTHER.lift.prove(&[(0, &batch)], key_set(&list)).unwrap();
        let slot = SlotWitness { proof: &lift, key: OTHER.fold.key(FIRST), live: F::ONE, which: 0 };
        let witness = FAMILY.fold.fill(&[slot, off(slot), off(slot)], list).unwrap();
        FAMILY.fold.data.prove(witness).unwrap()
    });
    let open = opening(&states);
    let [first, second] = [0, 1].map(|i| child(Child::Fold, &folds[i]));
    let [own_first, own_second] = [0, 1].map(|i| child(FIRST, &own[i]));
    for slots in [[own_first, second], [first, own_second], [first, second]] {
        super::refused("a fold of another list", &FAMILY.block.data, fill(slots, &open));
    }
}

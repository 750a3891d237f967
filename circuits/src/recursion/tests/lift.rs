//! Forged lift witnesses.

use enfold_state::chain::{BlockId, context};

use super::*;
use crate::recursion::toy::BLOCK;

/// Batch `i` of the honest block.
fn batch(i: usize) -> SlotWitness<'static> {
    let (which, proof) = &HONEST.batches[i];
    of_toy(*which, proof)
}

fn fill(slots: [SlotWitness<'_>; 3]) -> anyhow::Result<PartialWitness<F>> {
    FAMILY.lift.fill(&slots, FAMILY.fold.set())
}

fn refused(what: &str, slots: [SlotWitness<'_>; 3]) {
    super::refused(what, &FAMILY.lift.data, fill(slots));
}

#[test]
fn honest() {
    let data = &FAMILY.lift.data;
    accepted("three", data, fill([batch(0), batch(1), batch(2)]));
    accepted("two", data, fill([batch(0), batch(1), off(batch(0))]));
    accepted("one", data, fill([batch(3), off(batch(3)), off(batch(3))]));
}

#[test]
fn order() {
    refused("swapped", [batch(1), batch(0), off(batch(1))]);
    refused("swapped at the end", [batch(0), batch(2), batch(1)]);
    refused("a gap", [batch(0), batch(2), off(batch(0))]);
    refused("the same child twice", [batch(0), batch(0), off(batch(0))]);
    refused("a copy for the last child", [batch(0), batch(1), batch(0)]);
}

#[test]
fn live_flags() {
    refused("a live proof in a dead slot", [batch(0), off(batch(1)), off(batch(0))]);
    refused("the same after live slots", [batch(0), batch(1), off(batch(2))]);
    refused("flags that increase", [batch(0), off(batch(0)), batch(1)]);
    refused("a copy of slot 1", [batch(0), batch(1), off(batch(1))]);
    let first = batch(0);
    for live in [F::TWO, F::NEG_ONE, F::TWO.inverse()] {
        refused("a flag that is no boolean", [first, SlotWitness { live, ..batch(1) }, off(first)]);
        refused("the same on a copy", [first, SlotWitness { live, ..first }, off(first)]);
    }
}

#[test]
fn keys() {
    let foreign = FAMILY.foreign.prove(&step(&HONEST.states, 0));
    let key = &FAMILY.foreign.data.verifier_only;
    for which in 0..4 {
        let slot = SlotWitness { proof: &foreign, key, live: F::ONE, which };
        refused("a foreign circuit", [slot, off(slot), off(slot)]);
        let slot = SlotWitness { key: &FAMILY.lift.batch_keys()[which], ..slot };
        refused("a foreign circuit under an allowed key", [slot, off(slot), off(slot)]);
    }
    let slot = SlotWitness { proof: &foreign, key, live: F::ONE, which: 4 };
    refused("no choice", [slot, off(slot), off(slot)]);

    let (own, other) = (&FAMILY.lift.batch_keys()[0], &FAMILY.lift.batch_keys()[1]);
    for key in [mixed(own, other), mixed(other, own), mixed(own, key), mixed(key, own), other.clone()] {
        for which in [0, 1] {
            let slot = SlotWitness { key: &key, which, ..batch(0) };
            refused("a key of two halves", [slot, off(slot), off(slot)]);
        }
    }
}

#[test]
fn choices() {
    let slot = batch(0);
    let honest = fill([slot, off(slot), off(slot)]).unwrap();
    for bits in [[1, 1], [0, 0], [0, 1], [2, 0], [1, 2]] {
        let mut witness = honest.clone();
        for (target, bit) in FAMILY.lift.choice_targets(1).iter().zip(bits) {
            witness.target_values.insert(target.target, F::from_canonical_u64(bit));
        }
        super::refused("choices that are not one", &FAMILY.lift.data, Ok(witness));
    }
}

#[test]
fn contexts_and_copies() {
    let honest = step(&HONEST.states, 1);
    let other_chain =
        BatchPublicInputs { ctx: context(&BlockId { chain_id: 8, ..BLOCK }, Digest::ZERO), ..honest };
    let proof = FAMILY.toys[1].prove(&other_chain);
    refused("a child of another chain", [batch(0), of_toy(1, &proof), off(batch(0))]);

    let copied = step(&HONEST.states, 0);
    let after = step(&HONEST.states, 1).after;
    for (what, says) in [
        ("another context", BatchPublicInputs { ctx: Digest::ZERO, ..copied }),
        ("another set", BatchPublicInputs { set: after, ..copied }),
        ("another start", BatchPublicInputs { before: after, ..copied }),
        ("another end", BatchPublicInputs { after, ..copied }),
    ] {
        let proof = FAMILY.toys[0].prove(&says);
        let copy = off(of_toy(0, &proof));
        refused(what, [batch(0), copy, off(batch(0))]);
        refused(what, [batch(0), off(batch(0)), copy]);
    }
}

#[test]
fn outputs() {
    let data = &FAMILY.lift.data;
    let honest = fill([batch(0), batch(1), off(batch(0))]).unwrap();
    for (i, witness) in with_other_outputs(data, &honest, 4..16) {
        super::refused(&format!("output {i}"), data, Ok(witness));
    }
    // The set is free; that fold pins it is tested there.
    for (i, witness) in with_other_outputs(data, &honest, 0..4) {
        accepted(&format!("output {i}"), data, Ok(witness));
    }
}

#[test]
fn native_checks_name_the_rule() {
    let children = |order: &[usize]| -> Vec<(usize, &Proof)> {
        order.iter().map(|&i| (HONEST.batches[i].0, &HONEST.batches[i].1)).collect()
    };
    let error = |order: &[usize]| FAMILY.lift.prove(&children(order), FAMILY.fold.set()).expect_err("proved");
    assert!(matches!(error(&[]), ProveError::Children { got: 0, .. }));
    assert!(matches!(error(&[0, 1, 2, 3]), ProveError::Children { got: 4, expected: 3, .. }));
    assert!(matches!(error(&[1, 0]), ProveError::Gap { child: 1, .. }));
    let proof = FAMILY.toys[1].prove(&BatchPublicInputs { ctx: Digest::ZERO, ..step(&HONEST.states, 1) });
    let result = FAMILY.lift.prove(&[(0, &HONEST.batches[0].1), (1, &proof)], FAMILY.fold.set());
    assert!(matches!(result, Err(ProveError::Context { child: 1, .. })));
    let unknown = FAMILY.lift.prove(&[(4, &HONEST.batches[0].1)], FAMILY.fold.set());
    assert!(matches!(unknown, Err(ProveError::UnknownKey { got: 4, .. })));
}

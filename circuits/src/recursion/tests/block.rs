//! Forged block witnesses.

use super::*;
use crate::check::Violation;

fn refused(what: &str, fold: &Proof, opening: &BlockOpening) {
    let statement = opening.statement(ProfileId::Test);
    super::refused(what, &FAMILY.block.data, FAMILY.block.fill(fold, &statement, &opening.after));
}

/// A fold proof that leads from one state to another.
fn fold_of(says: &BatchPublicInputs) -> Proof {
    let batch = FAMILY.toys[0].prove(says);
    let lift = FAMILY.lift.prove(&[(0, &batch)], FAMILY.fold.set()).unwrap();
    FAMILY.fold.prove(&[(Child::Lift, &lift)]).unwrap()
}

#[test]
fn honest() {
    let opening = opening(&HONEST.states);
    let witness = FAMILY.block.fill(&HONEST.fold, &opening.statement(ProfileId::Test), &opening.after);
    accepted("honest", &FAMILY.block.data, witness);
}

#[test]
fn every_element_of_the_statement() {
    let opening = opening(&HONEST.states);
    let record = opening.statement(ProfileId::Test).elements();
    let profile = BlockStatement::LEN - 1;
    for i in 0..profile {
        for change in [ONE, -ONE] {
            let mut changed = record;
            changed[i] += change;
            let witness = FAMILY.block.fill_elements(&HONEST.fold, &changed, &opening.after);
            super::refused(&format!("element {i}"), &FAMILY.block.data, witness);
        }
    }
    // The profile is a constant; constants are shared, so others of the same value change with it.
    let data = &FAMILY.block.data;
    let witness = FAMILY.block.fill_elements(&HONEST.fold, &record, &opening.after).unwrap();
    let target = data.prover_only.public_inputs[profile];
    let violations = check_overwritten(data, witness, target, F::TWO).unwrap_err();
    // plonky2 keeps constants on these two gates.
    let holds_constants = |gate: &str| gate.starts_with("ConstantGate") || gate.starts_with("RandomAccess");
    let constant = |violation: &Violation| matches!(violation, Violation::Constraint { gate, .. } if holds_constants(gate));
    assert!(violations.0.iter().any(constant), "{violations}");
}

#[test]
fn what_the_statement_leaves_out() {
    let honest = opening(&HONEST.states);
    for (what, after) in [
        ("another C", ChainState { consumed: Digest::ZERO, ..honest.after }),
        ("another phase", ChainState { phase: enfold_state::chain::Phase::Debit, ..honest.after }),
    ] {
        refused(what, &HONEST.fold, &BlockOpening { after, ..honest });
    }
}

#[test]
fn ends_and_starts() {
    let mut ends = states(1);
    ends[1].sum = [reduce(1), reduce(0)];
    let open = opening(&ends);
    let fold = fold_of(&BatchPublicInputs { set: FAMILY.fold.set(), ..step(&ends, 0) });
    refused("messages that do not cancel", &fold, &open);
    let result = FAMILY.block.prove(ProfileId::Test, &fold, &open);
    assert!(matches!(result, Err(ProveError::Sum { .. })));

    // What must be zero in the start: one number, one in the middle of the record, and all at once.
    let fresh = states(1);
    let one = Digest([reduce(1); 4]);
    let sum = [reduce(0), reduce(1)];
    let used = ChainState { emitted: one, consumed: one, messages: 1, exits: one, ..fresh[0] };
    for (what, start) in [
        ("a sum", ChainState { sum, ..fresh[0] }),
        ("transactions", ChainState { transactions: 1, ..fresh[0] }),
        ("all but these", ChainState { phase: enfold_state::chain::Phase::Credit, ..used }),
    ] {
        let states = [start, fresh[1]];
        let fold = fold_of(&step(&states, 0));
        refused(what, &fold, &opening(&states));
        let result = FAMILY.block.prove(ProfileId::Test, &fold, &opening(&states));
        assert!(matches!(result, Err(ProveError::Before)));
    }
}

#[test]
fn contexts() {
    // A seed that is not the hash of what the block emits.
    let states = states(1);
    let mut other = states.clone();
    other[1].emitted = Digest::ZERO;
    let fold = fold_of(&BatchPublicInputs { ctx: ctx(&other), ..step(&states, 0) });
    refused("a seed of other messages", &fold, &opening(&states));
    let result = FAMILY.block.prove(ProfileId::Test, &fold, &opening(&states));
    assert!(matches!(result, Err(ProveError::Context { .. })));
}

#[test]
fn keys_and_sets() {
    let open = opening(&HONEST.states);
    refused("a lift in the place of a fold", &HONEST.lifts[0], &open);

    // Fold is honest about a list with a foreign lift; only the block circuit knows the true list.
    let batch = OTHER.toys[0].prove(&step(&HONEST.states, 0));
    let list = [entry(OTHER.fold.key(Child::Lift)), entry(FAMILY.fold.key(Child::Fold))];
    let lift = OTHER.lift.prove(&[(0, &batch)], key_set(list[0], list[1])).unwrap();
    let slot = SlotWitness { proof: &lift, key: OTHER.fold.key(Child::Lift), live: F::ONE, which: 0 };
    let dead = SlotWitness { live: F::ZERO, ..slot };
    let witness = FAMILY.fold.fill(&[slot, dead, dead], list);
    let fold: ProofWithPublicInputs<_, _, 2> = FAMILY.fold.data.prove(witness.unwrap()).unwrap();
    FAMILY.fold.data.verify(fold.clone()).unwrap();
    let states = [HONEST.states[0], HONEST.states[1]];
    let open = BlockOpening { after: states[1], ..open };
    refused("a wrong set", &fold, &open);
    let result = FAMILY.block.prove(ProfileId::Test, &fold, &open);
    assert!(matches!(result, Err(ProveError::Set { .. })));

    // All of another family. Its fold is the same circuit: fold knows nothing of batches. The set tells.
    assert_eq!(entry(OTHER.fold.key(Child::Fold)), entry(FAMILY.fold.key(Child::Fold)));
    let fold =
        OTHER.fold.prove(&[(Child::Lift, &{ OTHER.lift.prove(&[(0, &batch)], OTHER.fold.set()).unwrap() })]);
    refused("a fold of other circuits", &fold.unwrap(), &open);
}

//! Forged block witnesses.

use enfold_state::chain::{BlockId, Phase};
use enfold_state::shards::Counts;

use super::*;
use crate::check::Violation;
use crate::statement::{BlockStatement, StatementField};

fn refused(what: &str, fold: &Proof, opening: &BlockOpening) {
    let statement = opening.statement(ProfileId::Test);
    super::refused(what, &FAMILY.block.data, FAMILY.block.fill(&whole(fold), &statement, opening));
}

/// A fold proof that leads from one state to another.
fn fold_of(says: &BatchPublicInputs) -> Proof {
    let batch = FAMILY.toys[0].prove(says);
    let lift = FAMILY.lift.prove(&[(0, &batch)], FAMILY.fold.set()).unwrap();
    FAMILY.fold.prove(&[(FIRST, &lift)]).unwrap()
}

#[test]
fn honest() {
    let opening = opening(&HONEST.states);
    let witness = FAMILY.block.fill(&whole(&HONEST.fold), &opening.statement(ProfileId::Test), &opening);
    accepted("honest", &FAMILY.block.data, witness);
}

#[test]
fn every_element_of_the_statement() {
    let opening = opening(&HONEST.states);
    let record = opening.statement(ProfileId::Test).elements();
    let constants = StatementField::QUEUE_BEFORE.offset..BlockStatement::LEN;
    for i in 0..constants.start {
        for change in [ONE, -ONE] {
            let mut changed = record;
            changed[i] += change;
            let witness = FAMILY.block.fill_elements(&whole(&HONEST.fold), &changed, &opening);
            super::refused(&format!("element {i}"), &FAMILY.block.data, witness);
        }
    }
    // The others are constants; constants are shared, so others of the same value change with them.
    let data = &FAMILY.block.data;
    // plonky2 keeps constants on these two gates.
    let holds_constants = |gate: &str| gate.starts_with("ConstantGate") || gate.starts_with("RandomAccess");
    let constant = |violation: &Violation| matches!(violation, Violation::Constraint { gate, .. } if holds_constants(gate));
    for i in constants {
        let witness = FAMILY.block.fill_elements(&whole(&HONEST.fold), &record, &opening).unwrap();
        let target = data.prover_only.public_inputs[i];
        let violations = check_overwritten(data, witness, target, F::from_canonical_u64(77)).unwrap_err();
        assert!(violations.0.iter().any(constant), "element {i}: {violations}");
    }
}

#[test]
fn what_the_statement_leaves_out() {
    let honest = opening(&HONEST.states);
    for (what, after) in [
        ("another C", ChainState { consumed: Digest::ZERO, ..honest.after }),
        ("another phase", ChainState { phase: Phase::Debit, ..honest.after }),
    ] {
        refused(what, &HONEST.fold, &BlockOpening { after, ..honest });
    }
}

#[test]
fn ends_and_starts() {
    let sums = [[1, 0], [0, 1]].map(|sum| sum.map(reduce));
    for sum in sums {
        let mut ends = states(1);
        ends[1].sum = sum;
        let open = opening(&ends);
        let fold = fold_of(&BatchPublicInputs { set: FAMILY.fold.set(), ..step(&ends, 0) });
        refused("messages that do not cancel", &fold, &open);
        let result = FAMILY.block.prove(ProfileId::Test, &[(Child::Fold, &fold)], &open);
        assert!(matches!(result, Err(ProveError::Sum { .. })));
    }

    // What must be nothing in the start, one thing at a time.
    let fresh = states(1);
    let one = Digest([reduce(1); 4]);
    let [first, second] = sums;
    for (what, start) in [
        ("the sum's first element", ChainState { sum: first, ..fresh[0] }),
        ("the sum's second element", ChainState { sum: second, ..fresh[0] }),
        ("E", ChainState { emitted: one, ..fresh[0] }),
        ("C", ChainState { consumed: one, ..fresh[0] }),
        ("messages", ChainState { messages: 1, ..fresh[0] }),
        ("a phase", ChainState { phase: Phase::Credit, ..fresh[0] }),
        ("transactions", ChainState { transactions: 1, ..fresh[0] }),
        ("new leaves", ChainState { created: 1, ..fresh[0] }),
        ("a queue", ChainState { queue: one, ..fresh[0] }),
        ("exits that are zero", ChainState { exits: Digest::ZERO, ..fresh[0] }),
        ("counts before the block", ChainState { counts: counts()[0].digest(), ..fresh[0] }),
    ] {
        let states = [start, fresh[1]];
        let fold = fold_of(&step(&states, 0));
        refused(what, &fold, &opening(&states));
        let result = FAMILY.block.prove(ProfileId::Test, &[(Child::Fold, &fold)], &opening(&states));
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
    let result = FAMILY.block.prove(ProfileId::Test, &[(Child::Fold, &fold)], &opening(&states));
    assert!(matches!(result, Err(ProveError::Context { .. })));
}

#[test]
fn keys_and_sets() {
    let open = opening(&HONEST.states);
    refused("a lift in the place of a fold", &HONEST.lifts[0], &open);

    // Fold is honest about a list with a foreign lift; only the block circuit knows the true list.
    let batch = OTHER.toys[0].prove(&step(&HONEST.states, 0));
    let list = Child::ALL.map(|child| entry(if child == FIRST { &OTHER } else { &FAMILY }.fold.key(child)));
    let lift = OTHER.lift.prove(&[(0, &batch)], key_set(&list)).unwrap();
    let slot = SlotWitness { proof: &lift, key: OTHER.fold.key(FIRST), live: F::ONE, which: 0 };
    let dead = SlotWitness { live: F::ZERO, ..slot };
    let witness = FAMILY.fold.fill(&[slot, dead, dead], list);
    let fold: ProofWithPublicInputs<_, _, 2> = FAMILY.fold.data.prove(witness.unwrap()).unwrap();
    FAMILY.fold.data.verify(fold.clone()).unwrap();
    let states = [HONEST.states[0], HONEST.states[1]];
    let open = BlockOpening { after: states[1], ..open };
    refused("a wrong set", &fold, &open);
    let result = FAMILY.block.prove(ProfileId::Test, &[(Child::Fold, &fold)], &open);
    assert!(matches!(result, Err(ProveError::Set { .. })));

    // A child that claims a list with an entry more, which is none of fold's: its set is another than any list that fold
    // can be given.
    let longer = key_set(&[&list[..], &list[..1]].concat());
    let lift = OTHER.lift.prove(&[(0, &batch)], longer).unwrap();
    let slot = SlotWitness { proof: &lift, ..slot };
    let witness = FAMILY.fold.fill(&[slot, dead, dead], list);
    super::refused("an entry more", &FAMILY.fold.data, witness);

    // All of another family. Its fold is the same circuit: fold knows nothing of batches. The set tells.
    assert_eq!(entry(OTHER.fold.key(Child::Fold)), entry(FAMILY.fold.key(Child::Fold)));
    let fold = OTHER.fold.prove(&[(FIRST, &{ OTHER.lift.prove(&[(0, &batch)], OTHER.fold.set()).unwrap() })]);
    refused("a fold of other circuits", &fold.unwrap(), &open);
}

/// Queue and exits are constants, whatever the batches carry along; zero, which they were in version 1, is not them.
#[test]
fn what_l1_has_no_part_in() {
    let [start, end] = *states(1) else { unreachable!("a step has two states") };
    let digest = Digest::ZERO;
    for (what, start, end) in [
        ("another queue", ChainState { queue: digest, ..start }, ChainState { queue: digest, ..end }),
        ("another queue before", ChainState { queue: digest, ..start }, end),
        ("another queue after", start, ChainState { queue: digest, ..end }),
        ("exits", start, ChainState { exits: digest, ..end }),
    ] {
        let states = [start, end];
        refused(what, &fold_of(&step(&states, 0)), &opening(&states));
    }
}

/// The block of these counts, in which so many leaves are new.
fn counted([before, after]: [Counts; 2], created: u32) -> (Proof, BlockOpening) {
    let mut states = states(1);
    for state in &mut states {
        state.counts = after.digest();
    }
    states[1].created = created;
    let open = BlockOpening { counts_before: before, counts: after, ..opening(&states) };
    let fold = fold_of(&BatchPublicInputs { ctx: open.context(), ..step(&states, 0) });
    (fold, open)
}

#[test]
fn counts_grow_by_the_new_leaves() {
    let [before, after] = counts();
    let with = |counts: Counts, shard: usize, count: u32| {
        let mut counts = counts;
        counts.0[shard] = count;
        counts
    };
    let (fold, open) = counted([before, after], 7);
    let statement = open.statement(ProfileId::Test);
    accepted("seven new leaves", &FAMILY.block.data, FAMILY.block.fill(&whole(&fold), &statement, &open));
    for (what, counts, created) in [
        ("one leaf more than the counts grow by", [before, after], 8),
        ("one leaf less", [before, after], 6),
        ("a shard with a leaf less", [before, with(after, 1, 4)], 3),
        ("the same, made up for by another", [before, with(with(after, 1, 4), 2, 8)], 7),
        ("a shard of contracts that loses one", [before, with(after, 33, 8)], 6),
        ("a shard that grows by 2^25", [before, with(after, 5, 1 << 25)], 7 + (1 << 25)),
    ] {
        let (fold, open) = counted(counts, created);
        refused(what, &fold, &open);
        let result = FAMILY.block.prove(ProfileId::Test, &[(Child::Fold, &fold)], &open);
        if let Err(ProveError::Created { expected, got }) = result {
            assert_eq!(expected, u64::from(created), "{what}");
            assert_ne!(got, Some(expected), "{what}");
        } else {
            // The counts add up, and the circuit has no witness for one of 2^25.
            assert!(
                what.contains("2^25") && matches!(result, Err(ProveError::Prove { .. })),
                "{what}: {result:?}"
            );
        }
    }
}

/// The counts are those under the state roots: others, with the same growth, are not the chain's.
#[test]
fn counts_are_under_the_roots() {
    let honest = opening(&HONEST.states);
    let statement = honest.statement(ProfileId::Test);
    let [mut before, mut after] = counts();
    before.0[7] = 1;
    after.0[7] = 1;
    let mut shifted = honest.counts_before;
    (shifted.0[1], shifted.0[2]) = (shifted.0[1] - 1, shifted.0[2] + 1);
    for (what, counts_before, counts) in [
        ("other counts before", before, honest.counts),
        ("others of the same sum", shifted, honest.counts),
        ("other counts after", honest.counts_before, after),
        ("both", before, after),
    ] {
        let open = BlockOpening { counts_before, counts, ..honest };
        let witness = FAMILY.block.fill(&whole(&HONEST.fold), &statement, &open);
        super::refused(what, &FAMILY.block.data, witness);
    }
    // Under the roots that belong to them, the block has another context.
    let open = BlockOpening { counts_before: before, counts: after, ..honest };
    refused("other roots", &HONEST.fold, &open);
    // A tree root of another state.
    for (what, before, after) in [
        ("another tree before", ChainState { tree_root: Digest::ZERO, ..honest.before }, honest.after),
        ("another tree after", honest.before, ChainState { tree_root: Digest::ZERO, ..honest.after }),
    ] {
        let open = BlockOpening { before, after, ..honest };
        let witness = FAMILY.block.fill(&whole(&HONEST.fold), &statement, &open);
        super::refused(what, &FAMILY.block.data, witness);
    }
}

/// A block proven at one time, number or chain is none of another.
#[test]
fn blocks_of_another_place() {
    let honest = opening(&HONEST.states);
    let BlockId { chain_id, number, time } = honest.block;
    for block in [
        BlockId { chain_id: chain_id + 1, ..honest.block },
        BlockId { number: number + 1, ..honest.block },
        BlockId { time: time + 1, ..honest.block },
        BlockId { time: time - 1, ..honest.block },
    ] {
        let open = BlockOpening { block, ..honest };
        refused("another block", &HONEST.fold, &open);
        let result = FAMILY.block.prove(ProfileId::Test, &[(Child::Fold, &HONEST.fold)], &open);
        assert!(matches!(result, Err(ProveError::Context { .. })));
    }
}

/// The trees are not those under the state roots, nor the messages those that the seed commits to; the batches are.
#[test]
fn states_other_than_claimed() {
    let honest = opening(&HONEST.states);
    let BlockOpening { before, after, .. } = honest;
    let other = Digest([reduce(1); 4]);
    let tree = |state: ChainState| ChainState { tree_root: other, ..state };
    for (what, before, after) in [
        ("another tree before", tree(before), after),
        ("another tree after", before, tree(after)),
        ("another E", before, ChainState { emitted: other, ..after }),
        ("another C", before, ChainState { consumed: other, ..after }),
    ] {
        let says = BatchPublicInputs {
            set: FAMILY.fold.set(),
            ctx: ctx(&HONEST.states),
            before: before.digest(),
            after: after.digest(),
        };
        let open = BlockOpening { before, after, ..honest };
        let statement = BlockStatement { emitted: after.emitted, ..honest.statement(ProfileId::Test) };
        let witness = FAMILY.block.fill(&whole(&fold_of(&says)), &statement, &open);
        super::refused(what, &FAMILY.block.data, witness);
    }
}

//! What batches say about the chain state: the public inputs are what the native twin computes, and no other.

use enfold_circuits::config::F;
use enfold_circuits::convert::from_native_array;
use enfold_circuits::fill::FillError;
use enfold_circuits::kind::PathsTargets;
use enfold_circuits::public_inputs::BatchPublicInputs;
use enfold_state::chain::{BlockId, ChainState, Phase, context, link_consumed, link_emitted};
use enfold_state::field::{ONE, reduce};
use enfold_state::hash::{Digest, MessageSponge, Side};
use enfold_state::kind::KindId;
use enfold_state::message::Message;
use enfold_state::profile::BatchId;
use enfold_witness::batch::{BatchWitness, Paths};
use plonky2::field::types::Field;

use crate::bank::{BALANCE, Bank, SET, only, profile, stranger};
use crate::honest::{block, one};
use crate::lie::broken::{ARITHMETIC, BIT, HASH};
use crate::lie::{Lie, number};

fn lie(batch: BatchId) -> Lie {
    Lie::new(Bank::new(1), one(batch))
}

fn expected(witness: &BatchWitness) -> BatchPublicInputs {
    BatchPublicInputs {
        set: SET,
        ctx: context(&witness.block, witness.seed),
        before: witness.before.digest(),
        after: witness.after.digest(),
    }
}

fn digest(first: u64) -> Digest {
    Digest([first, first + 1, first + 2, first + 3].map(reduce))
}

#[test]
fn batches_publish_what_their_twin_computes() {
    for batch in BatchId::ALL {
        let lie = lie(batch);
        assert_eq!(lie.published(), expected(&lie.witness), "{}", batch.name());
        let after = enfold_witness::step::step(profile(), &lie.witness).unwrap();
        assert_eq!(after, lie.witness.after);
    }
}

/// Queue, exits and the chain of the other side go through unchanged; a set is published as it is.
#[test]
fn batches_carry_what_they_do_not_change() {
    for batch in BatchId::ALL {
        let mut lie = lie(batch);
        for state in [&mut lie.witness.before, &mut lie.witness.after] {
            state.queue = digest(10);
            state.exits = digest(20);
            match batch.kind() {
                KindId::Debit => {
                    (state.consumed, state.counts) = (digest(30), digest(40));
                    state.created += 5;
                }
                KindId::Credit => {
                    state.emitted = digest(30);
                    (state.transactions, state.messages) = (state.transactions + 5, state.messages + 7);
                }
            }
        }
        assert_eq!(lie.published(), expected(&lie.witness), "{}", batch.name());
        lie.holds();
        lie.set_digest(lie.circuit().targets().set, digest(40));
        assert_eq!(lie.published(), BatchPublicInputs { set: digest(40), ..expected(&lie.witness) });
        lie.holds();
    }
}

/// A part of a chain state, and a change of it.
type Change = (&'static str, fn(&mut ChainState));

const CHANGES: [Change; 11] = [
    ("tree root", |state| state.tree_root = digest(1)),
    ("emitted", |state| state.emitted = digest(1)),
    ("consumed", |state| state.consumed = digest(1)),
    ("sum", |state| state.sum[1] += ONE),
    ("transactions", |state| state.transactions += 1),
    ("messages", |state| state.messages += 1),
    ("phase", |state| state.phase = Phase::Contract),
    ("queue", |state| state.queue = digest(1)),
    ("exits", |state| state.exits = digest(1)),
    ("counts", |state| state.counts = digest(1)),
    ("created", |state| state.created += 1),
];

#[test]
fn another_state_after_is_refused() {
    for batch in [BatchId::DebitWide, BatchId::CreditWide] {
        for (name, change) in CHANGES {
            let mut lie = lie(batch);
            let mut after = lie.witness.after;
            change(&mut after);
            lie.set_digest(lie.circuit().targets().public_inputs.after, after.digest());
            let found = lie.violations();
            assert!(found.iter().eq([HASH]), "{} {name}: {found:?}", batch.name());
        }
    }
}

/// A changed state before leads to a changed state after, unless it is the root, in a debit the phase, or in a credit
/// the counts: those are not the prover's to say.
#[test]
fn another_state_before_is_refused_or_leads_elsewhere() {
    for batch in [BatchId::DebitWide, BatchId::CreditWide] {
        for (name, change) in CHANGES {
            let mut lie = lie(batch);
            let honest = expected(&lie.witness);
            let mut before = lie.witness.before;
            change(&mut before);
            lie.set_digest(lie.circuit().targets().public_inputs.before, before.digest());
            let found = lie.violations();
            assert!(found.iter().eq([HASH]), "{} {name}: {found:?}", batch.name());

            let mut lie = self::lie(batch);
            lie.witness.before = before;
            match (name, batch.kind().phase()) {
                ("tree root", _) => assert_eq!(lie.published(), honest),
                ("phase", Phase::Debit) => {
                    let error = lie.does_not_fit();
                    let FillError::Phase { expected, got } = error else { panic!("{error}") };
                    assert_eq!((expected, got), (Phase::Debit, Phase::Contract));
                }
                ("counts", Phase::Credit) => lie.breaks(&[HASH]),
                ("phase", _) => {
                    assert_eq!(lie.published(), BatchPublicInputs { before: before.digest(), ..honest });
                    lie.holds();
                }
                _ => {
                    let published = lie.published();
                    assert_eq!(published.before, before.digest(), "{name}");
                    assert_ne!(published.after, honest.after, "{name}");
                    lie.holds();
                }
            }
        }
    }
}

/// What a kind's circuit has no rule for stays, element by element: the record that is hashed after the batch has the
/// very values of the one before it.
#[test]
fn a_batch_changes_nothing_else() {
    for batch in BatchId::ALL {
        let carried: Vec<usize> = match batch.kind() {
            // C, queue, exits, counts, new leaves.
            KindId::Debit => (8..12).chain(17..30).collect(),
            // E, transactions, messages, queue, exits, counts.
            KindId::Credit => (4..8).chain(14..16).chain(17..29).collect(),
        };
        for element in carried {
            let mut lie = lie(batch);
            let record = from_native_array(lie.witness.after.elements());
            let block = element / 8;
            let first = &record[8 * block..record.len().min(8 * block + 8)];
            // Of the rows that hash these elements, the state's after the batch is the last.
            let row = lie.row("Poseidon2", |wires| wires[..first.len()] == *first);
            lie.add(row, element % 8, F::ONE);
            assert!(!lie.violations().is_empty(), "{} {element}", batch.name());
        }
    }
}

/// The messages are absorbed from the start of another kind or side, of version 1, or of none.
#[test]
fn digest_of_another_kind_is_refused() {
    for batch in [BatchId::DebitWide, BatchId::CreditWide] {
        let kind = batch.kind();
        let block = block();
        let (side, messages): (_, Vec<Message>) = match &only(&block, batch).paths {
            Paths::Debit(_) => (Side::Emit, block.emitted[0].messages.clone()),
            Paths::Credit(paths) => {
                let messages = paths.iter().flat_map(|path| path.messages.iter().flatten().copied());
                (Side::Consume, messages.collect())
            }
        };
        let after = |mut sponge: MessageSponge| {
            let ChainState { emitted, consumed, .. } = only(&block, batch).before;
            messages.iter().for_each(|message| sponge.absorb(message.elements()));
            let digest = sponge.digest();
            let after = only(&block, batch).after;
            match side {
                Side::Emit => ChainState { emitted: link_emitted(emitted, digest), ..after },
                Side::Consume => ChainState { consumed: link_consumed(consumed, digest), ..after },
            }
        };
        assert_eq!(after(MessageSponge::new(kind.number(), side)), only(&block, batch).after);
        let sides = [Side::Emit, Side::Consume];
        let others = (0..7).flat_map(|number| sides.map(|side| (number, side)));
        for (number, other) in others.filter(|&other| other != (kind.number(), side)) {
            let mut lie = Lie::new(Bank::new(1), only(&block, batch));
            let claimed = after(MessageSponge::new(number, other)).digest();
            lie.set_digest(lie.circuit().targets().public_inputs.after, claimed);
            lie.breaks(&[HASH]);
        }
    }
}

/// Debits after credits would spend the block's own income.
#[test]
fn debits_after_credits_are_refused() {
    let mut lie = lie(BatchId::DebitWide);
    lie.witness.before = ChainState { phase: Phase::Credit, ..lie.witness.before };
    assert!(matches!(lie.does_not_fit(), FillError::Phase { expected: Phase::Debit, got: Phase::Credit }));
}

/// The circuit itself, not only the code that fills it.
#[test]
fn a_debit_in_a_later_phase_is_refused() {
    for batch in [BatchId::DebitWide, BatchId::DebitDeep] {
        for phase in [number(2), number(3), -number(1)] {
            let mut lie = lie(batch);
            lie.set(lie.circuit().targets().before.phase, phase);
            lie.breaks(&[ARITHMETIC]);
        }
    }
}

/// A block's first batch is in the phase before debits, the next one in theirs.
#[test]
fn debits_begin_and_go_on() {
    let phases = [Phase::Inbound, Phase::Debit];
    for phase in phases {
        let mut lie = lie(BatchId::DebitWide);
        lie.witness.before.phase = phase;
        assert_eq!(lie.published().before, lie.witness.before.digest());
        assert_eq!(lie.published().after, lie.witness.after.digest());
        lie.holds();
    }
    for phase in Phase::ALL {
        let mut lie = lie(BatchId::CreditWide);
        lie.witness.before.phase = phase;
        assert_eq!(lie.published().after, lie.witness.after.digest());
        lie.holds();
    }
}

/// A block that pays account 1, and then a batch in which account 1 spends what it had and what it was paid.
#[test]
fn income_is_not_spent_in_its_block() {
    let mut bank = Bank::new(4);
    let to = bank.address(1);
    let payments = vec![bank.pay(2, to, 500, 0)];
    let (_, execution) = bank.execute(payments.clone());
    let credit = only(&bank.witness(payments), BatchId::CreditWide);
    let paid = Lie::new(Bank::new(1), credit.clone()).published();

    // The spending is right on the state that the credit leaves, were it a block's first.
    bank.ledger.apply(&execution).unwrap();
    let spending = vec![bank.pay(1, stranger(1), BALANCE + 500, 0)];
    let mut spend = only(&bank.witness(spending), BatchId::DebitWide);
    assert_eq!(spend.before.tree_root, credit.after.tree_root);
    (spend.block, spend.seed) = (credit.block, credit.seed);
    spend.before = credit.after;
    let not_filled = Lie::new(Bank::new(1), spend.clone()).does_not_fit();
    assert!(matches!(not_filled, FillError::Phase { expected: Phase::Debit, got: Phase::Credit }));

    // With the phase that debits begin in, it does not follow the credit.
    spend.before.phase = Phase::Debit;
    let lie = Lie::new(Bank::new(1), spend.clone());
    lie.holds();
    let published = lie.published();
    assert_eq!(published.ctx, paid.ctx);
    assert_eq!(published.before, spend.before.digest());
    assert_ne!(published.before, paid.after);

    // Nor does it with the digest of the state after the credit, or with that state's phase.
    let mut lie = Lie::new(Bank::new(1), spend.clone());
    lie.set_digest(lie.circuit().targets().public_inputs.before, paid.after);
    lie.breaks(&[HASH]);
    let mut lie = Lie::new(Bank::new(1), spend);
    lie.set(lie.circuit().targets().before.phase, number(Phase::Credit as u64));
    assert!(!lie.violations().is_empty());
}

/// Each path opens the root that the one in front of it left.
#[test]
fn a_path_under_another_root_is_refused() {
    for batch in BatchId::ALL {
        let mut lie = lie(batch);
        let last = lie.witness.siblings.len() - 1;
        lie.witness.siblings.change(last, |path| path[3] = digest(1));
        lie.breaks(&[HASH]);
    }
}

#[test]
fn phase_that_is_none_is_refused() {
    for phase in [number(4), -number(1)] {
        let mut lie = lie(BatchId::CreditWide);
        lie.set(lie.circuit().targets().before.phase, phase);
        lie.breaks(&[ARITHMETIC]);
    }
}

/// The same block's context under another chain id or seed.
#[test]
fn another_context_is_refused() {
    for batch in [BatchId::DebitWide, BatchId::CreditWide] {
        let witness = lie(batch).witness;
        let BlockId { chain_id, number, time } = witness.block;
        let others = [
            BlockId { chain_id: chain_id + 1, ..witness.block },
            BlockId { number: number + 1, ..witness.block },
            BlockId { time: time + 1, ..witness.block },
        ];
        let others = others.map(|block| context(&block, witness.seed));
        for ctx in others.into_iter().chain([context(&witness.block, digest(1))]) {
            let mut lie = lie(batch);
            lie.set_digest(lie.circuit().targets().public_inputs.ctx, ctx);
            lie.breaks(&[HASH]);
        }
    }
}

/// With another seed, the messages' terms are others.
#[test]
fn another_seed_leads_to_another_sum() {
    let mut lie = lie(BatchId::CreditWide);
    let honest = expected(&lie.witness);
    lie.witness.seed = digest(1);
    let published = lie.published();
    assert_ne!(published.ctx, honest.ctx);
    assert_eq!(published.before, honest.before);
    assert_ne!(published.after, honest.after);
    lie.holds();
}

/// The window's number is a path like any other.
#[test]
fn bits_of_the_window_that_are_not_boolean_are_refused() {
    let mut lie = lie(BatchId::CreditWide);
    let bits = &lie.circuit().targets().top.bits;
    lie.set(bits[0].target, number(2));
    lie.set(bits[1].target, -number(1));
    let found = lie.violations();
    assert!(found.contains(BIT), "{found:?}");
}

#[test]
fn siblings_over_the_window_lead_to_another_root() {
    let mut lie = lie(BatchId::DebitWide);
    let honest = expected(&lie.witness);
    lie.witness.top_siblings[3] = digest(1);
    let published = lie.published();
    assert_ne!(published.before, honest.before);
    assert_ne!(published.after, honest.after);
}

#[test]
fn witnesses_of_another_circuit_or_shape_do_not_fit() {
    let mut other = lie(BatchId::DebitWide);
    other.witness.paths = lie(BatchId::CreditWide).witness.paths;
    assert!(matches!(other.does_not_fit(), FillError::Kind { expected: BatchId::DebitWide }));

    let debit = lie(BatchId::DebitWide);
    let error = debit.circuit().fill(&lie(BatchId::DebitDeep).witness, SET).unwrap_err();
    let FillError::Batch { expected, got } = error else { panic!("{error}") };
    assert_eq!((expected, got), (BatchId::DebitWide, BatchId::DebitDeep));

    let mut short = lie(BatchId::DebitWide);
    let Paths::Debit(paths) = &mut short.witness.paths else { unreachable!("a debit batch") };
    paths.pop();
    let error = short.does_not_fit();
    assert!(matches!(error, FillError::Shape { what: "paths", expected: 16, got: 15 }), "{error}");

    let mut short = lie(BatchId::CreditDeep);
    short.credit().messages.pop();
    let error = short.does_not_fit();
    assert!(matches!(error, FillError::Shape { what: "messages", expected: 100, got: 99 }), "{error}");

    let mut short = lie(BatchId::DebitDeep);
    short.debit().legs.pop();
    let error = short.does_not_fit();
    assert!(matches!(error, FillError::Shape { what: "legs", expected: 13, got: 12 }), "{error}");
    let PathsTargets::Debit(paths) = &lie(BatchId::DebitDeep).circuit().targets().paths else {
        unreachable!("a debit circuit")
    };
    assert_eq!(paths[0].legs.len(), 13);
}

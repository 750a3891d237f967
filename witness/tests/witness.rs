//! Block witnesses: what they add up to, whatever the block looks like.

mod common;

use common::{SMALL, World, rng, stranger};
use enfold_fixtures::workload::Workload;
use enfold_state::block::emitted_chain;
use enfold_state::chain::{empty_queue, no_exits};
use enfold_state::contents::Contents;
use enfold_state::executor::{Execution, execute};
use enfold_state::field::ZERO;
use enfold_state::hash::Digest;
use enfold_state::kind::KindId;
use enfold_state::leaf::{ACCOUNT_SHARDS, Leaf, LeafIndex};
use enfold_state::ledger::{Ledger, Prepared};
use enfold_state::message::{Message, Op};
use enfold_state::nonce::Nonce;
use enfold_state::profile::{BatchId, Profile, ProfileId};
use enfold_state::record::ContractRecord;
use enfold_state::record::pool::Pool;
use enfold_state::rule::Rule;
use enfold_state::shards::Shards;
use enfold_state::transaction::Transaction;
use enfold_witness::batch::Paths;
use enfold_witness::check::check_block;
use enfold_witness::plan::PlannedBatch;
use enfold_witness::step::StepError;
use enfold_witness::witness::{BlockWitness, WitnessError, witness_block};
use rand::Rng;

fn profiles() -> [&'static Profile; 2] {
    [&SMALL, ProfileId::Test.profile()]
}

fn batches(witness: &BlockWitness, id: BatchId) -> usize {
    witness.batches.iter().filter(|batch| batch.batch == id).count()
}

#[test]
fn one_transfer() {
    for profile in profiles() {
        let mut world = World::new(3);
        let payment = world.pay(1, world.address(2), 5, 0);
        let witness = world.step(profile, vec![payment]);
        assert_eq!(witness.batches.len(), 2);
        assert_eq!(witness.after.sum, [ZERO; 2]);
        assert_eq!((witness.after.transactions, witness.after.messages), (1, 1));
        assert_eq!((witness.after.queue, witness.after.exits), (empty_queue(), no_exits()));
        assert_eq!(witness.after.created, 0);
        assert_eq!(emitted_chain(&witness.emitted), witness.after.emitted);
        assert_ne!(witness.after.emitted, witness.after.consumed);
    }
}

#[test]
fn transfer_to_oneself_and_to_a_new_leaf() {
    for profile in profiles() {
        let mut world = World::new(2);
        let payments = vec![
            world.pay(0, world.address(0), 5, 1),
            world.pay(1, stranger(1), 7, 2),
            world.pay(1, stranger(1), 8, 0),
        ];
        world.step(profile, payments);
        assert_eq!(world.ledger.len(), 3);
        assert_eq!(world.ledger.leaves()[LeafIndex(2)].balance, 15);
    }
}

#[test]
fn fee_messages_follow_their_transfer() {
    let mut world = World::new(4);
    let payments = (1..4).map(|i| world.pay(i, world.address(1), 9, 4 - i as u64)).collect();
    let witness = world.step(&SMALL, payments);
    let ops: Vec<_> = witness
        .emitted
        .iter()
        .flat_map(|batch| &batch.messages)
        .map(|message| (message.op, message.amount))
        .collect();
    let [t, f] = [Op::Transfer, Op::Fee];
    assert_eq!(ops, [(t, 9), (f, 3), (t, 9), (f, 2), (t, 9), (f, 1)]);
}

#[test]
fn one_hot_receiver() {
    let mut world = World::new(40);
    let payments: Vec<_> = (0..40).map(|i| world.pay(i, world.address(17), 1, 0)).collect();
    let witness = world.step(&SMALL, payments);
    // 40 messages of one leaf: ten paths of four, two a batch; the many instance would need eight.
    assert_eq!((batches(&witness, BatchId::CreditDeep), batches(&witness, BatchId::CreditWide)), (5, 0));
}

#[test]
fn one_sender() {
    let mut world = World::new(10);
    let payments: Vec<_> = (0..20).map(|i| world.pay(4, world.address(i % 10), 1, 1)).collect();
    let witness = world.step(&SMALL, payments);
    // 20 legs of one leaf: seven paths of three, two a batch. Its nonce runs on from batch to batch.
    assert_eq!((batches(&witness, BatchId::DebitDeep), batches(&witness, BatchId::DebitWide)), (4, 0));
    assert_eq!(world.ledger.leaves()[LeafIndex(4)].nonces, [20, 0]);
}

#[test]
fn a_sender_of_75_needs_no_more_batches_than_78_strangers() {
    let profile = ProfileId::Test.profile();
    for fee in [0, 1] {
        let prove = |from: fn(usize) -> usize| {
            let mut world = World::new(160);
            let payments = (0..78).map(|i| world.pay(from(i), world.address(80 + i), 3, fee)).collect();
            world.step(profile, payments)
        };
        let skewed = prove(|i| if i < 75 { 1 } else { i });
        let strangers = prove(|i| i + 1);
        assert!(skewed.batches.len() <= strangers.batches.len());
        let report = skewed.plan.report(profile);
        assert_eq!((report[KindId::Debit].longest_lane, report[KindId::Debit].lanes), (75, 4));
        assert_eq!(report.batches(), skewed.batches.len());
    }
}

#[test]
fn windows() {
    let mut world = World::new(30);
    let payments: Vec<_> = (0..30).map(|i| world.pay(29 - i, world.address((i * 7) % 30), 2, 0)).collect();
    let witness = world.step(&SMALL, payments);
    for batch in &witness.batches {
        let indices: Vec<_> = match &batch.paths {
            Paths::Debit(paths) => paths.iter().map(|path| path.index.0).collect(),
            Paths::Credit(paths) => paths.iter().map(|path| path.index.0).collect(),
        };
        assert!(indices.iter().all(|index| index >> SMALL.window_depth == batch.window));
        assert_eq!(batch.top_siblings.len(), SMALL.top_depth());
    }
    let report = witness.plan.report(&SMALL);
    assert_eq!((report[KindId::Debit].windows, report[KindId::Credit].windows), (4, 4));
}

#[test]
fn batches_of_a_phase_share_a_leaf_only_where_a_lane_is_cut() {
    let mut world = World::new(30);
    let mut rng = rng(5);
    let payments: Vec<_> = (0..120).map(|_| world.random_payment(&mut rng, 20)).collect();
    let witness = world.step(&SMALL, payments);
    for phase in KindId::ALL.map(|kind| &witness.plan[kind]) {
        for (i, one) in phase.batches.iter().enumerate() {
            for (j, other) in phase.batches.iter().enumerate().skip(i + 1) {
                for path in &one.paths {
                    let has = |batch: &PlannedBatch| batch.paths.iter().any(|p| p.index == path.index);
                    let shared = has(other);
                    // The lane goes on in each batch between the two.
                    assert!(!shared || phase.batches[i + 1..j].iter().all(has));
                    assert!(!shared || one.batch == other.batch);
                }
            }
        }
    }
}

#[test]
fn random_blocks() {
    // A thousand payments in blocks of all sizes, skewed as on real chains.
    let mut world = World::new(25);
    let mut rng = rng(1);
    let mut done = 0;
    while done < 1000 {
        let count = if rng.gen_range(0..4) == 0 { rng.gen_range(30..90) } else { rng.gen_range(1..12) };
        let payments: Vec<_> = (0..count).map(|_| world.random_payment(&mut rng, 60)).collect();
        let witness = world.step(profiles()[done % 2], payments);
        assert_eq!(witness.after.sum, [ZERO; 2]);
        done += count;
    }
}

#[test]
fn witnesses_are_deterministic() {
    let mut world = World::new(12);
    let mut rng = rng(2);
    let payments: Vec<_> = (0..40).map(|_| world.random_payment(&mut rng, 9)).collect();
    let (block, execution) = world.execute(payments);
    let make = || witness_block(&SMALL, &world.ledger, &block, &execution).unwrap();
    assert_eq!(make(), make());
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(make(), single.install(make));
}

#[test]
fn another_profile_changes_batches_but_not_the_root() {
    let mut world = World::new(20);
    let payments: Vec<_> = (0..20).map(|i| world.pay(i, world.address(i / 2), 1, 1)).collect();
    let (block, execution) = world.execute(payments);
    let make = |profile| witness_block(profile, &world.ledger, &block, &execution).unwrap();
    let [one, other] = profiles().map(make);
    assert_eq!(one.after.tree_root, other.after.tree_root);
    assert_ne!(one.seed, other.seed);
    assert!(check_block(profiles()[0], &other).is_err());
}

#[test]
fn executions_that_do_not_fit_are_refused() {
    let mut world = World::new(4);
    let payments: Vec<_> = (0..4).map(|i| world.pay(i, stranger(i as u32), 1, 1)).collect();
    let (block, execution) = world.execute(payments);
    let make = |execution: &Execution| witness_block(&SMALL, &world.ledger, &block, execution);
    let make_with = |spoil: &dyn Fn(&mut Transaction), at: usize| {
        let mut wrong = block.clone();
        spoil(&mut wrong.transactions[at].transaction);
        witness_block(&SMALL, &world.ledger, &wrong, &execution)
    };

    let mut wrong = execution.clone();
    (wrong.debits, wrong.credits) = (vec![], vec![]);
    assert_eq!(make(&wrong), Err(WitnessError::Empty));

    let mut wrong = execution.clone();
    wrong.previous_root = Digest::ZERO;
    assert!(matches!(make(&wrong), Err(WitnessError::PreviousRoot { got, .. }) if got == Digest::ZERO));

    let mut wrong = execution.clone();
    wrong.debits[2].from.0 = 99;
    let missing =
        |s: &StepError| matches!(s, StepError::Rule { rule: Rule::Empty { index: LeafIndex(99) }, .. });
    assert!(matches!(make(&wrong), Err(WitnessError::Rule { source, .. }) if missing(&source)));

    let mut wrong = execution.clone();
    wrong.debits[2].position = 4;
    assert_eq!(make(&wrong), Err(WitnessError::Position { position: 4 }));

    let result = make_with(&|t| t.amount = common::BALANCE, 2);
    let overdraft =
        |s: &StepError| matches!(s, StepError::Rule { path: 2, leg: 0, rule: Rule::Overdraft { .. } });
    assert!(matches!(result, Err(WitnessError::Rule { batch: 0, source }) if overdraft(&source)));

    let mut wrong = execution.clone();
    let more = Message { amount: (1 << 62) - 1, ..wrong.credits[0] };
    wrong.credits.push(more);
    let range = |s: &StepError| matches!(s, StepError::Rule { rule: Rule::BalanceRange { .. }, .. });
    assert!(matches!(make(&wrong), Err(WitnessError::Rule { source, .. }) if range(&source)));

    // What would fail in a circuit is found before there is a seed.
    type Spoil = fn(&mut Transaction);
    type Named = fn(&Rule) -> bool;
    let rules: [(Spoil, Named); 8] = [
        (|t| t.op = Op::Fee, |s| matches!(s, Rule::Op { .. })),
        (|t| t.chain_id += 1, |s| matches!(s, Rule::ChainId { .. })),
        (|t| t.nonce = Nonce::new(t.nonce.number() + 1, t.nonce.key()), |s| matches!(s, Rule::Nonce { .. })),
        (|t| t.target = 1, |s| matches!(s, Rule::Target { .. })),
        (|t| t.valid_until = 1, |s| matches!(s, Rule::Expired { .. })),
        (|t| t.asset += 1, |s| matches!(s, Rule::Asset { .. })),
        (|t| t.amount = 0, |s| matches!(s, Rule::AmountZero)),
        (|t| t.fee = 1 << 62, |s| matches!(s, Rule::FeeRange { .. })),
    ];
    for (number, (spoil, named)) in rules.into_iter().enumerate() {
        let result = make_with(&spoil, 1);
        assert!(
            matches!(&result, Err(WitnessError::Rule { source, .. }) if matches!(&**source, StepError::Rule { rule, .. } if named(rule))),
            "{number}: {result:?}"
        );
    }
    // Messages of no debit.
    type SpoilMessage = fn(&mut Message);
    let rules: [(SpoilMessage, Named); 3] = [
        (|m| m.asset += 1, |s| matches!(s, Rule::Asset { .. })),
        (|m| m.amount = 1 << 62, |s| matches!(s, Rule::BalanceRange { .. })),
        (|m| m.to_address = Digest::ZERO, |s| matches!(s, Rule::Receiver { .. })),
    ];
    for (number, (spoil, named)) in rules.into_iter().enumerate() {
        let mut wrong = execution.clone();
        let mut more = wrong.credits[0];
        spoil(&mut more);
        wrong.credits.push(more);
        let result = make(&wrong);
        assert!(
            matches!(&result, Err(WitnessError::Rule { source, .. }) if matches!(&**source, StepError::Rule { rule, .. } if named(rule))),
            "{number}: {result:?}"
        );
    }
    let others: [fn(&mut Execution); 6] = [
        |e| e.credits[e.debits[3].messages.start].amount += 1,
        |e| e.credits[e.debits[3].messages.start].memo += 1,
        |e| e.debits[3].messages.end += 1,
        |e| e.debits[3].messages.start += 1,
        |e| e.debits[3].messages = 0..3,
        |e| {
            e.credits.push(e.credits[e.debits[3].messages.start]);
            e.debits[3].messages.end += 1;
        },
    ];
    for spoil in others {
        let mut wrong = execution.clone();
        spoil(&mut wrong);
        assert_eq!(make(&wrong), Err(WitnessError::Messages { position: 3 }));
    }

    let with = |entries: Vec<_>| Execution { writes: entries.into_iter().collect(), ..execution.clone() };
    let mut entries = execution.writes.leaves.to_vec();
    let (index, leaf) = entries[entries.len() - 1];
    entries.push((index, Leaf { balance: leaf.balance + 1, ..leaf }));
    assert!(
        matches!(make(&with(entries)), Err(WitnessError::Write { index: i, expected: Some(_), got: Some(_) }) if i == index)
    );

    let mut entries = execution.writes.leaves.to_vec();
    entries.pop();
    assert!(matches!(make(&with(entries)), Err(WitnessError::Write { expected: None, got: Some(_), .. })));

    let mut entries = execution.writes.leaves.to_vec();
    entries.push((LeafIndex(500), leaf));
    assert!(matches!(make(&with(entries)), Err(WitnessError::Write { expected: Some(_), got: None, .. })));
}

/// Payments beside contracts: the witness is as without them, but for the root and the counts.
#[test]
fn payments_beside_contracts() {
    let (ledger, block) = Workload::Uniform.make(64, 100, 5);
    let (assets, reserves, time) = ([0, 1], [1_000, 2_000], ledger.time());
    let pool = Pool { assets, kept: 9_970, weight: 2, reserves, supply: 1_024, unit: 1, time, number: 0 };
    let pool = ContractRecord::try_from(pool).expect("a pool");
    let records = Shards::dense_from(ACCOUNT_SHARDS, vec![pool.clone(), pool.clone()]);
    let contents = Contents::new(ledger.leaves().clone(), records);
    let with = Ledger::restore(ledger.chain(), ledger.height(), ledger.time(), contents);
    let profile = ProfileId::Test.profile();
    let made = [&ledger, &with].map(|ledger| {
        let execution = execute(ledger, &block).expect("all are valid");
        let witness = witness_block(profile, ledger, &block, &execution).expect("it was executed here");
        check_block(profile, &witness).expect("it keeps the rules");
        let mut after = ledger.clone();
        let root = after.apply(&execution).expect("it follows");
        assert_eq!(witness.prepared().map(Prepared::root), Ok(root));
        (execution, witness, after)
    });
    let [(bare, without, _), (execution, witness, after)] = made;
    assert_eq!((execution.writes, &witness.emitted), (bare.writes, &without.emitted));
    assert_eq!(after.records(), with.records());
    assert_ne!(witness.before.tree_root, without.before.tree_root);
    assert_eq!(witness.counts.0[ACCOUNT_SHARDS], 2);
    assert_eq!(witness.counts.0[..ACCOUNT_SHARDS], without.counts.0[..ACCOUNT_SHARDS]);

    // No batch changes a contract.
    let mut wrong = execute(&with, &block).expect("all are valid");
    for index in [0, 2].map(LeafIndex::of_contract) {
        wrong.writes = wrong.writes.with_records([(index, pool.clone())]);
        let error = witness_block(profile, &with, &block, &wrong).map(drop);
        assert_eq!(error, Err(WitnessError::Record { index }));
    }
}

/// Tasks share the leaves out; wherever a wrong one lies, it is found, and the first one reported.
#[test]
fn each_write_is_checked() {
    let (ledger, block) = Workload::Uniform.make(2000, 600, 5);
    let execution = execute(&ledger, &block).expect("all are valid");
    let make = |entries: Vec<(LeafIndex, Leaf)>| {
        let wrong = Execution { writes: entries.into_iter().collect(), ..execution.clone() };
        witness_block(ProfileId::Test.profile(), &ledger, &block, &wrong).map(drop)
    };
    let entries = execution.writes.leaves.to_vec();
    assert!(entries.len() > 700, "more than a task's");
    assert_eq!(make(entries.clone()), Ok(()));
    let more = |leaf: Leaf| Leaf { balance: leaf.balance + 1, ..leaf };
    for at in (0..entries.len()).step_by(37).chain([255, 256, 257, 511, 512, entries.len() - 1]) {
        let (index, leaf) = entries[at];
        let mut wrong = entries.clone();
        wrong[at].1 = more(leaf);
        if let Some(later) = wrong.get_mut(at + 300) {
            later.1 = more(later.1);
        }
        let expected = Some(Box::new(more(leaf)));
        let got = Some(Box::new(leaf));
        assert_eq!(make(wrong), Err(WitnessError::Write { index, expected, got: got.clone() }), "{at}");
        let mut wrong = entries.clone();
        wrong.remove(at);
        assert_eq!(make(wrong), Err(WitnessError::Write { index, expected: None, got }), "{at}");
        let between = LeafIndex(index.0 + 1);
        if entries.iter().all(|&(other, _)| other != between) {
            let mut wrong = entries.clone();
            wrong.insert(at + 1, (between, leaf));
            let expected = Some(Box::new(leaf));
            assert_eq!(make(wrong), Err(WitnessError::Write { index: between, expected, got: None }), "{at}");
        }
    }
}

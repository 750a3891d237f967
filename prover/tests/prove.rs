//! Blocks become proofs that verify, with the circuits of the test profile.

use std::sync::Mutex;

use enfold_circuits::circuit_set::CircuitSet;
use enfold_fixtures::world::{World, WorldSpec};
use enfold_prover::cache::circuits;
use enfold_prover::error::ProveError;
use enfold_prover::events::{Event, ignore};
use enfold_prover::job::{Job, Stage};
use enfold_prover::options::ProveOptions;
use enfold_prover::prove::{PreparedBlock, ProvenBlock, prepare_block, prove_block, prove_prepared};
use enfold_state::block::Block;
use enfold_state::ledger::Ledger;
use enfold_state::profile::ProfileId;
use enfold_state::rebuild::rebuild;
use enfold_verifier::data::check_data;
use enfold_verifier::verify::{VerifierKey, verify_block};
use enfold_witness::batch::Paths;

fn set() -> &'static CircuitSet {
    circuits(ProfileId::Test)
}

fn spec(seed: u64) -> WorldSpec {
    WorldSpec {
        seed,
        accounts: 24,
        assets: 2,
        hot_share: 0.3,
        new_share: 0.1,
        skew: 1.0,
        ..WorldSpec::default()
    }
}

fn prove(ledger: &Ledger, block: &Block) -> ProvenBlock {
    prove_block(set(), ledger, block, &ProveOptions::default(), &ignore).unwrap()
}

/// Proves the next block of a world, checks everything that leaves the prover, and moves on.
fn step(world: &mut World, published: &mut Ledger, transactions: usize) -> ProvenBlock {
    let before = world.ledger().root();
    let (block, planted) = world.mixed_block(transactions, 0.2);
    let proven = prove(world.ledger(), &block);
    let execution = world.advance(&block).unwrap();
    assert_eq!(proven.execution, execution);
    assert_eq!(proven.rejections().len(), planted.len());

    let statement = verify_block(VerifierKey::pinned(ProfileId::Test), &proven.proof).unwrap();
    assert_eq!(statement, proven.statement);
    let id = (statement.chain_id, statement.block_number, statement.time);
    assert_eq!(id, (block.chain_id, block.number, block.time));
    assert_eq!((statement.previous_root, statement.new_root), (before, world.ledger().root()));
    assert_eq!(statement.transactions as usize, execution.debits.len());
    assert_eq!(statement.messages as usize, execution.credits.len());
    assert_eq!(statement.profile, ProfileId::Test);

    check_data(&proven.data, &statement).unwrap();
    rebuild(published, &proven.data, statement.time, statement.previous_root, statement.new_root).unwrap();
    proven
}

/// Blocks of one batch a phase, which take no fold, and of so many that there are folds.
#[test]
fn blocks_are_proven_one_after_the_other() {
    let mut world = World::new(spec(3));
    let mut published = Ledger::from_genesis(world.genesis()).unwrap();
    for (transactions, folded) in [(1, false), (6, false), (150, true)] {
        let proven = step(&mut world, &mut published, transactions);
        assert_eq!(proven.timings.of_stage(Stage::Batch).0, proven.report.batches());
        let [lifts, folds] = [Stage::Lift, Stage::Fold].map(|stage| proven.timings.of_stage(stage).0);
        // Three to a fold, until the block takes the two that are left.
        assert_eq!(folds, lifts.saturating_sub(2).div_ceil(2));
        assert_eq!(folds > 0, folded);
        assert_eq!(proven.timings.of_stage(Stage::Block).0, 1);
    }
    assert_eq!(published.root(), world.ledger().root());
    assert_eq!(published.height(), 3);
}

#[test]
fn statements_are_the_same_in_every_run() {
    let mut world = World::new(spec(5));
    let block = world.block(9);
    let [one, other] = [Some(1), None].map(|threads| {
        let options = ProveOptions { threads, in_flight: threads, ..ProveOptions::default() };
        prove_block(set(), world.ledger(), &block, &options, &ignore).unwrap()
    });
    assert_eq!(one.statement, other.statement);
    assert_eq!(one.data, other.data);
    assert_eq!(one.report, other.report);
}

#[test]
fn events_tell_what_happens() {
    let mut world = World::new(spec(6));
    let block = world.block(5);
    let circuits = set();
    let log = Mutex::new(Vec::new());
    let observe = |event: &Event| log.lock().unwrap().push(event.clone());
    let proven = prove_block(circuits, world.ledger(), &block, &ProveOptions::default(), &observe).unwrap();
    let log = log.into_inner().unwrap();
    let [Event::Executed { transactions: 5, rejected: 0, .. }, Event::Witnessed { plan, .. }, rest @ ..] =
        &log[..]
    else {
        panic!("{log:?}")
    };
    assert_eq!(*plan, proven.report);
    let [Event::Proving { batches, lifts, folds, in_flight: 1.. }, jobs @ .., Event::Verified { bytes, .. }] =
        rest
    else {
        panic!("{log:?}")
    };
    assert_eq!(*batches, proven.report.batches());
    assert_eq!(jobs.len(), 2 * (batches + lifts + folds + 1));
    assert!(matches!(jobs.last(), Some(Event::Finished { job: Job::Block, .. })));
    assert_eq!(*bytes, proven.proof.len());
}

#[test]
fn blocks_that_cannot_be_proven() {
    let mut world = World::new(spec(7));
    let (mixed, planted) = world.mixed_block(12, 0.5);
    assert!(!planted.is_empty());
    let strict = ProveOptions { strict: true, ..ProveOptions::default() };
    let refused = |block: &Block| prove_block(set(), world.ledger(), block, &strict, &ignore).unwrap_err();
    let error = refused(&mixed);
    assert!(
        matches!(&error, ProveError::Rejected(rejections) if rejections.len() == planted.len()),
        "{error}"
    );

    let nothing = Block { transactions: vec![], ..mixed.clone() };
    assert!(matches!(refused(&nothing), ProveError::Execute(_)));
    let foreign = Block { chain_id: mixed.chain_id + 1, ..mixed.clone() };
    assert!(matches!(refused(&foreign), ProveError::Execute(_)));
    let skipping = Block { number: mixed.number + 1, ..mixed.clone() };
    assert!(matches!(refused(&skipping), ProveError::Execute(_)));
    let before_genesis = Block { time: 1, ..mixed };
    assert!(matches!(refused(&before_genesis), ProveError::Execute(_)));
}

fn prepare(seed: u64) -> PreparedBlock {
    let mut world = World::new(spec(seed));
    let block = world.block(4);
    prepare_block(ProfileId::Test, world.ledger(), &block, &ProveOptions::default(), &ignore).unwrap()
}

/// Whatever is wrong with a witness, the error names the batch, and nothing panics.
#[test]
fn corrupted_witnesses_are_errors() {
    type Change = fn(&mut PreparedBlock) -> usize;
    let changes: [Change; 6] = [
        |p| {
            p.witness.batches[0].before.tree_root = p.witness.seed;
            0
        },
        |p| {
            p.witness.batches[0].after.transactions += 1;
            0
        },
        |p| {
            let Paths::Debit(paths) = &mut p.witness.batches[0].paths else { panic!("debits first") };
            paths[0].legs[0].signed.transaction.amount += 1;
            0
        },
        |p| {
            let Paths::Debit(paths) = &mut p.witness.batches[0].paths else { panic!("debits first") };
            paths.pop();
            0
        },
        |p| {
            let last = p.witness.batches.len() - 1;
            let seed = p.witness.seed;
            p.witness.batches[last].siblings.change(0, |path| path[4] = seed);
            last
        },
        |p| {
            let last = p.witness.batches.len() - 1;
            p.witness.batches[last].top_siblings.clear();
            last
        },
    ];
    for check_witness in [true, false] {
        for change in changes {
            let mut prepared = prepare(8);
            let wrong = change(&mut prepared);
            let options = ProveOptions { check_witness, ..ProveOptions::default() };
            let error = prove_prepared(set(), prepared, &options, &ignore).unwrap_err();
            assert!(matches!(error, ProveError::Rule { number, .. } if number == wrong), "{error}");
        }
    }
}

/// Batches that are each right but do not make a block fail in the proof that joins them.
#[test]
fn batches_that_do_not_fit_are_errors() {
    let mut prepared = prepare(9);
    let other = prepare(10);
    prepared.witness.batches[0] = other.witness.batches[0].clone();
    let error = prove_prepared(set(), prepared, &ProveOptions::default(), &ignore).unwrap_err();
    assert!(matches!(error, ProveError::Recursion { job: Job::Lift { number: 0, .. }, .. }), "{error}");

    let mut prepared = prepare(9);
    prepared.witness.after.emitted = prepared.witness.seed;
    let error = prove_prepared(set(), prepared, &ProveOptions::default(), &ignore).unwrap_err();
    assert!(matches!(error, ProveError::Recursion { job: Job::Block, .. }), "{error}");

    let mut prepared = prepare(9);
    prepared.profile = ProfileId::Standard;
    let error = prove_prepared(set(), prepared, &ProveOptions::default(), &ignore).unwrap_err();
    assert!(matches!(error, ProveError::Profile { expected: ProfileId::Test, .. }), "{error}");
}

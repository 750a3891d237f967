//! Circuits are built when a block needs them. In a program of its own, where no other test has them built.

use std::sync::Mutex;
use std::thread;

use enfold_circuits::circuit_set::{Circuit, CircuitSet};
use enfold_fixtures::world::{World, WorldSpec};
use enfold_prover::error::ProveError;
use enfold_prover::events::Event;
use enfold_prover::options::ProveOptions;
use enfold_prover::pipeline::{Output, PipelineError, prove_and_commit};
use enfold_prover::plonk::Kernels;
use enfold_prover::prove::{ProvenBlock, prove_block};
use enfold_prover::stop::Stop;
use enfold_state::kind::FamilyId;
use enfold_state::profile::{BatchId, ProfileId};
use enfold_state::store::Store;
use enfold_verifier::verify::InnerCircuit;

fn world() -> World {
    World::new(WorldSpec { seed: 7, accounts: 40, ..WorldSpec::default() })
}

/// Proves the next block of a world; also how many circuits were said to be built, before the proofs.
fn step(set: &CircuitSet, world: &mut World, transactions: usize) -> (ProvenBlock, Vec<usize>) {
    let log = Mutex::new(Vec::new());
    let observe = |event: &Event| log.lock().unwrap().push(event.clone());
    let block = world.block(transactions);
    let proven = prove_block(set, world.ledger(), &block, &ProveOptions::default(), &observe).unwrap();
    world.advance(&block).unwrap();
    let log = log.into_inner().unwrap();
    let proving = log.iter().position(|event| matches!(event, Event::Proving { .. })).unwrap();
    let mut started = None;
    let mut built = Vec::new();
    for (at, event) in log.iter().enumerate() {
        match event {
            Event::CircuitsStarted { profile: ProfileId::Test, circuits } => started = Some(*circuits),
            Event::CircuitsReady { circuits, loaded: 0, .. } => {
                assert!(started.take() == Some(*circuits) && at < proving, "{log:?}");
                built.push(*circuits);
            }
            _ => {}
        }
    }
    (proven, built)
}

#[test]
fn a_block_builds_what_it_needs() {
    let set = CircuitSet::on_demand(Kernels::default(), ProfileId::Test);
    let inner = Circuit::Inner;
    let batch = |batch| inner(InnerCircuit::Batch(batch));
    assert_eq!(set.missing(Circuit::all()).len(), Circuit::all().count());

    let mut world = world();
    let (proven, built) = step(&set, &mut world, 1);
    assert_eq!(built, [4], "debit, credit, lift and block");
    let lift = |family| inner(InnerCircuit::Lift(family));
    let is_used = |circuit: &Circuit| {
        [batch(BatchId::DebitSmall), batch(BatchId::CreditSmall), lift(FamilyId::Small), Circuit::Block]
            .contains(circuit)
    };
    let left: Vec<_> = Circuit::all().filter(|circuit| !is_used(circuit)).collect();
    assert_eq!(set.missing(Circuit::all()), left);
    assert_eq!(proven.report.batches(), 2);

    let (_, built) = step(&set, &mut world, 1);
    assert!(built.is_empty(), "they are there");

    // Enough for folds.
    let (proven, built) = step(&set, &mut world, 150);
    assert!(proven.report.batches() > 6);
    assert_eq!(built.len(), 1);
    assert!(!set.missing(Circuit::all()).contains(&lift(FamilyId::Large)));
    assert!(!set.missing(Circuit::all()).contains(&inner(InnerCircuit::Fold)));
}

#[test]
fn each_circuit_is_built_once_whoever_asks_for_it() {
    let set = CircuitSet::on_demand(Kernels::default(), ProfileId::Test);
    let asked = [Circuit::Inner(InnerCircuit::Lift(FamilyId::Small)), Circuit::Block];
    let places = thread::scope(|scope| {
        let ask = || {
            set.ensure(asked).unwrap();
            [
                &raw const *set.lift(FamilyId::Small).unwrap() as usize,
                &raw const *set.block().unwrap() as usize,
            ]
        };
        [scope.spawn(ask), scope.spawn(ask)].map(|thread| thread.join().unwrap())
    });
    assert_eq!(places[0], places[1]);
    assert_eq!(set.missing(asked), []);
}

/// While circuits are built nothing is proven, so all proofs are left; the next run makes them.
#[test]
fn a_stop_while_circuits_are_built_counts_what_is_left() {
    let mut world = world();
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::create(&dir.path().join("state"), world.genesis()).unwrap();
    let block = world.block(1);
    let output = Output { proof: dir.path().join("proof"), force: false };
    let stop: &'static Stop = Box::leak(Box::default());
    let options = ProveOptions { stop: Some(stop), ..ProveOptions::default() };
    let log = Mutex::new(Vec::new());
    let observe = |event: &Event| {
        if matches!(event, Event::CircuitsStarted { .. }) {
            stop.request();
        }
        log.lock().unwrap().push(event.clone());
    };
    let error = prove_and_commit(&mut store, ProfileId::Test, &block, &output, &options, &observe);
    // Two batches, a lift and the block.
    assert!(
        matches!(error, Err(PipelineError::Prove(ProveError::Stopped { left: 4 }))),
        "{:?}",
        error.map(|proven| proven.statement)
    );
    let log = log.into_inner().unwrap();
    let built = |event: &Event| matches!(event, Event::CircuitsReady { .. } | Event::Started { .. });
    assert!(!log.iter().any(built), "{log:?}");

    let options = ProveOptions::default();
    let proven = prove_and_commit(&mut store, ProfileId::Test, &block, &output, &options, &|_| ()).unwrap();
    assert_eq!(proven.timings.jobs.len(), 4);
    world.advance(&block).unwrap();
    assert_eq!(store.ledger().root(), world.ledger().root());
}

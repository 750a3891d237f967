//! The proving layer, with the circuits of the test profile: witnesses, batch, lift, fold and block proofs,
//! verification.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use enfold_circuits::circuit_set::{Circuit, CircuitSet};
use enfold_circuits::fold::Child;
use enfold_fixtures::world::{World, WorldSpec};
use enfold_prover::cache::{build_circuits, circuits};
use enfold_prover::events::ignore;
use enfold_state::executor::execute;
use enfold_state::profile::{BatchId, ProfileId};
use enfold_verifier::verify::{VerifierKey, verify_block};
use enfold_witness::batch::BatchWitness;
use enfold_witness::witness::witness_block;

const PROFILE: ProfileId = ProfileId::Test;
/// Transactions of the block: some batches of either kind.
const TRANSACTIONS: usize = 45;

/// The golden block proof of the profile.
const GOLDEN: &[u8] = include_bytes!("../../fixtures/golden/test.proof");

fn batch(batches: &[BatchWitness], id: BatchId) -> &BatchWitness {
    batches.iter().find(|witness| witness.batch == id).expect("the block has a batch of each kind")
}

fn witness(c: &mut Criterion, set: &CircuitSet) -> Vec<BatchWitness> {
    let mut world = World::new(WorldSpec::default());
    let block = world.block(TRANSACTIONS);
    let ledger = world.ledger();
    let execution = execute(ledger, &block).expect("the world's blocks are valid");
    let profile = PROFILE.profile();
    let make = || witness_block(profile, ledger, &block, &execution).expect("an execution of this ledger");

    let mut group = c.benchmark_group("witness");
    group.bench_function("execute", |b| b.iter(|| execute(black_box(ledger), black_box(&block))));
    group.bench_function("block", |b| b.iter(make));
    let batches = make().batches;
    let debit = batch(&batches, BatchId::DebitWide);
    let circuit = set.batch(debit.batch).expect("the circuit is built");
    group.bench_function("fill debit inputs", |b| {
        b.iter(|| circuit.fill(black_box(debit), set.set()));
    });
    group.finish();
    batches
}

fn proofs(c: &mut Criterion) {
    let set = circuits(PROFILE);
    build_circuits(set, Circuit::all(), &ignore).expect("the profile's parameters fit");
    let batches = witness(c, set);

    let mut group = c.benchmark_group("prove");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    let debit = batch(&batches, BatchId::DebitWide);
    group.bench_function("debit", |b| b.iter(|| set.prove_batch(debit).expect("an honest batch")));
    let named: Vec<_> = batches.iter().map(|witness| (witness.batch, witness)).collect();
    let first = set.params().lift_groups(&named).next().expect("a block has a batch");
    let proven: Vec<_> = first
        .iter()
        .map(|(batch, witness)| (*batch, set.prove_batch(witness).expect("an honest batch")))
        .collect();
    group.bench_function("lift", |b| b.iter(|| set.prove_lift(&proven).expect("consecutive batches")));
    let lift = set.prove_lift(&proven).expect("consecutive batches");
    let children = [(Child::Lift(first[0].0.family()), &lift)];
    group.bench_function("fold", |b| b.iter(|| set.prove_fold(&children).expect("a lift proof")));
    group.finish();

    let key = VerifierKey::pinned(PROFILE);
    c.bench_function("verify block", |b| {
        b.iter(|| verify_block(black_box(key), black_box(GOLDEN)).expect("the golden proof"));
    });
}

criterion_group!(benches, proofs);
criterion_main!(benches);

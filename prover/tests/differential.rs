//! The executor against the circuits: over blocks of valid and invalid transactions, 10,000 in all, every batch
//! satisfies its circuit, and the circuits compute the executor's chain of states. No proofs are made here: the row
//! checker evaluates all constraints.

use std::collections::BTreeSet;

use enfold_circuits::batch::BatchCircuit;
use enfold_circuits::check::Checker;
use enfold_circuits::circuit_set::CircuitSet;
use enfold_circuits::public_inputs::BatchPublicInputs;
use enfold_fixtures::world::{World, WorldSpec};
use enfold_prover::cache::circuits;
use enfold_prover::events::ignore;
use enfold_prover::options::ProveOptions;
use enfold_prover::prove::prepare_block;
use enfold_state::block::Block;
use enfold_state::chain::context;
use enfold_state::executor::{Rule, execute_within};
use enfold_state::leaf::{LeafIndex, SHARD_DEPTH};
use enfold_state::ledger::Ledger;
use enfold_state::profile::{BatchId, ProfileId};
use enfold_witness::batch::BatchWitness;
use enfold_witness::witness::{BlockWitness, witness_block};
use plonky2::iop::generator::generate_partial_witness;
use plonky2::iop::witness::Witness;
use rayon::prelude::*;

/// The batch circuits, laid out for checking once.
struct Circuits {
    set: &'static CircuitSet,
    checkers: Vec<Checker<'static>>,
}

impl Circuits {
    fn new() -> Self {
        let set = circuits(ProfileId::Test);
        Self { set, checkers: BatchId::ALL.map(|batch| Checker::new(&set.batch(batch).unwrap().data)).into() }
    }

    /// What the circuit of a batch says, if its witness satisfies it.
    fn run(&self, batch: &BatchWitness) -> BatchPublicInputs {
        let circuit: &BatchCircuit = self.set.batch(batch.batch).unwrap();
        let inputs = circuit.fill(batch, self.set.set()).unwrap();
        let (prover, common) = (&circuit.data.prover_only, &circuit.data.common);
        let witness = generate_partial_witness(inputs, prover, common).unwrap();
        self.checkers[batch.batch as usize].check(&witness).unwrap();
        let public: Vec<_> = prover.public_inputs.iter().map(|&target| witness.get_target(target)).collect();
        BatchPublicInputs::from_elements(&public).unwrap()
    }

    /// Requires the circuits to lead from the ledger's state to the block's end, batch by batch.
    fn follow(&self, block: &Block, witness: &BlockWitness) {
        let says: Vec<_> = witness.batches.par_iter().map(|batch| self.run(batch)).collect();
        let ctx = context(&block.id(), witness.seed);
        let mut state = witness.before.digest();
        for said in says {
            let expected = BatchPublicInputs { set: self.set.set(), ctx, before: state, after: said.after };
            assert_eq!(said, expected);
            state = said.after;
        }
        assert_eq!(state, witness.after.digest());
    }
}

/// What came by.
#[derive(Default)]
struct Seen {
    transactions: usize,
    rejected: usize,
    blocks: usize,
    windows: BTreeSet<u32>,
    /// Batches whose window had no leaf when their block began.
    empty_windows: usize,
    kinds: BTreeSet<BatchId>,
    rules: BTreeSet<&'static str>,
}

impl Seen {
    fn add(&mut self, before: &Ledger, block: &Block, rejected: usize, witness: &BlockWitness) {
        self.transactions += block.transactions.len();
        self.rejected += rejected;
        self.blocks += 1;
        let depth = ProfileId::Test.profile().window_depth;
        for batch in &witness.batches {
            self.windows.insert(batch.window);
            self.empty_windows += usize::from(!before.counts().holds(LeafIndex(batch.window << depth)));
            self.kinds.insert(batch.batch);
        }
    }
}

/// Worlds and their blocks: few accounts, several assets, hot receivers, and leaves in three windows of the first shard;
/// new ones are put into others too.
fn worlds() -> Vec<(WorldSpec, Vec<usize>)> {
    let base = WorldSpec { accounts: 40, new_share: 0.1, ..WorldSpec::default() };
    let small = vec![1, 2, 3, 5, 8, 13, 21, 24, 27, 30, 33, 36, 39, 42, 70];
    let wide = WorldSpec { seed: 14, accounts: 1_000, assets: 3, skew: 0.6, hot_share: 0.2, ..base.clone() };
    vec![
        (WorldSpec { seed: 11, ..base.clone() }, small.clone()),
        (WorldSpec { seed: 12, assets: 3, skew: 1.0, fee_floor: 0, ..base.clone() }, small.clone()),
        (WorldSpec { seed: 13, hot_share: 0.5, skew: 1.5, ..base.clone() }, small),
        (wide, vec![40, 700, 1_100, 1_160]),
        (WorldSpec { seed: 15, accounts: 1_500, new_share: 0.3, ..base.clone() }, vec![1_500, 1_500]),
        (WorldSpec { seed: 16, skew: 1.1, hot_share: 0.3, ..base }, vec![1_000, 1_000, 1_000]),
    ]
}

#[test]
fn executor_root_is_the_circuits_root() {
    let circuits = Circuits::new();
    let mut seen = Seen::default();
    for (spec, sizes) in worlds() {
        let mut world = World::new(spec);
        for size in sizes {
            let before = world.ledger().clone();
            let (block, planted) = world.mixed_block(size, 0.1);
            let options = ProveOptions::default();
            let Ok(prepared) = prepare_block(ProfileId::Test, &before, &block, &options, &ignore) else {
                assert_eq!(planted.len(), block.transactions.len(), "a block of invalid transactions alone");
                continue;
            };
            let execution = world.advance(&block).unwrap();
            assert_eq!(prepared.execution, execution);
            let rejected = execution.rejections.iter().map(|rejection| (rejection.position, &rejection.rule));
            assert!(rejected.eq(planted.iter().map(|planted| (planted.position, &planted.rule))));
            seen.rules.extend(planted.iter().map(|planted| planted.rule.name()));
            circuits.follow(&block, &prepared.witness);
            assert_eq!(prepared.witness.after.tree_root, world.ledger().tree().root());
            seen.add(&before, &block, planted.len(), &prepared.witness);
        }
    }
    assert!(seen.transactions >= 10_000 && seen.rejected >= 500, "{} {}", seen.transactions, seen.rejected);
    assert!(seen.blocks >= 50, "{}", seen.blocks);
    // Some in a row in the first shard, and the first of all shards that new accounts are put into.
    let firsts = (1..4).map(|shard| shard << (SHARD_DEPTH - ProfileId::Test.profile().window_depth));
    assert!(seen.windows.iter().copied().eq((0..3).chain(firsts)), "{:?}", seen.windows);
    assert!(seen.empty_windows > 0);
    assert!(seen.kinds.into_iter().eq(BatchId::ALL));
    assert!(seen.rules.len() >= 10, "{:?}", seen.rules);
}

/// A block on a tree that fills up is proven without the transactions that find no leaf.
#[test]
fn a_full_tree_does_not_stop_its_block() {
    let circuits = Circuits::new();
    let mut world = World::new(WorldSpec { seed: 21, accounts: 30, new_share: 0.4, ..WorldSpec::default() });
    let block = world.block(60);
    let mut ledger = world.ledger().clone();
    let capacity = ledger.len() + 5;
    let execution = execute_within(&ledger, &block, capacity).unwrap();
    let full = |rule: &Rule| *rule == Rule::Full { expected: capacity };
    assert!(execution.rejections.iter().filter(|rejection| full(&rejection.rule)).count() > 5);
    let witness = witness_block(ProfileId::Test.profile(), &ledger, &block, &execution).unwrap();
    circuits.follow(&block, &witness);
    ledger.apply(&execution).unwrap();
    assert_eq!((ledger.tree().root(), ledger.len()), (witness.after.tree_root, capacity));
}

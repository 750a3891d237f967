//! The executor against the batches: over many small blocks of valid and invalid transactions, what the executor
//! accepts keeps every rule of the batch circuits and leads to the executor's root.

use enfold_fixtures::world::{World, WorldSpec};
use enfold_state::block::BlockData;
use enfold_state::chain::state_root;
use enfold_state::executor::{Rule, execute};
use enfold_state::ledger::Ledger;
use enfold_state::profile::ProfileId;
use enfold_state::rebuild::rebuild;
use enfold_witness::batch::Paths;
use enfold_witness::check::check_block;
use enfold_witness::step::StepError;
use enfold_witness::witness::{BlockWitness, witness_block};

fn specs() -> impl Iterator<Item = WorldSpec> {
    let base = WorldSpec { accounts: 40, new_share: 0.1, ..WorldSpec::default() };
    [
        base.clone(),
        WorldSpec { assets: 3, skew: 1.0, fee_floor: 0, ..base.clone() },
        WorldSpec { hot_share: 0.5, skew: 1.5, ..base.clone() },
        WorldSpec { accounts: 5, balance: 3_000, max_amount: 900, ..base },
    ]
    .into_iter()
    .zip(1..)
    .map(|(spec, seed)| WorldSpec { seed, ..spec })
}

#[test]
fn executor_root_is_the_batches_root() {
    let profile = ProfileId::Test.profile();
    let (mut accepted, mut rejected, mut blocks) = (0, 0, 0);
    for spec in specs() {
        let mut world = World::new(spec);
        let mut published = Ledger::from_genesis(world.genesis()).unwrap();
        for size in [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 70] {
            let before = world.ledger().clone();
            let (block, planted) = world.mixed_block(size, 0.2);
            let Ok(execution) = world.advance(&block) else { continue };
            assert_eq!(execution.rejections.len(), planted.len());
            let witness = witness_block(profile, &before, &block, &execution).unwrap();
            check_block(profile, &witness).unwrap();
            assert_eq!(witness.before.tree_root, before.tree().root());
            assert_eq!(witness.after.tree_root, world.ledger().tree().root());
            let root = state_root(witness.after.tree_root, witness.after.counts);
            assert_eq!(root, world.ledger().root());
            assert_eq!(witness.after.created as usize, world.ledger().len() - before.len());
            assert_eq!(witness.after.transactions as usize, execution.debits.len());
            assert_eq!(witness.after.messages as usize, execution.credits.len());

            // The state from published data alone.
            let BlockWitness { block: id, emitted, .. } = witness;
            let data = BlockData { chain_id: id.chain_id, number: id.number, emitted };
            rebuild(&mut published, &data, id.time, before.root(), root).unwrap();
            assert_eq!((published.root(), published.counts()), (root, world.ledger().counts()));
            assert_eq!(published.leaves(), world.ledger().leaves());

            accepted += execution.debits.len();
            rejected += execution.rejections.len();
            blocks += 1;
        }
    }
    assert!(accepted >= 800 && rejected >= 150 && blocks >= 40, "{accepted} {rejected} {blocks}");
}

/// What the executor rejects by a rule that the debit circuit has too, no debit batch takes in place of a valid leg.
#[test]
fn what_the_executor_rejects_no_batch_takes() {
    let profile = ProfileId::Test.profile();
    let mut broken = 0;
    for seed in 0..60 {
        let mut world = World::new(WorldSpec { seed, ..WorldSpec::default() });
        let (mut block, planted) = world.mixed_block(4, 0.5);
        let all = block.transactions.clone();
        let Ok(execution) = execute(world.ledger(), &block) else { continue };
        for planted in planted {
            let wrong = all[planted.position];
            block.transactions = execution.debits.iter().map(|debit| all[debit.position]).collect();
            let honest = execute(world.ledger(), &block).unwrap();
            let mut witness = witness_block(profile, world.ledger(), &block, &honest).unwrap();
            // The leg of the same leaf and place in its lane, or else the first.
            let batch = &mut witness.batches[0];
            let Paths::Debit(paths) = &mut batch.paths else { panic!("debits come first") };
            let from = wrong.transaction.from;
            let leg = paths.iter_mut().flat_map(|path| &mut path.legs).filter(|leg| leg.live);
            let mut legs: Vec<_> = leg.collect();
            let lane = legs.iter().position(|leg| leg.signed.transaction.from == from).unwrap_or(0);
            legs[lane].signed = wrong;
            let result = enfold_witness::step::step(profile, batch);
            let error = match planted.rule {
                // Policy, and forms of a number that packing makes equal: the executor's alone.
                Rule::FeeAsset { .. } | Rule::FeeFloor { .. } | Rule::MemoRange { .. } => continue,
                _ => result.expect_err(planted.rule.name()),
            };
            let expected = match planted.rule {
                Rule::Op { .. } => matches!(error, StepError::Rule { rule: Rule::Op { .. }, .. }),
                Rule::ChainId { .. } => matches!(error, StepError::Rule { rule: Rule::ChainId { .. }, .. }),
                Rule::UnknownLeaf { .. } => matches!(error, StepError::Rule { rule: Rule::Index { .. }, .. }),
                // One of several that the circuit checks before, where the lane is another.
                _ => true,
            };
            assert!(expected, "{}: {error}", planted.rule);
            broken += 1;
        }
    }
    assert!(broken > 60, "{broken}");
}

//! The executor against the circuits: over many small blocks of valid and invalid transactions, every batch
//! satisfies its circuit, and the circuits compute the executor's chain of states. No proofs are made here: the row
//! checker evaluates all constraints.

use enfold_circuits::check::check_witness;
use enfold_circuits::circuit_set::CircuitSet;
use enfold_circuits::public_inputs::BatchPublicInputs;
use enfold_fixtures::world::{World, WorldSpec};
use enfold_prover::cache::circuits;
use enfold_prover::events::ignore;
use enfold_prover::options::ProveOptions;
use enfold_prover::prove::prepare_block;
use enfold_state::chain::context;
use enfold_witness::batch::BatchWitness;
use enfold_witness::profile::ProfileId;
use plonky2::iop::generator::generate_partial_witness;
use plonky2::iop::witness::Witness;
use rayon::prelude::*;

/// What the circuit of a batch says, if its witness satisfies it.
fn run(circuits: &CircuitSet, batch: &BatchWitness) -> BatchPublicInputs {
    let circuit = circuits.batch(batch.batch);
    let inputs = circuit.fill(batch, circuits.set()).unwrap();
    let (prover, common) = (&circuit.data.prover_only, &circuit.data.common);
    let witness = generate_partial_witness(inputs, prover, common).unwrap();
    check_witness(&circuit.data, &witness).unwrap();
    let public: Vec<_> = prover.public_inputs.iter().map(|&target| witness.get_target(target)).collect();
    BatchPublicInputs::from_elements(&public).unwrap()
}

#[test]
fn executor_root_is_the_circuits_root() {
    let circuits = circuits(ProfileId::Test, &ignore).unwrap();
    let base = WorldSpec { accounts: 40, new_share: 0.1, ..WorldSpec::default() };
    let specs = [
        WorldSpec { seed: 11, ..base.clone() },
        WorldSpec { seed: 12, assets: 3, skew: 1.0, fee_floor: 0, ..base.clone() },
        WorldSpec { seed: 13, hot_share: 0.5, skew: 1.5, ..base },
    ];
    let (mut transactions, mut blocks) = (0, 0);
    for spec in specs {
        let mut world = World::new(spec);
        for size in [1, 2, 3, 5, 8, 13, 21, 24, 27, 30, 33, 36, 39, 42, 70] {
            let (block, _) = world.mixed_block(size, 0.1);
            let options = ProveOptions::default();
            let Ok(prepared) = prepare_block(ProfileId::Test, world.ledger(), &block, &options, &ignore)
            else {
                continue;
            };
            let execution = world.advance(&block).unwrap();
            assert_eq!(prepared.execution, execution);
            let witness = &prepared.witness;
            let says: Vec<_> = witness.batches.par_iter().map(|batch| run(circuits, batch)).collect();
            let ctx = context(block.chain_id, witness.seed);
            let mut state = witness.before.digest();
            for said in says {
                let expected =
                    BatchPublicInputs { set: circuits.set(), ctx, before: state, after: said.after };
                assert_eq!(said, expected);
                state = said.after;
            }
            assert_eq!(state, witness.after.digest());
            assert_eq!(witness.after.root, world.ledger().root());
            transactions += block.transactions.len();
            blocks += 1;
        }
    }
    assert!(transactions >= 1000 && blocks >= 40, "{transactions} transactions in {blocks} blocks");
}

//! What proofs cost, from the circuits' shapes alone: memory, and how their times compare.

use enfold_circuits::circuit_set::Circuit;
use enfold_circuits::params::{FamilyParams, Params};
use enfold_verifier::verify::InnerCircuit;
use plonky2::plonk::circuit_data::CircuitConfig;

/// A circuit's configuration and log2 of its rows.
fn shape(params: &Params, circuit: Circuit) -> (&CircuitConfig, usize) {
    match circuit {
        Circuit::Inner(InnerCircuit::Batch(batch)) => {
            let FamilyParams { config, degree_bits, .. } = params.of_batch(batch);
            (config, *degree_bits)
        }
        Circuit::Inner(_) => (&params.recursion, params.recursion_degree_bits),
        Circuit::Block => (&params.block, params.block_degree_bits),
    }
}

/// Field elements that a proof commits to before the extension: rows times columns.
fn cells((config, degree_bits): (&CircuitConfig, usize)) -> u64 {
    let partial_products = config.num_routed_wires.div_ceil(config.max_quotient_degree_factor);
    let columns =
        config.num_wires + config.num_challenges * (partial_products + config.max_quotient_degree_factor);
    (columns as u64) << degree_bits
}

/// How long a circuit's proof takes, compared with those of others. Where it was measured, hashing a cell on all
/// committed points took a quarter of an inverse rate as long as all that does not depend on the rate.
pub fn circuit_cost(params: &Params, circuit: Circuit) -> f64 {
    let shape = shape(params, circuit);
    cells(shape) as f64 * (4.0 + (shape.0.fri_config.rate_bits as f64).exp2())
}

/// Bytes that a circuit's proof takes while it is made: all committed columns on the committed points, and once more for
/// what they are computed from and with, coefficients among it; values of the witness, 16 bytes a wire, and as much
/// for the quotient's sums and values. Measured: 0.59 GB of a batch of `standard`, for which this gives 0.65.
fn circuit_memory(params: &Params, circuit: Circuit) -> u64 {
    let shape = shape(params, circuit);
    let (config, degree_bits) = shape;
    ((16 * cells(shape)) << config.fri_config.rate_bits) + ((32 * config.num_wires as u64) << degree_bits)
}

/// Bytes that the largest of the proofs takes that are made beside others: all but the block proof, which is the last.
pub fn proof_memory(params: &Params) -> u64 {
    let others = InnerCircuit::all().map(|circuit| circuit_memory(params, Circuit::Inner(circuit)));
    others.max().expect("there are circuits")
}

/// Bytes that a block's proofs take at the most, so many at a time. The block proof is made alone.
pub fn proofs_memory(params: &Params, in_flight: usize) -> u64 {
    (in_flight as u64).saturating_mul(proof_memory(params)).max(circuit_memory(params, Circuit::Block))
}

#[cfg(test)]
mod tests {
    use enfold_state::kind::FamilyId;
    use enfold_state::profile::{BatchId, ProfileId};

    use super::*;

    #[test]
    fn a_standard_proof_takes_more_than_its_wires() {
        let bytes = proof_memory(&Params::of(ProfileId::Standard));
        // The wires alone, extended twofold, take 135 * 2^17 * 8 bytes.
        assert!((4 * 141_000_000..6 * 141_000_000).contains(&bytes), "{bytes}");
        assert!(proof_memory(&Params::of(ProfileId::Test)) < bytes / 4);
    }

    #[test]
    fn the_block_proof_is_made_alone() {
        let params = Params::of(ProfileId::Standard);
        let (each, block) = (proof_memory(&params), circuit_memory(&params, Circuit::Block));
        assert!(each < block && block < 2 * each, "{each} {block}");
        assert_eq!(
            [0, 1, 2, 3].map(|count| proofs_memory(&params, count)),
            [block, block, 2 * each, 3 * each]
        );
    }

    #[test]
    fn costs_are_by_rows_columns_and_rate() {
        let params = Params::of(ProfileId::Standard);
        let cost = |circuit| circuit_cost(&params, circuit);
        let inner = |circuit| cost(Circuit::Inner(circuit));
        let batch = inner(InnerCircuit::Batch(BatchId::DebitWide));
        let (lift, block) = (inner(InnerCircuit::Lift(FamilyId::Large)), cost(Circuit::Block));
        assert!((lift / batch - 189.0 / 174.0).abs() < 1e-9, "as many rows at the same rate");
        assert!((block / lift - 0.5 * 12.0 / 6.0).abs() < 1e-9, "half of the rows, at an eighth");
        let small = inner(InnerCircuit::Batch(BatchId::DebitSmall));
        assert!((small / batch - 0.125).abs() < 1e-9, "an eighth of the rows");
    }

    /// The planner knows no circuits. It chooses batches by what is said here of proofs.
    #[test]
    fn blocks_are_planned_by_these_costs() {
        for id in ProfileId::ALL {
            let (params, tree) = (Params::of(id), id.profile().tree);
            let unit = circuit_cost(&params, Circuit::Inner(InnerCircuit::Fold)) / tree.recursion_cost as f64;
            for circuit in InnerCircuit::all() {
                let expected = match circuit {
                    InnerCircuit::Batch(batch) => tree.batch_cost[batch.family()],
                    InnerCircuit::Lift(_) | InnerCircuit::Fold => tree.recursion_cost,
                };
                let got = circuit_cost(&params, Circuit::Inner(circuit)) / unit;
                assert!((got - expected as f64).abs() < 0.5, "{id}, {}: {expected}, {got}", circuit.name());
            }
        }
    }
}

//! What proofs cost, from the circuits' shapes alone: memory, and how their times compare.

use enfold_circuits::params::Params;
use plonky2::plonk::circuit_data::CircuitConfig;

use crate::job::Stage;

/// A stage's configuration and log2 of its rows.
fn shape(params: &Params, stage: Stage) -> (&CircuitConfig, usize) {
    match stage {
        Stage::Batch => (&params.batch, params.batch_degree_bits),
        Stage::Lift | Stage::Fold => (&params.recursion, params.recursion_degree_bits),
        Stage::Block => (&params.block, params.block_degree_bits),
    }
}

/// Field elements that a proof commits to before the extension: rows times columns.
fn cells((config, degree_bits): (&CircuitConfig, usize)) -> u64 {
    let partial_products = config.num_routed_wires.div_ceil(config.max_quotient_degree_factor);
    let columns =
        config.num_wires + config.num_challenges * (partial_products + config.max_quotient_degree_factor);
    (columns as u64) << degree_bits
}

/// How long a stage's proof takes, compared with those of other stages. Where it was measured, hashing a cell on all
/// committed points took a quarter of an inverse rate as long as all that does not depend on the rate.
pub fn stage_cost(params: &Params, stage: Stage) -> f64 {
    let shape = shape(params, stage);
    cells(shape) as f64 * (4.0 + (shape.0.fri_config.rate_bits as f64).exp2())
}

/// Bytes that a stage's proof takes while it is made: all committed columns on the committed points, and once more for
/// what they are computed from and with, coefficients among it; values of the witness, 16 bytes a wire, and as much
/// for the quotient's sums and values. Measured: 0.59 GB of a batch of `standard`, for which this gives 0.65.
fn stage_memory(params: &Params, stage: Stage) -> u64 {
    let shape = shape(params, stage);
    let (config, degree_bits) = shape;
    ((16 * cells(shape)) << config.fri_config.rate_bits) + ((32 * config.num_wires as u64) << degree_bits)
}

/// Bytes that the largest of the proofs takes that are made beside others: all but the block proof, which is the last.
pub fn proof_memory(params: &Params) -> u64 {
    stage_memory(params, Stage::Batch).max(stage_memory(params, Stage::Lift))
}

/// Bytes that a block's proofs take at the most, so many at a time. The block proof is made alone.
pub fn proofs_memory(params: &Params, in_flight: usize) -> u64 {
    (in_flight as u64).saturating_mul(proof_memory(params)).max(stage_memory(params, Stage::Block))
}

#[cfg(test)]
mod tests {
    use enfold_state::profile::ProfileId;

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
        let (each, block) = (proof_memory(&params), stage_memory(&params, Stage::Block));
        assert!(each < block && block < 2 * each, "{each} {block}");
        assert_eq!(
            [0, 1, 2, 3].map(|count| proofs_memory(&params, count)),
            [block, block, 2 * each, 3 * each]
        );
    }

    #[test]
    fn costs_are_by_rows_columns_and_rate() {
        let params = Params::of(ProfileId::Standard);
        let [batch, lift, block] = [Stage::Batch, Stage::Lift, Stage::Block].map(|s| stage_cost(&params, s));
        assert!((lift / batch - 189.0 / 174.0).abs() < 1e-9, "as many rows at the same rate");
        assert!((block / lift - 0.5 * 12.0 / 6.0).abs() < 1e-9, "half of the rows, at an eighth");
    }
}

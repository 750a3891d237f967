//! What proofs cost, from the circuits' shapes alone: memory, and how their times compare.

use enfold_circuits::params::Params;
use plonky2::plonk::circuit_data::CircuitConfig;

use crate::job::Stage;

/// Field elements that a proof commits to before the extension: rows times columns.
fn cells(config: &CircuitConfig, degree_bits: usize) -> u64 {
    let partial_products = config.num_routed_wires.div_ceil(config.max_quotient_degree_factor);
    let columns =
        config.num_wires + config.num_challenges * (partial_products + config.max_quotient_degree_factor);
    (columns as u64) << degree_bits
}

/// Cells of a stage's circuit. Times are about as the cells.
pub fn stage_cells(params: &Params, stage: Stage) -> u64 {
    match stage {
        Stage::Batch => cells(&params.batch, params.batch_degree_bits),
        Stage::Lift | Stage::Fold => cells(&params.recursion, params.recursion_degree_bits),
        Stage::Block => cells(&params.recursion, params.block_degree_bits),
    }
}

/// Bytes that the largest proof of a profile takes while it is made: all committed columns on the extended
/// domain, and once more for what they are computed from and with.
pub fn proof_memory(params: &Params) -> u64 {
    let bytes =
        |stage, config: &CircuitConfig| (16 * stage_cells(params, stage)) << config.fri_config.rate_bits;
    bytes(Stage::Batch, &params.batch).max(bytes(Stage::Lift, &params.recursion))
}

#[cfg(test)]
mod tests {
    use enfold_witness::profile::ProfileId;

    use super::*;

    #[test]
    fn a_standard_proof_takes_more_than_its_wires() {
        let bytes = proof_memory(&Params::of(ProfileId::Standard));
        // The wires alone, extended eightfold, take 135 * 2^19 * 8 bytes.
        assert!((2 * 570_000_000..4 * 570_000_000).contains(&bytes), "{bytes}");
        assert!(proof_memory(&Params::of(ProfileId::Test)) < bytes / 10);
    }

    #[test]
    fn a_lift_is_a_fraction_of_a_batch() {
        let params = Params::of(ProfileId::Standard);
        let [batch, lift, block] = [Stage::Batch, Stage::Lift, Stage::Block].map(|s| stage_cells(&params, s));
        assert!(3 * lift < batch && 2 * block == lift);
    }
}

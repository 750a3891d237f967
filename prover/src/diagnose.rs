//! Finds the constraints that a witness breaks.

use enfold_circuits::check::{Violations, check_witness};
use enfold_circuits::config::{CircuitData, F};
use plonky2::iop::generator::GeneratedValues;
use plonky2::iop::witness::{PartialWitness, PartitionWitness};

/// Fills a circuit as plonky2 does, but where two values meet in one wire keeps the first and goes on; then checks all
/// rows. So a contradiction is found at the gate whose value was dropped.
pub(crate) fn violations(data: &CircuitData, inputs: PartialWitness<F>) -> Result<(), Violations> {
    let prover = &data.prover_only;
    let mut witness =
        PartitionWitness::new(data.common.config.num_wires, data.common.degree(), &prover.representative_map);
    // An error says that the wire has another value already.
    let set = |witness: &mut PartitionWitness<F>, (target, value)| {
        witness.set_target_returning_rep(target, value).is_ok_and(|new| new.is_some())
    };
    for value in inputs.target_values {
        set(&mut witness, value);
    }
    let mut pending: Vec<_> = prover.generators.iter().collect();
    let mut values = GeneratedValues::empty();
    let mut progress = true;
    while progress {
        progress = false;
        pending.retain(|generator| {
            let finished = generator.0.run(&witness, &mut values);
            for value in values.target_values.drain(..) {
                progress |= set(&mut witness, value);
            }
            progress |= finished;
            !finished
        });
    }
    check_witness(data, &witness)
}

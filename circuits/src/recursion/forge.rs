//! Witnesses of a prover that lies and does not stop at contradictions.

use plonky2::iop::generator::GeneratedValues;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, PartitionWitness};

use crate::check::{Checker, Violations};
use crate::config::{CircuitData, F};

/// Completes the inputs to a witness as the prover does, except that the first value of a target stays when
/// a generator comes to another one, and checks all rows. What a liar leaves inconsistent is then a
/// constraint that does not hold, and the result names it.
pub fn check(data: &CircuitData, inputs: PartialWitness<F>) -> Result<(), Violations> {
    Checker::new(data).check(&complete(data, inputs))
}

/// Completes honest inputs, gives one target (and all that are connected to it) another value, and checks.
pub fn check_overwritten(
    data: &CircuitData,
    inputs: PartialWitness<F>,
    target: Target,
    value: F,
) -> Result<(), Violations> {
    let mut witness = complete(data, inputs);
    let checker = Checker::new(data);
    witness.values[checker.class_of(target)] = Some(value);
    checker.check(&witness)
}

fn complete(data: &CircuitData, inputs: PartialWitness<F>) -> PartitionWitness<'_, F> {
    let (prover, common) = (&data.prover_only, &data.common);
    let mut witness =
        PartitionWitness::new(common.config.num_wires, common.degree(), &prover.representative_map);
    // Inputs on connected targets may differ too; which one stays must not depend on the map's order.
    let mut inputs: Vec<_> = inputs.target_values.into_iter().collect();
    inputs.sort_by_key(|&(target, _)| target.index(common.config.num_wires, common.degree()));
    for (target, value) in inputs {
        let _ = witness.set_target_returning_rep(target, value);
    }

    let mut done = vec![false; prover.generators.len()];
    let mut buffer = GeneratedValues::empty();
    let mut pending: Vec<usize> = (0..prover.generators.len()).collect();
    while !pending.is_empty() {
        let mut next = Vec::new();
        for index in pending {
            if done[index] {
                continue;
            }
            done[index] = prover.generators[index].0.run(&witness, &mut buffer);
            for (target, value) in buffer.target_values.drain(..) {
                if let Ok(Some(class)) = witness.set_target_returning_rep(target, value) {
                    next.extend(prover.generator_indices_by_watches.get(&class).into_iter().flatten());
                }
            }
        }
        pending = next;
    }
    assert!(done.into_iter().all(|done| done), "the inputs do not determine the witness");
    witness
}

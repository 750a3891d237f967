//! Circuits of one gate row.

use std::collections::BTreeSet;

use enfold_circuits::check::{Checker, Violation, Violations};
use enfold_circuits::config::{Builder, CircuitData, D, EnfoldConfig, F};
use enfold_circuits::gates::row::{RowGate, constraint_names};
use enfold_circuits::mutate::Harness;
use plonky2::field::types::Field;
use plonky2::fri::FriConfig;
use plonky2::fri::reduction_strategies::FriReductionStrategy;
use plonky2::gates::gate::Gate;
use plonky2::iop::generator::generate_partial_witness;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, PartitionWitness, WitnessWrite};
use plonky2::plonk::circuit_data::CircuitConfig;

/// Small and insecure.
pub fn config(num_routed_wires: usize) -> CircuitConfig {
    CircuitConfig {
        num_routed_wires,
        security_bits: 1,
        fri_config: FriConfig {
            rate_bits: 3,
            cap_height: 1,
            proof_of_work_bits: 1,
            reduction_strategy: FriReductionStrategy::ConstantArityBits(3, 4),
            num_query_rounds: 3,
        },
        ..CircuitConfig::standard_recursion_config()
    }
}

/// A circuit with one row of a gate.
pub struct OneRow {
    pub data: CircuitData,
    pub row: usize,
}

impl OneRow {
    pub fn new<G: RowGate + Gate<F, D>>(constants: &[F]) -> Self {
        let mut builder = Builder::new(config(40));
        let row = builder.add_gate(G::default(), constants.to_vec());
        Self { data: builder.build::<EnfoldConfig>(), row }
    }

    /// The witness with these inputs, given by column; `None` if the gate's generator refuses them.
    pub fn witness(&self, inputs: &[(usize, F)]) -> Option<PartitionWitness<'_, F>> {
        let mut witness = PartialWitness::new();
        for &(column, value) in inputs {
            witness.set_target(Target::wire(self.row, column), value).unwrap();
        }
        generate_partial_witness(witness, &self.data.prover_only, &self.data.common).ok()
    }
}

/// Requires that the honest row passes, that every change of one wire is noticed, and that each of the
/// gate's constraints notices at least one of them.
pub fn assert_every_constraint_bites<G: RowGate>(circuit: &OneRow, witness: PartitionWitness<'_, F>) {
    let checker = Checker::new(&circuit.data);
    let mut harness = Harness::new(&checker, witness).unwrap();
    let classes = harness.classes_on([circuit.row]);
    assert!(classes.len() >= G::WIRES, "{} classes for {} wires", classes.len(), G::WIRES);
    harness.each(&classes, 1).assert_only(|_| false);

    let mut broken = BTreeSet::new();
    for class in classes {
        let value = harness.value(class) + F::from_canonical_u64(5);
        let Err(Violations(violations)) = checker.check(&harness.changed(&[(class, value)])) else {
            continue;
        };
        for violation in violations {
            match violation {
                Violation::Constraint { row, constraint, .. } if row == circuit.row => {
                    broken.insert(constraint);
                }
                _ => {}
            }
        }
    }
    assert_eq!(broken, constraint_names::<G>().into_iter().collect());
}

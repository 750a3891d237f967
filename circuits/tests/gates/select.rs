//! The select gate.

use enfold_circuits::config::{D, EnfoldConfig, F};
use enfold_circuits::gates::row::constraint_names;
use enfold_circuits::gates::select::SelectGate;
use plonky2::field::types::{Field, Sample};
use plonky2::gates::gate::Gate;
use plonky2::gates::gate_testing::{test_eval_fns, test_low_degree};

use crate::common::{OneRow, assert_every_constraint_bites};

#[test]
fn gate_is_well_formed() {
    test_low_degree::<F, _, D>(SelectGate);
    test_eval_fns::<F, EnfoldConfig, _, D>(SelectGate).unwrap();
    assert_eq!(constraint_names::<SelectGate>().len(), Gate::<F, D>::num_constraints(&SelectGate));
}

/// With the flag 1/2 both sides count, so that no change of a wire is without effect.
#[test]
fn every_constraint_bites() {
    let circuit = OneRow::new::<SelectGate>(&[]);
    let half = F::TWO.inverse();
    let mut inputs = Vec::new();
    for slot in 0..SelectGate::SLOTS {
        inputs.push((SelectGate::flag(slot), half));
        let columns = SelectGate::off(slot).zip(SelectGate::on(slot)).zip(SelectGate::result(slot));
        for ((off, on), result) in columns {
            let (a, b) = (F::rand(), F::rand());
            inputs.extend([(off, a), (on, b), (result, (a + b) * half)]);
        }
    }
    assert_every_constraint_bites::<SelectGate>(&circuit, circuit.witness(&inputs).unwrap());
}

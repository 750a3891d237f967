//! The range gate.

use enfold_circuits::check::{Checker, Violation};
use enfold_circuits::config::{D, EnfoldConfig, F};
use enfold_circuits::gates::range::RangeGate;
use enfold_circuits::gates::row::constraint_names;
use plonky2::field::types::{Field, Field64};
use plonky2::gates::gate::Gate;
use plonky2::gates::gate_testing::{test_eval_fns, test_low_degree};
use plonky2::iop::target::Target;

use crate::common::{OneRow, assert_every_constraint_bites};

fn inputs(values: [u64; 5]) -> Vec<(usize, F)> {
    (0..5).map(|i| (RangeGate::value(i), F::from_canonical_u64(values[i]))).collect()
}

const HONEST: [u64; 5] = [(1 << 62) - 1, 0, 0x1234_5678_9abc_def0, u32::MAX as u64, 77];

#[test]
fn gate_is_well_formed() {
    test_low_degree::<F, _, D>(RangeGate);
    test_eval_fns::<F, EnfoldConfig, _, D>(RangeGate).unwrap();
    assert_eq!(constraint_names::<RangeGate>().len(), Gate::<F, D>::num_constraints(&RangeGate));
}

#[test]
fn every_constraint_bites() {
    let circuit = OneRow::new::<RangeGate>(&[]);
    assert_every_constraint_bites::<RangeGate>(&circuit, circuit.witness(&inputs(HONEST)).unwrap());
}

/// Values out of range have no digits: the generator refuses them, and digits of the value mod 2^bits,
/// or a digit that is too large, break a constraint.
#[test]
fn values_out_of_range_are_refused() {
    let circuit = OneRow::new::<RangeGate>(&[]);
    let checker = Checker::new(&circuit.data);
    for (i, &honest) in HONEST.iter().enumerate() {
        let bits = RangeGate::bits(i);
        for value in [1 << bits, (1 << bits) + 5, F::ORDER - 1, F::ORDER - (1 << 32)] {
            let mut values = HONEST;
            values[i] = value;
            assert!(circuit.witness(&inputs(values)).is_none());

            let mut low = HONEST;
            low[i] = value % (1 << bits);
            let mut witness = circuit.witness(&inputs(low)).unwrap();
            let target = Target::wire(circuit.row, RangeGate::value(i));
            witness.values[checker.class_of(target)] = Some(F::from_canonical_u64(value));
            let violations = checker.check(&witness).unwrap_err().0;
            let expected = format!("value is the sum of its digits[{i}]");
            assert!(
                matches!(&violations[..], [Violation::Constraint { constraint, .. }] if *constraint == expected),
                "{honest}: {violations:?}"
            );
        }
    }
}

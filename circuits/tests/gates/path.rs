//! The path gate.

use enfold_circuits::check::{Checker, Violation};
use enfold_circuits::config::{D, EnfoldConfig, F};
use enfold_circuits::gates::path::PathGate;
use enfold_circuits::gates::row::constraint_names;
use enfold_state::leaf::TREE_DEPTH;
use plonky2::field::types::{Field, Field64};
use plonky2::gates::gate::Gate;
use plonky2::gates::gate_testing::{test_eval_fns, test_low_degree};
use plonky2::iop::target::Target;

use crate::common::{OneRow, assert_every_constraint_bites};

const INDEX: u64 = 0x2bcd_1235;

/// One value of 32 bits, five of 30.
const HONEST: [u64; 6] = [u32::MAX as u64, (1 << 30) - 1, 0, 77, 0x1234_5678, 1 << 29];

fn bits(value: usize) -> u32 {
    if value == 0 { 32 } else { 30 }
}

fn value_column(value: usize) -> usize {
    if value == 0 { PathGate::NARROW } else { PathGate::index_value(value - 1) }
}

fn inputs(values: [u64; 6]) -> Vec<(usize, F)> {
    let index = (PathGate::INDEX, F::from_canonical_u64(INDEX));
    let bits = (0..TREE_DEPTH).map(|level| (PathGate::bit(level), F::from_canonical_u64(INDEX >> level & 1)));
    let values = (0..6).map(|i| (value_column(i), F::from_canonical_u64(values[i])));
    [index].into_iter().chain(bits).chain(values).collect()
}

#[test]
fn gate_is_well_formed() {
    test_low_degree::<F, _, D>(PathGate);
    test_eval_fns::<F, EnfoldConfig, _, D>(PathGate).unwrap();
    assert_eq!(constraint_names::<PathGate>().len(), Gate::<F, D>::num_constraints(&PathGate));
}

#[test]
fn every_constraint_bites() {
    let circuit = OneRow::new::<PathGate>(&[]);
    assert_every_constraint_bites::<PathGate>(&circuit, circuit.witness(&inputs(HONEST)).unwrap());
}

/// The generator refuses values out of range, and digits of the value mod 2^bits break a constraint.
#[test]
fn values_out_of_range_are_refused() {
    let circuit = OneRow::new::<PathGate>(&[]);
    let checker = Checker::new(&circuit.data);
    for i in 0..HONEST.len() {
        let bits = bits(i);
        for value in [1 << bits, (1 << bits) + 5, F::ORDER - 1, F::ORDER - (1 << 32)] {
            let mut values = HONEST;
            values[i] = value;
            assert!(circuit.witness(&inputs(values)).is_none());

            values[i] = value % (1 << bits);
            let mut witness = circuit.witness(&inputs(values)).unwrap();
            let target = Target::wire(circuit.row, value_column(i));
            witness.values[checker.class_of(target)] = Some(F::from_canonical_u64(value));
            let violations = checker.check(&witness).unwrap_err().0;
            let expected = format!("value is the sum of its digits[{i}]");
            assert!(
                matches!(&violations[..], [Violation::Constraint { constraint, .. }] if *constraint == expected),
                "{value}: {violations:?}"
            );
        }
    }
}

//! The LogUp gate, against the native arithmetic of [`enfold_state::chain`].

use enfold_circuits::config::{D, EnfoldConfig, F};
use enfold_circuits::convert::{from_native_array, to_native_array};
use enfold_circuits::gates::logup::LogUpGate;
use enfold_circuits::gates::row::constraint_names;
use enfold_state::chain::{Quadratic, quadratic_mul};
use enfold_state::field::{ONE, ZERO};
use plonky2::field::types::{Field, Sample};
use plonky2::gates::gate::Gate;
use plonky2::gates::gate_testing::{test_eval_fns, test_low_degree};
use plonky2::iop::target::Target;
use plonky2::iop::witness::Witness;

use crate::common::{OneRow, assert_every_constraint_bites};

struct Case {
    messages: [[F; 8]; 2],
    flags: [bool; 2],
    alpha: [F; 2],
    gamma: [F; 2],
    sum: [F; 2],
}

impl Case {
    fn random(flags: [bool; 2]) -> Self {
        Self {
            messages: [F::rand_array(), F::rand_array()],
            flags,
            alpha: F::rand_array(),
            gamma: F::rand_array(),
            sum: F::rand_array(),
        }
    }

    fn inputs(&self) -> Vec<(usize, F)> {
        let mut inputs = Vec::new();
        let mut set = |first: usize, values: &[F]| {
            inputs.extend(values.iter().enumerate().map(|(i, &value)| (first + i, value)));
        };
        for i in 0..2 {
            set(LogUpGate::message(i), &self.messages[i]);
            set(LogUpGate::flag(i), &[F::from_bool(self.flags[i])]);
        }
        set(LogUpGate::ALPHA, &self.alpha);
        set(LogUpGate::GAMMA, &self.gamma);
        set(LogUpGate::SUM_IN, &self.sum);
        inputs
    }
}

/// `sum of alpha^i m_i` by the definition.
fn combine(message: [F; 8], alpha: [F; 2]) -> Quadratic {
    let (mut sum, mut power) = ([ZERO; 2], [ONE, ZERO]);
    for m in to_native_array(message) {
        sum = [sum[0] + m * power[0], sum[1] + m * power[1]];
        power = quadratic_mul(power, to_native_array(alpha));
    }
    sum
}

#[test]
fn gate_is_well_formed() {
    test_low_degree::<F, _, D>(LogUpGate);
    test_eval_fns::<F, EnfoldConfig, _, D>(LogUpGate).unwrap();
    assert_eq!(constraint_names::<LogUpGate>().len(), Gate::<F, D>::num_constraints(&LogUpGate));
}

#[test]
fn sum_moves_by_the_flagged_inverses() {
    for sign in [F::ONE, F::NEG_ONE] {
        let circuit = OneRow::new::<LogUpGate>(&[sign]);
        for flags in [[false, false], [true, false], [false, true], [true, true]] {
            let case = Case::random(flags);
            let witness = circuit.witness(&case.inputs()).unwrap();
            let get = |column| witness.get_target(Target::wire(circuit.row, column));
            let after = [get(LogUpGate::SUM_OUT), get(LogUpGate::SUM_OUT + 1)];

            // (after - before) prod d_i = sign (flag_0 d_1 + flag_1 d_0), with d_i = gamma - f(m_i).
            let gamma: Quadratic = to_native_array(case.gamma);
            let [d0, d1] = case.messages.map(|message| {
                let f = combine(message, case.alpha);
                [gamma[0] - f[0], gamma[1] - f[1]]
            });
            let moved = to_native_array([after[0] - case.sum[0], after[1] - case.sum[1]]);
            let expected = [0, 1].map(|i| {
                let terms = (if flags[0] { d1[i] } else { ZERO }) + if flags[1] { d0[i] } else { ZERO };
                if sign == F::ONE { terms } else { -terms }
            });
            assert_eq!(quadratic_mul(moved, quadratic_mul(d0, d1)), expected);
        }
    }
}

#[test]
fn every_constraint_bites() {
    for sign in [F::ONE, F::NEG_ONE] {
        let circuit = OneRow::new::<LogUpGate>(&[sign]);
        for flags in [[true, true], [false, true]] {
            let witness = circuit.witness(&Case::random(flags).inputs()).unwrap();
            assert_every_constraint_bites::<LogUpGate>(&circuit, witness);
        }
    }
}

/// A message with f(m) = gamma has no inverse, flagged or not.
#[test]
fn message_that_hits_gamma_is_refused() {
    let circuit = OneRow::new::<LogUpGate>(&[F::ONE]);
    for flagged in [false, true] {
        let mut case = Case::random([true, flagged]);
        case.gamma = from_native_array(combine(case.messages[1], case.alpha));
        assert!(circuit.witness(&case.inputs()).is_none());
    }
}

//! Signatures that nobody made. Whoever may choose the challenge after the response has a signature of any key: `R` is
//! then computed from both. The rows of the walk hold for the chosen challenge; what binds them to the hash's are the
//! runs of digits, from zero to the parts of the hash.

use enfold_circuits::check::{Checker, Violation};
use enfold_circuits::config::F;
use enfold_circuits::convert::from_native_array;
use enfold_circuits::gates::row::RowGate;
use enfold_circuits::gates::{curve, exit, signature, split};
use enfold_state::ecgfp5::walk::Walk;
use enfold_state::ecgfp5::{Challenge, Fp5, Point, Scalar};
use enfold_state::field::reduce;
use enfold_state::keys::{SecretKey, Signature};
use enfold_state::owner::L1Owner;
use plonky2::field::types::Field;
use plonky2::iop::witness::PartitionWitness;

use crate::gadget::{Case, One, random_transaction};
use crate::support::rng;

/// Digits of each run, the highest first: upper and lower part of the challenge's second element, then of its first.
const RUNS: [usize; 4] = [30, 36, 30, 36];

/// A signature under somebody's key that was made without it, and the challenge that it was made for.
fn forged() -> (Case, Challenge) {
    let mut rng = rng(77);
    let key = SecretKey::random(&mut rng).public_key();
    let transaction = random_transaction(&mut rng);
    let chosen = Challenge::new(reduce(0x1234_5678_9abc_def0), reduce(0x0fed_cba9_8765_4321));
    let s = Scalar::from_u64(0xdead_beef);
    let r = Point::mul_generator_add(&s, &chosen, &key.point()).encode();
    (Case { key, owner: L1Owner::NONE, transaction, signature: Signature { r, s } }, chosen)
}

/// Values of wires that replace those that generators made.
struct Rows<'c> {
    checker: &'c Checker<'c>,
    witness: PartitionWitness<'c, F>,
}

impl Rows<'_> {
    fn of(&self, gate: &str) -> Vec<usize> {
        (0..self.checker.num_rows()).filter(|&row| self.checker.gate_name(row) == gate).collect()
    }

    fn put(&mut self, row: usize, column: usize, value: F) {
        self.witness.values[self.checker.class(row, column)] = Some(value);
    }

    fn put_element(&mut self, row: usize, column: usize, value: Fp5) {
        for (column, value) in (column..).zip(from_native_array(value.0)) {
            self.put(row, column, value);
        }
    }
}

/// Walks the chosen challenge in the circuit. The runs start at 0, or at what makes them end at the hash's parts.
fn violations(start_at_zero: bool) -> Vec<String> {
    let one = One::new();
    let checker = Checker::new(&one.data);
    let (case, chosen) = forged();
    assert!(!case.is_valid());
    let mut rows = Rows { checker: &checker, witness: one.witness(&case).unwrap() };
    let (signature_row, curve_rows) = (rows.of(signature::SignatureGate::NAME)[0], rows.of("Curve"));
    assert_eq!(curve_rows.len(), curve::ROWS);
    let walk = Walk::new(case.key.affine(), &case.signature.s, &chosen).unwrap();

    let parts =
        case.challenge().halves().into_iter().rev().flat_map(|half| split::parts(half).into_iter().rev());
    let mut walked = curve_rows.into_iter().zip(&walk.rows);
    for (part, digits) in parts.zip(RUNS) {
        let run: Vec<_> = walked.by_ref().take(digits / curve::STEPS).collect();
        let steps = run.iter().flat_map(|(_, row)| &row.steps);
        let chosen_part = steps.fold(0u64, |integer, step| 2 * integer + u64::from(step.key));
        let missing = F::from_canonical_u64(part) - F::from_canonical_u64(chosen_part);
        let mut integer =
            if start_at_zero { F::ZERO } else { missing * F::from_canonical_u64(1 << digits).inverse() };
        if !start_at_zero {
            rows.put(run[0].0, curve::INTEGER_IN, integer);
        }
        for (row, walked) in run {
            for step in &walked.steps {
                integer = integer.double() + F::from_bool(step.key);
            }
            rows.put(row, curve::INTEGER_OUT, integer);
            for (column, wire) in (curve::slope(0, 0)..).zip(curve::fill(walked)) {
                rows.put(row, column, wire);
            }
            rows.put_element(row, curve::POINT_OUT, walked.exit.0);
            rows.put_element(row, curve::POINT_OUT + 5, walked.exit.1);
        }
    }
    let [slope, inverse] = exit::fill(walk.end()).unwrap();
    rows.put_element(signature_row, signature::EXIT.slope, slope);
    rows.put_element(signature_row, signature::EXIT.inverse, inverse);
    let violations = checker.check(&rows.witness).map_or_else(|violations| violations.0, |()| Vec::new());
    let name = |violation| match violation {
        Violation::Constraint { gate, constraint, .. } => format!("{gate}: {constraint}"),
        Violation::Copy { .. } => unreachable!("connected wires share one value here"),
    };
    let mut names: Vec<_> = violations.into_iter().map(name).collect();
    names.sort();
    names.dedup();
    names
}

/// The runs end where they must, and begin where they must not: at a value that stands for the difference, on a wire
/// that is the constant zero.
#[test]
fn runs_that_do_not_start_at_zero() {
    let found = violations(false);
    assert!(!found.is_empty(), "a signature was forged");
    assert!(!found.iter().any(|name| name.contains("exit")), "the walk itself holds: {found:?}");
}

/// The runs begin at zero and end at the chosen challenge, which is not the hash's.
#[test]
fn runs_of_another_challenge() {
    let found = violations(true);
    assert!(!found.is_empty(), "a signature was forged");
    assert!(found.iter().all(|name| name.starts_with("CurveSignature: ")), "{found:?}");
    assert!(!found.iter().any(|name| name.contains("exit")), "the walk itself holds: {found:?}");
}

/// The walk of the true challenge, put on the rows in the same way, holds for a signature that is valid.
#[test]
fn rows_that_are_put_hold_for_an_honest_signature() {
    let one = One::new();
    let checker = Checker::new(&one.data);
    let case = Case::random(&mut rng(78));
    let mut rows = Rows { checker: &checker, witness: one.witness(&case).unwrap() };
    let walk = Walk::new(case.key.affine(), &case.signature.s, &case.challenge()).unwrap();
    for (row, walked) in rows.of("Curve").into_iter().zip(&walk.rows) {
        rows.put_element(row, curve::POINT_OUT, walked.exit.0);
        for (column, wire) in (curve::slope(0, 0)..).zip(curve::fill(walked)) {
            rows.put(row, column, wire);
        }
    }
    assert!(checker.check(&rows.witness).is_ok());
}

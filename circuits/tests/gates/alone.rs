//! For each constraint of a gate, a row that breaks it and no other: what the row's other wires say follows from the
//! lie as it would from the truth.

use std::collections::BTreeSet;
use std::ops::Range;

use enfold_circuits::config::F;
use enfold_circuits::gates::arith::BaseArith;
use enfold_circuits::gates::logup::LogUpGate;
use enfold_circuits::gates::path::PathGate;
use enfold_circuits::gates::poseidon2::Poseidon2Gate;
use enfold_circuits::gates::range::RangeGate;
use enfold_circuits::gates::row::{RowGate, SliceRow, constraint_names};
use enfold_circuits::gates::select::SelectGate;
use plonky2::field::types::{Field, Sample};

use crate::record;

/// Columns that follow from the others, and the constraints that say so, by number: as many, and linear in them.
struct Follows {
    columns: Range<usize>,
    constraints: Range<usize>,
}

/// One column after the other, by one constraint after the other.
fn each(columns: Range<usize>, constraints: Range<usize>) -> impl Iterator<Item = Follows> {
    assert_eq!(columns.len(), constraints.len());
    columns.zip(constraints).map(|(column, constraint)| Follows {
        columns: column..column + 1,
        constraints: constraint..constraint + 1,
    })
}

/// A row of a gate, and how its columns follow one from the other, in order.
struct Rule<G> {
    constants: Vec<F>,
    follows: Vec<Follows>,
    gate: std::marker::PhantomData<G>,
}

impl<G: RowGate> Rule<G> {
    fn new(constants: &[F], follows: impl IntoIterator<Item = Follows>) -> Self {
        let (constants, follows) = (constants.to_vec(), follows.into_iter().collect());
        Self { constants, follows, gate: std::marker::PhantomData }
    }

    fn values(&self, wires: &[F]) -> Vec<F> {
        let mut out = Vec::new();
        let row = SliceRow { wires, constants: &self.constants };
        G::constraints(&mut BaseArith::<F>::default(), &row, &mut out);
        out
    }

    /// Makes columns follow from those before; those of the constraints that are `left` stay.
    fn complete(&self, wires: &mut [F], left: &BTreeSet<usize>) {
        for Follows { columns, constraints } in &self.follows {
            if constraints.clone().any(|constraint| left.contains(&constraint)) {
                continue;
            }
            let at = |wires: &[F]| self.values(wires)[constraints.clone()].to_vec();
            let now = at(wires);
            let slopes: Vec<Vec<F>> = columns
                .clone()
                .map(|column| {
                    let mut moved = wires.to_vec();
                    moved[column] += F::ONE;
                    at(&moved).iter().zip(&now).map(|(&then, &now)| then - now).collect()
                })
                .collect();
            match (&slopes[..], &now[..]) {
                ([a], [x]) => wires[columns.start] -= *x * a[0].inverse(),
                ([a, b], [x, y]) => {
                    let inverse = (a[0] * b[1] - a[1] * b[0]).inverse();
                    wires[columns.start] -= (*x * b[1] - *y * b[0]) * inverse;
                    wires[columns.start + 1] -= (*y * a[0] - *x * a[1]) * inverse;
                }
                _ => unreachable!("one or two columns follow at a time"),
            }
        }
    }

    fn honest(&self, inputs: &[(usize, F)]) -> Vec<F> {
        let mut wires = vec![F::ZERO; G::WIRES];
        inputs.iter().for_each(|&(column, value)| wires[column] = value);
        self.complete(&mut wires, &BTreeSet::new());
        assert!(self.values(&wires).iter().all(|&value| value == F::ZERO), "the honest row holds");
        wires
    }

    /// Requires that a row in which this column is moved breaks the constraints of this name and no others.
    fn breaks(&self, honest: &[F], column: usize, by: F, name: &str) {
        let names = constraint_names::<G>();
        let named = |&i: &usize| names[i].split('[').next() == Some(name);
        let of_name: BTreeSet<usize> = (0..names.len()).filter(named).collect();
        let mut wires = honest.to_vec();
        wires[column] += by;
        // Those of the name which stand before the column in order hold; the moved one's own does not.
        let own = self.follows.iter().find(|follows| follows.columns.contains(&column));
        let left = own.map(|own| own.constraints.clone().collect()).unwrap_or_default();
        self.complete(&mut wires, &left);
        let values = self.values(&wires);
        let broken: BTreeSet<usize> = (0..values.len()).filter(|&i| values[i] != F::ZERO).collect();
        assert!(!broken.is_empty() && broken.is_subset(&of_name), "column {column}: {broken:?} for {name}");
        record::alone("gates", &format!("{}: {name}", G::NAME));
    }
}

fn random(columns: Range<usize>) -> Vec<(usize, F)> {
    columns.map(|column| (column, F::rand())).collect()
}

#[test]
fn permutation() {
    let (swap, delta, sboxes) = (Poseidon2Gate::SWAP, Poseidon2Gate::SWAP + 1, Poseidon2Gate::SWAP + 5);
    let committed = Poseidon2Gate::WIRES - sboxes;
    let follows = each(delta..sboxes, 1..5).chain(each(sboxes..Poseidon2Gate::WIRES, 5..5 + committed));
    let outputs = each(Poseidon2Gate::output(0)..swap, 5 + committed..Poseidon2Gate::CONSTRAINTS);
    let rule = Rule::<Poseidon2Gate>::new(&[], follows.chain(outputs));
    for bit in [F::ZERO, F::ONE] {
        let honest = rule.honest(&[random(0..12), vec![(swap, bit)]].concat());
        rule.breaks(&honest, swap, F::TWO, "swap is boolean");
        (delta..sboxes)
            .for_each(|column| rule.breaks(&honest, column, F::ONE, "delta is the swapped difference"));
        (sboxes..Poseidon2Gate::WIRES).for_each(|column| rule.breaks(&honest, column, F::ONE, "S-box input"));
        (Poseidon2Gate::output(0)..swap).for_each(|column| rule.breaks(&honest, column, F::ONE, "output"));
    }
}

/// Columns of values, and how many digits each has; the digits begin at `start` and their constraints at `constraint`.
fn digits<G: RowGate>(
    first: impl Iterator<Item = Follows>,
    values: Range<usize>,
    counts: &[usize],
    start: usize,
    constraint: usize,
) {
    let mut follows: Vec<_> = first.collect();
    let (mut digits, mut next) = (Vec::new(), (start, constraint));
    for (value, &count) in values.clone().zip(counts) {
        digits.push(next.0..next.0 + count);
        next = (next.0 + count, next.1 + count + 1);
        follows.extend(each(value..value + 1, next.1 - 1..next.1));
    }
    let rule = Rule::<G>::new(&[], follows);
    let honest = rule.honest(&[]);
    for (value, digits) in values.zip(digits) {
        rule.breaks(&honest, value, F::ONE, "value is the sum of its digits");
        for digit in digits {
            for other in [4, 5, 1 << 40] {
                rule.breaks(&honest, digit, F::from_canonical_u64(other), "digit is 0, 1, 2 or 3");
            }
            rule.breaks(&honest, digit, F::NEG_ONE, "digit is 0, 1, 2 or 3");
        }
    }
}

#[test]
fn ranges() {
    digits::<RangeGate>(std::iter::empty(), 0..5, &[31, 31, 31, 16, 16], 5, 0);
}

#[test]
fn path() {
    let values = PathGate::NARROW..PathGate::NARROW + 1 + PathGate::INDICES;
    digits::<PathGate>(each(0..1, 0..1), values.clone(), &[16, 15, 15, 15, 15, 15], values.end, 1);
    let rule = Rule::<PathGate>::new(&[], []);
    for column in [PathGate::INDEX, PathGate::bit(0), PathGate::bit(29)] {
        rule.breaks(&rule.honest(&[]), column, F::ONE, "index is the sum of its bits");
    }
}

#[test]
fn selection() {
    let results = (0..SelectGate::SLOTS).flat_map(|slot| {
        let number = SelectGate::result(slot).len() * slot;
        each(SelectGate::result(slot), number..number + SelectGate::result(slot).len())
    });
    let rule = Rule::<SelectGate>::new(&[], results);
    let sides =
        (0..SelectGate::SLOTS).flat_map(|slot| random(SelectGate::off(slot).start..SelectGate::on(slot).end));
    let honest = rule.honest(&sides.collect::<Vec<_>>());
    for column in (0..SelectGate::SLOTS).flat_map(SelectGate::result) {
        rule.breaks(&honest, column, F::ONE, "result is off + flag (on - off)");
    }
}

#[test]
fn logup() {
    // For each message: its flag, six elements of accumulators, two of the inverse.
    const EACH: usize = 9;
    let advice = |message: usize| LogUpGate::SUM_OUT + 2 + 8 * message;
    let follows = || {
        (0..LogUpGate::MESSAGES).flat_map(|message| {
            let (column, number) = (advice(message), EACH * message);
            let inverse = Follows { columns: column + 6..column + 8, constraints: number + 7..number + 9 };
            each(column..column + 6, number + 1..number + 7).chain([inverse])
        })
    };
    let sums = || each(LogUpGate::SUM_OUT..LogUpGate::SUM_OUT + 2, 2 * EACH..2 * EACH + 2);
    for sign in [F::ONE, F::NEG_ONE] {
        let rule = Rule::<LogUpGate>::new(&[sign], follows().chain(sums()));
        let honest = rule.honest(&[random(0..16), random(LogUpGate::ALPHA..LogUpGate::SUM_OUT)].concat());
        for message in 0..LogUpGate::MESSAGES {
            for flag in [F::TWO, F::NEG_ONE] {
                rule.breaks(&honest, LogUpGate::flag(message), flag, "flag is boolean");
            }
            let column = advice(message);
            (column..column + 6).for_each(|column| rule.breaks(&honest, column, F::ONE, "accumulator"));
            for column in column + 6..column + 8 {
                rule.breaks(&honest, column, F::ONE, "(gamma - f(m)) inverse is one");
            }
        }
        for column in [LogUpGate::SUM_OUT, LogUpGate::SUM_OUT + 1] {
            rule.breaks(&honest, column, F::ONE, "sum after");
        }
    }
}

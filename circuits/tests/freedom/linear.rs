//! All constraints of a circuit, linearised at a witness.

use std::collections::{BTreeMap, BTreeSet};

use enfold_circuits::check::Checker;
use enfold_circuits::config::{CircuitData, D, F};
use plonky2::field::types::Field;
use plonky2::gates::gate::GateRef;
use plonky2::hash::hash_types::HashOut;
use plonky2::iop::target::Target;
use plonky2::iop::witness::PartitionWitness;
use plonky2::plonk::vars::EvaluationVarsBaseBatch;

/// No constraint has a higher degree.
const DEGREE: usize = 7;

/// `f'(0)` of a polynomial of degree up to [`DEGREE`] is the sum of these times `f(0)`, `f(1)`, ...
fn derivative_weights() -> [F; DEGREE + 1] {
    let number = |i: usize| F::from_canonical_usize(i);
    let mut weights = [F::ZERO; DEGREE + 1];
    for j in 1..=DEGREE {
        let others = (1..=DEGREE).filter(|&k| k != j);
        weights[j] =
            others.fold(number(j).inverse(), |w, k| w * -number(k) * (number(j) - number(k)).inverse());
        weights[0] -= number(j).inverse();
    }
    weights
}

/// Derivatives of a gate's constraints by each wire: `result[constraint][column]`.
fn jacobian(gate: &GateRef<F, D>, wires: &[F], constants: &[F]) -> Vec<Vec<F>> {
    let (columns, points) = (wires.len(), DEGREE + 1);
    let lanes = columns * points;
    // Lane c * points + t has t added to column c.
    let mut values = Vec::with_capacity(columns * lanes);
    for (column, &value) in wires.iter().enumerate() {
        values.extend((0..lanes).map(|lane| {
            let moved = lane / points == column;
            if moved { value + F::from_canonical_usize(lane % points) } else { value }
        }));
    }
    let constants: Vec<F> = constants.iter().flat_map(|&k| std::iter::repeat_n(k, lanes)).collect();
    let hash = HashOut::<F>::ZERO;
    let results =
        gate.0.eval_unfiltered_base_batch(EvaluationVarsBaseBatch::new(lanes, &constants, &values, &hash));
    let weights = derivative_weights();
    let derivative = |at: &[F]| at.iter().zip(weights).map(|(&f, w)| f * w).sum::<F>();
    results.chunks(lanes).map(|constraint| constraint.chunks(points).map(derivative).collect()).collect()
}

/// Gauss-Jordan elimination with pivots in the first `limit` columns. Gives the pivot columns and leaves the
/// rows without a pivot behind.
fn eliminate(rows: &mut Vec<Vec<F>>, limit: usize) -> BTreeSet<usize> {
    let mut pivots = BTreeSet::new();
    let mut done = 0;
    for column in 0..limit {
        let Some(at) = (done..rows.len()).find(|&row| rows[row][column] != F::ZERO) else { continue };
        rows.swap(done, at);
        let inverse = rows[done][column].inverse();
        let pivot: Vec<(usize, F)> = rows[done]
            .iter()
            .enumerate()
            .skip(column)
            .filter(|(_, x)| **x != F::ZERO)
            .map(|(i, &x)| (i, x * inverse))
            .collect();
        for row in &mut rows[done + 1..] {
            let factor = row[column];
            if factor != F::ZERO {
                for &(i, x) in &pivot {
                    row[i] -= factor * x;
                }
            }
        }
        pivots.insert(column);
        done += 1;
    }
    rows.drain(..done);
    pivots
}

/// Wires that can move while all constraints hold to first order and the `fixed` targets stay: one name for
/// each free dimension. Not counted: operations of plonky2's gates that nothing is connected to.
pub fn movable(data: &CircuitData, witness: &PartitionWitness<'_, F>, fixed: &[Target]) -> Vec<String> {
    let checker = Checker::new(data);
    checker.check(witness).unwrap();
    let common = &data.common;
    let constants: Vec<Vec<F>> = {
        let polynomials = &data.prover_only.constants_sigmas_commitment.polynomials;
        let first = common.selectors_info.num_selectors();
        (first..common.num_constants).map(|i| polynomials[i].clone().fft().values).collect()
    };
    // How many wires each class has on gates.
    let mut uses: BTreeMap<usize, usize> = BTreeMap::new();
    for row in 0..checker.num_rows() {
        for column in 0..checker.gate_wires(row) {
            *uses.entry(checker.class(row, column)).or_default() += 1;
        }
    }
    let fixed: BTreeSet<usize> = fixed.iter().map(|&target| checker.class_of(target)).collect();
    // An operation of plonky2's arithmetic gate that is not in use: nothing is connected to its four wires.
    let idle = |row: usize, column: usize| {
        let first = column / 4 * 4;
        checker.gate_name(row).starts_with("ArithmeticGate")
            && (first..first + 4).all(|column| uses[&checker.class(row, column)] == 1)
    };

    let mut names = Vec::new();
    let mut shared: BTreeMap<usize, (usize, String)> = BTreeMap::new();
    let mut equations: Vec<Vec<(usize, F)>> = Vec::new();
    for row in 0..checker.num_rows() {
        let gate = common.gates.iter().find(|gate| gate.0.id() == checker.gate_name(row)).unwrap();
        // The claimed public inputs follow the wires.
        if gate.0.num_constraints() == 0 || gate.0.id().starts_with("PublicInput") {
            continue;
        }
        let classes: Vec<usize> = (0..checker.gate_wires(row)).map(|c| checker.class(row, c)).collect();
        let values: Vec<F> = classes.iter().map(|&c| witness.values[c].unwrap_or(F::ZERO)).collect();
        let constants: Vec<F> = constants.iter().map(|column| column[row]).collect();
        let jacobian = jacobian(gate, &values, &constants);

        // Columns: classes of this row alone, then the shared ones.
        let own: Vec<usize> =
            (0..classes.len()).filter(|&c| uses[&classes[c]] == 1 && !fixed.contains(&classes[c])).collect();
        let mut others: Vec<usize> =
            classes.iter().copied().filter(|c| uses[c] > 1 && !fixed.contains(c)).collect();
        others.sort_unstable();
        others.dedup();
        let mut rows: Vec<Vec<F>> = jacobian
            .iter()
            .map(|derivatives| {
                let mut equation: Vec<F> = own.iter().map(|&c| derivatives[c]).collect();
                equation.resize(own.len() + others.len(), F::ZERO);
                for (c, &d) in derivatives.iter().enumerate() {
                    if let Ok(i) = others.binary_search(&classes[c]) {
                        equation[own.len() + i] += d;
                    }
                }
                equation
            })
            .collect();
        let pivots = eliminate(&mut rows, own.len());
        for (i, &column) in own.iter().enumerate() {
            if !pivots.contains(&i) && !idle(row, column) {
                names.push(format!("row {row}, column {column}, {}", gate.0.id()));
            }
        }
        for &class in &others {
            let next = shared.len();
            shared.entry(class).or_insert_with(|| {
                let column = classes.iter().position(|&c| c == class).unwrap();
                (next, format!("row {row}, column {column}, {}", gate.0.id()))
            });
        }
        for equation in rows {
            let sparse: Vec<_> = others
                .iter()
                .enumerate()
                .filter(|(i, _)| equation[own.len() + i] != F::ZERO)
                .map(|(i, class)| (shared[class].0, equation[own.len() + i]))
                .collect();
            if !sparse.is_empty() {
                equations.push(sparse);
            }
        }
    }
    let mut rows: Vec<Vec<F>> = equations
        .into_iter()
        .map(|sparse| {
            let mut row = vec![F::ZERO; shared.len()];
            sparse.into_iter().for_each(|(i, x)| row[i] = x);
            row
        })
        .collect();
    let pivots = eliminate(&mut rows, shared.len());
    let free = shared.values().filter(|(i, _)| !pivots.contains(i));
    names.extend(free.map(|(_, name)| name.clone()));
    names
}

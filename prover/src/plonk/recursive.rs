//! Packed constraints of the gates that plonky2's verifier circuits are made of.
//!
//! plonky2 evaluates most of them one point at a time. They are written here over [`Arith`], so that their
//! multiplications can be counted, and a test compares their values with plonky2's.

use enfold_circuits::config::{D, F};
use enfold_circuits::gates::arith::Arith;
use enfold_circuits::gates::row::{Constraints, Row};
use plonky2::field::types::Field;
use plonky2::gates::arithmetic_extension::ArithmeticExtensionGate;
use plonky2::gates::base_sum::BaseSumGate;
use plonky2::gates::coset_interpolation::CosetInterpolationGate;
use plonky2::gates::gate::GateRef;
use plonky2::gates::multiplication_extension::MulExtensionGate;
use plonky2::gates::random_access::RandomAccessGate;
use plonky2::gates::reducing::ReducingGate;
use plonky2::gates::reducing_extension::ReducingExtensionGate;

/// GF(p^2) is GF(p)[X] / (X^2 - 7).
const NON_RESIDUE: u64 = 7;

/// Most bits of an index into a list.
const INDEX_BITS: usize = 4;

/// No constraint of these gates has a name.
const UNNAMED: &str = "";

/// A gate with its sizes. Elements of GF(p^2) take two columns.
#[derive(Clone, Debug)]
pub(super) enum RecursiveGate {
    /// `c_0 a b + c_1 c = d`; the columns of an operation are a, b, c, d.
    Arithmetic { operations: usize },
    /// `c_0 a b = d`; the columns of an operation are a, b, d.
    Product { operations: usize },
    /// Horner's rule over elements of GF(p): result, alpha, start, coefficients, all steps but the last.
    Reducing { coefficients: usize },
    /// The same over elements of GF(p^2).
    ReducingExtension { coefficients: usize },
    /// Copies of index, element and list; then constants, then each index's bits.
    RandomAccess { bits: usize, copies: usize, constants: usize },
    /// A sum and its bits.
    Bits { bits: usize },
    /// The value at a point of the polynomial through values on a coset.
    Interpolation(Interpolation),
}

/// Columns: shift, values, point, value there, values and products after every `step` points, the point without the
/// shift.
#[derive(Clone, Debug)]
pub(super) struct Interpolation {
    /// Points up to the first value and product that have columns: one more than between these.
    degree: usize,
    /// The subgroup's points with their barycentric weights.
    points: Vec<(F, F)>,
}

/// An element of GF(p^2).
type Element<V> = [V; 2];

fn element<V: Copy>(row: &impl Row<V>, column: usize) -> Element<V> {
    row.wires(column)
}

/// `a b + c`.
#[inline(always)]
fn product_add<A: Arith>(a: &mut A, x: Element<A::V>, y: Element<A::V>, c: Element<A::V>) -> Element<A::V> {
    let scaled = a.scale(F::from_canonical_u64(NON_RESIDUE), x[1]);
    [a.dot_add([x[0], scaled], y, c[0]), a.dot_add(x, [y[1], y[0]], c[1])]
}

#[inline(always)]
fn equal<A: Arith>(a: &mut A, left: Element<A::V>, right: Element<A::V>, out: &mut impl Constraints<A::V>) {
    for (left, right) in left.into_iter().zip(right) {
        out.zero(UNNAMED, a.sub(left, right));
    }
}

impl RecursiveGate {
    /// The gate, if it is one of these.
    pub(super) fn of(gate: &GateRef<F, D>) -> Option<Self> {
        let any = gate.0.as_any();
        if let Some(gate) = any.downcast_ref::<ArithmeticExtensionGate<D>>() {
            Some(Self::Arithmetic { operations: gate.num_ops })
        } else if let Some(gate) = any.downcast_ref::<MulExtensionGate<D>>() {
            Some(Self::Product { operations: gate.num_ops })
        } else if let Some(gate) = any.downcast_ref::<ReducingGate<D>>() {
            Some(Self::Reducing { coefficients: gate.num_coeffs })
        } else if let Some(gate) = any.downcast_ref::<ReducingExtensionGate<D>>() {
            Some(Self::ReducingExtension { coefficients: gate.num_coeffs })
        } else if let Some(gate) = any.downcast_ref::<RandomAccessGate<F, D>>() {
            (gate.bits <= INDEX_BITS).then_some(Self::RandomAccess {
                bits: gate.bits,
                copies: gate.num_copies,
                constants: gate.num_extra_constants,
            })
        } else if let Some(gate) = any.downcast_ref::<BaseSumGate<2>>() {
            Some(Self::Bits { bits: gate.num_limbs })
        } else if let Some(gate) = any.downcast_ref::<CosetInterpolationGate<F, D>>() {
            let points = F::two_adic_subgroup(gate.subgroup_bits);
            let points = points.into_iter().zip(gate.barycentric_weights.iter().copied()).collect();
            Some(Self::Interpolation(Interpolation { degree: gate.degree, points }))
        } else {
            None
        }
    }

    /// Gives the constraints in plonky2's order.
    #[inline(always)]
    pub(super) fn constraints<A: Arith>(
        &self,
        a: &mut A,
        row: &impl Row<A::V>,
        out: &mut impl Constraints<A::V>,
    ) {
        match self {
            Self::Arithmetic { operations } => {
                let scales = [row.constant(0), row.constant(1)];
                for first in (0..*operations).map(|i| 4 * D * i) {
                    let [x, y, c, result] = [0, 1, 2, 3].map(|i| element(row, first + D * i));
                    let x = x.map(|x| a.mul(scales[0], x));
                    let c = c.map(|c| a.mul(scales[1], c));
                    let computed = product_add(a, x, y, c);
                    equal(a, result, computed, out);
                }
            }
            Self::Product { operations } => {
                let scale = row.constant(0);
                let zero = [a.constant(F::ZERO); 2];
                for first in (0..*operations).map(|i| 3 * D * i) {
                    let [x, y, result] = [0, 1, 2].map(|i| element(row, first + D * i));
                    let x = x.map(|x| a.mul(scale, x));
                    let computed = product_add(a, x, y, zero);
                    equal(a, result, computed, out);
                }
            }
            Self::Reducing { coefficients } => {
                let zero = a.constant(F::ZERO);
                reducing(a, row, *coefficients, 1, |column| [row.wire(column), zero], out);
            }
            Self::ReducingExtension { coefficients } => {
                reducing(a, row, *coefficients, D, |column| element(row, column), out);
            }
            Self::RandomAccess { bits, copies, constants } => {
                let length = 1 << bits;
                let after_lists = (2 + length) * copies;
                for copy in 0..*copies {
                    let first = (2 + length) * copy;
                    let first_bit = after_lists + constants + bits * copy;
                    random_access(a, row, first, first_bit, *bits, out);
                }
                for i in 0..*constants {
                    out.zero(UNNAMED, a.sub(row.constant(i), row.wire(after_lists + i)));
                }
            }
            Self::Bits { bits } => {
                let sum = a.reduce((1..=*bits).map(|column| row.wire(column)), F::TWO);
                out.zero(UNNAMED, a.sub(sum, row.wire(0)));
                (1..=*bits).for_each(|column| out.zero(UNNAMED, a.boolean(row.wire(column))));
            }
            Self::Interpolation(gate) => gate.constraints(a, row, out),
        }
    }
}

/// `accumulator alpha + coefficient` is the next accumulator, the last of which is the result.
#[inline(always)]
fn reducing<A: Arith>(
    a: &mut A,
    row: &impl Row<A::V>,
    coefficients: usize,
    width: usize,
    coefficient: impl Fn(usize) -> Element<A::V>,
    out: &mut impl Constraints<A::V>,
) {
    let alpha = element(row, D);
    let first = 3 * D;
    let mut accumulator = element(row, 2 * D);
    for i in 0..coefficients {
        let computed = product_add(a, alpha, accumulator, coefficient(first + width * i));
        let column = if i + 1 == coefficients { 0 } else { first + width * coefficients + D * i };
        accumulator = element(row, column);
        equal(a, computed, accumulator, out);
    }
}

/// Halves the list with each bit of the index.
#[inline(always)]
fn random_access<A: Arith>(
    a: &mut A,
    row: &impl Row<A::V>,
    first: usize,
    first_bit: usize,
    bits: usize,
    out: &mut impl Constraints<A::V>,
) {
    let bit = |i| row.wire(first_bit + i);
    (0..bits).for_each(|i| out.zero(UNNAMED, a.boolean(bit(i))));
    let index = a.reduce((0..bits).map(bit), F::TWO);
    out.zero(UNNAMED, a.sub(index, row.wire(first)));
    let mut list = [row.wire(first + 2); 1 << INDEX_BITS];
    for (i, item) in list.iter_mut().enumerate().take(1 << bits) {
        *item = row.wire(first + 2 + i);
    }
    for i in 0..bits {
        for pair in 0..1 << (bits - i - 1) {
            let [even, odd] = [list[2 * pair], list[2 * pair + 1]];
            let difference = a.sub(odd, even);
            list[pair] = a.mul_add(bit(i), difference, even);
        }
    }
    out.zero(UNNAMED, a.sub(list[0], row.wire(first + 1)));
}

impl Interpolation {
    #[inline(always)]
    fn constraints<A: Arith>(&self, a: &mut A, row: &impl Row<A::V>, out: &mut impl Constraints<A::V>) {
        let count = self.points.len();
        let step = self.degree - 1;
        let kept = (count - 2) / step;
        let at_point = 1 + D * count;
        let result = at_point + D;
        let values = result + D;
        let products = values + D * kept;
        let unshifted = products + D * kept;

        let shift = row.wire(0);
        let x = element(row, unshifted);
        let point = element(row, at_point);
        let shifted = x.map(|x| a.mul(shift, x));
        equal(a, point, shifted, out);

        let zero = [a.constant(F::ZERO); 2];
        let (mut value, mut product) = (zero, [a.constant(F::ONE), zero[0]]);
        for (i, &(at, weight)) in self.points.iter().enumerate() {
            // The first stretch has a point more than the others.
            if i > step && (i - 1) % step == 0 {
                let kept = (i - 1) / step - 1;
                let [next_value, next_product] =
                    [values, products].map(|first| element(row, first + D * kept));
                equal(a, next_value, value, out);
                equal(a, next_product, product, out);
                (value, product) = (next_value, next_product);
            }
            let at = a.constant(at);
            let term = [a.sub(x[0], at), x[1]];
            let weighted = element(row, 1 + D * i).map(|y| a.scale(weight, y));
            let carried = product_add(a, weighted, product, zero);
            value = product_add(a, value, term, carried);
            product = product_add(a, product, term, zero);
        }
        equal(a, element(row, result), value, out);
    }
}

//! Six steps of the walk that checks a signature, on one row.
//!
//! The walk starts at a fixed point A0 and takes 132 steps, from the most significant digit to
//! the least. A step maps `P` to `2 P + d K + Q`, where `K` is the key, the sign `d` is a digit of the
//! challenge, and `Q = s (G + u 2^132 G + v 2^264 G)`, with signs `s`, `u`, `v`, is given by three
//! digits of the response. After the last step the point is `F = 2^132 A0 + c K + r G`.
//!
//! # Columns
//!
//! | columns | what |
//! |---|---|
//! | 0..10 | `P` before the row's first step: x (5), y (5) (routed) |
//! | 10..20 | `P` after its last step (routed) |
//! | 20..30 | `K` (routed) |
//! | 30, 31 | the challenge's integer before and after the row's digits (routed) |
//! | 32 + 17 j .. | step j: the slopes of its three additions (5 each), `e = u + 2 v`, `f = d + 2 s` |
//!
//! # A step
//!
//! `A = P + d K`, `B = A + P`, `C = B + Q`, `C` being the next `P`. (`B = 2 P + d K` in two additions,
//! which takes fewer products than a doubling and an addition.) On `y^2 = x^3 + 2 x^2 + b x` the sum of
//! two points on a line of slope `l` has `x = l^2 - 2 - x1 - x2`, and minus its y is on the line. So
//! with the slopes `l1`, `l2`, `l3` as wires everything else is a polynomial:
//!
//! - `x_A = l1^2 - 2 - x_P - x_K`, `x_B = l2^2 - 2 - x_A - x_P`, `x_C = l3^2 - 2 - x_B - x_Q`;
//! - `-y_B = l2 (x_B - x_P) + y_P`, the line through `A` and `P`;
//! - `-y_C = l3 (x_C - x_B) + y_B`, the line through `B` and `Q`.
//!
//! and the constraints, five each, say that the slopes are those of the lines:
//!
//! - `l1 (x_K - x_P) = d y_K - y_P`;
//! - `l2 (x_P - x_A) = y_P - y_A`, which with `y_A = l1 (x_P - x_A) - y_P` is
//!   `(l1 + l2) (x_A - x_P) + 2 y_P = 0`;
//! - `l3 (x_Q - x_B) = y_Q - y_B`.
//!
//! Degrees do not grow from step to step: x_B is `l2^2 - l1^2 + x_K`, whatever x_P is, and y is taken from a
//! line each time. `e` and `f` are -3, -1, 1 or 3; `s` and `d` are cubic in `f`, x_Q and y_Q / s are
//! cubic in `e`. So the highest degree is that of `y_Q`, six.
//!
//! # What an addition proves
//!
//! If its two points differ in x, then the slope and the sum are the only ones possible. If they are
//! opposite, the constraint reads `0 = 2 y` and no slope meets it, because no point of the group has
//! `y = 0`. If they are equal, the first and third constraint read `0 = 0` and admit any slope (the
//! second reads `2 y = 0` here too, and never passes). `circuits::gadgets::schnorr` says why `P = d K`
//! and `B = Q` help nobody.

use std::sync::LazyLock;

use enfold_state::ecgfp5::Fp5;
use enfold_state::ecgfp5::walk::{ROW_STEPS, Row as WalkRow, WALK_ROWS, WALK_STEPS, constants};
use plonky2::field::types::Field;

use super::arith::Arith;
use super::quintic::{self, Factor, Quintic};
use super::row::{Constraints, Row, RowGate};
use crate::convert::from_native_array;
use crate::field::F;

/// Steps on one row.
pub const STEPS: usize = ROW_STEPS;

/// Rows of the walk.
pub const ROWS: usize = WALK_ROWS;

const _: () = assert!(STEPS * ROWS == WALK_STEPS);

/// Columns of `P` before the row: x, then y.
pub const POINT_IN: usize = 0;
/// Columns of `P` after the row.
pub const POINT_OUT: usize = 10;
/// Columns of the key.
pub const KEY: usize = 20;
/// Column of the challenge's integer before the row.
pub const INTEGER_IN: usize = 30;
/// Column of the challenge's integer after the row: the one before, times `2^STEPS`, plus the row's
/// digits as bits (-1 is 0), most significant first.
pub const INTEGER_OUT: usize = 31;

/// Columns of one step.
const STEP_WIRES: usize = 17;

/// The first column of slope 0, 1 or 2 of a step.
pub const fn slope(step: usize, addition: usize) -> usize {
    32 + STEP_WIRES * step + 5 * addition
}

/// The column of `e = u + 2 v` of a step.
pub const fn choice(step: usize) -> usize {
    slope(step, 3)
}

/// The column of `f = d + 2 s` of a step.
pub const fn signs(step: usize) -> usize {
    slope(step, 3) + 1
}

/// The values of `e` and `f`.
const QUARTERS: [i64; 4] = [-3, -1, 1, 3];

/// Coordinates of `G + u 2^132 G + v 2^264 G` as polynomials of `e`: for each of their five coefficients, that of
/// `1, e, e^2, e^3`.
struct Table {
    x: Quintic<[F; 4]>,
    y: Quintic<[F; 4]>,
    /// 1 / 12.
    twelfth: F,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    // Entry i of the native table is that for u + 2 v = QUARTERS[i].
    let points = constants().table;
    Table {
        x: interpolate(points.map(|(x, _)| x)),
        y: interpolate(points.map(|(_, y)| y)),
        twelfth: F::from_canonical_u64(12).inverse(),
    }
});

/// The cubics with these values at -3, -1, 1, 3.
fn interpolate(values: [Fp5; 4]) -> Quintic<[F; 4]> {
    let values = values.map(|value| from_native_array(value.0));
    // Even and odd parts at 1 and 3: even = c0 + c2 e^2, odd = e (c1 + c3 e^2).
    std::array::from_fn(|i| {
        let [minus3, minus1, plus1, plus3] = values.map(|value| value[i]);
        let half = F::TWO.inverse();
        let eighth = half.cube();
        let third = F::from_canonical_u64(3).inverse();
        let (even1, even3) = ((plus1 + minus1) * half, (plus3 + minus3) * half);
        let (odd1, odd3) = ((plus1 - minus1) * half, (plus3 - minus3) * half * third);
        let (c2, c3) = ((even3 - even1) * eighth, (odd3 - odd1) * eighth);
        [even1 - c2, odd1 - c3, c2, c3]
    })
}

/// The gate; see the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CurveGate;

impl RowGate for CurveGate {
    const NAME: &'static str = "Curve";
    const WIRES: usize = slope(STEPS, 0);
    const DEGREE: usize = 6;
    // Behind the gates of every batch and in front of Poseidon2's: circuits without signatures turn it off.
    const SORTING_DEGREE: usize = 7;
    const CONSTRAINTS: usize = 17 * STEPS + 11;
    const FILLS: bool = false;

    #[inline(always)]
    fn constraints<A: Arith>(a: &mut A, row: &impl Row<A::V>, out: &mut impl Constraints<A::V>) {
        let two = F::TWO;
        let (x_key, y_key) = (row.wires::<5>(KEY), row.wires::<5>(KEY + 5));
        let mut x = row.wires::<5>(POINT_IN);
        // Minus y of the point: the products give it, and no step needs the other sign.
        let mut y_minus = row.wires::<5>(POINT_IN + 5).map(|c| a.scale(F::NEG_ONE, c));
        let integer = row.wire(INTEGER_IN);
        let mut integer_twice = a.add(integer, integer);

        for step in 0..STEPS {
            let digits = Digits::read(a, row, step, out);
            integer_twice = a.scale_add(two, integer_twice, digits.challenge);

            let l1 = Factor::new(a, row.wires::<5>(slope(step, 0)));
            let l2 = Factor::new(a, row.wires::<5>(slope(step, 1)));
            let l3 = Factor::new(a, row.wires::<5>(slope(step, 2)));

            // A = P + d K.
            let rise = quintic::scale_add(a, digits.challenge, y_key, y_minus);
            let run = quintic::sub(a, x_key, x);
            for c in l1.mul_sub(a, run, rise) {
                out.zero("slope from P to d K", c);
            }

            // B = A + P. x_A - x_P = l1^2 - x_K - (2 x_P + 2), and x_B = l2^2 - l1^2 + x_K.
            let x_sum = l1.square_sub(a, x_key);
            let x_twice = quintic::add(a, x, x);
            let x_twice = quintic::add_base(a, x_twice, two);
            let run = quintic::sub(a, x_sum, x_twice);
            let y_minus_twice = quintic::add(a, y_minus, y_minus);
            for c in Factor::add(a, &l1, &l2).mul_sub(a, run, y_minus_twice) {
                out.zero("slope from A to P", c);
            }
            let x_b = l2.square_sub(a, x_sum);
            let run = quintic::sub(a, x, x_b);
            let y_b = l2.mul_add(a, run, y_minus);

            // C = B + Q.
            let run = quintic::sub(a, digits.x, x_b);
            let rise = quintic::scale_sub(a, digits.sign, digits.y, y_b);
            for c in l3.mul_sub(a, run, rise) {
                out.zero("slope from B to Q", c);
            }
            let x_sum = quintic::add(a, x_b, digits.x);
            let x_sum = quintic::add_base(a, x_sum, two);
            x = l3.square_sub(a, x_sum);
            let run = quintic::sub(a, x, x_b);
            y_minus = l3.mul_add(a, run, y_b);
        }

        let (x_out, y_out) = (row.wires::<5>(POINT_OUT), row.wires::<5>(POINT_OUT + 5));
        for c in quintic::sub(a, x_out, x) {
            out.zero("x after the last step", c);
        }
        for c in quintic::add(a, y_out, y_minus) {
            out.zero("y after the last step", c);
        }

        // The digits were added as -1 and 1 to twice the integer, where bits count 0 and 2.
        let integer = a.add_constant(integer_twice, F::from_canonical_u64((1 << STEPS) - 1));
        out.zero("challenge integer", a.scale_add(-two, row.wire(INTEGER_OUT), integer));
    }
}

/// What a step's two digit wires represent.
struct Digits<V> {
    /// d.
    challenge: V,
    /// s.
    sign: V,
    /// Coordinates of Q / s.
    x: Quintic<V>,
    y: Quintic<V>,
}

impl<V: Copy> Digits<V> {
    #[inline(always)]
    fn read<A: Arith<V = V>>(
        a: &mut A,
        row: &impl Row<V>,
        step: usize,
        out: &mut impl Constraints<V>,
    ) -> Self {
        let (e, f) = (row.wire(choice(step)), row.wire(signs(step)));
        let e2 = Self::square_of_quarter(a, e, "response digits are -3, -1, 1 or 3", out);
        let f2 = Self::square_of_quarter(a, f, "sign and challenge digit are -3, -1, 1 or 3", out);
        let e3 = a.mul(e, e2);
        let f3 = a.mul(f, f2);

        // s = (13 f - f^3) / 12, d = f - 2 s.
        let twelfth = TABLE.twelfth;
        let sign = a.scale(F::from_canonical_u64(13) * twelfth, f);
        let sign = a.scale_add(-twelfth, f3, sign);
        let challenge = a.scale_add(-F::TWO, sign, f);

        let mut cubic = |coordinate: &Quintic<[F; 4]>| {
            let mut value = [e; 5];
            for (value, &[k0, k1, k2, k3]) in value.iter_mut().zip(coordinate) {
                let k = [a.constant(k1), a.constant(k2), a.constant(k3)];
                let k0 = a.constant(k0);
                *value = a.dot_add(k, [e, e2, e3], k0);
            }
            value
        };
        let table = &*TABLE;
        Self { challenge, sign, x: cubic(&table.x), y: cubic(&table.y) }
    }

    /// Requires -3, -1, 1 or 3, by `(x^2 - 5)^2 = 16`; gives the square.
    #[inline(always)]
    fn square_of_quarter<A: Arith<V = V>>(
        a: &mut A,
        x: V,
        name: &'static str,
        out: &mut impl Constraints<V>,
    ) -> V {
        let square = a.square(x);
        let centred = a.add_constant(square, -F::from_canonical_u64(5));
        let sixteen = a.constant(F::from_canonical_u64(16));
        out.zero(name, a.mul_sub(centred, centred, sixteen));
        square
    }
}

/// The values of `e` and `f` for a step's signs (true is 1, false is -1).
fn quarter(low: bool, high: bool) -> F {
    let integer = QUARTERS[usize::from(low) + 2 * usize::from(high)];
    if integer < 0 {
        -F::from_canonical_u64(integer.unsigned_abs())
    } else {
        F::from_canonical_u64(integer as u64)
    }
}

/// The private wires of a row, from column [`slope`]`(0, 0)` on.
pub fn fill(row: &WalkRow) -> [F; STEP_WIRES * STEPS] {
    let mut wires = [F::ZERO; STEP_WIRES * STEPS];
    for (wires, step) in wires.as_chunks_mut::<STEP_WIRES>().0.iter_mut().zip(&row.steps) {
        for (wires, slope) in wires.as_chunks_mut::<5>().0.iter_mut().zip(step.slopes) {
            *wires = from_native_array(slope.0);
        }
        let [sign, middle, high] = step.table;
        wires[15] = quarter(middle, high);
        wires[16] = quarter(step.key, sign);
    }
    wires
}

crate::impl_gate!(CurveGate);

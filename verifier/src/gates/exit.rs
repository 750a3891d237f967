//! The end of the walk: the part of [`super::signature`]'s row that takes the fixed point `T = 2^132 A0`
//! off the last point `F` and encodes the difference `R`.
//!
//! Points on a line sum to nothing, and `-F + T + R = 0`: so `R` is the third point of the line through `-F` and
//! `T`. With its slope as a wire, `R` is a polynomial:
//!
//! - `-y_F = slope (x_F - x_T) + y_T`: the line passes through `-F`;
//! - `x_R = slope^2 - 2 - x_F - x_T`, `y_R = slope (x_R - x_T) + y_T`: the third point on it;
//! - `w x_R = y_R`: its encoding;
//! - `(x_F - x_T) inverse = 1`: there is one such slope only, so `R` is `F - T` and nothing else.
//!
//! `R` is not the neutral element, because `F` is not `T`. So `x_R` is not 0 and `w` is the only one.

use std::sync::LazyLock;

use anyhow::{Context, Result};
use enfold_state::ecgfp5::Fp5;
use enfold_state::ecgfp5::walk::{Affine, constants};
use plonky2::field::types::Field;

use super::arith::Arith;
use super::quintic::{self, Factor, Quintic};
use super::row::{Constraints, Row};
use crate::convert::from_native_array;
use crate::field::F;

/// Constraints.
pub const CONSTRAINTS: usize = 15;

/// The columns, five each but for the point.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    /// The walk's last point: x (5), y (5) (routed).
    pub point: usize,
    /// The encoded `R` (routed).
    pub w: usize,
    /// The slope of the line through `-F`, `T` and `R`.
    pub slope: usize,
    /// `1 / (x_F - x_T)`.
    pub inverse: usize,
}

/// Coordinates of `T`.
static END: LazyLock<[Quintic<F>; 2]> = LazyLock::new(|| {
    let (x, y) = constants().end;
    [x, y].map(|c| from_native_array(c.0))
});

/// The constraints.
#[inline(always)]
pub fn constraints<A: Arith>(a: &mut A, row: &impl Row<A::V>, at: Columns, out: &mut impl Constraints<A::V>) {
    let [x, y, w, slope, inverse] =
        [at.point, at.point + 5, at.w, at.slope, at.inverse].map(|first| row.wires::<5>(first));
    let [x_end, y_end] = END.map(|c| quintic::constant(a, c));
    let slope = Factor::new(a, slope);
    let run = quintic::sub(a, x, x_end);
    let run_factor = Factor::new(a, run);

    let one = quintic::constant(a, [F::ONE, F::ZERO, F::ZERO, F::ZERO, F::ZERO]);
    for c in run_factor.mul_sub(a, inverse, one) {
        out.zero("exit: x_F is not x_T", c);
    }
    let sum = quintic::add(a, y, y_end);
    let minus_sum = sum.map(|c| a.scale(F::NEG_ONE, c));
    for c in slope.mul_sub(a, run, minus_sum) {
        out.zero("exit: slope from T to -F", c);
    }
    let x_sum = quintic::add(a, x, x_end);
    let x_sum = quintic::add_base(a, x_sum, F::TWO);
    let x_r = slope.square_sub(a, x_sum);
    let run = quintic::sub(a, x_r, x_end);
    let y_r = slope.mul_add(a, run, y_end);
    let w = Factor::new(a, w);
    for c in w.mul_sub(a, x_r, y_r) {
        out.zero("exit: w x_R = y_R", c);
    }
}

/// The slope and the inverse for a last point.
///
/// # Errors
/// If the point is `T` or `-T`.
pub fn fill((x, y): Affine) -> Result<[Fp5; 2]> {
    let (x_end, y_end) = constants().end;
    let inverse = (x - x_end).inverse().context("the walk ends at plus or minus its fixed end")?;
    Ok([-(y + y_end) * inverse, inverse])
}

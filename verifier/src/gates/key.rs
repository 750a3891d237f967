//! The key: the part of [`super::signature`]'s row that decodes `w` to the point that the walk adds.
//!
//! `y = w x` and `y^2 = x^3 + 2 x^2 + b x`, that is `w y = x^2 + 2 x + b` (x is not 0, or this reads
//! `0 = b`). The equation has two roots x for each w that can be decoded, whose product is b, not a
//! square. So exactly one is a square, and the wire `t`, `x = t^2`, picks it. It belongs to the point in
//! the group of prime order, the one that native decoding takes. (`w = 0` has no x: `x^2 + 2 x + b` has no
//! root. The neutral element is not a key.)

use anyhow::{Context, Result};
use enfold_state::ecgfp5::Fp5;

use super::arith::Arith;
use super::quintic::{self, Factor};
use super::row::{Constraints, Row};

/// Constraints.
pub const CONSTRAINTS: usize = 15;

/// The columns, five each.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    /// The encoded key (routed).
    pub w: usize,
    /// The point's x (routed).
    pub x: usize,
    /// The point's y (routed).
    pub y: usize,
    /// A root of x.
    pub t: usize,
}

/// The constraints.
#[inline(always)]
pub fn constraints<A: Arith>(a: &mut A, row: &impl Row<A::V>, at: Columns, out: &mut impl Constraints<A::V>) {
    let [w, x, y, t] = [at.w, at.x, at.y, at.t].map(|first| row.wires::<5>(first));
    let w = Factor::new(a, w);
    for c in w.mul_sub(a, x, y) {
        out.zero("key: y = w x", c);
    }
    // w y - (x^2 + 2 x + b).
    let b = quintic::constant(a, quintic::curve_b());
    let wy = w.mul_sub(a, y, b);
    let twice = quintic::add(a, x, x);
    let rest = quintic::sub(a, wy, twice);
    let factor = Factor::new(a, x);
    for c in factor.square_sub(a, rest) {
        out.zero("key: w^2 x = x^2 + 2 x + b", c);
    }
    let factor = Factor::new(a, t);
    for c in factor.square_sub(a, x) {
        out.zero("key: x is a square", c);
    }
}

/// The wire `t` for the x of a point of the group.
///
/// # Errors
/// If x is not a square.
pub fn fill(x: Fp5) -> Result<Fp5> {
    x.sqrt().context("the key's x is not a square")
}

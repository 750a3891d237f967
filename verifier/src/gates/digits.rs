//! Base-4 digits of a value, for range checks inside gates.
//!
//! A value that is a sum of `n` digits is below `4^n`; with `n <= 31` that is below p, so the field
//! equation is an equation of integers.

use std::ops::Range;

use anyhow::{Result, ensure};
use plonky2::field::types::{Field, PrimeField64};

use super::arith::Arith;
use super::row::{Constraints, Row, RowFiller};
use crate::field::F;

/// Constrains the value in a column to be the sum of the base-4 digits in others, lowest first. Degree 4;
/// one constraint more than there are digits.
#[inline(always)]
pub(super) fn constrain<A: Arith>(
    a: &mut A,
    row: &impl Row<A::V>,
    out: &mut impl Constraints<A::V>,
    value: usize,
    columns: Range<usize>,
) {
    for column in columns.clone() {
        constrain_digit(a, row.wire(column), out);
    }
    let sum = a.reduce(columns.map(|column| row.wire(column)), F::from_canonical_u64(4));
    out.zero("value is the sum of its digits", a.sub(sum, row.wire(value)));
}

/// Constrains a value to be a digit: 0, 1, 2 or 3. Degree 4, one constraint.
#[inline(always)]
pub(super) fn constrain_digit<A: Arith>(a: &mut A, x: A::V, out: &mut impl Constraints<A::V>) {
    // With u = x (x - 3) + 1: x (x - 3) (x - 1) (x - 2) = (u - 1) (u + 1).
    let one = a.constant(F::ONE);
    let other = a.add_constant(x, -F::from_canonical_u64(3));
    let u = a.mul_add(x, other, one);
    out.zero("digit is 0, 1, 2 or 3", a.mul_sub(u, u, one));
}

/// Sets the digits' columns from the value's.
///
/// # Errors
/// If the value has more digits.
pub(super) fn fill(row: &mut RowFiller<'_, '_>, value: usize, columns: Range<usize>) -> Result<()> {
    let integer = row.get(value).to_canonical_u64();
    let bits = 2 * columns.len();
    ensure!(integer >> bits == 0, "range check: expected below 2^{bits}, got {integer}");
    for (i, column) in columns.enumerate() {
        row.set(column, F::from_canonical_u64((integer >> (2 * i)) & 3))?;
    }
    Ok(())
}

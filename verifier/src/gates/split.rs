//! The digits of a challenge element: the part of [`super::signature`]'s row that cuts a field element into
//! the two integers that the walk's rows count.
//!
//! `h = lo + 2^36 hi` with `lo < 2^36` and `hi < 2^28`, `h` being the canonical integer: the other 64-bit
//! integer of a small element, `h + p`, is refused. So the challenge is exact. The digits are in base 4.
//!
//! The canonical form: with `low` the lower 32 bits, `high` the upper 32 and `M = 2^32 - 1`, an integer is
//! at least `p = 2^32 M + 1` just if `high = M` and `low > 0`. The wire `inverse` makes
//! `is_max = 1 - (high - M) inverse` zero unless `high = M`; `(high - M) is_max = 0` makes it one if it is.

use plonky2::field::types::Field;

use super::arith::Arith;
use super::digits::constrain_digit;
use super::row::{Constraints, Row};
use crate::field::F;

/// Bits of `lo`.
pub const LO_BITS: usize = 36;
/// Bits of `hi`.
pub const HI_BITS: usize = 64 - LO_BITS;

/// Base-4 digits of `lo`, of which the first [`LOW`] are the lower 32 bits of the whole; then of `hi`.
const LO: usize = LO_BITS / 2;
const HI: usize = HI_BITS / 2;
const LOW: usize = 16;

const _: () = assert!(LO_BITS.is_multiple_of(2) && LO > LOW);

/// Digit wires.
const DIGITS: usize = LO + HI;

/// Columns of private wires: the digits and the inverse.
pub const PRIVATE: usize = DIGITS + 1;

/// Constraints for one element.
pub const CONSTRAINTS: usize = DIGITS + 5;

/// The columns of one element's split.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    /// The element (routed).
    pub element: usize,
    /// The lower part (routed).
    pub lo: usize,
    /// The upper part (routed).
    pub hi: usize,
    /// The first of [`PRIVATE`] others: digits of `lo`, lowest first, digits of `hi`, inverse.
    pub private: usize,
}

impl Columns {
    /// The column of the inverse.
    pub const fn inverse(&self) -> usize {
        self.private + DIGITS
    }
}

/// `2^bits`.
fn power(bits: usize) -> F {
    F::from_canonical_u64(1 << bits)
}

/// The constraints.
#[inline(always)]
pub fn constraints<A: Arith>(a: &mut A, row: &impl Row<A::V>, at: Columns, out: &mut impl Constraints<A::V>) {
    let mut column = at.private;
    let low = part(a, row, &mut column, LOW, out);
    let lo_rest = part(a, row, &mut column, LO - LOW, out);
    let hi = part(a, row, &mut column, HI, out);

    let lo = a.scale_add(power(2 * LOW), lo_rest, low);
    out.zero("lo is the sum of its digits", a.sub(lo, row.wire(at.lo)));
    out.zero("hi is the sum of its digits", a.sub(hi, row.wire(at.hi)));
    let whole = a.scale_add(power(LO_BITS), hi, lo);
    out.zero("element is lo + 2^36 hi", a.sub(whole, row.wire(at.element)));

    let high = a.scale_add(power(LO_BITS - 2 * LOW), hi, lo_rest);
    let below = a.add_constant(high, -F::from_canonical_u64(u64::from(u32::MAX)));
    let one = a.constant(F::ONE);
    let not_max = a.mul_sub(below, row.wire(at.inverse()), one);
    out.zero("is_max is 0 or high is the largest", a.mul(below, not_max));
    out.zero("canonical: high is not the largest, or low is 0", a.mul(not_max, low));
}

/// The integer of this many base-4 digits from this column on, which is moved past them.
#[inline(always)]
fn part<A: Arith>(
    a: &mut A,
    row: &impl Row<A::V>,
    column: &mut usize,
    digits: usize,
    out: &mut impl Constraints<A::V>,
) -> A::V {
    let first = *column;
    *column += digits;
    for x in first..*column {
        constrain_digit(a, row.wire(x), out);
    }
    a.reduce((first..*column).map(|x| row.wire(x)), F::from_canonical_u64(4))
}

/// `lo` and `hi` of a canonical integer.
pub const fn parts(integer: u64) -> [u64; 2] {
    [integer & ((1 << LO_BITS) - 1), integer >> LO_BITS]
}

/// The private wires for an integer. It is cut as it is, canonical or not.
pub fn fill(integer: u64) -> [F; PRIVATE] {
    let mut wires = [F::ZERO; PRIVATE];
    let mut next = wires.iter_mut();
    for (part, digits) in parts(integer).into_iter().zip([LO, HI]) {
        for i in 0..digits {
            let digit = F::from_canonical_u64(part >> (2 * i) & 3);
            *next.next().expect("as many digits as wires") = digit;
        }
    }
    let below = F::from_canonical_u64(integer >> 32) - F::from_canonical_u64(u64::from(u32::MAX));
    wires[DIGITS] = below.try_inverse().unwrap_or(F::ZERO);
    wires
}

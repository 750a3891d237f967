//! The digits of a challenge element: the part of [`super::signature`]'s row that cuts a field element into
//! the two integers that the walk's rows count.
//!
//! `h = lo + 2^35 hi` with `lo < 2^35` and `hi < 2^29`, `h` being the canonical integer: the other 64-bit
//! integer of a small element, `h + p`, is refused. So the challenge is exact. The digits are in base 4,
//! but for the highest bit of each part.
//!
//! The canonical form: with `low` the lower 32 bits, `high` the upper 32 and `M = 2^32 - 1`, an integer is
//! at least `p = 2^32 M + 1` just if `high = M` and `low > 0`. The wire `inverse` makes
//! `is_max = 1 - (high - M) inverse` zero unless `high = M`; `(high - M) is_max = 0` makes it one if it is.

use plonky2::field::types::Field;

use super::arith::{Arith, F};
use super::digits::constrain_digit;
use super::row::{Constraints, Row};

/// Bits of `lo`.
pub const LO_BITS: usize = 35;
/// Bits of `hi`.
pub const HI_BITS: usize = 64 - LO_BITS;

/// Base-4 digits and single bits of `lo`, of which the first 16 digits are the lower 32 bits; then of `hi`.
const LO: [usize; 2] = [LO_BITS / 2, LO_BITS % 2];
const HI: [usize; 2] = [HI_BITS / 2, HI_BITS % 2];
const LOW: usize = 16;

/// Digit wires.
const DIGITS: usize = LO[0] + LO[1] + HI[0] + HI[1];

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
    let low = part(a, row, &mut column, [LOW, 0], out);
    let lo_rest = part(a, row, &mut column, [LO[0] - LOW, LO[1]], out);
    let hi = part(a, row, &mut column, HI, out);

    let lo = a.scale_add(power(2 * LOW), lo_rest, low);
    out.zero("lo is the sum of its digits", a.sub(lo, row.wire(at.lo)));
    out.zero("hi is the sum of its digits", a.sub(hi, row.wire(at.hi)));
    let whole = a.scale_add(power(LO_BITS), hi, lo);
    out.zero("element is lo + 2^35 hi", a.sub(whole, row.wire(at.element)));

    let high = a.scale_add(power(LO_BITS - 2 * LOW), hi, lo_rest);
    let below = a.add_constant(high, -F::from_canonical_u64(u64::from(u32::MAX)));
    let one = a.constant(F::ONE);
    let not_max = a.mul_sub(below, row.wire(at.inverse()), one);
    out.zero("is_max is 0 or high is the largest", a.mul(below, not_max));
    out.zero("canonical: high is not the largest, or low is 0", a.mul(not_max, low));
}

/// The integer of the base-4 digits and, above them, the bits from this column on, which is moved past them.
#[inline(always)]
fn part<A: Arith>(
    a: &mut A,
    row: &impl Row<A::V>,
    column: &mut usize,
    [quarters, bits]: [usize; 2],
    out: &mut impl Constraints<A::V>,
) -> A::V {
    let first = *column;
    *column += quarters + bits;
    for x in first..first + quarters {
        constrain_digit(a, row.wire(x), out);
    }
    for x in first + quarters..*column {
        out.zero("digit is 0 or 1", a.boolean(row.wire(x)));
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
    for (part, [quarters, bits]) in parts(integer).into_iter().zip([LO, HI]) {
        for i in 0..quarters + bits {
            // The highest digit of an odd number of bits is a bit, and the part has no more.
            let digit = F::from_canonical_u64(part >> (2 * i) & 3);
            *next.next().expect("as many digits as wires") = digit;
        }
    }
    let below = F::from_canonical_u64(integer >> 32) - F::from_canonical_u64(u64::from(u32::MAX));
    wires[DIGITS] = below.try_inverse().unwrap_or(F::ZERO);
    wires
}

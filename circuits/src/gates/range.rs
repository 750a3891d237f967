//! Range checks of five values on one row, in base-4 digits.
//!
//! | columns | what |
//! |---|---|
//! | 0..5 | the values: three of 62 bits, two of 32 bits (routed) |
//! | 5..130 | their digits, lowest first: 31, 31, 31, 16, 16 |
//!
//! A sum of 31 digits is below 2^62 < p, so the field equation is an equation of integers.

use anyhow::{Result, ensure};
use plonky2::field::types::{Field, PrimeField64};

use super::arith::{Arith, F};
use super::row::{Constraints, Row, RowFiller, RowGate};

/// Digits of each value.
const DIGITS: [usize; 5] = [31, 31, 31, 16, 16];

/// First column of the digits.
const START_DIGITS: usize = DIGITS.len();

/// The gate; see the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RangeGate;

impl RangeGate {
    /// Values of a row that are checked to be below `2^62`.
    pub const WIDE: usize = 3;
    /// Values of a row that are checked to be below `2^32`; they come after the wide ones.
    pub const NARROW: usize = 2;

    /// The column of a value, below `WIDE + NARROW`.
    pub const fn value(index: usize) -> usize {
        assert!(index < Self::WIDE + Self::NARROW);
        index
    }

    /// Bits of the value with this index.
    pub const fn bits(index: usize) -> usize {
        2 * DIGITS[index]
    }
}

/// Value index, and its digits' columns.
fn digit_columns() -> impl Iterator<Item = (usize, std::ops::Range<usize>)> {
    let mut start = START_DIGITS;
    DIGITS.into_iter().enumerate().map(move |(value, digits)| {
        let columns = start..start + digits;
        start += digits;
        (value, columns)
    })
}

impl RowGate for RangeGate {
    const NAME: &'static str = "Range";
    const WIRES: usize = 130;
    const DEGREE: usize = 4;
    const CONSTRAINTS: usize = 130;

    #[inline(always)]
    fn constraints<A: Arith>(a: &mut A, row: &impl Row<A::V>, out: &mut impl Constraints<A::V>) {
        let (one, three, four) = (a.constant(F::ONE), F::from_canonical_u64(3), F::from_canonical_u64(4));
        for (value, columns) in digit_columns() {
            for column in columns.clone() {
                // With u = x^2 - 3x + 1: x (x - 3) (x - 1) (x - 2) = (u - 1) (u + 1).
                let x = row.wire(column);
                let above = a.mul_add(x, x, one);
                let u = a.scale_add(-three, x, above);
                out.zero("digit is 0, 1, 2 or 3", a.mul_sub(u, u, one));
            }
            let sum = a.reduce(columns.map(|column| row.wire(column)), four);
            out.zero("value is the sum of its digits", a.sub(sum, row.wire(value)));
        }
    }

    fn inputs() -> Vec<usize> {
        (0..DIGITS.len()).collect()
    }

    fn fill(row: &mut RowFiller<'_, '_>) -> Result<()> {
        for (value, columns) in digit_columns() {
            let integer = row.get(value).to_canonical_u64();
            let bits = Self::bits(value);
            ensure!(integer >> bits == 0, "range check: expected below 2^{bits}, got {integer}");
            for (i, column) in columns.enumerate() {
                row.set(column, F::from_canonical_u64((integer >> (2 * i)) & 3))?;
            }
        }
        Ok(())
    }
}

crate::impl_gate!(RangeGate);

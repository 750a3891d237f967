//! Range checks of five values on one row, in base-4 digits.
//!
//! | columns | what |
//! |---|---|
//! | 0..5 | the values: three of 62 bits, two of 32 bits (routed) |
//! | 5..130 | their digits, lowest first: 31, 31, 31, 16, 16 |
//!
//! A sum of 31 digits is below 2^62 < p, so the field equation is an equation of integers.

use anyhow::Result;

use super::arith::Arith;
use super::digits;
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
        for (value, columns) in digit_columns() {
            digits::constrain(a, row, out, value, columns);
        }
    }

    fn inputs() -> Vec<usize> {
        (0..DIGITS.len()).collect()
    }

    fn fill(row: &mut RowFiller<'_, '_>) -> Result<()> {
        digit_columns().try_for_each(|(value, columns)| digits::fill(row, value, columns))
    }
}

crate::impl_gate!(RangeGate);

//! A leaf index from the bits of its path, and small range checks in the room that is left on the row.
//!
//! | columns | what |
//! |---|---|
//! | 0 | index (routed) |
//! | 1..31 | the index's bits, lowest first (routed) |
//! | 31..37 | values: one of 32 bits, five of 30 bits (routed) |
//! | 37..128 | their base-4 digits, lowest first: 16, then five times 15 |
//!
//! The gate does **not** constrain the bits to be boolean: they are the swap inputs of the Poseidon2 rows
//! that climb the path, and those rows do. Then the sum is below 2^30 < p and the index is exact.

use anyhow::Result;
use enfold_state::leaf::TREE_DEPTH;
use plonky2::field::types::Field;

use super::arith::Arith;
use super::digits;
use super::row::{Constraints, Row, RowFiller, RowGate};
use crate::field::F;

/// Digits of each value.
const DIGITS: [usize; 6] = [16, 15, 15, 15, 15, 15];

/// First column of the values.
const START_VALUES: usize = 1 + TREE_DEPTH;

/// First column of the digits.
const START_DIGITS: usize = START_VALUES + DIGITS.len();

/// The gate; see the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathGate;

impl PathGate {
    /// The column of the index.
    pub const INDEX: usize = 0;
    /// The column of the value that is checked to be below `2^32`.
    pub const NARROW: usize = START_VALUES;
    /// Values of a row that are checked to be below `2^30`.
    pub const INDICES: usize = DIGITS.len() - 1;

    /// The column of a bit of the index, below [`TREE_DEPTH`].
    pub const fn bit(level: usize) -> usize {
        assert!(level < TREE_DEPTH);
        1 + level
    }

    /// The column of a value that is checked to be below `2^30`.
    pub const fn index_value(slot: usize) -> usize {
        assert!(slot < Self::INDICES);
        Self::NARROW + 1 + slot
    }
}

/// Each value's column and its digits' columns.
fn digit_columns() -> impl Iterator<Item = (usize, std::ops::Range<usize>)> {
    let mut start = START_DIGITS;
    DIGITS.into_iter().enumerate().map(move |(value, digits)| {
        let columns = start..start + digits;
        start += digits;
        (START_VALUES + value, columns)
    })
}

impl RowGate for PathGate {
    const NAME: &'static str = "Path";
    const WIRES: usize = 128;
    const DEGREE: usize = 4;
    const CONSTRAINTS: usize = 98;

    #[inline(always)]
    fn constraints<A: Arith>(a: &mut A, row: &impl Row<A::V>, out: &mut impl Constraints<A::V>) {
        let index = a.reduce((0..TREE_DEPTH).map(|level| row.wire(Self::bit(level))), F::TWO);
        out.zero("index is the sum of its bits", a.sub(index, row.wire(Self::INDEX)));
        for (value, columns) in digit_columns() {
            digits::constrain(a, row, out, value, columns);
        }
    }

    fn inputs() -> Vec<usize> {
        (START_VALUES..START_DIGITS).collect()
    }

    fn fill(row: &mut RowFiller<'_, '_>) -> Result<()> {
        digit_columns().try_for_each(|(value, columns)| digits::fill(row, value, columns))
    }
}

crate::impl_gate!(PathGate);

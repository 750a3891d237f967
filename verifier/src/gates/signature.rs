//! What a signature needs besides the walk, on one row: the split of the challenge's two elements
//! ([`split`]), the key's point ([`key`]) and the encoding of the walk's end ([`exit`]).
//!
//! | columns | what |
//! |---|---|
//! | 0..3, 3..6 | challenge elements h0 and h1: the element, its lower 36 bits, its upper 28 bits (routed) |
//! | 6..11 | the encoded key w (routed) |
//! | 11..21 | the key's point: x (5), y (5) (routed) |
//! | 21..31 | the walk's last point F: x (5), y (5) (routed) |
//! | 31..36 | the encoded R (routed) |
//! | 36..41 | a square root of the key's x |
//! | 41..51 | the slope of the line through T and -F, and `1 / (x_F - x_T)` (5 each) |
//! | 51..84, 84..117 | for h0 and h1: the digits and an inverse, see [`split`] |

use super::arith::Arith;
use super::curve::CurveGate;
use super::row::{Constraints, Row, RowGate};
use super::{exit, key, split};

/// Columns of the challenge's elements.
pub const SPLIT: [split::Columns; 2] = [
    split::Columns { element: 0, lo: 1, hi: 2, private: 51 },
    split::Columns { element: 3, lo: 4, hi: 5, private: 51 + split::PRIVATE },
];

/// Columns of the key.
pub const KEY: key::Columns = key::Columns { w: 6, x: 11, y: 16, t: 36 };

/// Columns of the walk's end.
pub const EXIT: exit::Columns = exit::Columns { point: 21, w: 31, slope: 41, inverse: 46 };

/// The gate; see the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignatureGate;

impl RowGate for SignatureGate {
    // By name, too, it follows the curve's gate.
    const NAME: &'static str = "CurveSignature";
    const WIRES: usize = SPLIT[1].private + split::PRIVATE;
    const DEGREE: usize = 4;
    // That of the curve's gate, with which it shares a selector.
    const SORTING_DEGREE: usize = CurveGate::SORTING_DEGREE;
    const CONSTRAINTS: usize = 2 * split::CONSTRAINTS + key::CONSTRAINTS + exit::CONSTRAINTS;
    const FILLS: bool = false;

    #[inline(always)]
    fn constraints<A: Arith>(a: &mut A, row: &impl Row<A::V>, out: &mut impl Constraints<A::V>) {
        for columns in SPLIT {
            split::constraints(a, row, columns, out);
        }
        key::constraints(a, row, KEY, out);
        exit::constraints(a, row, EXIT, out);
    }
}

crate::impl_gate!(SignatureGate);

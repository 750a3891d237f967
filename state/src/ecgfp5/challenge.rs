//! Challenge scalars: 128 hash bits as 132 signed digits.

use super::scalar::Scalar;
use crate::field::{F, to_u64};

/// Digits of a challenge.
pub const CHALLENGE_BITS: usize = 132;

/// Digits of half a challenge; the two highest of each half represent bits that are always 0.
const HALF_BITS: usize = 66;

/// A challenge: two 64-bit integers below p, h0 and h1. With `E = h0 + 2^66 h1` (132 bits, of which
/// bits 64, 65, 130 and 131 are 0), the scalar is the odd number `c = 2 E + 1 - 2^132`. That is the sum
/// of `d_i 2^i`, `d_i = 2 E_i - 1`, so that every digit is 1 or -1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Challenge {
    halves: [u64; 2],
}

impl Challenge {
    /// The challenge of the first two elements of a hash.
    pub fn new(h0: F, h1: F) -> Self {
        Self { halves: [to_u64(h0), to_u64(h1)] }
    }

    /// h0 and h1.
    pub const fn halves(&self) -> [u64; 2] {
        self.halves
    }

    /// Bit `index < 132` of E: whether digit `index` is 1 and not -1.
    pub const fn bit(&self, index: usize) -> bool {
        let (half, position) = (index / HALF_BITS, index % HALF_BITS);
        position < 64 && self.halves[half] >> position & 1 == 1
    }

    /// Digits `6 index` to `6 index + 5` together, least significant first: an odd number,
    /// -63 to 63. `index < 22`; `c` is the sum of `64^index` times these.
    pub(super) const fn six_digits(&self, index: usize) -> i8 {
        let per_half = HALF_BITS / 6;
        let bits = self.halves[index / per_half] >> (6 * (index % per_half)) & 63;
        2 * bits as i8 - 63
    }

    /// The words of -c, least significant first: `2^132 - 1 - 2 E`, a positive integer of 132 bits, since bits 130 and
    /// 131 of E are 0.
    #[cfg(feature = "node")]
    pub(crate) const fn negated(&self) -> [u64; 3] {
        let [h0, h1] = self.halves;
        let mask = (1 << (CHALLENGE_BITS - 128)) - 1;
        [!(h0 << 1), !(h0 >> 63 | h1 << 3), !(h1 >> 61) & mask]
    }

    /// The scalar c mod n.
    pub fn scalar(&self) -> Scalar {
        let two_to_66 = Scalar::from_u64(1 << 63) * Scalar::from_u64(8);
        let e = Scalar::from_u64(self.halves[0]) + two_to_66 * Scalar::from_u64(self.halves[1]);
        e + e + Scalar::ONE - two_to_66 * two_to_66
    }
}

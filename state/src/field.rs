//! The Goldilocks field, p = 2^64 - 2^32 + 1, and its canonical integer form.
//!
//! Elements are read only through [`to_u64`], never through their raw representation, which may be
//! any of the two integers that represent an element below 2^32 - 1.

use p3_field::{PrimeCharacteristicRing, PrimeField64};

/// A Goldilocks field element.
pub type F = p3_goldilocks::Goldilocks;

/// The field's order p.
pub const ORDER: u64 = <F as PrimeField64>::ORDER_U64;

/// The zero element.
pub const ZERO: F = F::new(0);

/// The one element.
pub const ONE: F = F::new(1);

/// The canonical integer of an element, below [`ORDER`].
#[inline]
pub fn to_u64(element: F) -> u64 {
    element.as_canonical_u64()
}

/// The element of an integer below [`ORDER`]; `None` for any other integer.
#[inline]
pub fn from_canonical(integer: u64) -> Option<F> {
    (integer < ORDER).then(|| F::new(integer))
}

/// The element of an integer reduced mod p. For values that are known to be small, or hashes.
#[inline]
pub fn reduce(integer: u64) -> F {
    F::from_u64(integer)
}

/// The element of a 32-bit integer, which always is canonical.
#[inline]
pub const fn from_u32(integer: u32) -> F {
    F::new(integer as u64)
}

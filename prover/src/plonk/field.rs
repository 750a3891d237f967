//! The two crates' views of one field: plonky2's elements in witnesses and proofs, p3's in kernels.
//!
//! Both represent an element by any of the integers below 2^64 that stand for it, so going from plonky2 to
//! p3 is a copy. The way back gives canonical integers.

use enfold_circuits::config::{D, F};
use p3_field::{PackedValue, PrimeField64};
use plonky2::field::extension::Extendable;
use plonky2::field::types::{Field, PrimeField64 as _};

/// A field element in the kernels.
pub(super) type G = p3_goldilocks::Goldilocks;
/// As many elements as the machine computes on at a time.
pub(super) type P = <G as p3_field::Field>::Packing;
/// An element of the extension field that challenges are drawn from.
pub(super) type E = <F as Extendable<D>>::Extension;

/// Elements of a [`P`]; divides [`ALIGN`].
pub(super) const LANES: usize = P::WIDTH;
/// Rows of matrices are padded with zeros to a multiple of this, so that they split into whole [`P`]s.
pub(super) const ALIGN: usize = 8;

/// The kernels' element of a plonky2 one.
#[inline(always)]
pub(super) fn to_kernel(element: F) -> G {
    G::new(element.to_noncanonical_u64())
}

/// The plonky2 element of a kernels' one.
#[inline(always)]
pub(super) fn from_kernel(element: G) -> F {
    F::from_canonical_u64(element.as_canonical_u64())
}

/// The elements below `2^bits` with their bits reversed.
#[inline(always)]
pub(super) fn reverse(index: usize, bits: usize) -> usize {
    if bits == 0 { 0 } else { index.reverse_bits() >> (usize::BITS as usize - bits) }
}

/// The powers of `base` below `base^count`.
pub(super) fn powers<T: Copy + std::ops::Mul<Output = T>>(one: T, base: T, count: usize) -> Vec<T> {
    std::iter::successors(Some(one), |&power| Some(power * base)).take(count).collect()
}

/// The sum of a packed value's elements.
#[inline(always)]
pub(super) fn lanes_sum(value: P) -> G {
    value.as_slice().iter().copied().sum()
}

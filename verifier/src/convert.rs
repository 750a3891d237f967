//! Values of the native specification as plonky2's, and back, through canonical integers.

use enfold_state::field;
use enfold_state::hash::Digest;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::hash::hash_types::HashOut;

use crate::field::F;

/// The circuit's element of a native one.
#[inline]
pub fn from_native(element: field::F) -> F {
    F::from_canonical_u64(field::to_u64(element))
}

/// The native element of a circuit's.
#[inline]
pub fn to_native(element: F) -> field::F {
    field::reduce(element.to_canonical_u64())
}

/// The circuit's elements of native ones.
#[inline]
pub fn from_native_array<const N: usize>(elements: [field::F; N]) -> [F; N] {
    elements.map(from_native)
}

/// The native elements of a circuit's.
#[inline]
pub fn to_native_array<const N: usize>(elements: [F; N]) -> [field::F; N] {
    elements.map(to_native)
}

/// The circuit's form of a digest.
#[inline]
pub fn from_digest(digest: Digest) -> HashOut<F> {
    HashOut { elements: digest.0.map(from_native) }
}

/// The native form of a circuit's digest.
#[inline]
pub fn to_digest(hash: HashOut<F>) -> Digest {
    Digest(hash.elements.map(to_native))
}

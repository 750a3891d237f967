//! The two crates' views of one field: plonky2's elements in witnesses and proofs, p3's in kernels.
//!
//! Both represent an element by any of the integers below 2^64 that stand for it, so going from plonky2 to
//! p3 is a copy. The way back gives canonical integers.

use enfold_circuits::config::{D, F};
use p3_field::{PackedFieldPow2, PackedValue, PrimeField64, TwoAdicField};
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

/// p3's generator of the subgroup of order `2^bits`.
pub(super) fn generator(bits: usize) -> G {
    G::two_adic_generator(bits)
}

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

/// Packs the first elements of rows: `out[j]` has every row's element j. The rows are as long as `out`, rounded up
/// to whole [`P`]s.
#[inline(always)]
pub(super) fn gather(rows: [&[G]; LANES], out: &mut [P]) {
    for (i, out) in out.chunks_mut(LANES).enumerate() {
        let columns = i * LANES..(i + 1) * LANES;
        let mut block: [P; LANES] = std::array::from_fn(|lane| *P::from_slice(&rows[lane][columns.clone()]));
        transpose(&mut block);
        out.copy_from_slice(&block[..out.len()]);
    }
}

/// Transposes a square block.
#[inline(always)]
fn transpose(block: &mut [P; LANES]) {
    let mut step = 1;
    while step < LANES {
        for i in (0..LANES).filter(|i| i & step == 0) {
            (block[i], block[i | step]) = block[i].interleave(block[i | step], step);
        }
        step *= 2;
    }
}

#[cfg(test)]
mod tests {
    use p3_field::PrimeCharacteristicRing;

    use super::*;

    #[test]
    fn gathered_rows_are_transposed() {
        let width = 3 * ALIGN;
        let elements: Vec<G> = (0..LANES * width).map(G::from_usize).collect();
        let rows: [&[G]; LANES] = std::array::from_fn(|lane| &elements[lane * width..(lane + 1) * width]);
        for used in [1, ALIGN - 1, ALIGN, ALIGN + 1, width] {
            let mut out = vec![<P as PrimeCharacteristicRing>::ZERO; used];
            gather(rows, &mut out);
            for (column, packed) in out.iter().enumerate() {
                for (lane, &element) in packed.as_slice().iter().enumerate() {
                    assert_eq!(element, G::from_usize(lane * width + column));
                }
            }
        }
    }
}

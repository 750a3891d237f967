//! Transforms of matrices between coefficients and values on a coset of the subgroup, all columns side by side.
//!
//! Rows are in bit-reversed order on both sides. A transform goes through the matrix twice: the first half transforms parts
//! of neighbouring rows, the second half takes one row of each of those. Both halves are small transforms that stay in a
//! core's cache, and what takes the values, hashing or the quotient, takes them there, part by part.
//!
//! Let `n = l h`. With `m = r + h u` a polynomial is `sum_r X^r g_r(X^h)`, and on the points `s v^p`, `p = j + l k`, it
//! is that X^h depends on j alone: the first half finds `g_r` at the l points `s^h v^(hj)`, for each r; the second half, for each
//! j, the values of `sum_r g_r X^r` at the h points `s v^j v^(lk)`.

use std::array::{from_fn, from_mut};

use p3_field::{Field, PackedValue, PrimeCharacteristicRing};
use rayon::prelude::*;

use super::field::{G, LANES, P, generator, reverse};

/// Packed columns that are computed together.
const GROUP: usize = 4;

/// Transforms of one number of rows.
#[derive(Debug)]
pub(super) struct Transforms {
    /// log2 of the rows that the first and the second half transform at a time.
    bits: [usize; 2],
    /// The roots of unity, in bit-reversed order, that all layers take their factors from; and their inverses.
    roots: [Vec<G>; 2],
}

/// One transform.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transform<'a> {
    bits: [usize; 2],
    roots: &'a [G],
    /// The generator of the points, and their shift.
    generator: G,
    shift: G,
    /// What all results are multiplied with.
    scale: G,
}

impl Transforms {
    /// Those of `2^bits` rows.
    pub(super) fn new(bits: usize) -> Self {
        // Parts of the second half are whole vectors of points, if there are as many.
        let second = bits.div_ceil(2).max(LANES.ilog2() as usize).min(bits);
        let bits = [bits - second, second];
        let layers = bits[0].max(second).saturating_sub(1);
        let root = generator(layers + 1);
        let roots = [root, root.inverse()].map(|root| {
            let power = |i| root.exp_u64(reverse(i, layers) as u64);
            (0..1 << layers).map(power).collect()
        });
        Self { bits, roots }
    }

    /// log2 of a part's rows.
    pub(super) fn part_bits(&self) -> usize {
        self.bits[1]
    }

    /// From coefficients to the values on the coset with this shift.
    pub(super) fn to_coset(&self, shift: G) -> Transform<'_> {
        let generator = generator(self.bits[0] + self.bits[1]);
        Transform { bits: self.bits, roots: &self.roots[0], generator, shift, scale: G::ONE }
    }

    /// From the values on the subgroup to coefficients.
    pub(super) fn to_coefficients(&self) -> Transform<'_> {
        let bits = self.bits[0] + self.bits[1];
        let (generator, scale) = (generator(bits).inverse(), G::ONE.div_2exp_u64(bits as u64));
        Transform { bits: self.bits, roots: &self.roots[1], generator, shift: G::ONE, scale }
    }
}

impl Transform<'_> {
    /// The first half, of a matrix with `stride` elements a row.
    pub(super) fn first_half(&self, from: &[G], stride: usize, to: &mut [G]) {
        let [bits, second] = self.bits;
        let shift = self.shift.exp_power_of_2(second);
        let parts = to.par_chunks_exact_mut(stride << bits).zip(from.par_chunks_exact(stride << bits));
        parts.for_each(|(to, from)| {
            for (row, to) in to.chunks_exact_mut(stride).enumerate() {
                to.copy_from_slice(&from[reverse(row, bits) * stride..][..stride]);
            }
            if self.scale != G::ONE {
                P::pack_slice_mut(to).iter_mut().for_each(|element| *element *= self.scale);
            }
            small(to, stride, shift, self.roots);
        });
    }

    /// A part of the second half's rows, from what the first half gives.
    pub(super) fn part(&self, half: &[G], stride: usize, part: usize, to: &mut [G]) {
        let [first, bits] = self.bits;
        for (row, to) in to.chunks_exact_mut(stride).enumerate() {
            to.copy_from_slice(&half[((reverse(row, bits) << first) + part) * stride..][..stride]);
        }
        let shift = self.shift * self.generator.exp_u64(reverse(part, first) as u64);
        small(to, stride, shift, self.roots);
    }

    /// The second half.
    pub(super) fn second_half(&self, half: &[G], stride: usize, to: &mut [G]) {
        let parts = to.par_chunks_exact_mut(stride << self.bits[1]).enumerate();
        parts.for_each(|(part, to)| self.part(half, stride, part, to));
    }
}

/// Replaces coefficients in their order by the values on the points with this shift in bit-reversed order. `roots` are as many
/// as half the rows at least. Layers go in pairs, so that values are loaded and stored once for two.
fn small(rows: &mut [G], stride: usize, shift: G, roots: &[G]) {
    let (length, bits) = (rows.len(), (rows.len() / stride).ilog2() as usize);
    let power = |layer: usize| shift.exp_power_of_2(bits - 1 - layer);
    let single = bits % 2;
    if single == 1 {
        layer(rows, power(0));
    }
    for layer in (single..bits).step_by(2) {
        let [first, second] = [layer, layer + 1].map(power);
        for (block, rows) in rows.chunks_exact_mut(length >> layer).enumerate() {
            two_layers(rows, first * roots[block], [0, 1].map(|half| second * roots[2 * block + half]));
        }
    }
}

/// A layer, which has one factor in a block of rows.
fn layer(rows: &mut [G], factor: G) {
    let rows = P::pack_slice_mut(rows);
    let (a, b) = rows.split_at_mut(rows.len() / 2);
    for (a, b) in a.iter_mut().zip(b) {
        let product = *b * factor;
        (*a, *b) = (*a + product, *a - product);
    }
}

/// A layer and the next one, which has one factor in each half of the block.
fn two_layers(rows: &mut [G], first: G, second: [G; 2]) {
    let factors = [first, second[0], second[1]].map(P::from);
    let rows = P::pack_slice_mut(rows);
    let quarter = rows.len() / 4;
    let (ab, cd) = rows.split_at_mut(2 * quarter);
    let ((a, b), (c, d)) = (ab.split_at_mut(quarter), cd.split_at_mut(quarter));
    let [a, b, c, d] = [a, b, c, d].map(|rows| rows.as_chunks_mut::<GROUP>());
    for (((a, b), c), d) in a.0.iter_mut().zip(b.0).zip(c.0).zip(d.0) {
        butterflies([a, b, c, d], factors);
    }
    for (((a, b), c), d) in a.1.iter_mut().zip(b.1).zip(c.1).zip(d.1) {
        butterflies([a, b, c, d].map(from_mut), factors);
    }
}

/// Two layers of four values, for `N` columns, step by step: so no product waits for another.
#[inline(always)]
fn butterflies<const N: usize>([a, b, c, d]: [&mut [P; N]; 4], [first, upper, lower]: [P; 3]) {
    let products: [[P; N]; 2] = [from_fn(|i| c[i] * first), from_fn(|i| d[i] * first)];
    let outer: [[P; N]; 2] = [from_fn(|i| a[i] + products[0][i]), from_fn(|i| a[i] - products[0][i])];
    let inner: [[P; N]; 2] =
        [from_fn(|i| (b[i] + products[1][i]) * upper), from_fn(|i| (b[i] - products[1][i]) * lower)];
    for i in 0..N {
        (a[i], b[i]) = (outer[0][i] + inner[0][i], outer[0][i] - inner[0][i]);
        (c[i], d[i]) = (outer[1][i] + inner[1][i], outer[1][i] - inner[1][i]);
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngCore, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::super::field::ALIGN;
    use super::*;

    /// Values are those of the polynomials, point by point, and give the coefficients back.
    #[test]
    fn values_on_cosets_and_back() {
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        for bits in 0..8 {
            let (rows, stride, shift) = (1_usize << bits, ALIGN, G::from_u64(rng.next_u64()));
            let coefficients: Vec<G> = (0..rows * stride).map(|_| G::from_u64(rng.next_u64())).collect();
            let run = |transform: Transform<'_>, from: &[G]| {
                let [mut half, mut out] = [(); 2].map(|()| vec![G::TWO; from.len()]);
                transform.first_half(from, stride, &mut half);
                transform.second_half(&half, stride, &mut out);
                out
            };
            let transforms = Transforms::new(bits);
            for shift in [G::ONE, shift] {
                let values = run(transforms.to_coset(shift), &coefficients);
                for row in 0..rows {
                    let x = shift * generator(bits).exp_u64(reverse(row, bits) as u64);
                    for column in 0..stride {
                        let coefficient = |power| coefficients[reverse(power, bits) * stride + column];
                        let expected =
                            (0..rows).rev().fold(G::ZERO, |sum, power| sum * x + coefficient(power));
                        assert_eq!(values[row * stride + column], expected, "2^{bits} rows, row {row}");
                    }
                }
                if shift == G::ONE {
                    assert_eq!(run(transforms.to_coefficients(), &values), coefficients);
                }
            }
        }
    }
}

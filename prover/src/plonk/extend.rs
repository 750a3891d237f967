//! Values of polynomials of low degree, taken from the blocks that they were computed on to all others.
//!
//! Let a polynomial have a degree below `d n`: it is `sum_{j<d} X^(jn) t_j(X)` with t_j of degree below n. On a block, a
//! coset `s H`, `X^n` is the constant `z = s^n`. So with the values on the block go the coefficients
//! `u_k = s^k sum_j z^j t_jk`, k below n, and for each k `u_k / s^k` is a polynomial in z of degree below d: its values
//! at the z of d blocks give those at the z of every other block.

use std::ops::Range;
use std::sync::Arc;

use p3_field::{Field, PrimeCharacteristicRing};
use rayon::prelude::*;

use super::buffers::Buffers;
use super::commit::stride;
use super::domain::{Domain, Powers};
use super::field::{G, reverse};

/// Rows of a task.
const TASK: usize = 1 << 8;

/// The way from the first blocks to the others.
#[derive(Debug)]
pub(super) struct Extension<'a> {
    domain: &'a Domain,
    /// For each of the first blocks the powers of `1 / s`.
    unscale: Vec<Powers>,
    /// For each of the other blocks the powers of its `s`.
    scale: Vec<Powers>,
    /// For each of the other blocks Lagrange's polynomials of the first blocks' z, at its z.
    lagrange: Vec<Vec<G>>,
}

impl<'a> Extension<'a> {
    /// From the first `known` blocks of the quotient, at least one, to the rest.
    pub(super) fn new(domain: &'a Domain, known: usize) -> Self {
        let (first, others) = domain.block_shifts[..domain.quotient_blocks()].split_at(known);
        // What all blocks have in common, the shift of the first one, cancels: s and z stand in quotients alone.
        let z = |s: &G| s.exp_power_of_2(domain.degree_bits);
        let at = |target: &G| -> Vec<G> {
            let lagrange = |own: &G| {
                let factor = |other: &G| (z(target) - z(other)) * (z(own) - z(other)).inverse();
                first.iter().filter(|&other| other != own).map(factor).product::<G>()
            };
            first.iter().map(lagrange).collect()
        };
        let powers = |base: G| Powers::new(base, domain.degree_bits);
        Self {
            domain,
            unscale: first.iter().map(|s| powers(s.inverse())).collect(),
            scale: others.iter().map(|&s| powers(s)).collect(),
            lagrange: others.iter().map(at).collect(),
        }
    }

    /// Fills some columns of a matrix with `width` elements a row, a row for each of the quotient's points in committed
    /// order, on the other blocks from what they are on the first.
    pub(super) fn fill(&self, matrix: &mut [G], width: usize, columns: Range<usize>, buffers: &Arc<Buffers>) {
        let (rows, bits, count) = (self.domain.rows(), self.domain.degree_bits, columns.len());
        let (known, others) = (self.unscale.len(), self.scale.len());
        let (first, rest) = matrix.split_at_mut(known * rows * width);

        // Blocks side by side; the others take the place of the first.
        let stride = stride(known.max(others) * count);
        let [mut values, mut half] = [(); 2].map(|()| buffers.take(rows * stride));
        values.par_chunks_exact_mut(stride).with_min_len(TASK).enumerate().for_each(|(row, out)| {
            for (block, out) in out.chunks_exact_mut(count).take(known).enumerate() {
                out.copy_from_slice(&first[(block * rows + row) * width..][columns.clone()]);
            }
        });
        let to_coefficients = self.domain.transforms.to_coefficients();
        to_coefficients.first_half(&values, stride, &mut half);
        to_coefficients.second_half(&half, stride, &mut values);
        let space = || vec![G::ZERO; known * count];
        let rows_of_coefficients = values.par_chunks_exact_mut(stride).with_min_len(TASK).enumerate();
        rows_of_coefficients.for_each_init(space, |unscaled, (row, cells)| {
            self.replace(reverse(row, bits), unscaled, cells);
        });
        let to_values = self.domain.transforms.to_coset(G::ONE);
        to_values.first_half(&values, stride, &mut half);
        to_values.second_half(&half, stride, &mut values);
        rest.par_chunks_exact_mut(width).with_min_len(TASK).enumerate().for_each(|(at, out)| {
            let (block, row) = (at >> bits, at & (rows - 1));
            out[columns.clone()].copy_from_slice(&values[row * stride + block * count..][..count]);
        });
    }

    /// Replaces the first blocks' k-th coefficients by the other blocks'.
    fn replace(&self, k: usize, unscaled: &mut [G], cells: &mut [G]) {
        let count = unscaled.len() / self.unscale.len();
        let blocks = unscaled.chunks_exact_mut(count).zip(cells.chunks_exact(count)).zip(&self.unscale);
        for ((unscaled, cells), inverse) in blocks {
            let inverse = inverse.get(k);
            unscaled.iter_mut().zip(cells).for_each(|(out, &cell)| *out = inverse * cell);
        }
        let others = cells.chunks_exact_mut(count).zip(&self.scale).zip(&self.lagrange);
        for ((cells, scale), lagrange) in others {
            let scale = scale.get(k);
            for (i, cell) in cells.iter_mut().enumerate() {
                let known = unscaled[i..].iter().step_by(count);
                *cell = scale * lagrange.iter().zip(known).map(|(&l, &u)| l * u).sum::<G>();
            }
        }
    }

    /// Multiplications for each column and each of the trace's rows, without the transforms.
    pub(super) fn multiplications(known: usize, blocks: usize) -> usize {
        known + (blocks - known) * (known + 1)
    }
}

#[cfg(test)]
mod tests {
    use p3_field::PrimeCharacteristicRing;
    use rand::{RngCore, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::super::domain::shift;
    use super::*;

    /// Polynomials of the highest degree that is allowed come back; with a degree more they do not.
    #[test]
    fn blocks_that_are_known_give_the_others() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let (bits, quotient_bits, width, columns) = (3, 3, 5, 1..4);
        let domain = Domain::new(bits, quotient_bits, quotient_bits);
        let (rows, blocks) = (1_usize << bits, 1_usize << quotient_bits);
        let point = |row: usize| domain.points[row % rows] * domain.block_shifts[row / rows];
        assert_eq!(point(0), shift());
        for known in 1..blocks {
            for excess in [0, 1] {
                let coefficients: Vec<Vec<G>> = (0..width)
                    .map(|_| (0..known * rows + excess).map(|_| G::from_u64(rng.next_u64())).collect())
                    .collect();
                let value = |row: usize, column: usize| -> G {
                    coefficients[column].iter().rev().fold(G::ZERO, |sum, &c| sum * point(row) + c)
                };
                let all: Vec<G> =
                    (0..rows * blocks * width).map(|cell| value(cell / width, cell % width)).collect();
                let mut matrix = all.clone();
                let (_, rest) = matrix.split_at_mut(known * rows * width);
                rest.chunks_exact_mut(width).for_each(|row| row[columns.clone()].fill(G::ZERO));
                Extension::new(&domain, known).fill(&mut matrix, width, columns.clone(), &Arc::default());
                assert_eq!(matrix == all, excess == 0, "{known} blocks, excess {excess}");
            }
        }
    }
}

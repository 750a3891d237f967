//! Commitments to batches of polynomials.

use std::ops::Range;
use std::sync::Arc;

use enfold_circuits::config::F;
use enfold_circuits::hash::Poseidon2Hash;
use enfold_state::hash::DIGEST_LEN;
use p3_field::PrimeCharacteristicRing;
use plonky2::field::polynomial::PolynomialCoeffs;
use plonky2::hash::merkle_proofs::MerkleProof;
use plonky2::hash::merkle_tree::MerkleCap;
use rayon::prelude::*;

use super::buffers::{Buffer, Buffers};
use super::domain::{Domain, leaf_of_row, row_of_leaf};
use super::field::{ALIGN, G, from_kernel, reverse, to_kernel};
use super::merkle::{Digest, Tree, hash_rows};
use super::transform::Transform;

/// Elements of a row in memory.
pub(super) fn stride(width: usize) -> usize {
    width.next_multiple_of(ALIGN)
}

/// Rows of a task.
const TASK: usize = 1 << 8;

/// Polynomials by their values on the committed points, one row a point, and the tree over the rows.
#[derive(Debug)]
pub(super) struct Commitment {
    /// The committed blocks; there may be more of them.
    blocks: Vec<Buffer>,
    /// Coefficients, in bit-reversed order, to evaluate on blocks whose rows are not there.
    coefficients: Option<Buffer>,
    stride: usize,
    width: usize,
    /// log2 of the committed rows.
    bits: usize,
    tree: Tree,
}

/// Rows of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a> {
    values: &'a [G],
    stride: usize,
    /// The first one.
    first: usize,
}

impl<'a> Rows<'a> {
    /// The polynomials' values at a point, and zeros up to the stride.
    #[inline(always)]
    pub(super) fn row(&self, row: usize) -> &'a [G] {
        let start = (row - self.first) * self.stride;
        &self.values[start..start + self.stride]
    }
}

/// Where rows of a block come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'a> {
    /// They are there.
    Rows(Rows<'a>),
    /// From the first half of a block's transform, the rest of which is left to be done.
    Half(Rows<'a>, Transform<'a>),
}

impl<'a> Source<'a> {
    /// Rows of one part, which are computed in `scratch` if they are not there.
    pub(super) fn part<'s>(self, part: Range<usize>, scratch: &'s mut [G]) -> Rows<'s>
    where
        'a: 's,
    {
        match self {
            Self::Rows(rows) => rows,
            Self::Half(half, transform) => {
                let stride = half.stride;
                transform.part(half.values, stride, (part.start - half.first) / part.len(), scratch);
                Rows { values: scratch, stride, first: part.start }
            }
        }
    }
}

impl Commitment {
    /// Commits to the polynomials with these values on the subgroup, in bit-reversed order: `stride(width)` elements a
    /// row, of which the first `width` count and the others are zero. `transform` may change the coefficients. Where the
    /// quotient takes more blocks than are committed, the coefficients are kept.
    pub(super) fn new(
        mut values: Buffer,
        width: usize,
        domain: &Domain,
        cap_height: usize,
        buffers: &Arc<Buffers>,
        transform: impl FnOnce(&mut [G]),
    ) -> Self {
        let (stride, length) = (stride(width), values.len());
        let mut half = buffers.take(length);
        let to_coefficients = domain.transforms.to_coefficients();
        to_coefficients.first_half(&values, stride, &mut half);
        to_coefficients.second_half(&half, stride, &mut values);
        transform(&mut values);
        let coefficients = values;

        let bits = domain.degree_bits + domain.commit_bits;
        let mut committed: Vec<_> = (0..domain.committed_blocks()).map(|_| buffers.take(length)).collect();
        let mut leaves = vec![[G::ZERO; DIGEST_LEN]; 1 << bits];
        let mut parts = by_part(&mut leaves, domain.transforms.part_bits());
        let blocks = committed.iter_mut().zip(parts.chunks_exact_mut(domain.parts()));
        for (block, (rows, leaves)) in blocks.enumerate() {
            let to_block = domain.to_block(block);
            to_block.first_half(&coefficients, stride, &mut half);
            let parts = rows.par_chunks_exact_mut(length / domain.parts()).zip(leaves).enumerate();
            // Leaves are hashed where the transform has just put them, while they are in a cache.
            parts.for_each(|(number, (rows, (part, leaves)))| {
                to_block.part(&half, stride, number, rows);
                hash_part(rows, *part, width, bits, leaves);
            });
        }
        let coefficients = (domain.committed_blocks() < domain.quotient_blocks()).then_some(coefficients);
        Self { blocks: committed, coefficients, stride, width, bits, tree: Tree::over(leaves, cap_height) }
    }

    /// Commits to polynomials, and keeps their values on the first so many blocks, of those that the quotient is
    /// computed on: on the committed ones at least. Where others are left, coefficients are kept. The tree may be known.
    pub(super) fn of_polynomials(
        polynomials: &[PolynomialCoeffs<F>],
        domain: &Domain,
        blocks: usize,
        cap_height: usize,
        tree: Option<Tree>,
    ) -> Self {
        let (width, rows, bits) = (polynomials.len(), domain.rows(), domain.degree_bits + domain.commit_bits);
        let stride = stride(width);
        let mut coefficients = G::zero_vec(rows * stride);
        coefficients.par_chunks_exact_mut(stride).with_min_len(TASK).enumerate().for_each(|(row, cells)| {
            let power = reverse(row, domain.degree_bits);
            let polynomials = cells.iter_mut().zip(polynomials);
            polynomials.for_each(|(cell, polynomial)| *cell = to_kernel(polynomial.coeffs[power]));
        });
        let mut half = G::zero_vec(rows * stride);
        let block = |block| {
            let to_block = domain.to_block(block);
            to_block.first_half(&coefficients, stride, &mut half);
            let mut values = G::zero_vec(rows * stride);
            to_block.second_half(&half, stride, &mut values);
            Buffer::from(values)
        };
        let blocks: Vec<Buffer> = (0..blocks).map(block).collect();
        let tree = tree.unwrap_or_else(|| {
            let mut leaves = vec![[G::ZERO; DIGEST_LEN]; 1 << bits];
            by_part(&mut leaves, domain.transforms.part_bits()).into_par_iter().for_each(|(part, leaves)| {
                let (block, start) = (part / domain.parts(), part % domain.parts() * leaves.len());
                let rows = &blocks[block][start * stride..(start + leaves.len()) * stride];
                hash_part(rows, part, width, bits, leaves);
            });
            Tree::over(leaves, cap_height)
        });
        let coefficients = (blocks.len() < domain.block_shifts.len()).then(|| coefficients.into());
        Self { blocks, coefficients, stride, width, bits, tree }
    }

    /// Blocks of which all rows are there.
    pub(super) fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Elements of a block.
    pub(super) fn block_len(&self) -> usize {
        self.blocks[0].len()
    }

    /// A block's rows: if they are not there, in `rows`, by way of `half`, each a block's memory.
    pub(super) fn rows<'a>(
        &'a self,
        block: usize,
        domain: &Domain,
        half: &mut [G],
        rows: &'a mut [G],
    ) -> Rows<'a> {
        let (stride, first) = (self.stride, block * domain.rows());
        let values = match self.source(block, domain, half) {
            Source::Rows(_) => &*self.blocks[block],
            Source::Half(half, transform) => {
                transform.second_half(half.values, stride, rows);
                rows
            }
        };
        Rows { values, stride, first }
    }

    /// A block's rows: if they are not there, its transform is begun in `half`, a block's memory.
    pub(super) fn source<'a>(&'a self, block: usize, domain: &'a Domain, half: &'a mut [G]) -> Source<'a> {
        let (stride, first) = (self.stride, block * domain.rows());
        match (&self.blocks.get(block), &self.coefficients) {
            (Some(values), _) => Source::Rows(Rows { values, stride, first }),
            (None, coefficients) => {
                let coefficients =
                    coefficients.as_ref().expect("there is a block, or what it is computed from");
                let to_block = domain.to_block(block);
                to_block.first_half(coefficients, stride, half);
                Source::Half(Rows { values: half, stride, first }, to_block)
            }
        }
    }

    /// The tree.
    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(super) fn cap(&self) -> MerkleCap<F, Poseidon2Hash> {
        self.tree.cap()
    }

    /// The polynomials' values at a committed point, and zeros up to the stride.
    #[inline(always)]
    pub(super) fn row(&self, row: usize) -> &[G] {
        let length = self.block_len();
        let (block, start) = (row * self.stride / length, row * self.stride % length);
        &self.blocks[block][start..start + self.stride]
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// A leaf and its path.
    pub(super) fn open(&self, leaf: usize) -> (Vec<F>, MerkleProof<F, Poseidon2Hash>) {
        let row = &self.row(row_of_leaf(leaf, self.bits))[..self.width];
        (row.iter().copied().map(from_kernel).collect(), self.tree.prove(leaf))
    }

    /// Has other committed rows, and what is said to be the tree over them.
    #[cfg(test)]
    pub(super) fn corrupt(&mut self, values: Vec<G>, tree: Tree) {
        let length = self.block_len();
        self.blocks = values.chunks(length).map(|block| block.to_vec().into()).collect();
        self.tree = tree;
    }
}

/// Leaves in chunks of `2^part_bits`, which belong to a part of the rows each, in the order of the parts.
fn by_part(leaves: &mut [Digest], part_bits: usize) -> Vec<(usize, &mut [Digest])> {
    let bits = leaves.len().ilog2() as usize;
    let part = |(at, leaves)| (row_of_leaf(at << part_bits, bits) >> part_bits, leaves);
    let mut parts: Vec<_> = leaves.chunks_mut(1 << part_bits).enumerate().map(part).collect();
    parts.sort_unstable_by_key(|&(part, _)| part);
    parts
}

/// The digests of the rows of a part; those of `bits` are committed.
fn hash_part(rows: &[G], part: usize, width: usize, bits: usize, leaves: &mut [Digest]) {
    let count = leaves.len();
    let (stride, first) = (rows.len() / count, leaf_of_row(part * count, bits) / count * count);
    let row = |leaf: usize| &rows[row_of_leaf(first + leaf, bits) % count * stride..][..stride];
    hash_rows(row, width, leaves);
}

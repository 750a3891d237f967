//! Commitments to batches of polynomials.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use enfold_circuits::config::F;
use enfold_circuits::hash::Poseidon2Hash;
use enfold_state::hash::DIGEST_LEN;
use p3_dft::{Layout, TwoAdicSubgroupDft};
use p3_field::PrimeCharacteristicRing;
use p3_matrix::dense::{RowMajorMatrix, RowMajorMatrixView, RowMajorMatrixViewMut};
use plonky2::field::polynomial::PolynomialCoeffs;
use plonky2::hash::merkle_proofs::MerkleProof;
use plonky2::hash::merkle_tree::MerkleCap;
use rayon::prelude::*;

use super::buffers::{Buffer, Buffers};
use super::domain::{DFT, Domain, leaf_of_row, row_of_leaf, shift};
use super::field::{ALIGN, G, from_kernel, reverse, to_kernel};
use super::merkle::{Digest, Tree, hash_rows};

/// Elements of a row in memory.
pub(super) fn stride(width: usize) -> usize {
    width.next_multiple_of(ALIGN)
}

/// Rows of a task.
const TASK: usize = 1 << 8;

/// Polynomials by their values on the committed points, one row a point, and the tree over the rows.
#[derive(Debug)]
pub(super) struct Commitment {
    /// The committed rows first; there may be rows of more blocks.
    values: Buffer,
    /// Coefficients, in their order, to evaluate on blocks whose rows are not there.
    coefficients: Option<Buffer>,
    stride: usize,
    width: usize,
    /// log2 of the committed rows.
    bits: usize,
    tree: Tree,
}

/// Rows of some blocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a> {
    values: &'a [G],
    stride: usize,
    /// The first one.
    first: usize,
}

impl<'a> Rows<'a> {
    /// The polynomials' values at a point of these blocks, and zeros up to the stride.
    #[inline(always)]
    pub(super) fn row(&self, row: usize) -> &'a [G] {
        let start = (row - self.first) * self.stride;
        &self.values[start..start + self.stride]
    }
}

/// Replaces a block's memory by the values there of polynomials with these coefficients.
fn evaluate(coefficients: &[G], stride: usize, shift: G, out: &mut Buffer) {
    let chunks = out.par_chunks_mut(TASK * stride).zip(coefficients.par_chunks(TASK * stride));
    chunks.for_each(|(out, coefficients)| out.copy_from_slice(coefficients));
    out.replace(|values| DFT.coset_dft_batch(RowMajorMatrix::new(values, stride), shift).inner.values);
}

impl Commitment {
    /// Commits to the polynomials with these values on the subgroup: `stride(width)` elements a row, of which
    /// the first `width` count and the others are zero. With room for the committed points, no memory is moved.
    /// `transform` may change the coefficients.
    pub(super) fn new(
        mut values: Buffer,
        width: usize,
        domain: &Domain,
        cap_height: usize,
        transform: impl FnOnce(&mut RowMajorMatrixViewMut<'_, G>, Layout),
    ) -> Self {
        let stride = stride(width);
        let bits = domain.degree_bits + domain.commit_bits;
        // Leaves are hashed where the transform has just put them, while they are in a cache. A block of rows is a
        // block of leaves, in another order.
        let blocks: OnceLock<Vec<OnceLock<Vec<Digest>>>> = OnceLock::new();
        let consumer = |height: usize| {
            let blocks =
                blocks.get_or_init(|| (0..1 << bits).step_by(height).map(|_| OnceLock::new()).collect());
            move |first: usize, block: RowMajorMatrixView<'_, G>| {
                let leaves = leaf_of_row(first, bits) / height * height;
                let row = |leaf: usize| {
                    &block.values[(row_of_leaf(leaves + leaf, bits) - first) * stride..][..stride]
                };
                blocks[leaves / height].get_or_init(|| {
                    let mut digests = vec![[G::ZERO; DIGEST_LEN]; height];
                    hash_rows(row, width, &mut digests);
                    digests
                });
            }
        };
        values.replace(|values| {
            let matrix = RowMajorMatrix::new(values, stride);
            let bits = domain.commit_bits;
            DFT.coset_lde_batch_with_blocks(matrix, bits, shift(), transform, consumer).inner.values
        });
        let blocks: Vec<Vec<Digest>> = blocks
            .into_inner()
            .into_iter()
            .flatten()
            .map(|block| block.into_inner().expect("the transform visits every row"))
            .collect();
        let height = (1 << bits) / blocks.len();
        let digest = |leaf: usize| blocks[leaf / height][leaf % height];
        let digests = (0..1 << bits).into_par_iter().with_min_len(TASK).map(digest).collect();
        let tree = Tree::over(digests, cap_height);
        Self { values, coefficients: None, stride, width, bits, tree }
    }

    /// [`Self::new`] of polynomials that the quotient is computed from. Where it takes more blocks than are committed,
    /// their coefficients are kept.
    pub(super) fn extended(
        values: Buffer,
        width: usize,
        domain: &Domain,
        cap_height: usize,
        buffers: &Arc<Buffers>,
    ) -> Self {
        let mut coefficients = (domain.committed_blocks() < domain.quotient_blocks())
            .then(|| buffers.zeros(values.len(), values.len()));
        let transform = |matrix: &mut RowMajorMatrixViewMut<'_, G>, layout: Layout| {
            let Some(coefficients) = &mut coefficients else { return };
            let (stride, bits) = (stride(width), domain.degree_bits);
            let rows = coefficients.par_chunks_exact_mut(stride).with_min_len(TASK);
            rows.enumerate().for_each(|(power, kept)| {
                let row = if matches!(layout, Layout::BitReversed) { reverse(power, bits) } else { power };
                kept.copy_from_slice(&matrix.values[row * stride..][..stride]);
            });
        };
        let committed = Self::new(values, width, domain, cap_height, transform);
        Self { coefficients, ..committed }
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
        coefficients.par_chunks_exact_mut(stride).with_min_len(TASK).enumerate().for_each(
            |(power, cells)| {
                let polynomials = cells.iter_mut().zip(polynomials);
                polynomials.for_each(|(cell, polynomial)| *cell = to_kernel(polynomial.coeffs[power]));
            },
        );
        let mut block = Buffer::from(G::zero_vec(rows * stride));
        let mut values = Vec::with_capacity(rows * stride * blocks);
        for coset in 0..blocks {
            evaluate(&coefficients, stride, domain.coset_shift(coset), &mut block);
            values.extend_from_slice(&block);
        }
        let tree = tree.unwrap_or_else(|| {
            let committed = &values[..stride << bits];
            Tree::new(committed, stride, width, cap_height, |leaf| row_of_leaf(leaf, bits))
        });
        let coefficients = (blocks < domain.block_shifts.len()).then(|| coefficients.into());
        Self { values: values.into(), coefficients, stride, width, bits, tree }
    }

    /// Blocks of which all rows are there.
    pub(super) fn blocks(&self, domain: &Domain) -> usize {
        self.values.len() / (domain.rows() * self.stride)
    }

    /// Rows of some blocks: if they are not there, of one, which is evaluated in `scratch`, a block's memory.
    pub(super) fn rows<'a>(
        &'a self,
        blocks: Range<usize>,
        domain: &Domain,
        scratch: &'a mut Buffer,
    ) -> Rows<'a> {
        let (stride, first, length) =
            (self.stride, blocks.start * domain.rows(), domain.rows() * self.stride);
        let values = match &self.coefficients {
            Some(coefficients) if blocks.end > self.blocks(domain) => {
                evaluate(coefficients, stride, domain.coset_shift(blocks.start), scratch);
                scratch
            }
            _ => &self.values[blocks.start * length..blocks.end * length],
        };
        Rows { values, stride, first }
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
        &self.values[row * self.stride..(row + 1) * self.stride]
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
        self.values = values.into();
        self.tree = tree;
    }
}

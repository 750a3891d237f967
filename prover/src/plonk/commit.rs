//! Commitments to batches of polynomials.

use std::sync::OnceLock;

use enfold_circuits::config::F;
use enfold_circuits::hash::Poseidon2Hash;
use enfold_state::hash::DIGEST_LEN;
use p3_dft::{Layout, TwoAdicSubgroupDft};
use p3_field::PrimeCharacteristicRing;
use p3_matrix::dense::{RowMajorMatrix, RowMajorMatrixView, RowMajorMatrixViewMut};
use plonky2::hash::merkle_proofs::MerkleProof;
use plonky2::hash::merkle_tree::MerkleCap;
use rayon::prelude::*;

use super::buffers::Buffer;
use super::domain::{DFT, Domain, leaf_of_row, row_of_leaf, shift};
use super::field::{ALIGN, G, from_kernel, to_kernel};
use super::merkle::{Digest, Tree, hash_rows};

/// Elements of a row in memory.
pub(super) fn stride(width: usize) -> usize {
    width.next_multiple_of(ALIGN)
}

/// Rows of a task.
const TASK: usize = 1 << 8;

fn tree_of(values: &[G], width: usize, bits: usize, cap_height: usize) -> Tree {
    Tree::new(values, stride(width), width, cap_height, |leaf| row_of_leaf(leaf, bits))
}

/// Polynomials by their values on the committed points, one row a point, and the tree over the rows.
#[derive(Debug)]
pub(super) struct Commitment {
    values: Buffer,
    stride: usize,
    width: usize,
    /// log2 of the rows.
    bits: usize,
    tree: Tree,
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
        let bits = domain.degree_bits + domain.rate_bits;
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
            let rate_bits = domain.rate_bits;
            DFT.coset_lde_batch_with_blocks(matrix, rate_bits, shift(), transform, consumer).inner.values
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
        Self { values, stride, width, bits, tree }
    }

    /// Commits to polynomials of which all committed points are there, as plonky2's leaves. The tree may be known.
    pub(super) fn of_leaves(leaves: &[Vec<F>], cap_height: usize, tree: Option<Tree>) -> Self {
        let width = leaves.first().map_or(0, Vec::len);
        let (stride, bits) = (stride(width), leaves.len().ilog2() as usize);
        let mut values = G::zero_vec(leaves.len() * stride);
        values.par_chunks_exact_mut(stride).with_min_len(TASK).enumerate().for_each(|(row, cells)| {
            let leaf = &leaves[leaf_of_row(row, bits)];
            cells.iter_mut().zip(leaf).for_each(|(cell, &element)| *cell = to_kernel(element));
        });
        let tree = tree.unwrap_or_else(|| tree_of(&values, width, bits, cap_height));
        Self { values: values.into(), stride, width, bits, tree }
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
}

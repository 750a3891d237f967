//! Commitments to batches of polynomials.

use enfold_circuits::config::{CircuitData, F};
use enfold_circuits::hash::Poseidon2Hash;
use p3_dft::{Layout, TwoAdicSubgroupDft};
use p3_matrix::dense::{RowMajorMatrix, RowMajorMatrixViewMut};
use plonky2::hash::merkle_proofs::MerkleProof;
use plonky2::hash::merkle_tree::MerkleCap;

use super::domain::{DFT, Domain, leaf_of_row, row_of_leaf, shift};
use super::field::{ALIGN, G, from_kernel, to_kernel};
use super::merkle::Tree;

/// Elements of a row in memory.
pub(super) fn stride(width: usize) -> usize {
    width.next_multiple_of(ALIGN)
}

/// Polynomials by their values on the committed points, one row a point, and the tree over the rows.
#[derive(Debug)]
pub(super) struct Commitment {
    values: Vec<G>,
    stride: usize,
    width: usize,
    /// log2 of the rows.
    bits: usize,
    tree: Tree,
}

impl Commitment {
    /// Commits to the polynomials with these values on the subgroup: `stride(width)` elements a row, of which
    /// the first `width` count and the others are zero. `transform` may change the coefficients.
    pub(super) fn new(
        values: Vec<G>,
        width: usize,
        domain: &Domain,
        cap_height: usize,
        transform: impl FnOnce(&mut RowMajorMatrixViewMut<'_, G>, Layout),
    ) -> Self {
        let stride = stride(width);
        let matrix = RowMajorMatrix::new(values, stride);
        let values =
            DFT.coset_lde_batch_with_transform(matrix, domain.rate_bits, shift(), transform).inner.values;
        let bits = domain.degree_bits + domain.rate_bits;
        let tree = Tree::new(&values, stride, width, cap_height, |leaf| row_of_leaf(leaf, bits));
        Self { values, stride, width, bits, tree }
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

/// The rows of an oracle, whoever committed to it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Oracle<'a> {
    /// Constants and sigmas, committed by plonky2 when the circuit was built.
    Stock(&'a CircuitData),
    /// Committed here.
    Own(&'a Commitment),
}

impl Oracle<'_> {
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Stock(data) => data.common.sigmas_range().end,
            Self::Own(commitment) => commitment.width(),
        }
    }

    /// A row, padded to its stride; `buffer` has room for it.
    #[inline]
    pub(super) fn row<'b>(&'b self, row: usize, buffer: &'b mut [G]) -> &'b [G] {
        match self {
            Self::Stock(data) => {
                let leaf = leaf_of_row(row, data.common.fri_params.lde_bits());
                let leaf = &data.prover_only.constants_sigmas_commitment.merkle_tree.leaves[leaf];
                buffer.iter_mut().zip(leaf).for_each(|(cell, &element)| *cell = to_kernel(element));
                buffer
            }
            Self::Own(commitment) => commitment.row(row),
        }
    }

    /// A leaf and its path.
    pub(super) fn open(&self, leaf: usize) -> (Vec<F>, MerkleProof<F, Poseidon2Hash>) {
        match self {
            Self::Stock(data) => {
                let tree = &data.prover_only.constants_sigmas_commitment.merkle_tree;
                (tree.get(leaf).to_vec(), tree.prove(leaf))
            }
            Self::Own(commitment) => commitment.open(leaf),
        }
    }
}

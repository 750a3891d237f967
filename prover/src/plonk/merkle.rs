//! Merkle trees over the rows of a matrix, hashed as many at a time as the machine's vectors hold.
//!
//! The same trees as plonky2's `MerkleTree` with [`Poseidon2Hash`]: a leaf of at most four elements is its own
//! digest, a longer one goes through an overwrite-mode sponge of rate 8 from the zero state, two digests are
//! compressed by one permutation, and the cap is the level with `2^cap_height` digests.

use enfold_circuits::config::F;
use enfold_circuits::hash::Poseidon2Hash;
use enfold_state::hash::permutation::{PackedState, permute, permute_packed};
use enfold_state::hash::{DIGEST_LEN, RATE, WIDTH};
use p3_field::{PackedValue, PrimeCharacteristicRing};
use plonky2::hash::hash_types::HashOut;
use plonky2::hash::merkle_proofs::MerkleProof;
use plonky2::hash::merkle_tree::MerkleCap;
use rayon::prelude::*;

use super::field::{G, LANES, from_kernel, gather};

/// A digest in the kernels.
pub(super) type Digest = [G; DIGEST_LEN];

/// Digests that one task computes: enough to make the task's cost disappear.
const TASK: usize = 1 << 9;

/// A tree without its leaves.
#[derive(Debug)]
pub(super) struct Tree {
    /// From the leaves' digests up to the cap.
    levels: Vec<Vec<Digest>>,
}

impl Tree {
    /// The tree over the rows of `values`, `stride` elements each, of which the first `width` count;
    /// the stride of rows that are hashed is a multiple of [`ALIGN`](super::field::ALIGN). `row_of_leaf`
    /// says which row a leaf is.
    pub(super) fn new(
        values: &[G],
        stride: usize,
        width: usize,
        cap_height: usize,
        row_of_leaf: impl Fn(usize) -> usize + Sync,
    ) -> Self {
        let rows = values.len() / stride;
        let mut level = vec![[G::ZERO; DIGEST_LEN]; rows];
        level.par_chunks_mut(TASK).enumerate().for_each(|(task, digests)| {
            let row = |leaf: usize| &values[row_of_leaf(task * TASK + leaf) * stride..][..stride];
            hash_rows(row, width, digests);
        });
        Self::over(level, cap_height)
    }

    /// The tree over leaves with these digests.
    pub(super) fn over(leaves: Vec<Digest>, cap_height: usize) -> Self {
        let mut levels = vec![leaves];
        while levels[levels.len() - 1].len() > 1 << cap_height {
            let below = &levels[levels.len() - 1];
            let mut level = vec![[G::ZERO; DIGEST_LEN]; below.len() / 2];
            level
                .par_chunks_mut(TASK)
                .zip(below.par_chunks(2 * TASK))
                .for_each(|(parents, children)| compress(children, parents));
            levels.push(level);
        }
        Self { levels }
    }

    /// A tree whose levels are known, from the leaves' digests up to the cap.
    pub(super) fn from_levels(levels: Vec<Vec<Digest>>) -> Self {
        Self { levels }
    }

    /// The levels, from the leaves' digests up to the cap.
    pub(super) fn levels(&self) -> &[Vec<Digest>] {
        &self.levels
    }

    /// The cap.
    pub(super) fn cap(&self) -> MerkleCap<F, Poseidon2Hash> {
        MerkleCap(self.levels[self.levels.len() - 1].iter().map(hash_out).collect())
    }

    /// The path from a leaf to the cap.
    pub(super) fn prove(&self, leaf: usize) -> MerkleProof<F, Poseidon2Hash> {
        let below_cap = &self.levels[..self.levels.len() - 1];
        let siblings = below_cap.iter().enumerate().map(|(i, level)| hash_out(&level[(leaf >> i) ^ 1]));
        MerkleProof { siblings: siblings.collect() }
    }
}

fn hash_out(digest: &Digest) -> HashOut<F> {
    HashOut { elements: digest.map(from_kernel) }
}

/// The digests of rows.
pub(super) fn hash_rows<'a>(row: impl Fn(usize) -> &'a [G], width: usize, digests: &mut [Digest]) {
    if width <= DIGEST_LEN {
        for (leaf, digest) in digests.iter_mut().enumerate() {
            digest[..width].copy_from_slice(&row(leaf)[..width]);
        }
        return;
    }
    let packs = digests.len() / LANES;
    for pack in 0..packs {
        let rows: [&[G]; LANES] = std::array::from_fn(|lane| row(pack * LANES + lane));
        let mut state = PackedState::ZERO;
        for start in (0..width).step_by(RATE) {
            let block = RATE.min(width - start);
            gather(rows.map(|row| &row[start..]), &mut state.0[..block]);
            permute_packed(&mut state);
        }
        unpack(&state, &mut digests[pack * LANES..(pack + 1) * LANES]);
    }
    for (leaf, digest) in digests.iter_mut().enumerate().skip(packs * LANES) {
        let mut state = [G::ZERO; WIDTH];
        for block in row(leaf)[..width].chunks(RATE) {
            state[..block.len()].copy_from_slice(block);
            permute(&mut state);
        }
        digest.copy_from_slice(&state[..DIGEST_LEN]);
    }
}

/// The parents of pairs of digests.
fn compress(children: &[Digest], parents: &mut [Digest]) {
    let (packs, rest) = parents.split_at_mut(parents.len() / LANES * LANES);
    let (packed, rest_children) = children.split_at(2 * packs.len());
    for (children, parents) in packed.chunks_exact(2 * LANES).zip(packs.chunks_exact_mut(LANES)) {
        let mut state = PackedState::ZERO;
        let pairs = children.as_flattened();
        gather(std::array::from_fn(|lane| &pairs[lane * RATE..(lane + 1) * RATE]), &mut state.0[..RATE]);
        permute_packed(&mut state);
        unpack(&state, parents);
    }
    for (children, parent) in rest_children.as_chunks::<2>().0.iter().zip(rest) {
        let mut state = [G::ZERO; WIDTH];
        state[..DIGEST_LEN].copy_from_slice(&children[0]);
        state[DIGEST_LEN..RATE].copy_from_slice(&children[1]);
        permute(&mut state);
        parent.copy_from_slice(&state[..DIGEST_LEN]);
    }
}

fn unpack(state: &PackedState, digests: &mut [Digest]) {
    for (lane, digest) in digests.iter_mut().enumerate() {
        *digest = std::array::from_fn(|i| state.0[i].as_slice()[lane]);
    }
}

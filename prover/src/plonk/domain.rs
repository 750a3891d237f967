//! The points that polynomials are committed on, and the transforms between them.
//!
//! A trace has `n` rows, polynomials of degree below `n` are given by their values on the subgroup `H` of
//! order `n`. They are committed by their values on the coset `g K`, K of order `2^rate n`, in bit-reversed
//! order: row `block n + r` holds the point `g w^reverse(block) v^reverse(r)`, `w` the generator of K, `v` that of
//! H. So each block of `n` rows is a coset of H, and the first one is `g H`.
//!
//! The quotient is computed on as many blocks as its degree asks for, which may be more than are committed: then K is
//! the larger group. `w^reverse(block)` does not depend on which of the groups has the block, so what is
//! committed are the first blocks in any case.
//!
//! p3 and plonky2 have different generators of the same groups: plonky2's is p3's to an odd power, [`RATIO`].
//! Matrices are in p3's order, bit-reversed; witnesses and leaves are in plonky2's. The functions
//! `row_of_leaf` and the others of this kind go from one to the other. Both orders of leaves have the same
//! aligned blocks, in another order, so no locality is lost.

use std::sync::LazyLock;

use enfold_circuits::config::F;
use p3_dft::{Radix2DitParallel, TwoAdicSubgroupDft};
use p3_field::{Field, PrimeCharacteristicRing};
use p3_matrix::dense::RowMajorMatrix;
use plonky2::field::types::Field as _;
use rayon::prelude::*;

use super::field::{E, G, from_kernel, generator, powers, reverse, to_kernel};
use super::transform::{Transform, Transforms};

/// Transforms with their twiddle factors, which are computed once a size.
pub(super) static DFT: LazyLock<Radix2DitParallel<G>> = LazyLock::new(Radix2DitParallel::default);

/// What power of p3's generators plonky2's are, modulo `2^32`; and the inverse.
static RATIO: LazyLock<[usize; 2]> = LazyLock::new(|| {
    let bits = <F as plonky2::field::types::Field>::TWO_ADICITY;
    let (ours, theirs) = (generator(bits), to_kernel(F::primitive_root_of_unity(bits)));
    // Bit by bit: `theirs / ours^ratio` has an order that divides `2^(bits - known)`.
    let mut ratio = 0_u64;
    for known in 0..bits {
        let rest = theirs * ours.exp_u64(ratio).inverse();
        if rest.exp_power_of_2(bits - 1 - known) != G::ONE {
            ratio |= 1 << known;
        }
    }
    // Newton's iteration doubles the bits of an inverse modulo a power of two.
    let ratio = ratio as usize;
    let inverse = (0..6)
        .fold(1_usize, |inverse, _| inverse.wrapping_mul(2_usize.wrapping_sub(ratio.wrapping_mul(inverse))));
    [ratio, inverse]
});

/// The matrix row of a trace's row.
#[inline(always)]
pub(super) fn row_of_trace(row: usize, bits: usize) -> usize {
    reverse(row.wrapping_mul(RATIO[0]) & ((1 << bits) - 1), bits)
}

/// The trace's row of a matrix row.
#[inline(always)]
pub(super) fn trace_of_row(row: usize, bits: usize) -> usize {
    reverse(row, bits).wrapping_mul(RATIO[1]) & ((1 << bits) - 1)
}

/// The matrix row of a leaf.
#[inline(always)]
pub(super) fn row_of_leaf(leaf: usize, bits: usize) -> usize {
    row_of_trace(reverse(leaf, bits), bits)
}

/// The leaf of a matrix row.
#[inline(always)]
pub(super) fn leaf_of_row(row: usize, bits: usize) -> usize {
    reverse(trace_of_row(row, bits), bits)
}

/// Rows of a task.
const TASK: usize = 1 << 10;

/// The points of a circuit; see the module.
#[derive(Debug)]
pub(super) struct Domain {
    /// log2 of the rows.
    pub(super) degree_bits: usize,
    /// log2 of the blocks that are committed: the blow-up.
    pub(super) commit_bits: usize,
    /// log2 of the blocks that the quotient is computed on.
    pub(super) quotient_bits: usize,
    /// Points of the first block.
    pub(super) points: Vec<G>,
    /// What takes the first block's points to each block's, of those that are committed or the quotient's.
    pub(super) block_shifts: Vec<G>,
    /// Transforms of a block.
    pub(super) transforms: Transforms,
    /// `1 / (x^n - 1)` for each of the quotient's blocks.
    pub(super) inverse_zerofier: Vec<G>,
    /// `L_0(x)`, of the quotient's rows.
    pub(super) first_lagrange: Vec<G>,
}

/// The shift `g` of the committed points.
pub(super) fn shift() -> G {
    to_kernel(F::coset_shift())
}

impl Domain {
    pub(super) fn new(degree_bits: usize, commit_bits: usize, quotient_bits: usize) -> Self {
        let rows = 1 << degree_bits;
        let natural = powers(shift(), generator(degree_bits), rows);
        let points: Vec<G> = (0..rows).map(|r| natural[reverse(r, degree_bits)]).collect();
        let block_bits = commit_bits.max(quotient_bits);
        let root = generator(degree_bits + block_bits);
        let block_shifts: Vec<G> =
            (0..1 << block_bits).map(|block| root.exp_u64(reverse(block, block_bits) as u64)).collect();
        let zerofier: Vec<G> = block_shifts[..1 << quotient_bits]
            .iter()
            .map(|&block| (shift() * block).exp_power_of_2(degree_bits) - G::ONE)
            .collect();
        let rows_inverse = G::from_usize(rows).inverse();
        let first_lagrange = block_shifts
            .iter()
            .zip(&zerofier)
            .flat_map(|(&block, &zerofier)| {
                let denominators: Vec<G> = points.iter().map(|&x| block * x - G::ONE).collect();
                let scale = zerofier * rows_inverse;
                p3_field::batch_multiplicative_inverse(&denominators)
                    .into_iter()
                    .map(move |inverse| scale * inverse)
            })
            .collect();
        let inverse_zerofier = zerofier.iter().map(Field::inverse).collect();
        Self {
            degree_bits,
            commit_bits,
            quotient_bits,
            points,
            block_shifts,
            transforms: Transforms::new(degree_bits),
            inverse_zerofier,
            first_lagrange,
        }
    }

    /// Rows of the trace.
    pub(super) fn rows(&self) -> usize {
        1 << self.degree_bits
    }

    /// Parts of a block that [transforms](super::transform) end with.
    pub(super) fn parts(&self) -> usize {
        1 << (self.degree_bits - self.transforms.part_bits())
    }

    /// Blocks that are committed.
    pub(super) fn committed_blocks(&self) -> usize {
        1 << self.commit_bits
    }

    /// Blocks that the quotient is computed on.
    pub(super) fn quotient_blocks(&self) -> usize {
        1 << self.quotient_bits
    }

    /// The block `s H` of points has this `s`.
    pub(super) fn coset_shift(&self, block: usize) -> G {
        shift() * self.block_shifts[block]
    }

    /// From coefficients to the values on a block.
    pub(super) fn to_block(&self, block: usize) -> Transform<'_> {
        self.transforms.to_coset(self.coset_shift(block))
    }

    /// The row of the point that the trace has after the one of `row`. It is in the same block.
    #[inline(always)]
    pub(super) fn next(&self, row: usize) -> usize {
        let mask = self.rows() - 1;
        let power = reverse(row & mask, self.degree_bits);
        (row & !mask) | reverse((power + RATIO[0]) & mask, self.degree_bits)
    }
}

/// Takes the rows of a matrix from the natural to the bit-reversed order, or back.
pub(super) fn reverse_rows<const N: usize>(rows: &[[G; N]]) -> Vec<[G; N]> {
    let bits = rows.len().ilog2() as usize;
    (0..rows.len()).into_par_iter().with_min_len(TASK).map(|r| rows[reverse(r, bits)]).collect()
}

/// Powers of an element, by one product each: those below `2^low_bits`, and powers of `base^(2^low_bits)`.
#[derive(Debug)]
pub(super) struct Powers {
    low_bits: usize,
    low: Vec<G>,
    high: Vec<G>,
}

impl Powers {
    /// The powers below `base^(2^bits)`.
    pub(super) fn new(base: G, bits: usize) -> Self {
        let low_bits = bits / 2;
        let low = powers(G::ONE, base, 1 << low_bits);
        let high = powers(G::ONE, base.exp_power_of_2(low_bits), 1 << (bits - low_bits));
        Self { low_bits, low, high }
    }

    #[inline(always)]
    pub(super) fn get(&self, power: usize) -> G {
        self.high[power >> self.low_bits] * self.low[power & ((1 << self.low_bits) - 1)]
    }
}

/// The values of a polynomial of `coefficients` on the coset `shift K`, K `2^rate_bits` times their number, in
/// the order of leaves, two elements a point.
pub(super) fn evaluate_extension(coefficients: &[E], shift: F, rate_bits: usize) -> Vec<G> {
    let rows = coefficients.len();
    let degree_bits = rows.ilog2() as usize;
    let blocks = 1 << rate_bits;
    let width = 2 * blocks;
    let root = from_kernel(generator(degree_bits + rate_bits));
    let shifts: Vec<F> =
        (0..blocks).map(|block| shift * root.exp_u64(reverse(block, rate_bits) as u64)).collect();
    // One column pair a block: its points are a coset of the small subgroup.
    let mut values = G::zero_vec(rows * width);
    values.par_chunks_mut(TASK * width).zip(coefficients.par_chunks(TASK)).enumerate().for_each(
        |(task, (rows, coefficients))| {
            let mut scales: Vec<F> = shifts.iter().map(|shift| shift.exp_u64((task * TASK) as u64)).collect();
            for (row, coefficient) in rows.chunks_exact_mut(width).zip(coefficients) {
                for ((cells, scale), shift) in
                    row.as_chunks_mut::<2>().0.iter_mut().zip(&mut scales).zip(&shifts)
                {
                    *cells = coefficient.0.map(|c| to_kernel(c * *scale));
                    *scale *= *shift;
                }
            }
        },
    );
    let values = match rows {
        1 => values,
        _ => DFT.dft_batch(RowMajorMatrix::new(values, width)).inner.values,
    };
    let mut out = G::zero_vec(values.len());
    let pairs = out.as_chunks_mut::<2>().0.par_iter_mut().with_min_len(TASK).enumerate();
    pairs.for_each(|(leaf, pair)| {
        let row = row_of_leaf(leaf, degree_bits + rate_bits);
        let (block, row) = (row >> degree_bits, row & (rows - 1));
        pair.copy_from_slice(&values[row * width + 2 * block..][..2]);
    });
    out
}

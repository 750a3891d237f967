//! The quotient of all constraints by the polynomial that vanishes on the trace's rows.

use std::sync::Arc;

use enfold_circuits::config::{CircuitData, F};
use p3_dft::Layout;
use p3_field::{Algebra, Field, PackedValue, PrimeCharacteristicRing};
use p3_matrix::dense::RowMajorMatrixViewMut;
use plonky2::hash::hash_types::HashOut;
use rayon::prelude::*;

use super::buffers::Buffers;
use super::commit::{Commitment, stride};
use super::domain::{Domain, shift};
use super::field::{G, LANES, P, gather, powers, reverse};
use super::gates::{Gates, Point, StockPoint};
use super::permutation::{Challenges, products};

/// Points of a task.
const TASK: usize = 1 << 8;

/// All that the quotient is computed from.
#[derive(Debug)]
pub(super) struct Quotient<'a> {
    pub(super) data: &'a CircuitData,
    pub(super) domain: &'a Domain,
    pub(super) gates: &'a Gates,
    pub(super) constants: &'a Commitment,
    pub(super) wires: &'a Commitment,
    pub(super) zs: &'a Commitment,
    pub(super) permutation: &'a Challenges,
    pub(super) alphas: &'a [G],
    pub(super) public_inputs_hash: &'a HashOut<F>,
}

/// One thread's space.
struct Space {
    wires: Vec<P>,
    preprocessed: Vec<P>,
    zs: Vec<P>,
    next_zs: Vec<P>,
    terms: Vec<P>,
    values: Vec<P>,
    stock: StockPoint,
}

impl Quotient<'_> {
    /// The quotients' values, one a challenge, on the blocks that they are computed on, in committed order.
    pub(super) fn values(&self) -> Vec<G> {
        let common = &self.data.common;
        let count = self.alphas.len();
        let argument_terms = count * (2 + common.num_partial_products);
        let terms = argument_terms + common.num_gate_constraints;
        let alpha_powers: Vec<Vec<G>> =
            self.alphas.iter().map(|&alpha| powers(G::ONE, alpha, terms)).collect();
        let rows = self.domain.rows() << self.domain.quotient_bits;
        let mut out = G::zero_vec(rows * count);
        let space = || Space {
            wires: vec![P::ZERO; common.config.num_wires],
            preprocessed: vec![P::ZERO; common.sigmas_range().end],
            zs: vec![P::ZERO; self.zs.width()],
            next_zs: vec![P::ZERO; count],
            terms: vec![P::ZERO; terms],
            values: vec![P::ZERO; common.num_gate_constraints],
            stock: StockPoint::default(),
        };
        out.par_chunks_mut(TASK * count).enumerate().for_each_init(space, |space, (task, out)| {
            for (pack, out) in out.chunks_exact_mut(LANES * count).enumerate() {
                let first = task * TASK + pack * LANES;
                self.fill_terms(space, first, argument_terms);
                let zerofier = P::from_fn(|lane| {
                    self.domain.inverse_zerofier[(first + lane) >> self.domain.degree_bits]
                });
                for (i, powers) in alpha_powers.iter().enumerate() {
                    let sum = P::batched_linear_combination(&space.terms, powers) * zerofier;
                    for (lane, &value) in sum.as_slice().iter().enumerate() {
                        out[lane * count + i] = value;
                    }
                }
            }
        });
        out
    }

    /// All terms at the packed point that starts at row `first`.
    #[inline(always)]
    fn fill_terms(&self, space: &mut Space, first: usize, argument_terms: usize) {
        gather(std::array::from_fn(|lane| self.constants.row(first + lane)), &mut space.preprocessed);
        gather(std::array::from_fn(|lane| self.wires.row(first + lane)), &mut space.wires);
        gather(std::array::from_fn(|lane| self.zs.row(first + lane)), &mut space.zs);
        let next = |lane| self.zs.row(self.domain.next(first + lane));
        gather(std::array::from_fn(next), &mut space.next_zs);

        let (constants, sigmas) = space.preprocessed.split_at(self.data.common.num_constants);
        let (argument, constraints) = space.terms.split_at_mut(argument_terms);
        constraints.fill(P::ZERO);
        let point = Point { wires: &space.wires, constants, public_inputs_hash: self.public_inputs_hash };
        self.gates.add_constraints(&point, &mut space.stock, &mut space.values, constraints);

        let mask = self.domain.rows() - 1;
        let x = P::from_fn(|lane| {
            let row = first + lane;
            self.domain.points[row & mask] * self.domain.block_shifts[row >> self.domain.degree_bits]
        });
        let first_lagrange = P::from_fn(|lane| self.domain.first_lagrange[first + lane]);
        let count = self.alphas.len();
        let (starts, steps) = argument.split_at_mut(count);
        for (term, &z) in starts.iter_mut().zip(&space.zs) {
            *term = first_lagrange * (z - P::ONE);
        }
        let chunk = self.data.common.quotient_degree_factor;
        let partials = self.data.common.num_partial_products;
        for i in 0..count {
            let (beta, gamma) = (self.permutation.betas[i], self.permutation.gammas[i]);
            let mut before = space.zs[i];
            let after = |k: usize| match k < partials {
                true => space.zs[count + i * partials + k],
                false => space.next_zs[i],
            };
            let chunks = space.wires[..sigmas.len()].chunks(chunk).zip(sigmas.chunks(chunk));
            let chunks = chunks.zip(self.permutation.beta_ks[i].chunks(chunk));
            for (k, ((wires, sigmas), beta_ks)) in chunks.enumerate() {
                let (numerator, denominator) = products(wires, sigmas, beta_ks, x, beta, gamma);
                let after = after(k);
                steps[i * (partials + 1) + k] = before * numerator - after * denominator;
                before = after;
            }
        }
    }
}

/// Commits to the quotients, cut into pieces of the trace's length.
///
/// The quotient is `t(X) = sum_j X^(jn) t_j(X)`. On a block, a coset `s H`, `X^n` is the constant `s^n`; so the
/// polynomial of degree below n with t's values on the block is `sum_j s^(jn) t_j`. The blocks' polynomials,
/// interpolated side by side, thus give the pieces by a small linear map on each coefficient.
pub(super) fn commit(
    values: &[G],
    count: usize,
    domain: &Domain,
    cap_height: usize,
    buffers: &Arc<Buffers>,
) -> Commitment {
    let rows = domain.rows();
    let blocks = 1 << domain.quotient_bits;
    let width = blocks * count;
    let stride = stride(width);
    let mut matrix = buffers.zeros(rows * stride, (rows << domain.rate_bits) * stride);
    matrix.par_chunks_exact_mut(stride).with_min_len(TASK).enumerate().for_each(|(row, out)| {
        let row = reverse(row, domain.degree_bits);
        for (block, out) in out.chunks_exact_mut(count).take(blocks).enumerate() {
            out.copy_from_slice(&values[(block * rows + row) * count..][..count]);
        }
    });
    let pieces = Pieces::new(count, domain);
    Commitment::new(matrix, width, domain, cap_height, |coefficients, layout| {
        pieces.replace(coefficients, matches!(layout, Layout::BitReversed), stride);
    })
}

/// Powers of an element, by one product each: those below `2^low_bits`, and powers of `base^(2^low_bits)`.
struct Powers {
    low_bits: usize,
    low: Vec<G>,
    high: Vec<G>,
}

impl Powers {
    /// The powers below `base^(2^bits)`.
    fn new(base: G, bits: usize) -> Self {
        let low_bits = bits / 2;
        let low = powers(G::ONE, base, 1 << low_bits);
        let high = powers(G::ONE, base.exp_power_of_2(low_bits), 1 << (bits - low_bits));
        Self { low_bits, low, high }
    }

    fn get(&self, power: usize) -> G {
        self.high[power >> self.low_bits] * self.low[power & ((1 << self.low_bits) - 1)]
    }
}

/// The map from blocks' coefficients to pieces'.
struct Pieces<'a> {
    count: usize,
    domain: &'a Domain,
    /// The powers of `1 / s` for each block `s H`.
    inverse_shifts: Vec<Powers>,
    /// Row j gives piece j from the blocks.
    map: Vec<Vec<G>>,
}

impl<'a> Pieces<'a> {
    fn new(count: usize, domain: &'a Domain) -> Self {
        let blocks = 1 << domain.quotient_bits;
        let inverse_shifts: Vec<G> =
            domain.block_shifts[..blocks].iter().map(|&block| (shift() * block).inverse()).collect();
        // s^n runs over g^n times the roots of unity of order `blocks`: the inverse of a Fourier matrix.
        let scale = G::from_usize(blocks).inverse();
        let inverse_powers: Vec<G> =
            inverse_shifts.iter().map(|s| s.exp_power_of_2(domain.degree_bits)).collect();
        let inverse_shifts = inverse_shifts.into_iter().map(|s| Powers::new(s, domain.degree_bits)).collect();
        let map = (0..blocks)
            .map(|j| inverse_powers.iter().map(|power| scale * power.exp_u64(j as u64)).collect())
            .collect();
        Self { count, domain, inverse_shifts, map }
    }

    /// Replaces `s^k u_k` of each block and challenge, in columns `block count + challenge`, by the pieces'
    /// coefficients, in columns `challenge blocks + piece`. Row k, or its reverse, has the k-th ones.
    fn replace(&self, coefficients: &mut RowMajorMatrixViewMut<'_, G>, reversed: bool, stride: usize) {
        let blocks = self.map.len();
        let space = || vec![G::ZERO; blocks * self.count];
        let rows = coefficients.values.par_chunks_exact_mut(stride).with_min_len(TASK).enumerate();
        rows.for_each_init(space, |unscaled, (row, cells)| {
            let power = if reversed { reverse(row, self.domain.degree_bits) } else { row };
            for (block, inverse) in self.inverse_shifts.iter().enumerate() {
                let scale = inverse.get(power);
                for i in 0..self.count {
                    unscaled[block * self.count + i] = scale * cells[block * self.count + i];
                }
            }
            for (j, map) in self.map.iter().enumerate() {
                for i in 0..self.count {
                    let terms =
                        map.iter().enumerate().map(|(block, &m)| m * unscaled[block * self.count + i]);
                    cells[i * blocks + j] = terms.sum();
                }
            }
        });
    }
}

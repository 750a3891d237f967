//! The quotient of all constraints by the polynomial that vanishes on the trace's rows.
//!
//! It takes as many blocks as its degree asks for. Those that are not committed are evaluated from coefficients, one
//! after the other in the same memory, when their turn comes.

use std::array::from_fn;
use std::ops::Range;
use std::sync::Arc;

use enfold_circuits::config::{CircuitData, F};
use p3_field::{Field, PackedValue, PrimeCharacteristicRing};
use plonky2::hash::hash_types::HashOut;
use rayon::prelude::*;

use super::buffers::{Buffer, Buffers};
use super::combine::Weights;
use super::commit::{Commitment, Rows, Source, stride};
use super::domain::{Domain, Powers};
use super::extend::Extension;
use super::field::{G, LANES, P, gather, powers, reverse};
use super::gates::{Alphas, Class, GateSpace, Gates, Sums};
use super::permutation::{Challenges, products};
use super::point::Point;

/// Rows of a task.
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

/// The polynomials on a block.
#[derive(Clone, Copy)]
struct Oracles<'a> {
    constants: Source<'a>,
    wires: Source<'a>,
    /// All rows, since those of a part have their next ones in another part.
    zs: Rows<'a>,
}

/// The polynomials on a task's rows.
#[derive(Clone, Copy)]
struct TaskRows<'a> {
    constants: Rows<'a>,
    wires: Rows<'a>,
    zs: Rows<'a>,
}

/// Memory for a block of each oracle that does not have all of them: halves of transforms, and rows of `zs`, whose half is
/// done before that of the wires is begun, in the same memory.
struct Scratch {
    constants: Buffer,
    wires: Buffer,
    zs: Buffer,
}

/// One thread's space.
struct Space {
    /// Rows of constants and wires that are not there.
    rows: [Buffer; 2],
    point: PointSpace,
}

/// Space for a point.
struct PointSpace {
    wires: Vec<P>,
    preprocessed: Vec<P>,
    zs: Vec<P>,
    next_zs: Vec<P>,
    /// Those of the permutation argument, then constraints of gates that are not extended.
    terms: Vec<P>,
    gates: GateSpace,
    /// Sums that are extended.
    extended: Vec<P>,
    /// All terms, summed up, one an alpha.
    totals: Vec<P>,
}

impl<'a> Oracles<'a> {
    /// The rows of a part, for which there is space.
    fn task<'s>(&self, part: Range<usize>, [constants, wires]: &'s mut [Buffer; 2]) -> TaskRows<'s>
    where
        'a: 's,
    {
        TaskRows {
            constants: self.constants.part(part.clone(), constants),
            wires: self.wires.part(part, wires),
            zs: self.zs,
        }
    }
}

impl Quotient<'_> {
    /// The quotients' values, one a challenge, on the blocks that they are computed on, in committed order.
    pub(super) fn values(&self, buffers: &Arc<Buffers>) -> Buffer {
        let common = &self.data.common;
        let count = self.alphas.len();
        let argument_terms = self.argument_terms();
        let all = argument_terms + common.num_gate_constraints;
        let alpha_powers: Vec<Vec<G>> = self.alphas.iter().map(|&alpha| powers(G::ONE, alpha, all)).collect();
        let terms = argument_terms + self.gates.unextended_constraints();
        let weights = Weights::new(alpha_powers.iter().map(|powers| &powers[..terms]));
        let alphas = self.gates.alphas(alpha_powers.iter().map(|powers| &powers[argument_terms..]).collect());
        let (rows, blocks) = (self.domain.rows(), self.domain.quotient_blocks());
        let mut out = buffers.take(rows * blocks * count);
        // A row for each point has the sums of the gates that are extended, one an alpha.
        let classes = self.gates.classes();
        let extended = classes.last().map_or(0, |class| class.places.end) * count;
        let width = extended.max(1);
        let mut sums = buffers.take(rows * blocks * width);
        let task = rows / self.domain.parts();
        let space = || Space {
            rows: [self.constants, self.wires].map(|oracle| buffers.take(task * stride(oracle.width()))),
            point: PointSpace {
                wires: vec![P::ZERO; common.config.num_wires],
                preprocessed: vec![P::ZERO; common.sigmas_range().end],
                zs: vec![P::ZERO; self.zs.width()],
                next_zs: vec![P::ZERO; count],
                terms: vec![P::ZERO; terms],
                gates: GateSpace::new(common.num_gate_constraints),
                extended: vec![P::ZERO; extended],
                totals: vec![P::ZERO; count],
            },
        };
        // Up to where the sums of a class are known, then on with what they give on the other blocks.
        let ends = classes.iter().map(|class| (class.known, Some(class))).chain([(blocks, None)]);
        let mut start = 0;
        let mut scratch = self.scratch(buffers);
        for (end, class) in ends {
            for block in start..end {
                let points = block * rows..(block + 1) * rows;
                let oracles = self.oracles(block, &mut scratch);
                let out = &mut out[points.start * count..points.end * count];
                let rows_here = &mut sums[points.start * width..points.end * width];
                let tasks = out.par_chunks_mut(task * count).zip(rows_here.par_chunks_mut(task * width));
                tasks.enumerate().for_each_init(space, |Space { rows, point }, (number, (out, sums))| {
                    let start = points.start + number * task;
                    let rows = oracles.task(start..start + task, rows);
                    self.fill_task(point, &rows, start, (&weights, &alphas), out, sums);
                });
            }
            if let Some(Class { known, places }) = class {
                let columns = places.start * count..places.end * count;
                Extension::new(self.domain, *known).fill(&mut sums, width, columns, buffers);
            }
            start = end;
        }
        out
    }

    /// Terms of the permutation argument, in front of those of the gates.
    fn argument_terms(&self) -> usize {
        self.alphas.len() * (2 + self.data.common.num_partial_products)
    }

    fn scratch(&self, buffers: &Arc<Buffers>) -> Scratch {
        let block = |oracle: &Commitment| match oracle.blocks() < self.domain.quotient_blocks() {
            true => buffers.take(oracle.block_len()),
            false => buffers.take(0),
        };
        Scratch { constants: block(self.constants), wires: block(self.wires), zs: block(self.zs) }
    }

    fn oracles<'s>(&'s self, block: usize, scratch: &'s mut Scratch) -> Oracles<'s> {
        let Scratch { constants, wires, zs } = scratch;
        Oracles {
            zs: self.zs.rows(block, self.domain, wires, zs),
            constants: self.constants.source(block, self.domain, constants),
            wires: self.wires.source(block, self.domain, wires),
        }
    }

    /// The quotients' values at a task's points, which start at row `start`. `sums` are its rows of what is extended.
    fn fill_task(
        &self,
        space: &mut PointSpace,
        rows: &TaskRows<'_>,
        start: usize,
        (weights, alphas): (&Weights, &Alphas),
        out: &mut [G],
        sums: &mut [G],
    ) {
        let count = self.alphas.len();
        let (points, width) = (out.len() / count, sums.len() / (out.len() / count));
        let zerofier = self.domain.inverse_zerofier[start >> self.domain.degree_bits];
        let packs = out.chunks_mut(LANES * count).zip(sums.chunks_mut(LANES * width));
        for (first, (out, sums)) in (start..start + points).step_by(LANES).zip(packs) {
            self.fill_totals(space, rows, first, weights, alphas, (sums, width));
            for (i, &total) in space.totals.iter().enumerate() {
                for (out, &value) in out.chunks_exact_mut(count).zip((total * zerofier).as_slice()) {
                    out[i] = value;
                }
            }
        }
    }

    /// The row of a lane of the packed point that starts at row `first`. Blocks that are smaller than a vector are repeated.
    #[inline(always)]
    fn row(&self, first: usize, lane: usize) -> usize {
        first + (lane & (self.domain.rows() - 1))
    }

    /// All terms, summed up, at the packed point that starts at row `first`. `sums` are its rows of what is extended.
    #[inline(always)]
    fn fill_totals(
        &self,
        space: &mut PointSpace,
        oracles: &TaskRows<'_>,
        first: usize,
        weights: &Weights,
        alphas: &Alphas,
        (sums, width): (&mut [G], usize),
    ) {
        let row = |lane| self.row(first, lane);
        gather(from_fn(|lane| oracles.constants.row(row(lane))), &mut space.preprocessed);
        gather(from_fn(|lane| oracles.wires.row(row(lane))), &mut space.wires);
        gather(from_fn(|lane| oracles.zs.row(row(lane))), &mut space.zs);
        let next = |lane| oracles.zs.row(self.domain.next(row(lane)));
        gather(from_fn(next), &mut space.next_zs);

        for (i, extended) in space.extended.iter_mut().enumerate() {
            *extended = P::from_fn(|lane| sums[(row(lane) - first) * width + i]);
        }
        self.fill_argument(space, first);
        let (_, constraints) = space.terms.split_at_mut(self.argument_terms());
        constraints.fill(P::ZERO);
        space.totals.fill(P::ZERO);
        let constants = &space.preprocessed[..self.data.common.num_constants];
        let point = Point { wires: &space.wires, constants, public_inputs_hash: self.public_inputs_hash };
        let block = first >> self.domain.degree_bits;
        let out = Sums { constraints, extended: &mut space.extended, totals: &mut space.totals };
        self.gates.add(&point, block, alphas, &mut space.gates, out);
        weights.add(&space.terms, &mut space.totals);
        for (i, extended) in space.extended.iter().enumerate() {
            for (sums, &value) in sums.chunks_exact_mut(width).zip(extended.as_slice()) {
                sums[i] = value;
            }
        }
    }

    /// The terms of the permutation argument.
    #[inline(always)]
    fn fill_argument(&self, space: &mut PointSpace, first: usize) {
        let sigmas = &space.preprocessed[self.data.common.num_constants..];
        let mask = self.domain.rows() - 1;
        let x = P::from_fn(|lane| {
            let row = self.row(first, lane);
            self.domain.points[row & mask] * self.domain.block_shifts[row >> self.domain.degree_bits]
        });
        let first_lagrange = P::from_fn(|lane| self.domain.first_lagrange[self.row(first, lane)]);
        let count = self.alphas.len();
        let (starts, steps) = space.terms.split_at_mut(count);
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
    let blocks = domain.quotient_blocks();
    let width = blocks * count;
    let stride = stride(width);
    let mut matrix = buffers.take(rows * stride);
    matrix.par_chunks_exact_mut(stride).with_min_len(TASK).enumerate().for_each(|(row, out)| {
        let (out, padding) = out.split_at_mut(width);
        padding.fill(G::ZERO);
        for (block, out) in out.chunks_exact_mut(count).enumerate() {
            out.copy_from_slice(&values[(block * rows + row) * count..][..count]);
        }
    });
    let pieces = Pieces::new(count, domain);
    Commitment::new(matrix, width, domain, cap_height, buffers, |coefficients| {
        pieces.replace(coefficients, stride);
    })
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
        let blocks = domain.quotient_blocks();
        let inverse_shifts: Vec<G> = (0..blocks).map(|block| domain.coset_shift(block).inverse()).collect();
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
    /// coefficients, in columns `challenge blocks + piece`. The reverse of row k has the k-th ones.
    fn replace(&self, coefficients: &mut [G], stride: usize) {
        let blocks = self.map.len();
        let space = || vec![G::ZERO; blocks * self.count];
        let rows = coefficients.par_chunks_exact_mut(stride).with_min_len(TASK).enumerate();
        rows.for_each_init(space, |unscaled, (row, cells)| {
            let power = reverse(row, self.domain.degree_bits);
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
